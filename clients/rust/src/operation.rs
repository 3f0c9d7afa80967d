//! Work that takes longer than a request should.

use crate::time::Instant;

/// How an operation stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum OperationState {
    /// It runs.
    Running,
    /// It came to its end.
    Done,
    /// It failed.
    Failed,
    /// It was stopped.
    Cancelled,
}

/// An operation of a server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operation {
    /// Kept while the server runs, and among the newest hundred.
    pub id: String,
    /// What it does: `verify`.
    pub kind: String,
    /// How it stands.
    pub state: OperationState,
    /// When it began.
    pub started_at: Instant,
    /// When it ended.
    pub ended_at: Option<Instant>,
    /// What it is looking at.
    pub step: String,
    /// How much of [`Self::total`] is done, within the step.
    pub done: u64,
    /// How much there is to do, within the step.
    pub total: u64,
    /// Why it failed.
    pub error: Option<String>,
    /// What a verification found, once it is done.
    pub verify_report: Option<VerifyReport>,
    /// Who started it.
    pub principal: String,
}

/// What a verification found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifyReport {
    /// The level of the verification.
    pub level: u32,
    /// Records that were looked at.
    pub records: u64,
    /// The Merkle root over them, hexadecimal.
    pub root: String,
    /// Packs that were looked at.
    pub packs: u64,
    /// Bytes that were read.
    pub bytes: u64,
    /// Chunks that were looked at.
    pub chunks: u64,
    /// Snapshots that were compared.
    pub snapshots: u64,
    /// Keyframes that were compared.
    pub keyframes: u64,
    /// The first thousand findings.
    pub findings: Vec<VerifyFinding>,
    /// How many there are in all.
    pub findings_total: u64,
}

/// Something that is not what it claims to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifyFinding {
    /// The object or claim.
    pub object: String,
    /// What is wrong with it.
    pub what: String,
}
