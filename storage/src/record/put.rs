//! Puts and withdrawals as they stand in a record.

use serde::{Deserialize, Serialize};

use super::{Listed, SchemaWire, text};
use crate::identity::{ChunkDigest, SnapshotId};
use crate::snapshot::SnapshotHeader;
use crate::time::ValidTime;

/// How a cutoff was chosen. It names, and moves nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CutoffSemantics {
    /// All that is effective up to the cutoff.
    #[default]
    EventTime,
    /// As observed by the platform at the cutoff.
    ProcessingTime,
    /// The end of a business day in a calendar.
    BusinessEffective,
    /// A vector of source positions.
    Offset,
}

/// What a put says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PutEntry {
    /// The cutoff of a full or delta.
    #[serde(with = "text::option_valid_time", default, skip_serializing_if = "Option::is_none")]
    pub cutoff: Option<ValidTime>,
    /// How the cutoff was chosen.
    #[serde(default)]
    pub semantics: CutoffSemantics,
    /// Whether all that was said at the cutoff was withdrawn first.
    #[serde(default)]
    pub replace: bool,
    /// Schema version of the rows.
    pub schema_version: u32,
    /// The schema, if this put brought a new version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schema: Option<Listed<SchemaWire>>,
    /// The manifest of the facts; left out if there are none.
    #[serde(with = "text::option", default, skip_serializing_if = "Option::is_none")]
    pub facts: Option<ChunkDigest>,
    /// What the put amounted to.
    pub counts: Counts,
    /// How far the put has read its sources.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub positions: Option<Listed<Vec<Position>>>,
    /// The promise that all facts up to here have been delivered.
    #[serde(with = "text::option_valid_time", default, skip_serializing_if = "Option::is_none")]
    pub watermark: Option<ValidTime>,
    /// The sealed snapshot of a full or delta.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub snapshot: Option<SnapshotHeader>,
}

/// What a put amounted to, in rows and facts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Counts {
    /// Rows that the producer handed over.
    pub rows: u64,
    /// Facts that assert.
    pub asserted: u64,
    /// Facts that retract.
    pub retracted: u64,
    /// Rows that say what was known already.
    pub unchanged: u64,
    /// Rows dropped as duplicates, as the put asked.
    pub duplicates: u64,
}

/// How far a put has read one partition of a source: offsets `from` (exclusive) to `to` (inclusive).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Position {
    /// The source's name.
    pub source: String,
    /// The partition's name.
    pub partition: String,
    /// Counts up when the source starts its offsets anew.
    pub epoch: u64,
    /// The last offset before the put.
    pub from: i64,
    /// The last offset in the put.
    pub to: i64,
}

/// Takes back all that was said at a cutoff.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WithdrawEntry {
    /// The cutoff.
    #[serde(with = "text::valid_time")]
    pub cutoff: ValidTime,
    /// Schema version of the facts.
    pub schema_version: u32,
    /// The manifest of the facts; left out if there are none.
    #[serde(with = "text::option", default, skip_serializing_if = "Option::is_none")]
    pub facts: Option<ChunkDigest>,
    /// What the withdrawal amounted to.
    pub counts: Counts,
}

impl PutEntry {
    /// The id of the sealed snapshot.
    pub fn snapshot_id(&self) -> Option<SnapshotId> {
        self.snapshot.as_ref().map(SnapshotHeader::id)
    }
}
