//! The claim: what an answer rests on. Its JSON is the same through every door.

use serde::{Deserialize, Serialize};

use crate::time::{SystemTime, ValidTime};

/// What an answer rests on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claim {
    /// The store's id.
    pub store: String,
    /// The context.
    pub context: String,
    /// The valid time answered.
    pub valid_at: ValidTime,
    /// The system time answered.
    pub known_at: SystemTime,
    /// Whether the answer stays the same for ever.
    pub settled: bool,
    /// The system time up to which it does.
    pub settled_to: Option<SystemTime>,
    /// Nothing had been committed to the context by then.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub not_yet_known: bool,
    /// The newest commit that the answer has seen.
    pub record: Option<RecordClaim>,
    /// The newest snapshot at or before the valid time, as known then.
    pub snapshot: Option<SnapshotClaim>,
    /// How far each source had been read: the first sixteen.
    pub positions: Vec<PositionClaim>,
    /// How many more positions there are.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub positions_more: u32,
    /// What is known to be missing.
    pub completeness: Completeness,
    /// The schema version that answers; `None` before the first.
    pub schema_version: Option<u32>,
    /// How far the newest snapshot or watermark lies behind the valid time, seconds.
    pub behind_seconds: Option<i64>,
    /// Of an answer by offsets: the vector, and what it left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offsets: Option<OffsetsClaim>,
}

impl Claim {
    /// The claim as JSON.
    ///
    /// # Panics
    /// Never: every field has a JSON form.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("every field has a JSON form")
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the form that serde calls")]
fn is_zero(count: &u32) -> bool {
    *count == 0
}

/// A commit that a claim names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordClaim {
    /// Its number.
    pub commit: u64,
    /// The entry in it.
    pub entry: u32,
    /// The record's hash, hexadecimal.
    pub hash: String,
}

/// A snapshot that a claim names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SnapshotClaim {
    /// Its id.
    pub id: String,
    /// Its cutoff.
    pub cutoff: ValidTime,
    /// How the cutoff was chosen: `event_time`, `processing_time`, `business_effective` or `offset`.
    pub semantics: String,
    /// `full` or `delta`.
    pub kind: String,
    /// Which revision of the cutoff.
    pub revision: u32,
    /// Whether it was complete.
    pub completeness: Completeness,
}

/// How far a partition had been read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PositionClaim {
    /// The source.
    pub source: String,
    /// The partition.
    pub partition: String,
    /// Counts up when offsets start anew.
    pub epoch: u64,
    /// The last offset read; a string in JSON.
    #[serde(with = "offset")]
    pub to: i64,
}

/// The vector of an answer by offsets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OffsetsClaim {
    /// How far each partition counts: the first sixteen.
    pub vector: Vec<PositionClaim>,
    /// How many more partitions there are.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub vector_more: u32,
    /// Facts that had no position and were left out.
    pub facts_without_position: u64,
}

/// What is known to be missing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Completeness {
    /// `complete`, `partial` or `exception-bearing`.
    pub status: String,
    /// Why it is not complete.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// Offsets are strings in JSON: its numbers do not hold 64 bits everywhere.
mod offset {
    use serde::{Deserialize, Deserializer, Serializer};

    #[expect(clippy::trivially_copy_pass_by_ref, reason = "the form that serde calls")]
    pub(super) fn serialize<S: Serializer>(offset: &i64, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(offset)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<i64, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}
