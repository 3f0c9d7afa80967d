//! Packs: immutable files of chunks, with a footer that says where each lies.
//!
//! Invariants: a pack is named by the BLAKE3 of its bytes; every chunk starts on a
//! 64-byte boundary; the footer's own checksum and each chunk's guard every read.
//! FORMAT.md, section "Packs", is the layout.

use bytes::Bytes;

use crate::column::{StoredColumn, type_code};
use crate::identity::{ChunkDigest, PackDigest};
use crate::schema::FieldType;

/// First bytes of a pack.
pub const MAGIC: [u8; 8] = *b"CALOPACK";
/// Last bytes of a pack.
pub const END_MAGIC: [u8; 8] = *b"KCAPOLAC";
/// Version of the layout.
pub const VERSION: u32 = 1;
/// Bytes before the first chunk.
pub const HEADER_BYTES: usize = 64;
/// Bytes of one chunk's line in the footer.
pub const LINE_BYTES: usize = 80;
/// Bytes after the footer's lines: their number, their checksum, the end magic.
pub const TRAILER_BYTES: usize = 16;
/// A pack is closed when it reaches this size.
pub const TARGET_BYTES: usize = 48 << 20;
/// Bytes of the largest pack that is read whole.
pub const BYTES_MAX: u64 = 1 << 30;
/// Every chunk starts on a multiple of this many bytes.
const ALIGNMENT: usize = 64;

/// What a chunk holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChunkKind {
    /// One column of one row group.
    Column {
        /// The physical type's code.
        type_code: u8,
        /// Rows.
        rows: u32,
        /// Rows without a value.
        nulls: u32,
        /// Stored bytes of the three buffers.
        buffers: [u32; 3],
    },
    /// A manifest: which chunks make an entry's facts or a keyframe.
    Manifest,
    /// A list that was too long for its record, as JSON.
    List,
}

/// Where a chunk lies in its pack, and what guards it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChunkLine {
    /// The chunk's name.
    pub digest: ChunkDigest,
    /// What it holds.
    pub kind: ChunkKind,
    /// Where its bytes start in the pack.
    pub offset: u64,
    /// How many bytes it has.
    pub length: u32,
    /// CRC-32 (IEEE) over its bytes.
    pub checksum: u32,
}

/// Why bytes are not a pack. The copy is damaged.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReadPackError {
    /// Too short, or without the magic bytes.
    #[error("not a pack: {0}")]
    NotAPack(&'static str),
    /// A version that this program does not know. Use a newer one.
    #[error("pack layout {0} is newer than this program, which reads layout {VERSION}")]
    Newer(u32),
    /// The footer is not what was written.
    #[error("the footer's checksum is {found:08x}, expected {expected:08x}")]
    FooterChecksum {
        /// As stored.
        expected: u32,
        /// As computed.
        found: u32,
    },
    /// A line of the footer makes no sense.
    #[error("line {0} of the footer is not a chunk of this pack")]
    Line(usize),
}

/// A finished pack.
#[derive(Clone, Debug)]
pub struct Pack {
    /// Its name.
    pub digest: PackDigest,
    /// All of it.
    pub bytes: Bytes,
    /// Its chunks, in order.
    pub lines: Vec<ChunkLine>,
}

/// Collects chunks into a pack.
#[derive(Debug)]
pub struct PackBuilder {
    bytes: Vec<u8>,
    lines: Vec<ChunkLine>,
}

impl PackBuilder {
    /// Starts a pack. The generation is 0 unless tombstoned bytes come back.
    pub fn new(generation: u64) -> Self {
        let mut bytes = Vec::with_capacity(4096);
        bytes.extend_from_slice(&MAGIC);
        bytes.extend_from_slice(&VERSION.to_le_bytes());
        bytes.extend_from_slice(&[0; 4]);
        bytes.extend_from_slice(&generation.to_le_bytes());
        bytes.resize(HEADER_BYTES, 0);
        Self { bytes, lines: Vec::new() }
    }

    /// Whether no chunk was added.
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// Whether the pack has reached its size.
    pub fn is_full(&self) -> bool {
        self.bytes.len() >= TARGET_BYTES
    }

    /// Whether a chunk is in it.
    pub fn contains(&self, digest: ChunkDigest) -> bool {
        // Looked at only for lists and manifests, of which there are few.
        self.lines.iter().any(|line| line.digest == digest)
    }

    /// Adds a column.
    pub fn add_column(&mut self, digest: ChunkDigest, field_type: FieldType, column: &StoredColumn) {
        let kind = ChunkKind::Column {
            type_code: type_code(field_type),
            rows: column.rows,
            nulls: column.nulls,
            buffers: column.buffers,
        };
        self.add(digest, kind, &column.bytes);
    }

