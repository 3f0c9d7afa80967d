//! Decompresses one buffer to exactly what it claims, never to more.

use std::io::Read;

use arrow_buffer::Buffer;
use bytes::Bytes;

use super::error::Fault;
use super::gate::Codec;
use super::gate::claims::{CLAIM_BYTES, Claim, claim};

/// The content of a buffer in a compressed body. Allocates no more than the claim, which the gate has checked.
pub(super) fn decompress(index: usize, codec: Codec, buffer: &Bytes) -> Result<Buffer, Fault> {
    let expected = match claim(index, buffer)? {
        Claim::Empty => return Ok(Buffer::default()),
        Claim::Plain => return Ok(buffer.slice(CLAIM_BYTES..).into()),
        Claim::Compressed(expected) => expected,
    };
    let packed = &buffer[CLAIM_BYTES..];
    let raw = match codec {
        // The decoder itself takes any frame to its end; one byte more than claimed is enough to know.
        Codec::Lz4 => {
            let mut raw = Vec::with_capacity(expected);
            let frame = lz4_flex::frame::FrameDecoder::new(packed);
            frame.take(expected as u64 + 1).read_to_end(&mut raw).map(|_| raw)
        }
        Codec::Zstd => zstd::bulk::decompress(packed, expected),
    };
    match raw {
        Ok(raw) if raw.len() == expected => Ok(Buffer::from_vec(raw)),
        _ => Err(Fault::Decompress { index, expected, codec: codec.as_str() }),
    }
}
