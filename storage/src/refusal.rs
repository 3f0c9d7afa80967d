//! Why something handed over was refused. Nothing of it was applied.
//!
//! Rows are counted from 1, as people count them. Each message names the thing,
//! what was found and expected, and what to do where that is not plain.

mod reason;

use crate::identity::Sequence;
use crate::name::{ContextName, FieldName, IdempotencyKey};
use crate::record::Mode;
use crate::schema::{FieldType, SchemaError, SchemaVersion};
use crate::time::{ParseInstantError, SystemTime, ValidTime};

/// A mistake in what a client handed over, or a rule of its context. Mend it and send it again.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// There is no such context.
    #[error("there is no context '{0}'; create it first, or look at the list of contexts")]
    NoContext(ContextName),
    /// The context exists with another definition.
    #[error("context '{context}' exists already with another {what}")]
    ContextExists {
        /// The context.
        context: ContextName,
        /// What differs.
        what: &'static str,
    },
    /// Facts for a state context, or statements for an events context.
    #[error("context '{context}' takes {expected}; {found} was handed over")]
    Mode {
        /// The context.
        context: ContextName,
        /// What it takes.
        expected: ModeTakes,
        /// What was handed over.
        found: &'static str,
    },
    /// The columns are not a schema.
    #[error("the columns do not make a schema: {0}")]
    Schema(#[from] SchemaError),
    /// The context has no columns yet and none came.
    #[error("context '{0}' has no columns yet; declare them or put rows first")]
    NoSchema(ContextName),
    /// A column that the context does not have.
    #[error(
        "column '{column}' is not a column of context '{context}'; allow the put to evolve the schema, or leave the column out"
    )]
    UnknownColumn {
        /// The context.
        context: ContextName,
        /// The column.
        column: String,
    },
    /// A column that the context has is not there.
    #[error("column '{column}' of context '{context}' is missing; {hint}")]
    MissingColumn {
        /// The context.
        context: ContextName,
        /// The column.
        column: String,
        /// What to do.
        hint: &'static str,
    },
    /// A column of another type. Nothing is cast to make it fit.
    #[error("column '{column}' is of type {found}; expected {expected}")]
    ColumnType {
        /// The column.
        column: String,
        /// The type the context declares.
        expected: String,
        /// The type that came.
        found: String,
    },
    /// A wider type than declared.
    #[error(
        "column '{column}' is of type {found}, wider than the declared {expected}; allow the put to evolve the schema"
    )]
    Wider {
        /// The column.
        column: FieldName,
        /// The type the context declares.
        expected: FieldType,
        /// The type that came.
        found: FieldType,
    },
    /// A type that is not kept.
    #[error("column '{column}' is of type {found}, which is not kept; {hint}")]
    TypeNotKept {
        /// The column.
        column: String,
        /// The Arrow type that came.
        found: String,
        /// What to do.
        hint: &'static str,
    },
    /// A column name that is not legal.
    #[error("'{0}' is not a column name: 1 to 128 bytes without control characters, not beginning with _")]
    ColumnName(String),
    /// Two columns with one name.
    #[error("column '{0}' came twice")]
    ColumnTwice(String),
    /// Some part of a value is finer than a microsecond.
    #[error("row {row}: column '{column}' is finer than a microsecond; nothing is rounded")]
    TooFine {
        /// The row, from 1.
        row: u64,
        /// The column.
        column: String,
    },
    /// A text that is not an instant.
    #[error("row {row}: column '{column}' does not hold an instant: {why}")]
    InstantText {
        /// The row, from 1.
        row: u64,
        /// The column.
        column: String,
        /// What is wrong with it.
        why: ParseInstantError,
    },
    /// A reserved instant, or one out of range.
    #[error("row {row}: column '{column}' holds an instant out of range")]
    InstantRange {
        /// The row, from 1.
        row: u64,
        /// The column.
        column: String,
    },
    /// No value where there must be one.
    #[error("row {row}: column '{column}' is null{hint}")]
    Null {
        /// The row, from 1.
        row: u64,
        /// The column.
        column: String,
        /// Why it must not be.
        hint: &'static str,
    },
    /// One key, several rows.
    #[error(
        "{count} keys come more than once: {}; remove the duplicates, or say with on_duplicate which row counts",
        list(examples)
    )]
    DuplicateKeys {
        /// How many keys.
        count: u64,
        /// The first ten, each with its rows.
        examples: Vec<DuplicateKey>,
    },
    /// A key longer than any.
    #[error("row {row}: the key has {found} bytes; at most {} are kept", crate::key::KEY_BYTES_MAX)]
    KeyLength {
        /// The row, from 1.
        row: u64,
        /// Its length.
        found: usize,
    },
    /// A row larger than any.
    #[error("row {row} has {found} bytes; at most {} are kept", crate::row_group::ROW_BYTES_MAX)]
    RowLength {
        /// The row, from 1.
        row: u64,
        /// Its length.
        found: usize,
    },
    /// More rows or bytes than one put may bring.
    #[error("the put has {found} {what}; at most {limit} are taken at once: split it, or raise the limit")]
    TooLarge {
        /// Rows or bytes.
        what: &'static str,
        /// How many came.
        found: u64,
        /// How many are taken.
        limit: u64,
    },
    /// `_op` is neither word.
    #[error("row {row}: _op is '{found}'; expected assert or retract")]
    Op {
        /// The row, from 1.
        row: u64,
        /// What it is.
        found: String,
    },
    /// A period that is empty or inverted.
    #[error("row {row}: the period from {from} to {to} is empty or inverted")]
    Period {
        /// The row, from 1.
        row: u64,
        /// Where it begins.
        from: ValidTime,
        /// Where it ends.
        to: ValidTime,
    },
    /// No end, and nothing says what that means.
    #[error(
        "row {row}: _valid_to is null and the put does not say what that means; say valid_to open or until_next"
    )]
    NoValidTo {
        /// The row, from 1.
        row: u64,
    },
    /// An option that does not go with the kind of put.
    #[error("'{option}' does not go with a put of kind {kind}")]
    Option {
        /// The option.
        option: &'static str,
        /// The kind.
        kind: &'static str,
    },
    /// A full or delta without a cutoff.
    #[error("a put of kind {0} needs a cutoff")]
    NoCutoff(&'static str),
    /// Nothing is said at that cutoff.
    #[error("context '{context}' knows nothing at cutoff {cutoff}, so there is nothing to withdraw")]
    UnknownCutoff {
        /// The context.
        context: ContextName,
        /// The cutoff.
        cutoff: ValidTime,
    },
    /// A full of no rows that was not announced.
    #[error("the full has no rows; if every entity is really gone, say expected_rows 0")]
    EmptyFull,
    /// Another number of rows than announced.
    #[error("{found} rows came; expected_rows says {expected}")]
    ExpectedRows {
        /// As announced.
        expected: u64,
        /// As found.
        found: u64,
    },
    /// Another total than announced.
    #[error("the total of column '{column}' is {found}; {expected} was announced")]
    Total {
        /// The column.
        column: String,
        /// As announced.
        expected: String,
        /// As found.
        found: String,
    },
    /// A total of a column that has none.
    #[error("there is no total of column '{0}': it must be a decimal or integer column of the context")]
    NoTotal(String),
    /// A full that would retract too much.
    #[error(
        "the full would retract {retracted} of {known} known keys, more than the context's max_retracted allows; if that is right, say expected_rows"
    )]
    MaxRetracted {
        /// How many it would retract.
        retracted: u64,
        /// How many are known.
        known: u64,
    },
    /// A put into a context that is open for import must say when its source knew it.
    #[error("context '{0}' is open for import: each put must bring recorded_at (go_live ends import)")]
    NoRecordedAt(ContextName),
    /// A live context gives the system time itself.
    #[error("context '{0}' is live: the database gives the system time, so recorded_at is refused")]
    RecordedAt(ContextName),
    /// Import is about what was known in the past.
    #[error("recorded_at {found} is not in the past; the time is {now}")]
    RecordedAtFuture {
        /// As handed over.
        found: SystemTime,
        /// The time of the record it would go into.
        now: SystemTime,
    },
    /// Import goes forward.
    #[error("recorded_at {found} is not after {newest}, the newest in context '{context}'")]
    RecordedAtOrder {
        /// The context.
        context: ContextName,
        /// As handed over.
        found: SystemTime,
        /// The newest there is.
        newest: SystemTime,
    },
    /// Import ended before.
    #[error("context '{0}' is live already")]
    NotImporting(ContextName),
    /// One idempotency key, two puts.
    #[error("idempotency key '{key}' was used for another put, in commit {commit}; use another key")]
    IdempotencyKeyReused {
        /// The key.
        key: IdempotencyKey,
        /// The commit.
        commit: Sequence,
    },
    /// Somebody else committed to the context first.
    #[error(
        "context '{context}' was last changed in commit {found}; expected_commit says {expected}: look again and decide"
    )]
    ExpectedCommit {
        /// The context.
        context: ContextName,
        /// As handed over.
        expected: Sequence,
        /// As found.
        found: Sequence,
    },
    /// A schema version that does not exist.
    #[error("context '{context}' has no schema version {version}")]
    NoSchemaVersion {
        /// The context.
        context: ContextName,
        /// As asked for.
        version: SchemaVersion,
    },
    /// A name is taken.
    #[error("column '{0}' exists already")]
    ColumnExists(FieldName),
    /// Nothing was to be altered.
    #[error("nothing to alter: name a column to rename or a max_retracted")]
    NothingToAlter,
    /// A field of the put is out of its bounds.
    #[error("{field}: {expected}")]
    Field {
        /// The field.
        field: &'static str,
        /// What is expected.
        expected: &'static str,
    },
}

