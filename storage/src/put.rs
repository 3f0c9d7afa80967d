//! What producers hand over, and its preparation: everything that can be checked
//! and computed without knowing the newest head of the log.
//!
//! Invariants: nothing is cast to make it fit; a put is refused whole; rows come
//! out sorted by key, normalised, hashed.

mod arrange;
mod evolve;
mod flatten;
mod prepare;
mod system_columns;
mod totals;

use std::collections::BTreeMap;

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;

pub use evolve::evolve;
pub use prepare::{Extract, prepare};

use crate::identity::{Sequence, SnapshotId};
use crate::name::{ContextName, IdempotencyKey, Principal, Reason};
use crate::record::{CutoffSemantics, Position};
use crate::time::{SystemTime, ValidTime};

/// What one put may bring at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PutLimits {
    /// Rows.
    pub rows_max: u64,
    /// Bytes that the values take in memory.
    pub bytes_max: u64,
}

impl Default for PutLimits {
    fn default() -> Self {
        Self { rows_max: 20_000_000, bytes_max: 4 << 30 }
    }
}

/// What a missing `_valid_to` means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OpenEnd {
    /// No end.
    Open,
    /// Until the resolved piece that holds the beginning ends, or the next one begins.
    UntilNext,
}

/// What a put says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PutKind {
    /// Facts, each with its own period.
    Facts {
        /// What a missing `_valid_to` means; `None`: it is refused.
        valid_to: Option<OpenEnd>,
    },
    /// Something about every key at a cutoff.
    Full {
        /// The cutoff.
        cutoff: ValidTime,
    },
    /// Something about its own keys at a cutoff.
    Delta {
        /// The cutoff.
        cutoff: ValidTime,
    },
}

impl PutKind {
    /// The kind's name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Facts { .. } => "facts",
            Self::Full { .. } => "full",
            Self::Delta { .. } => "delta",
        }
    }

    /// The cutoff of a full or delta.
    pub const fn cutoff(self) -> Option<ValidTime> {
        match self {
            Self::Facts { .. } => None,
            Self::Full { cutoff } | Self::Delta { cutoff } => Some(cutoff),
        }
    }
}

/// What to do with several rows of one key in a full or delta.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnDuplicate {
    /// Refuse the put.
    #[default]
    Refuse,
    /// Keep the first row.
    First,
    /// Keep the last row.
    Last,
}

/// A put.
#[derive(Clone, Debug)]
pub struct Put {
    /// Into which context.
    pub context: ContextName,
    /// What it says.
    pub kind: PutKind,
    /// The columns of its rows.
    pub schema: SchemaRef,
    /// Its rows.
    pub batches: Vec<RecordBatch>,
    /// The rest.
    pub options: PutOptions,
}

/// What goes with a put.
#[derive(Clone, Debug)]
pub struct PutOptions {
    /// Who claims to put it.
    pub principal: Principal,
    /// What makes a repetition the same put.
    pub idempotency_key: Option<IdempotencyKey>,
    /// Why.
    pub reason: Option<Reason>,
    /// When its source knew it: required while the context is open for import, else refused.
    pub recorded_at: Option<SystemTime>,
    /// How the cutoff was chosen.
    pub semantics: CutoffSemantics,
    /// How far it has read its sources.
    pub positions: Vec<Position>,
    /// The promise that all facts up to here have been delivered.
    pub watermark: Option<ValidTime>,
    /// Whether it may add nullable columns, widen, and leave nullable columns out.
    pub evolve: bool,
    /// Whether it withdraws first what is known at its cutoff.
    pub replace: bool,
    /// What to do with several rows of one key.
    pub on_duplicate: OnDuplicate,
    /// How many rows its producer counted.
    pub expected_rows: Option<u64>,
    /// Totals of decimal or integer columns as its producer added them up, as decimal text.
    pub totals: BTreeMap<String, String>,
    /// The newest commit that the producer knows to concern the context; another one refuses the put.
    pub expected_commit: Option<Sequence>,
    /// The snapshot it was made from.
    pub parent: Option<SnapshotId>,
}

impl Default for PutOptions {
    fn default() -> Self {
        Self {
            principal: Principal::local(),
            idempotency_key: None,
            reason: None,
            recorded_at: None,
            semantics: CutoffSemantics::default(),
            positions: Vec::new(),
            watermark: None,
            evolve: false,
            replace: false,
            on_duplicate: OnDuplicate::default(),
            expected_rows: None,
            totals: BTreeMap::new(),
            expected_commit: None,
            parent: None,
        }
    }
}
