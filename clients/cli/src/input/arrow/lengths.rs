//! Checks that no length in an Arrow IPC file or stream points beyond its end, because Arrow's
//! reader allocates what a length claims before it reads, and ends the process if it cannot.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};

use arrow_ipc::reader::read_footer_length;
use arrow_ipc::{root_as_footer, root_as_message};

/// What an IPC file ends with: the length of its footer, and the magic.
const TRAILER_BYTES: usize = 10;
/// What a message of a stream begins with: a continuation, and the length of its metadata.
const PREFIX_BYTES: usize = 8;

/// Whether every block that the footer of an IPC file names lies within it.
pub(super) fn file_is_sound(file: &mut File, len_bytes: u64) -> io::Result<bool> {
    let Some(trailer_at) = len_bytes.checked_sub(TRAILER_BYTES as u64) else {
        return Ok(false);
    };
    let mut trailer = [0; TRAILER_BYTES];
    file.seek(SeekFrom::Start(trailer_at))?;
    file.read_exact(&mut trailer)?;
    let footer_len = read_footer_length(trailer).map(|len| len as u64);
    let footer_at = footer_len.ok().and_then(|len| trailer_at.checked_sub(len));
    let Some(footer_at) = footer_at else {
        return Ok(false);
    };
    file.seek(SeekFrom::Start(footer_at))?;
    let mut footer = Vec::new();
    file.take(trailer_at - footer_at).read_to_end(&mut footer)?;
    let Ok(footer) = root_as_footer(&footer) else {
        return Ok(false);
    };
    let blocks = footer.recordBatches().into_iter().chain(footer.dictionaries()).flatten();
    let parts = blocks.map(|it| [it.offset(), i64::from(it.metaDataLength()), it.bodyLength()]);
    Ok(parts.map(sum).all(|end| end.is_some_and(|end| end <= len_bytes)))
}

/// The sum of lengths, none of which may be negative.
fn sum<const N: usize>(lengths: [i64; N]) -> Option<u64> {
    lengths.into_iter().try_fold(0_u64, |sum, length| sum.checked_add(u64::try_from(length).ok()?))
}

/// Whether every message of an IPC stream lies within it. Says nothing about a stream that stops
/// between two messages.
pub(super) fn stream_is_sound(file: &mut File, len_bytes: u64) -> io::Result<bool> {
    let mut at = 0;
    while len_bytes - at >= PREFIX_BYTES as u64 {
        let mut prefix = [0; PREFIX_BYTES];
        file.seek(SeekFrom::Start(at))?;
        file.read_exact(&mut prefix)?;
        let (first, second) = (word(&prefix[..4]), word(&prefix[4..]));
        // Before format 0.15 there was no continuation.
        let (skipped, metadata_len) = if first == -1 { (8, second) } else { (4, first) };
        let metadata_at = at + skipped;
        let Ok(metadata_len) = u64::try_from(metadata_len) else {
            return Ok(false);
        };
        if metadata_len == 0 {
            return Ok(true);
        }
        let mut metadata = Vec::new();
        file.seek(SeekFrom::Start(metadata_at))?;
        file.take(metadata_len).read_to_end(&mut metadata)?;
        let body_len = root_as_message(&metadata).ok().and_then(|it| sum([it.bodyLength()]));
        let end = body_len.and_then(|body| body.checked_add(metadata_at + metadata_len));
        match end {
            Some(end) if end <= len_bytes => at = end,
            _ => return Ok(false),
        }
    }
    Ok(true)
}

/// A little-endian number of four bytes.
fn word(bytes: &[u8]) -> i32 {
    bytes.iter().rev().fold(0, |word, byte| word << 8 | i32::from(*byte))
}