    /// Adds a manifest or list, named by the hash of its bytes.
    pub fn add_bytes(&mut self, kind: ChunkKind, bytes: &[u8]) -> ChunkDigest {
        let digest = bytes_digest(bytes);
        if !self.contains(digest) {
            self.add(digest, kind, bytes);
        }
        digest
    }

    fn add(&mut self, digest: ChunkDigest, kind: ChunkKind, bytes: &[u8]) {
        let offset = self.bytes.len() as u64;
        let length = u32::try_from(bytes.len()).expect("chunks are bounded by their row group");
        let checksum = crc32fast::hash(bytes);
        self.lines.push(ChunkLine { digest, kind, offset, length, checksum });
        self.bytes.extend_from_slice(bytes);
        self.bytes.resize(self.bytes.len().next_multiple_of(ALIGNMENT), 0);
    }

    /// Writes the footer and names the pack.
    ///
    /// # Panics
    /// Never: a pack closes long before its lines outgrow their count.
    pub fn finish(mut self) -> Pack {
        let from = self.bytes.len();
        for line in &self.lines {
            write_line(line, &mut self.bytes);
        }
        let checksum = crc32fast::hash(&self.bytes[from..]);
        let count = u32::try_from(self.lines.len()).expect("a pack closes long before");
        self.bytes.extend_from_slice(&count.to_le_bytes());
        self.bytes.extend_from_slice(&checksum.to_le_bytes());
        self.bytes.extend_from_slice(&END_MAGIC);
        let digest = PackDigest::new(blake3::hash(&self.bytes).into());
        Pack { digest, bytes: self.bytes.into(), lines: self.lines }
    }
}

/// The name of a chunk that is named by its bytes: a manifest or a list.
pub fn bytes_digest(bytes: &[u8]) -> ChunkDigest {
    ChunkDigest::new(blake3::Hasher::new().update(&[2]).update(bytes).finalize().into())
}

fn write_line(line: &ChunkLine, bytes: &mut Vec<u8>) {
    let from = bytes.len();
    let (kind, type_code, rows, nulls, buffers) = match line.kind {
        ChunkKind::Column { type_code, rows, nulls, buffers } => (1_u8, type_code, rows, nulls, buffers),
        ChunkKind::Manifest => (2, 0, 0, 0, [0; 3]),
        ChunkKind::List => (3, 0, 0, 0, [0; 3]),
    };
    bytes.extend_from_slice(line.digest.as_bytes());
    bytes.extend_from_slice(&[kind, type_code, 0, 0]);
    bytes.extend_from_slice(&rows.to_le_bytes());
    bytes.extend_from_slice(&nulls.to_le_bytes());
    for length in buffers {
        bytes.extend_from_slice(&length.to_le_bytes());
    }
    bytes.extend_from_slice(&line.offset.to_le_bytes());
    bytes.extend_from_slice(&line.length.to_le_bytes());
    bytes.extend_from_slice(&line.checksum.to_le_bytes());
    bytes.resize(from + LINE_BYTES, 0);
}

/// How many bytes the footer has, lines and trailer, read from a pack's last bytes.
///
/// # Errors
/// [`ReadPackError`] if these are not the last bytes of a pack of that size.
pub fn footer_bytes(tail: &[u8], pack_bytes: u64) -> Result<u64, ReadPackError> {
    let Some(trailer) = tail.last_chunk::<TRAILER_BYTES>() else {
        return Err(ReadPackError::NotAPack("shorter than its trailer"));
    };
    if trailer[8..] != END_MAGIC {
        return Err(ReadPackError::NotAPack("its end lacks the magic bytes"));
    }
    let count = u64::from(read_u32(trailer, 0));
    let bytes = count * LINE_BYTES as u64 + TRAILER_BYTES as u64;
    if bytes + HEADER_BYTES as u64 > pack_bytes {
        return Err(ReadPackError::NotAPack("its footer is longer than itself"));
    }
    Ok(bytes)
}

/// Reads the footer: the last bytes of a pack, as many as [`footer_bytes`] says.
///
/// # Errors
/// [`ReadPackError`] if the footer is damaged or names bytes outside the pack.
pub fn read_footer(footer: &[u8], pack_bytes: u64) -> Result<Vec<ChunkLine>, ReadPackError> {
    let expected_bytes = footer_bytes(footer, pack_bytes)?;
    if footer.len() as u64 != expected_bytes {
        return Err(ReadPackError::NotAPack("its footer has another length"));
    }
    let (lines, trailer) = footer.split_at(footer.len() - TRAILER_BYTES);
    let expected = read_u32(trailer, 4);
    let found = crc32fast::hash(lines);
    if expected != found {
        return Err(ReadPackError::FooterChecksum { expected, found });
    }
    let chunks_end = pack_bytes - expected_bytes;
    let read = |(place, line): (usize, &[u8])| {
        read_line(line)
            .filter(|line| {
                let end = line.offset.checked_add(u64::from(line.length));
                line.offset >= HEADER_BYTES as u64 && end.is_some_and(|end| end <= chunks_end)
            })
            .ok_or(ReadPackError::Line(place))
    };
    lines.chunks_exact(LINE_BYTES).enumerate().map(read).collect()
}

