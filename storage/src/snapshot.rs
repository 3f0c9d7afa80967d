//! Snapshot headers: sealed claims, named by the hash of exactly what they say.
//!
//! No chunk, pack, record number or nonce is in a header, so that the same claim
//! has the same id wherever it is kept.

use serde::{Deserialize, Serialize};

use crate::identity::SnapshotId;
use crate::record::CutoffSemantics;

/// Version of the header.
pub const HEADER_FORMAT: u32 = 1;

/// Whether a snapshot has all it should have, and what is known to be missing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Completeness {
    /// All of it, and that was checked.
    Complete,
    /// Not all of it, or not checked; why.
    Partial(String),
    /// All of it, with disagreements; which.
    ExceptionBearing(String),
}

/// `complete`, or the word and the reason.
impl std::fmt::Display for Completeness {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Complete => f.write_str("complete"),
            Self::Partial(reason) => write!(f, "partial: {reason}"),
            Self::ExceptionBearing(reason) => write!(f, "exception-bearing: {reason}"),
        }
    }
}

impl Completeness {
    /// Partial for a reason.
    pub fn partial(reason: &str) -> Self {
        Self::Partial(reason.to_owned())
    }
}

/// Whether rules between contexts were checked. Until they are built: not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reconciliation {
    /// No rule was checked.
    None,
}

/// The kind of a snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SnapshotKind {
    /// All entities' state at the cutoff.
    Full,
    /// The statements of a delta extract.
    Delta,
}

impl SnapshotKind {
    /// The kind's name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Delta => "delta",
        }
    }
}

/// What a snapshot claims. Its JSON, compact and in this order, is what its id is the hash of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SnapshotHeader {
    /// Version of the header.
    pub format: u32,
    /// The store's id.
    pub store: String,
    /// The context.
    pub context: String,
    /// How the cutoff was chosen.
    pub semantics: CutoffSemantics,
    /// The cutoff, microseconds, which is also the snapshot's valid time.
    pub cutoff: i64,
    /// Its system time, microseconds: the entry's.
    pub known_at: i64,
    /// Schema version of its rows.
    pub schema_version: u32,
    /// Full or delta.
    pub kind: SnapshotKind,
    /// Counts per context and cutoff, from 1, across withdrawals.
    pub revision: u32,
    /// The snapshot that it was made from, if its producer says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<String>,
    /// Merkle root over its rows.
    pub content_root: String,
    /// How many rows.
    pub rows: u64,
    /// What is known to be missing.
    pub completeness: Completeness,
    /// Whether rules between contexts were checked.
    pub reconciliation: Reconciliation,
    /// BLAKE3 over the JSON of who asserted it and from which positions.
    pub lineage: String,
}

impl SnapshotHeader {
    /// The snapshot's name.
    ///
    /// # Panics
    /// Never: every field has a JSON form.
    pub fn id(&self) -> SnapshotId {
        let json = serde_json::to_vec(self).expect("every field has a JSON form");
        SnapshotId::new(blake3::hash(&json).into())
    }
}
