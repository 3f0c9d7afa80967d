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

/// What the answer to a statement of SQL rests on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatementClaim {
    /// The store's id.
    pub store: String,
    /// Whether the answer stays the same for ever: all that it reads is settled.
    pub settled: bool,
    /// The least system time up to which what it reads is settled; `None` if it reads nothing that is known.
    pub settled_to: Option<SystemTime>,
    /// The claim of each context at each of its points, in the order of the plan: the first eight.
    pub reads: Vec<Claim>,
    /// How many more there are.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub reads_more: u32,
}

impl StatementClaim {
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

#[cfg(test)]
mod tests {
    use super::*;

    const BARE: &str = r#"{"store":"s","context":"loans","valid_at":"2026-03-31T00:00:00.000000Z","known_at":"2026-04-01T00:00:00.000000Z","settled":false,"settled_to":null,"record":null,"snapshot":null,"positions":[],"completeness":{"status":"partial","reason":"no full"},"schema_version":null,"behind_seconds":null}"#;
    const FULL: &str = r#"{"store":"s","context":"loans","valid_at":"2026-03-31T00:00:00.000000Z","known_at":"2026-04-01T00:00:00.000000Z","settled":true,"settled_to":"2026-04-01T00:00:00.000000Z","not_yet_known":true,"record":{"commit":7,"entry":0,"hash":"aa"},"snapshot":{"id":"bb","cutoff":"2026-03-31T00:00:00.000000Z","semantics":"event_time","kind":"full","revision":1,"completeness":{"status":"complete"}},"positions":[{"source":"kafka","partition":"0","epoch":1,"to":"9007199254740993"}],"positions_more":2,"completeness":{"status":"complete"},"schema_version":3,"behind_seconds":-4,"offsets":{"vector":[],"vector_more":1,"facts_without_position":5}}"#;

    #[test]
    fn a_claim_has_one_form_in_json() {
        for text in [BARE, FULL] {
            let claim: Claim = serde_json::from_str(text).unwrap();
            assert_eq!(claim.to_json(), text);
        }
    }

    #[test]
    fn so_has_the_claim_of_a_statement() {
        let read = r#""store":"s","settled":true,"settled_to":"2026-04-01T00:00:00.000000Z","reads":["#;
        for text in [
            r#"{"store":"s","settled":true,"settled_to":null,"reads":[]}"#.to_owned(),
            format!("{{{read}{FULL},{FULL}],\"reads_more\":3}}"),
        ] {
            let claim: StatementClaim = serde_json::from_str(&text).unwrap();
            assert_eq!(claim.to_json(), text);
        }
    }
}