fn read_line(line: &[u8]) -> Option<ChunkLine> {
    let digest = ChunkDigest::new(*line.first_chunk()?);
    let buffers = [read_u32(line, 44), read_u32(line, 48), read_u32(line, 52)];
    let kind = match line[32] {
        1 => ChunkKind::Column {
            type_code: line[33],
            rows: read_u32(line, 36),
            nulls: read_u32(line, 40),
            buffers,
        },
        2 => ChunkKind::Manifest,
        3 => ChunkKind::List,
        _ => return None,
    };
    let offset = u64::from_le_bytes(*line[56..].first_chunk()?);
    Some(ChunkLine { digest, kind, offset, length: read_u32(line, 64), checksum: read_u32(line, 68) })
}

fn read_u32(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(*bytes[at..].first_chunk().expect("the caller has checked the length"))
}

/// Reads a pack's header.
///
/// # Errors
/// [`ReadPackError`] if these are not the first bytes of a pack that this program reads.
///
/// # Panics
/// Never: the length is checked first.
pub fn read_header(header: &[u8]) -> Result<u64, ReadPackError> {
    let Some(header) = header.first_chunk::<HEADER_BYTES>() else {
        return Err(ReadPackError::NotAPack("shorter than its header"));
    };
    if header[..8] != MAGIC {
        return Err(ReadPackError::NotAPack("its start lacks the magic bytes"));
    }
    match read_u32(header, 8) {
        VERSION => Ok(u64::from_le_bytes(*header[16..].first_chunk().expect("64 bytes"))),
        newer => Err(ReadPackError::Newer(newer)),
    }
}

/// The line as bytes, for the index.
pub(crate) fn line_to_bytes(line: &ChunkLine) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(LINE_BYTES);
    write_line(line, &mut bytes);
    bytes
}

/// The line from bytes of the index.
pub(crate) fn line_from_bytes(bytes: &[u8]) -> Option<ChunkLine> {
    (bytes.len() == LINE_BYTES).then(|| read_line(bytes))?
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pack() -> Pack {
        let mut builder = PackBuilder::new(0);
        builder.add_bytes(ChunkKind::Manifest, b"a manifest");
        builder.add_bytes(ChunkKind::List, &[7; 100]);
        builder.finish()
    }

    fn footer(pack: &Pack) -> Result<Vec<ChunkLine>, ReadPackError> {
        let size = pack.bytes.len() as u64;
        let bytes = usize::try_from(footer_bytes(&pack.bytes, size)?).unwrap();
        read_footer(&pack.bytes[pack.bytes.len() - bytes..], size)
    }

    #[test]
    fn a_pack_reads_back() {
        let pack = pack();
        assert_eq!(read_header(&pack.bytes), Ok(0));
        assert_eq!(footer(&pack).unwrap(), pack.lines);
        for line in &pack.lines {
            let from = usize::try_from(line.offset).unwrap();
            assert_eq!(from % 64, 0);
            assert_eq!(crc32fast::hash(&pack.bytes[from..from + line.length as usize]), line.checksum);
        }
        assert_eq!(pack.digest, self::pack().digest, "a pack is a function of its chunks");
    }

    #[test]
    fn every_flipped_bit_of_a_footer_is_noticed() {
        let good = pack();
        let size = usize::try_from(footer_bytes(&good.bytes, good.bytes.len() as u64).unwrap()).unwrap();
        for place in good.bytes.len() - size..good.bytes.len() {
            for bit in 0..8 {
                let mut bytes = good.bytes.to_vec();
                bytes[place] ^= 1 << bit;
                let damaged = Pack { bytes: bytes.into(), ..good.clone() };
                assert!(footer(&damaged).is_err(), "byte {place} bit {bit}");
            }
        }
    }

    #[test]
    fn short_and_newer_packs_are_refused() {
        let good = pack();
        for length in 0..good.bytes.len() {
            let short = Pack { bytes: good.bytes.slice(..length), ..good.clone() };
            assert!(footer(&short).is_err());
        }
        let mut newer = good.bytes.to_vec();
        newer[8] = 9;
        assert_eq!(read_header(&newer), Err(ReadPackError::Newer(9)));
    }
}
