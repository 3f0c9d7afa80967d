//! One Arrow message, its metadata checked against its body before anything is decoded.
//!
//! Invariants: nothing is allocated beyond what the metadata itself takes; what [`open`] returns lies within the
//! body, buffer by buffer, and all buffers together take no more than the body; what they claim to decompress to
//! is within the limits.

use std::ops::Range;

use arrow_ipc as fb;
use flatbuffers::{InvalidFlatbuffer, VerifierOptions};

pub use self::claims::Codec;
use self::claims::{check_claims, codec};
use super::error::{Expected, Fault};
use crate::limits::Limits;

pub(super) mod claims;

/// Tables of a column's announcement, its metadata included.
const TABLES_PER_COLUMN_MAX: usize = 16;
/// Tables around the columns: the message, the schema, the schema's metadata.
const TABLES_AROUND_MAX: usize = 1024;
/// What writers fill up buffers to, at most, bytes.
const PADDING: usize = 64;
/// How far a message may point to the same bytes twice: writers share the layout of tables.
const SHARED_METADATA_FACTOR: usize = 8;
/// What it may besides, bytes: short messages share most.
const SHARED_METADATA_BYTES: usize = 4 << 10;
/// A message that can be read.
#[derive(Debug)]
pub enum Opened<'a> {
    /// The columns.
    Schema(fb::Schema<'a>),
    /// Rows.
    Batch(Rows),
    /// The values of a dictionary.
    Dictionary {
        /// Its number.
        id: i64,
        /// Its values, one column.
        values: Rows,
    },
}

/// What a message says of its rows, all within its body.
#[derive(Debug)]
pub struct Rows {
    /// How many.
    pub length: usize,
    /// Each column's length and nulls.
    pub nodes: Vec<Node>,
    /// Where the buffers lie in the body.
    pub buffers: Vec<Range<usize>>,
    /// How many buffers each column of views has.
    pub variadic: Vec<usize>,
    /// How the buffers are compressed.
    pub codec: Option<Codec>,
}

/// A column's length and nulls.
#[derive(Clone, Copy, Debug)]
pub struct Node {
    /// Rows.
    pub length: usize,
    /// How many of them are null.
    pub nulls: usize,
}

/// Verifies the metadata of a message.
///
/// # Errors
/// It is too large, or no Arrow message.
pub fn verify<'a>(metadata: &'a [u8], limits: &Limits) -> Result<fb::Message<'a>, Fault> {
    let allowed = limits.ipc_metadata_bytes_max;
    if metadata.len() > allowed {
        return Err(limit("ipc_metadata_bytes_max", "bytes of metadata", metadata.len(), allowed));
    }
    let options = VerifierOptions {
        // The message, the schema, a field, its type and metadata.
        max_depth: limits.ipc_depth_max.saturating_add(4),
        max_tables: limits.ipc_columns_max.saturating_mul(TABLES_PER_COLUMN_MAX) + TABLES_AROUND_MAX,
        max_apparent_size: metadata.len().saturating_mul(SHARED_METADATA_FACTOR) + SHARED_METADATA_BYTES,
        ignore_missing_null_terminator: true,
    };
    #[expect(clippy::wildcard_enum_match_arm, reason = "all others say that the bytes are wrong")]
    let refused = |error| match error {
        InvalidFlatbuffer::DepthLimitReached => {
            limit("ipc_depth_max", "depth of the types", options.max_depth + 1, options.max_depth)
        }
        InvalidFlatbuffer::TooManyTables => {
            limit("ipc_columns_max", "tables of metadata", options.max_tables + 1, options.max_tables)
        }
        other => Fault::Metadata(other),
    };
    let message = fb::root_as_message_with_opts(&options, metadata).map_err(refused)?;
    if ![fb::MetadataVersion::V4, fb::MetadataVersion::V5].contains(&message.version()) {
        let expected = Expected::Words("V4 or V5");
        return Err(Fault::Number {
            what: "version of the metadata",
            expected,
            found: message.version().0.into(),
        });
    }
    Ok(message)
}

/// How long a message says its body is.
///
/// # Errors
/// It cannot be, or is more than is taken.
pub fn body_length(message: &fb::Message<'_>, limits: &Limits) -> Result<usize, Fault> {
    let found = message.bodyLength();
    let length = usize::try_from(found).map_err(|_| Fault::Number {
        what: "length of the body",
        expected: Expected::AtLeast(0),
        found,
    })?;
    let allowed = limits.ipc_body_bytes_max;
    if length > allowed {
        return Err(limit("ipc_body_bytes_max", "bytes of the body", length, allowed));
    }
    Ok(length)
}

