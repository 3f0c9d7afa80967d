//! Records of the log: compact JSON, so that an auditor reads them with any tool.
//!
//! These structs are the form on disk. Invariants: a record reads back to the very
//! bytes it was written as (what does not is refused); it never exceeds
//! [`BYTES_MAX`]; every field is bounded, and a list that is too long for the record
//! is an object of its own, named by digest. FORMAT.md, section "Records".

mod put;
mod schema;
mod text;

pub use put::{Counts, CutoffSemantics, Position, PutEntry, WithdrawEntry};
pub use schema::{ClassWire, FieldWire, SchemaWire};

use serde::{Deserialize, Serialize};

use crate::identity::{ChunkDigest, Nonce, PackDigest, PutDigest, RecordHash, Sequence};
use crate::merkle::{LogHash, TreeHash};
use crate::name::{ContextName, IdempotencyKey, Principal, Reason};
use crate::time::{SystemTime, ValidTime};

/// Bytes of the largest record: C2SP tlog-tiles bounds a leaf at 64 KiB.
pub const BYTES_MAX: usize = 60 * 1024;
/// Version of the form.
pub const FORMAT: u32 = 1;
/// A list whose JSON is longer goes to an object of its own.
pub const INLINE_LIST_BYTES_MAX: usize = 4 * 1024;
/// Packs that one entry may add.
pub const PACKS_MAX: usize = 64;

/// An atomic, durable, numbered, chained batch of entries: one group commit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Record {
    /// Version of the form.
    pub format: u32,
    /// The record's number, which is its slot.
    #[serde(with = "text::sequence")]
    pub sequence: Sequence,
    /// When its writer's clock said it was written, or a microsecond after the newest time before it.
    #[serde(with = "text::system_time")]
    pub wall_time: SystemTime,
    /// The leaf hash of the record before.
    #[serde(with = "text::display")]
    pub prev: RecordHash,
    /// Drawn by its writer.
    #[serde(with = "text::display")]
    pub nonce: Nonce,
    /// What it brings, in order.
    pub entries: Vec<Entry>,
}

/// One put, or one other deed, in a record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// Which context it concerns.
    #[serde(with = "text::display")]
    pub context: ContextName,
    /// When the database knows it from.
    #[serde(with = "text::system_time")]
    pub system_time: SystemTime,
    /// Who claims to have put it.
    #[serde(with = "text::display")]
    pub principal: Principal,
    /// What makes a repetition the same put.
    #[serde(with = "text::option", default, skip_serializing_if = "Option::is_none")]
    pub idempotency_key: Option<IdempotencyKey>,
    /// What was put.
    #[serde(with = "text::option", default, skip_serializing_if = "Option::is_none")]
    pub put_digest: Option<PutDigest>,
    /// Why.
    #[serde(with = "text::option", default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
    /// Packs that came with it.
    #[serde(with = "text::list", default, skip_serializing_if = "Vec::is_empty")]
    pub packs: Vec<PackDigest>,
    /// What it does.
    pub body: Body,
}

/// What an entry does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Body {
    /// Creates the context.
    Create(CreateEntry),
    /// Changes what may be changed about a context.
    Alter(AlterEntry),
    /// Ends import for good.
    GoLive(GoLiveEntry),
    /// Appends facts.
    Facts(PutEntry),
    /// Says something about every key at a cutoff.
    Full(PutEntry),
    /// Says something about its own keys at a cutoff.
    Delta(PutEntry),
    /// Takes back all that was said at a cutoff.
    Withdraw(WithdrawEntry),
    /// Names a keyframe.
    Materialise(MaterialiseEntry),
}

/// How state reaches a context.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Statements for a cutoff.
    State,
    /// Facts.
    Events,
}

/// Creates a context.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CreateEntry {
    /// How state reaches it.
    pub mode: Mode,
    /// Names of the key columns, in the key's order.
    pub key: Vec<String>,
    /// Whether it starts open for import.
    pub import: bool,
    /// The greatest share of known keys that a full may retract, in millionths.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_retracted_ppm: Option<u32>,
    /// Its columns; left out if the first put shall bring them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schema: Option<Listed<SchemaWire>>,
}

/// Changes a context.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AlterEntry {
    /// The schema after the change, if it changes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schema: Option<Listed<SchemaWire>>,
    /// The share after the change, in millionths.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_retracted_ppm: Option<u32>,
}

/// Ends import.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GoLiveEntry {}

/// Names a keyframe: the resolved pieces that hold `valid_at` or begin later, as known at `known_at`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MaterialiseEntry {
    /// Its valid time.
    #[serde(with = "text::valid_time")]
    pub valid_at: ValidTime,
    /// Its system time.
    #[serde(with = "text::system_time")]
    pub known_at: SystemTime,
    /// How many entries of the context, from the first on, it covers.
    pub covers: u32,
    /// Schema version of its rows.
    pub schema_version: u32,
    /// Its manifest; left out if nothing is known at that point.
    #[serde(with = "text::option", default, skip_serializing_if = "Option::is_none")]
    pub manifest: Option<ChunkDigest>,
    /// Packs of others that hold some of its chunks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub relies_on: Option<Listed<Vec<String>>>,
}

