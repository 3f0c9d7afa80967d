//! Puts: extracts and facts, each committed whole or not at all.

use std::collections::BTreeMap;

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;

use crate::request_id::RequestId;
use crate::time::{SystemTime, ValidTime};

/// What a put says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum PutKind {
    /// Facts, each with its own period.
    #[default]
    Facts,
    /// Something about every key at a cutoff.
    Full,
    /// Something about its own keys at a cutoff.
    Delta,
}

/// What a missing `_valid_to` means.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OpenEnd {
    /// It is refused.
    #[default]
    Refused,
    /// The fact holds without end.
    Open,
    /// The fact holds until the next one of its key.
    UntilNext,
}

/// What becomes of several rows of one key in a full or delta.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnDuplicate {
    /// The put is refused.
    #[default]
    Refuse,
    /// The first row counts.
    First,
    /// The last row counts.
    Last,
}

/// How a cutoff was chosen; names it and moves nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
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

/// How far one partition of a source was read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Position {
    /// The source.
    pub source: String,
    /// The partition.
    pub partition: String,
    /// Counts up when the source starts its offsets anew.
    pub epoch: u64,
    /// The last offset before; 0 in claims and offset vectors.
    pub from: i64,
    /// The last offset in it.
    pub to: i64,
}

/// All of a put but its rows.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PutOptions {
    /// The context.
    pub context: String,
    /// What the put says.
    pub kind: PutKind,
    /// The instant that a full or delta is about.
    pub cutoff: Option<ValidTime>,
    /// When the source knew it; while the context is open for import.
    pub recorded_at: Option<SystemTime>,
    /// What a missing `_valid_to` means.
    pub valid_to: OpenEnd,
    /// Makes a repetition the same put; see [`RequestId`].
    pub request_id: RequestId,
    /// Why, for the log.
    pub reason: Option<String>,
    /// How far each source was read.
    pub positions: Vec<Position>,
    /// The promise that every fact with valid time up to here has been delivered.
    pub watermark: Option<ValidTime>,
    /// Whether it may add nullable columns, widen types, and leave nullable columns out.
    pub evolve: bool,
    /// Whether what is known at the cutoff is withdrawn first.
    pub replace: bool,
    /// What becomes of several rows of one key.
    pub on_duplicate: OnDuplicate,
    /// How many rows the producer counted; another number refuses the put.
    pub expected_rows: Option<u64>,
    /// Totals as the producer added them up, as decimal text, by column; another total refuses the put.
    pub totals: BTreeMap<String, String>,
    /// The newest commit to the context that the producer knows; another one refuses the put.
    pub expected_commit: Option<u64>,
    /// The snapshot that it was made from.
    pub parent: Option<String>,
    /// How the cutoff was chosen.
    pub semantics: CutoffSemantics,
}

impl PutOptions {
    /// Facts, each with its own period.
    pub fn facts(context: impl Into<String>) -> Self {
        Self { context: context.into(), ..Self::default() }
    }

    /// Something about every key at a cutoff.
    pub fn full(context: impl Into<String>, cutoff: ValidTime) -> Self {
        Self { context: context.into(), kind: PutKind::Full, cutoff: Some(cutoff), ..Self::default() }
    }

    /// Something about its own keys at a cutoff.
    pub fn delta(context: impl Into<String>, cutoff: ValidTime) -> Self {
        Self { context: context.into(), kind: PutKind::Delta, cutoff: Some(cutoff), ..Self::default() }
    }
}

/// Takes back all that was said at a cutoff.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Withdrawal {
    /// The context.
    pub context: String,
    /// The cutoff.
    pub cutoff: ValidTime,
    /// When the source knew it; while the context is open for import.
    pub recorded_at: Option<SystemTime>,
    /// Makes a repetition the same withdrawal; see [`RequestId`].
    pub request_id: RequestId,
    /// Why, for the log.
    pub reason: Option<String>,
    /// The newest commit to the context that the producer knows; another one refuses the withdrawal.
    pub expected_commit: Option<u64>,
}

impl Withdrawal {
    /// The withdrawal of a cutoff.
    pub fn of(context: impl Into<String>, cutoff: ValidTime) -> Self {
        Self {
            context: context.into(),
            cutoff,
            recorded_at: None,
            request_id: RequestId::Fresh,
            reason: None,
            expected_commit: None,
        }
    }
}

/// One of many deeds that are done in order.
#[derive(Clone, Debug)]
pub enum Deed {
    /// A put of record batches.
    Put {
        /// All of it but its rows.
        options: Box<PutOptions>,
        /// The schema of the rows.
        schema: SchemaRef,
        /// The rows.
        batches: Vec<RecordBatch>,
    },
    /// A withdrawal.
    Withdraw(Withdrawal),
}

/// What was committed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// The commit.
    pub commit: u64,
    /// The entry in it.
    pub entry: u32,
    /// The record's hash, hexadecimal.
    pub record_hash: String,
    /// Since when it is known.
    pub system_time: SystemTime,
    /// Rows that came.
    pub rows: u64,
    /// Facts that assert.
    pub asserted: u64,
    /// Facts that retract.
    pub retracted: u64,
    /// Rows that said what was known already.
    pub unchanged: u64,
    /// Rows dropped as duplicates, as the put asked.
    pub duplicates: u64,
    /// The schema version that it was put under.
    pub schema_version: u32,
    /// The id of the sealed snapshot; `None` where none was sealed.
    pub snapshot: Option<String>,
    /// Whether this was committed before, under the same request id.
    pub replayed: bool,
}
