//! Sealed snapshots.

use crate::claim::Completeness;
use crate::time::{SystemTime, ValidTime};

/// A sealed snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// Its id.
    pub id: String,
    /// The context.
    pub context: String,
    /// `full` or `delta`.
    pub kind: String,
    /// Its cutoff.
    pub cutoff: ValidTime,
    /// How the cutoff was chosen: `event_time`, `processing_time`, `business_effective` or `offset`.
    pub semantics: String,
    /// Since when it is known.
    pub known_at: SystemTime,
    /// Which revision of the cutoff.
    pub revision: u32,
    /// How many rows it has.
    pub rows: u64,
    /// Its schema version.
    pub schema_version: u32,
    /// What is known to be missing.
    pub completeness: Completeness,
    /// How it was reconciled; `none` until reconciliation is built.
    pub reconciliation: String,
    /// The snapshot that it was made from.
    pub parent: Option<String>,
    /// Hexadecimal.
    pub content_root: String,
    /// The digest of its lineage, hexadecimal.
    pub lineage: String,
    /// The commit that sealed it.
    pub commit: u64,
    /// The entry in it.
    pub entry: u32,
    /// Who sealed it.
    pub principal: String,
    /// Why.
    pub reason: Option<String>,
}