/// What a context of a mode takes, for messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ModeTakes(pub Mode);

impl std::fmt::Display for ModeTakes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self.0 {
            Mode::State => "statements (full, delta; one record is mended by a delta)",
            Mode::Events => "facts",
        })
    }
}

/// A key that came in several rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DuplicateKey {
    /// The key, as people read it.
    pub key: String,
    /// Its rows, from 1; the first ten.
    pub rows: Vec<u64>,
}

fn list(examples: &[DuplicateKey]) -> String {
    let one = |example: &DuplicateKey| {
        let rows: Vec<_> = example.rows.iter().map(u64::to_string).collect();
        format!("{} in rows {}", example.key, rows.join(", "))
    };
    examples.iter().map(one).collect::<Vec<_>>().join("; ")
}

impl Refusal {
    /// What kind of mistake it is.
    pub fn code(&self) -> crate::error::Code {
        use crate::error::Code;
        match self {
            Self::NoContext(_) | Self::UnknownCutoff { .. } | Self::NoSchemaVersion { .. } => Code::NotFound,
            Self::ContextExists { .. } | Self::IdempotencyKeyReused { .. } | Self::ColumnExists(_) => {
                Code::AlreadyExists
            }
            Self::Mode { .. }
            | Self::NoRecordedAt(_)
            | Self::RecordedAt(_)
            | Self::NotImporting(_)
            | Self::NoSchema(_)
            | Self::ExpectedCommit { .. } => Code::FailedPrecondition,
            Self::TooLarge { .. } => Code::ResourceExhausted,
            Self::Schema(_)
            | Self::UnknownColumn { .. }
            | Self::MissingColumn { .. }
            | Self::ColumnType { .. }
            | Self::Wider { .. }
            | Self::TypeNotKept { .. }
            | Self::ColumnName(_)
            | Self::ColumnTwice(_)
            | Self::TooFine { .. }
            | Self::InstantText { .. }
            | Self::InstantRange { .. }
            | Self::Null { .. }
            | Self::DuplicateKeys { .. }
            | Self::KeyLength { .. }
            | Self::RowLength { .. }
            | Self::Op { .. }
            | Self::Period { .. }
            | Self::NoValidTo { .. }
            | Self::Option { .. }
            | Self::NoCutoff(_)
            | Self::EmptyFull
            | Self::ExpectedRows { .. }
            | Self::Total { .. }
            | Self::NoTotal(_)
            | Self::MaxRetracted { .. }
            | Self::RecordedAtFuture { .. }
            | Self::RecordedAtOrder { .. }
            | Self::NothingToAlter
            | Self::Field { .. } => Code::InvalidArgument,
        }
    }
}