/// Checks what a message says against its body.
///
/// # Errors
/// Something does not fit, or there is more than is taken.
pub fn open<'a>(message: fb::Message<'a>, body: &[u8], limits: &Limits) -> Result<Opened<'a>, Fault> {
    let announced = body_length(&message, limits)?;
    if announced != body.len() {
        return Err(Fault::Number {
            what: "length of the body",
            expected: Expected::Exactly(signed(body.len())),
            found: message.bodyLength(),
        });
    }
    let missing = || Fault::Kind { expected: "a message with content", found: "an empty one" };
    match message.header_type() {
        fb::MessageHeader::Schema => {
            if !body.is_empty() {
                let (expected, found) = (Expected::Exactly(0), signed(body.len()));
                return Err(Fault::Number { what: "length of a schema's body", expected, found });
            }
            Ok(Opened::Schema(message.header_as_schema().ok_or_else(missing)?))
        }
        fb::MessageHeader::RecordBatch => {
            let batch = message.header_as_record_batch().ok_or_else(missing)?;
            Ok(Opened::Batch(rows(batch, body, limits)?))
        }
        fb::MessageHeader::DictionaryBatch => {
            let dictionary = message.header_as_dictionary_batch().ok_or_else(missing)?;
            if dictionary.isDelta() {
                return Err(Fault::Kind {
                    expected: "a whole dictionary",
                    found: "a delta of one; send it whole, or the column as plain values",
                });
            }
            let values = rows(dictionary.data().ok_or_else(missing)?, body, limits)?;
            Ok(Opened::Dictionary { id: dictionary.id(), values })
        }
        other => Err(Fault::Kind {
            expected: "a schema, a dictionary or a record batch",
            found: other.variant_name().unwrap_or("an unknown kind"),
        }),
    }
}

fn rows(batch: fb::RecordBatch<'_>, body: &[u8], limits: &Limits) -> Result<Rows, Fault> {
    let missing = |found| Fault::Kind { expected: "a record batch with nodes and buffers", found };
    let length = row_count("rows", batch.length(), limits)?;
    let mut nodes = Vec::new();
    for (index, node) in batch.nodes().ok_or_else(|| missing("no nodes"))?.iter().enumerate() {
        let length = row_count("rows of a column", node.length(), limits)?;
        let nulls = usize::try_from(node.null_count()).ok().filter(|nulls| *nulls <= length);
        let nulls = nulls.ok_or(Fault::Entry {
            what: "nulls of node",
            index,
            expected: Expected::Within(0, node.length()),
            found: node.null_count(),
        })?;
        nodes.push(Node { length, nulls });
    }
    let mut buffers = Vec::new();
    let mut total = 0_usize;
    for (index, buffer) in batch.buffers().ok_or_else(|| missing("no buffers"))?.iter().enumerate() {
        let span = span(index, buffer, body.len())?;
        // A buffer given twice would be decoded twice.
        total = total.saturating_add(span.len());
        buffers.push(span);
    }
    if total > body.len() {
        let (expected, found) = (Expected::Within(0, signed(body.len())), signed(total));
        return Err(Fault::Number { what: "bytes of all buffers", expected, found });
    }
    // Arrays keep the whole body alive: what no buffer needs would be held, and counted nowhere.
    let padded = buffers.iter().map(|span| span.len().next_multiple_of(PADDING) + PADDING).sum::<usize>();
    if body.len() > padded {
        let (expected, found) = (Expected::Within(0, signed(padded)), signed(body.len()));
        return Err(Fault::Number { what: "bytes of the body", expected, found });
    }
    let mut variadic = Vec::new();
    for (index, found) in batch.variadicBufferCounts().iter().flatten().enumerate() {
        let count = usize::try_from(found).ok().filter(|count| *count <= buffers.len());
        variadic.push(count.ok_or(Fault::Entry {
            what: "buffers of view",
            index,
            expected: Expected::Within(0, signed(buffers.len())),
            found,
        })?);
    }
    let codec = codec(&batch, limits)?;
    if codec.is_some() {
        check_claims(&buffers, body, limits)?;
    }
    Ok(Rows { length, nodes, buffers, variadic, codec })
}

fn row_count(what: &'static str, found: i64, limits: &Limits) -> Result<usize, Fault> {
    let length =
        usize::try_from(found).map_err(|_| Fault::Number { what, expected: Expected::AtLeast(0), found })?;
    let allowed = limits.ipc_rows_max;
    if length > allowed { Err(limit("ipc_rows_max", what, length, allowed)) } else { Ok(length) }
}

fn span(index: usize, buffer: &fb::Buffer, body: usize) -> Result<Range<usize>, Fault> {
    let within = |what, found: i64, room: usize| {
        usize::try_from(found).ok().filter(|value| *value <= room).ok_or(Fault::Entry {
            what,
            index,
            expected: Expected::Within(0, signed(room)),
            found,
        })
    };
    let offset = within("offset of buffer", buffer.offset(), body)?;
    let length = within("length of buffer", buffer.length(), body - offset)?;
    Ok(offset..offset + length)
}

/// A limit that was run into.
pub(super) fn limit(limit: &'static str, what: &'static str, found: usize, allowed: usize) -> Fault {
    Fault::Limit { limit, what, found: found as u64, allowed: allowed as u64 }
}

/// A length as errors carry it.
pub(super) fn signed(length: usize) -> i64 {
    i64::try_from(length).unwrap_or(i64::MAX)
}
