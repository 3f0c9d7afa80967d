//! Contexts: what the store keeps state about.

use crate::put::Receipt;
use crate::question::Point;
use crate::request_id::RequestId;
use crate::time::SystemTime;
use crate::value::Column;

/// How state reaches a context.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum CaptureMode {
    /// Statements for a cutoff: fulls and deltas.
    #[default]
    State,
    /// Facts, each with its period.
    Events,
}

impl CaptureMode {
    /// `state` or `events`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::State => "state",
            Self::Events => "events",
        }
    }
}

/// A version of a context's columns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SchemaVersion {
    /// Its number.
    pub version: u32,
    /// Since when it is in force.
    pub since: SystemTime,
    /// Its columns, in order.
    pub columns: Vec<Column>,
}

/// A context as it is now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Context {
    /// Its name.
    pub name: String,
    /// Names of the key columns, in the key's order.
    pub key: Vec<String>,
    /// How state reaches it.
    pub mode: CaptureMode,
    /// Whether it was created open for import.
    pub import: bool,
    /// Whether it still is.
    pub importing: bool,
    /// The greatest share of known keys that a full may retract, in millionths.
    pub max_retracted_ppm: Option<u32>,
    /// In order; empty before the first put where no columns were declared.
    pub schema_versions: Vec<SchemaVersion>,
    /// The system time up to which nothing can be added any more; `None` before the first commit.
    pub settled_to: Option<SystemTime>,
    /// How many entries there are.
    pub entries: u64,
    /// How many puts.
    pub puts: u64,
    /// How many withdrawals.
    pub withdrawals: u64,
    /// How many cutoffs are known.
    pub cutoffs: u64,
    /// How many keyframes.
    pub keyframes: u64,
    /// The newest commit that concerns it.
    pub newest_commit: Option<u64>,
}

/// A context to be created.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewContext {
    /// Its name.
    pub name: String,
    /// Names of the key columns, in the key's order.
    pub key: Vec<String>,
    /// How state reaches it.
    pub mode: CaptureMode,
    /// Whether history is imported first, with its own system times, until it goes live.
    pub import: bool,
    /// The greatest share of known keys that a full may retract, in millionths.
    pub max_retracted_ppm: Option<u32>,
    /// Its columns; empty: taken from the first put.
    pub columns: Vec<Column>,
    /// Why, for the log.
    pub reason: Option<String>,
}

/// What came of creating a context.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Created {
    /// The context.
    pub context: Context,
    /// False where the same context was there already.
    pub created: bool,
    /// Of the entry that created it.
    pub receipt: Receipt,
}

/// A change to a context.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Alteration {
    /// The context.
    pub context: String,
    /// A column's name, and its new one.
    pub rename: Option<(String, String)>,
    /// The greatest share of known keys that a full may retract, in millionths.
    pub max_retracted_ppm: Option<u32>,
    /// Why, for the log.
    pub reason: Option<String>,
    /// Makes a repetition the same request; see [`RequestId`].
    pub request_id: RequestId,
}

/// The end of an import.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct GoLive {
    /// The context.
    pub context: String,
    /// Why, for the log.
    pub reason: Option<String>,
    /// Makes a repetition the same request; see [`RequestId`].
    pub request_id: RequestId,
}

/// What came of a change to a context.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Altered {
    /// The context as it is now.
    pub context: Context,
    /// The commit that changed it.
    pub commit: u64,
    /// What was committed.
    pub receipt: Receipt,
}

/// What came of writing a keyframe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Materialised {
    /// The commit.
    pub commit: u64,
    /// The entry in it.
    pub entry: u32,
    /// The point of the keyframe.
    pub point: Point,
    /// What was committed.
    pub receipt: Receipt,
}
