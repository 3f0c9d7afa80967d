//! Why an Arrow message is refused.

use std::error::Error as _;

use arrow_schema::ArrowError;
use tonic::Status;

use crate::status::{self, Field};

/// Why an Arrow message is refused. The sender mends the message, or sends less at once.
#[derive(Debug, thiserror::Error)]
#[error("arrow message {message}: {fault}")]
pub struct IpcError {
    /// Which message, from 0: the schema's.
    pub message: u64,
    /// What is wrong with it.
    pub fault: Fault,
}

impl IpcError {
    /// The error as gRPC carries it: `RESOURCE_EXHAUSTED` where a limit was run into, else `INVALID_ARGUMENT`.
    pub fn status(&self) -> Status {
        if let Some(limit) = self.limit() {
            return status::exhausted(limit, self, None);
        }
        let mut what = self.fault.to_string();
        let mut source = self.fault.source();
        while let Some(error) = source {
            what = format!("{what}: {error}");
            source = error.source();
        }
        // Some errors of Arrow's span lines.
        let what = what.split_whitespace().collect::<Vec<_>>().join(" ");
        status::invalid(Field(&format!("arrow message {}", self.message)), what)
    }

    /// The limit that was run into, if it was one, as in the settings.
    pub fn limit(&self) -> Option<&'static str> {
        if let Fault::Limit { limit, .. } = self.fault { Some(limit) } else { None }
    }
}

/// What is wrong with an Arrow message.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// More than is taken. Send less at once.
    #[error("{what}: {found} found, at most {allowed} taken ({limit}): send less in one message")]
    Limit {
        /// The limit, as in the settings.
        limit: &'static str,
        /// What there is too much of.
        what: &'static str,
        /// How much was found, or announced.
        found: u64,
        /// How much is taken.
        allowed: u64,
    },
    /// The bytes end within a message, or do not begin one.
    #[error("expected {expected} at byte {at}, found {found}")]
    Framing {
        /// What should be there.
        expected: &'static str,
        /// Where, from the beginning of the stream.
        at: usize,
        /// What is there.
        found: i64,
    },
    /// The metadata is not a flatbuffer of Arrow's.
    #[error("the metadata is no Arrow message")]
    Metadata(#[source] flatbuffers::InvalidFlatbuffer),
    /// Another kind of message should be here.
    #[error("expected {expected}, found {found}")]
    Kind {
        /// Which kind.
        expected: &'static str,
        /// The kind found.
        found: &'static str,
    },
    /// A number in the metadata that cannot be.
    #[error("{what}: expected {expected}, found {found}")]
    Number {
        /// What the number says.
        what: &'static str,
        /// What it should be.
        expected: Expected,
        /// What it is.
        found: i64,
    },
    /// A number of one of the message's buffers or nodes that cannot be.
    #[error("{what} {index}: expected {expected}, found {found}")]
    Entry {
        /// What the number says of it.
        what: &'static str,
        /// Which buffer or node, from 0.
        index: usize,
        /// What it should be.
        expected: Expected,
        /// What it is.
        found: i64,
    },
    /// Bodies are taken uncompressed.
    #[error("the body is compressed, which is not taken here: send it plain and let gRPC compress the call")]
    Compressed,
    /// A buffer does not decompress to what it claims.
    #[error("buffer {index}: expected {expected} bytes of {codec}, which it does not decompress to")]
    Decompress {
        /// Which buffer, from 0.
        index: usize,
        /// Bytes claimed.
        expected: usize,
        /// The compression.
        codec: &'static str,
    },
    /// A column whose type is not kept.
    #[error("column {column:?}: type {found} is not taken: {hint}")]
    Type {
        /// The column.
        column: String,
        /// Its type.
        found: String,
        /// What to send in its place.
        hint: &'static str,
    },
    /// A column whose announcement cannot be.
    #[error("column {column:?}: {what}: expected {expected}, found {found}")]
    Parameter {
        /// The column.
        column: String,
        /// What was announced of it.
        what: &'static str,
        /// What it should be.
        expected: Expected,
        /// What it is.
        found: i64,
    },
    /// A buffer is shorter than the column's rows need.
    #[error("column {column:?}: its {buffer} should take at least {expected} bytes, but takes {found}")]
    Short {
        /// The column.
        column: String,
        /// Which of its buffers.
        buffer: &'static str,
        /// Bytes needed.
        expected: u64,
        /// Bytes there.
        found: usize,
    },
    /// A dictionary that is not known, or not of the column's type.
    #[error("column {column:?}: dictionary {id} was not sent before it is used")]
    NoDictionary {
        /// The column.
        column: String,
        /// The dictionary.
        id: i64,
    },
    /// Values that Arrow does not take.
    #[error("column {column:?}: its values are not valid")]
    Values {
        /// The column.
        column: String,
        /// What is wrong with them.
        #[source]
        source: ArrowError,
    },
    /// Columns that make no batch.
    #[error("its columns make no batch")]
    Batch(#[source] ArrowError),
    /// The decoder met what it did not expect.
    #[error("its content makes no sense to the decoder")]
    Panicked,
}

/// What a number should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected {
    /// Exactly this.
    Exactly(i64),
    /// Between the two, inclusive.
    Within(i64, i64),
    /// At least this.
    AtLeast(i64),
    /// What the words say.
    Words(&'static str),
}

impl std::fmt::Display for Expected {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Exactly(value) => value.fmt(f),
            Self::Within(from, to) => write!(f, "{from} to {to}"),
            Self::AtLeast(from) => write!(f, "at least {from}"),
            Self::Words(words) => f.write_str(words),
        }
    }
}
