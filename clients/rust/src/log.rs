//! The log of records.

use bytes::Bytes;

use crate::put::Position;
use crate::time::{Instant, SystemTime, ValidTime};

/// The store in a few lines: who it is, how far the log goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// Where the store lies, as the server names it.
    pub store: String,
    /// The store's id.
    pub store_id: String,
    /// How many records there are.
    pub records: u64,
    /// The newest commit; `None` before the first.
    pub newest_commit: Option<u64>,
    /// The newest time of the log.
    pub newest_time: Option<SystemTime>,
    /// The newest record's hash, hexadecimal; empty before the first.
    pub newest_record_hash: String,
    /// The Merkle root over all records (RFC 9162), hexadecimal.
    pub root: String,
    /// How many contexts there are.
    pub contexts: u64,
    /// How many packs.
    pub packs: u64,
    /// How many bytes the packs have.
    pub pack_bytes: u64,
    /// How many chunks.
    pub chunks: u64,
    /// Where the server keeps its index.
    pub index: String,
    /// The server's version.
    pub server_version: String,
}

/// A record: a leaf of the Merkle tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogRecord {
    /// Its number.
    pub commit: u64,
    /// Its hash, hexadecimal.
    pub hash: String,
    /// When it was committed by the server's clock.
    pub wall_time: Instant,
    /// The record's bytes as they are stored, where asked for: hash = SHA-256(0x00, bytes). Else empty.
    pub bytes: Bytes,
    /// Its entries, in order.
    pub entries: Vec<LogEntry>,
}

/// An entry of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogEntry {
    /// The commit.
    pub commit: u64,
    /// The place in it.
    pub entry: u32,
    /// The record's hash, hexadecimal.
    pub record_hash: String,
    /// The context.
    pub context: String,
    /// Since when it is known.
    pub system_time: SystemTime,
    /// `create`, `alter`, `go_live`, `facts`, `full`, `delta`, `withdraw` or `materialise`.
    pub kind: String,
    /// The cutoff that it speaks about.
    pub cutoff: Option<ValidTime>,
    /// Of puts and withdrawals.
    pub counts: Option<EntryCounts>,
    /// The schema version; `None` where the entry has none.
    pub schema_version: Option<u32>,
    /// The id of the sealed snapshot.
    pub snapshot: Option<String>,
    /// Who did it.
    pub principal: String,
    /// Why.
    pub reason: Option<String>,
    /// The request id that it was done under.
    pub request_id: Option<String>,
    /// How far each source was read.
    pub positions: Vec<Position>,
    /// The watermark that it promised.
    pub watermark: Option<ValidTime>,
}

/// What a put or withdrawal came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EntryCounts {
    /// Rows that came.
    pub rows: u64,
    /// Facts that assert.
    pub asserted: u64,
    /// Facts that retract.
    pub retracted: u64,
    /// Rows that said what was known already.
    pub unchanged: u64,
    /// Rows dropped as duplicates.
    pub duplicates: u64,
}

/// Which records are listed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RecordsQuestion {
    /// Only records that concern this context, and only its entries; `None`: all.
    pub context: Option<String>,
    /// The first commit; `None`: the first there is, or, newest first, the last.
    pub from: Option<u64>,
    /// Whether the newest come first.
    pub newest_first: bool,
    /// Whether the records' bytes come too.
    pub with_bytes: bool,
}

/// Where a watch begins.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Since {
    /// The context's first entry.
    #[default]
    Beginning,
    /// Entries of commits after this one.
    Commit(u64),
    /// After the message that carried this token.
    Token(String),
}

/// A message of a watch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WatchEvent {
    /// What was committed; `None` in a sign of life, which says how far the server has read.
    pub entry: Option<LogEntry>,
    /// The newest commit read so far.
    pub commit: u64,
    /// Where to go on after this message, also from another process.
    pub resume_token: String,
}