/// A list in the record, or in an object of its own if it is long.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Listed<T> {
    /// The list itself.
    Inline(T),
    /// The digest of a list chunk in one of the entry's packs.
    #[serde(with = "text::display")]
    Object(ChunkDigest),
}

impl<T> Listed<T> {
    /// The list, if it is here.
    pub fn inline(&self) -> Option<&T> {
        match self {
            Self::Inline(list) => Some(list),
            Self::Object(_) => None,
        }
    }
}

/// Why bytes are not a record. The slot is damaged, or was written by a newer program.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ReadRecordError {
    /// Longer than any record.
    #[error("the record has {0} bytes; a record has at most {BYTES_MAX}")]
    TooLong(usize),
    /// Not JSON of a record.
    #[error("the bytes are not a record")]
    Json(#[source] serde_json::Error),
    /// A form that this program does not know. Use a newer one.
    #[error("record form {0} is newer than this program, which reads form {FORMAT}")]
    Newer(u32),
    /// Nothing at its end says what it should hash to.
    #[error("the bytes are not a record: they do not end in a checksum")]
    NoChecksum,
    /// It reads, but some bit of it is another.
    #[error("the record's checksum is {found:08x}, expected {expected:08x}")]
    Checksum {
        /// As stored.
        expected: u32,
        /// As computed.
        found: u32,
    },
    /// It reads, but was not written like this.
    #[error("the bytes are not in the one form of their record")]
    NotCanonical,
}

impl Record {
    /// The record's bytes.
    ///
    /// # Panics
    /// Never: every field has a JSON form.
    pub fn to_bytes(&self) -> Vec<u8> {
        seal(serde_json::to_vec(self).expect("every field has a JSON form"))
    }

    /// Reads a record.
    ///
    /// # Errors
    /// [`ReadRecordError`] if the bytes are not a record in its one form.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ReadRecordError> {
        if bytes.len() > BYTES_MAX {
            return Err(ReadRecordError::TooLong(bytes.len()));
        }
        let Some((json, expected)) = unseal(bytes) else {
            return Err(newer(bytes).unwrap_or(ReadRecordError::NoChecksum));
        };
        let record: Self = serde_json::from_slice(&json)
            .map_err(|error| newer(bytes).unwrap_or(ReadRecordError::Json(error)))?;
        if record.format != FORMAT {
            return Err(ReadRecordError::Newer(record.format));
        }
        let found = crc32fast::hash(&json);
        match () {
            () if serde_json::to_vec(&record).ok() != Some(json) => Err(ReadRecordError::NotCanonical),
            () if found != expected => Err(ReadRecordError::Checksum { expected, found }),
            () => Ok(record),
        }
    }
}

/// What stands between the last member of a sealed JSON object and its checksum.
const SEAL: &[u8] = b",\"checksum\":\"";
/// Bytes of a seal: the above, eight digits, a quotation mark and a brace.
const SEAL_BYTES: usize = SEAL.len() + 10;

/// Adds the checksum of a JSON object to it, as its last member: nothing else vouches for the newest record, whose
/// hash stands in no other.
pub fn seal(mut json: Vec<u8>) -> Vec<u8> {
    let checksum = crc32fast::hash(&json);
    json.pop();
    json.extend_from_slice(SEAL);
    json.extend_from_slice(format!("{checksum:08x}\"}}").as_bytes());
    json
}

/// Takes a sealed JSON object apart: the object without its checksum, and the checksum.
pub(crate) fn unseal(bytes: &[u8]) -> Option<(Vec<u8>, u32)> {
    let (body, end) = bytes.split_at_checked(bytes.len().checked_sub(SEAL_BYTES)?)?;
    let digits = end.strip_prefix(SEAL)?.strip_suffix(b"\"}")?;
    let checksum = u32::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
    let json = [body, b"}"].concat();
    // Eight lower-case digits and nothing else.
    (format!("{checksum:08x}").as_bytes() == digits).then_some((json, checksum))
}

fn newer(bytes: &[u8]) -> Option<ReadRecordError> {
    #[derive(Deserialize)]
    struct Head {
        format: u32,
    }
    let head: Head = serde_json::from_slice(bytes).ok()?;
    (head.format > FORMAT).then_some(ReadRecordError::Newer(head.format))
}

/// The leaf hash of a record's bytes.
pub fn record_hash(bytes: &[u8]) -> RecordHash {
    RecordHash::new(LogHash::leaf(bytes))
}

#[cfg(test)]
mod tests;
