//! What the buffers of a compressed body claim to decompress to.
//!
//! Invariant: a claim that passes is within the limits, alone and with all others of its message.

use std::ops::Range;

use arrow_ipc as fb;

use super::{limit, signed};
use crate::ipc::error::{Expected, Fault};
use crate::limits::Limits;

/// Below this, no ratio is asked of compressed bodies: a column of one value compresses without bound.
const RATIO_FREE_BYTES: usize = 1 << 20;
/// A compressed buffer begins with the length it decompresses to.
pub(in crate::ipc) const CLAIM_BYTES: usize = 8;

/// How buffers are compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Codec {
    /// An LZ4 frame.
    Lz4,
    /// Zstandard.
    Zstd,
}

impl Codec {
    /// Its name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Lz4 => "lz4",
            Self::Zstd => "zstd",
        }
    }
}

/// How a message says its buffers are compressed.
pub(super) fn codec(batch: &fb::RecordBatch<'_>, limits: &Limits) -> Result<Option<Codec>, Fault> {
    let Some(compression) = batch.compression() else { return Ok(None) };
    if !limits.ipc_accept_compressed {
        return Err(Fault::Compressed);
    }
    let unknown = |what, found: i8| {
        let expected = Expected::Words("one that Arrow defines");
        Err(Fault::Number { what, expected, found: found.into() })
    };
    if compression.method() != fb::BodyCompressionMethod::BUFFER {
        return unknown("method of compression", compression.method().0);
    }
    match compression.codec() {
        fb::CompressionType::LZ4_FRAME => Ok(Some(Codec::Lz4)),
        fb::CompressionType::ZSTD => Ok(Some(Codec::Zstd)),
        other => unknown("codec of compression", other.0),
    }
}

/// Checks what the buffers claim to decompress to.
pub(super) fn check_claims(buffers: &[Range<usize>], body: &[u8], limits: &Limits) -> Result<(), Fault> {
    let mut total = 0_usize;
    for (index, span) in buffers.iter().enumerate() {
        match claim(index, &body[span.clone()])? {
            Claim::Empty => {}
            Claim::Plain => total = total.saturating_add(span.len() - CLAIM_BYTES),
            Claim::Compressed(bytes) => total = total.saturating_add(bytes),
        }
    }
    let allowed = limits.ipc_raw_bytes_max;
    if total > allowed {
        return Err(limit("ipc_raw_bytes_max", "decompressed bytes", total, allowed));
    }
    let allowed = body.len().saturating_mul(limits.ipc_raw_ratio_max).max(RATIO_FREE_BYTES);
    if total > allowed {
        return Err(limit("ipc_raw_ratio_max", "decompressed bytes, for its length,", total, allowed));
    }
    Ok(())
}

/// What the beginning of a buffer in a compressed body says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::ipc) enum Claim {
    /// There is nothing.
    Empty,
    /// The rest is not compressed.
    Plain,
    /// The rest decompresses to so many bytes.
    Compressed(usize),
}

/// Reads what the beginning of a buffer in a compressed body says.
pub(in crate::ipc) fn claim(index: usize, buffer: &[u8]) -> Result<Claim, Fault> {
    if buffer.is_empty() {
        return Ok(Claim::Empty);
    }
    let Some(claim) = buffer.first_chunk::<CLAIM_BYTES>() else {
        let expected = Expected::Words("0, or at least 8: it is compressed");
        return Err(Fault::Entry { what: "length of buffer", index, expected, found: signed(buffer.len()) });
    };
    match i64::from_le_bytes(*claim) {
        -1 => Ok(Claim::Plain),
        found => usize::try_from(found).map(Claim::Compressed).map_err(|_| Fault::Entry {
            what: "decompressed length of buffer",
            index,
            expected: Expected::AtLeast(-1),
            found,
        }),
    }
}
