//! Manifests: which chunks make an entry's facts, or a keyframe.
//!
//! A manifest is a list of row groups. Each says its rows, its span of keys and of
//! valid time, and the chunk of every column that has a value in it. A system
//! column whose value is the same in the whole group has no chunk: the span says
//! it. No system time and no record number is in it; those come from the entry.
//! FORMAT.md, section "Manifests", is the layout.

use std::ops::RangeInclusive;

use crate::identity::ChunkDigest;
use crate::row_group::ROWS_MAX;
use crate::schema::{FieldId, FieldType};

/// First bytes of a manifest.
const MAGIC: [u8; 8] = *b"CALOMANI";
/// Version of the layout.
const VERSION: u16 = 1;
/// What stands for an open end in stored valid times.
pub const OPEN: i64 = i64::MAX;

/// `_valid_from` of each row.
pub const VALID_FROM: FieldId = FieldId::new(0xffff_ff01);
/// `_valid_to` of each row, [`OPEN`] where there is none.
pub const VALID_TO: FieldId = FieldId::new(0xffff_ff02);
/// `_op` of each row: true for a retraction.
pub const OP: FieldId = FieldId::new(0xffff_ff03);
/// Of a keyframe's row, the ordinal of the entry that brought the fact.
pub const ENTRY: FieldId = FieldId::new(0xffff_ff04);
/// `_partition` of a fact, in the source of its put.
pub const PARTITION: FieldId = FieldId::new(0xffff_ff05);
/// `_offset` of a fact, in its partition.
pub const OFFSET: FieldId = FieldId::new(0xffff_ff06);
/// System columns have this id or a higher one.
pub const FIRST_SYSTEM_FIELD: FieldId = FieldId::new(0xffff_ff00);

/// The type in which a system column is stored.
pub fn system_type(field: FieldId) -> Option<FieldType> {
    Some(match field {
        VALID_FROM | VALID_TO | OFFSET => FieldType::Int(64),
        OP => FieldType::Bool,
        ENTRY => FieldType::UInt(32),
        PARTITION => FieldType::Utf8,
        _ => return None,
    })
}

/// Which part of an entry's facts or of a keyframe a row group belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// Facts that a put states.
    Stated,
    /// Facts that a withdrawal writes, alone or before a put that replaces: they bound nothing.
    Withdrawn,
    /// Of a keyframe: the piece of each entity that holds its valid time.
    At,
    /// Of a keyframe: the pieces that begin later.
    After,
}

/// What the rows of a group do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ops {
    /// All assert.
    Assert,
    /// All retract.
    Retract,
    /// Some assert and some retract: there is a chunk.
    Mixed,
}

/// The least and the greatest value in a group; a column without a chunk if they are the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// The least value.
    pub min: i64,
    /// The greatest value.
    pub max: i64,
}

impl Span {
    /// The span of some values; `None` without values.
    pub fn of(values: impl IntoIterator<Item = i64>) -> Option<Self> {
        values.into_iter().fold(None, |span: Option<Self>, value| {
            Some(span.map_or(Self { min: value, max: value }, |span| Self {
                min: span.min.min(value),
                max: span.max.max(value),
            }))
        })
    }

    /// The value, if all rows share it.
    pub fn constant(self) -> Option<i64> {
        (self.min == self.max).then_some(self.min)
    }
}

/// One row group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// Which part it belongs to.
    pub part: Part,
    /// Rows.
    pub rows: u32,
    /// The first key.
    pub first_key: Vec<u8>,
    /// The last key.
    pub last_key: Vec<u8>,
    /// Where its periods begin.
    pub valid_from: Span,
    /// Where its periods end; [`OPEN`] is an end like others here.
    pub valid_to: Span,
    /// What its rows do.
    pub ops: Ops,
    /// Of a keyframe: the ordinals of the entries of its rows; else 0.
    pub entries: Span,
    /// The chunk of each column that has a value, by field id.
    pub columns: Vec<(FieldId, ChunkDigest)>,
}

impl Group {
    /// The chunk of a column, if it has a value in this group.
    pub fn column(&self, field: FieldId) -> Option<ChunkDigest> {
        let place = self.columns.binary_search_by_key(&field, |(field, _)| *field).ok()?;
        Some(self.columns[place].1)
    }

    /// The keys it spans.
    pub fn keys(&self) -> RangeInclusive<&[u8]> {
        &self.first_key..=&self.last_key
    }
}

/// Row groups in the order of their keys, each part for itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Manifest {
    /// The row groups.
    pub groups: Vec<Group>,
}

/// Why bytes are not a manifest. The copy is damaged, or newer than this program.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a manifest of layout {VERSION}: {what} at byte {at}")]
pub struct ReadManifestError {
    what: &'static str,
    at: usize,
}

impl Manifest {
    /// Rows in all groups.
    pub fn rows(&self) -> u64 {
        self.groups.iter().map(|group| u64::from(group.rows)).sum()
    }

    /// Writes the manifest.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        bytes.extend_from_slice(&MAGIC);
        bytes.extend_from_slice(&VERSION.to_le_bytes());
        bytes.extend_from_slice(&length(self.groups.len()).to_le_bytes());
        for group in &self.groups {
            bytes.push(match group.part {
                Part::Stated => 0,
                Part::Withdrawn => 1,
                Part::At => 2,
                Part::After => 3,
            });
            bytes.push(match group.ops {
                Ops::Assert => 0,
                Ops::Retract => 1,
                Ops::Mixed => 2,
            });
            bytes.extend_from_slice(&group.rows.to_le_bytes());
            for key in [&group.first_key, &group.last_key] {
                bytes.extend_from_slice(&length(key.len()).to_le_bytes());
                bytes.extend_from_slice(key);
            }
            for span in [group.valid_from, group.valid_to, group.entries] {
                bytes.extend_from_slice(&span.min.to_le_bytes());
                bytes.extend_from_slice(&span.max.to_le_bytes());
            }
            bytes.extend_from_slice(&length(group.columns.len()).to_le_bytes());
            for (field, digest) in &group.columns {
                bytes.extend_from_slice(&field.get().to_le_bytes());
                bytes.extend_from_slice(digest.as_bytes());
            }
        }
        bytes
    }

    /// Reads a manifest.
    ///
    /// # Errors
    /// [`ReadManifestError`] says where the bytes are not a manifest.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ReadManifestError> {
        let mut reader = Reader { bytes, at: 0 };
        if reader.take::<8>("magic bytes")? != MAGIC {
            return Err(reader.wrong("magic bytes"));
        }
        if u16::from_le_bytes(reader.take("a version")?) != VERSION {
            return Err(reader.wrong("another version"));
        }
        let count = reader.length("a number of groups")?;
        let mut groups = Vec::with_capacity(count.min(bytes.len() / 64));
        for _ in 0..count {
            let group = reader.group()?;
            let in_order = groups.last().is_none_or(|last: &Group| {
                (last.part as u8) < group.part as u8
                    || (last.part == group.part && last.last_key <= group.first_key)
            });
            if !in_order {
                return Err(reader.wrong("a group out of order"));
            }
            groups.push(group);
        }
        if reader.at == bytes.len() { Ok(Self { groups }) } else { Err(reader.wrong("bytes after the end")) }
    }
}

fn length(length: usize) -> u32 {
    u32::try_from(length).expect("groups, keys and columns are bounded")
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    fn wrong(&self, what: &'static str) -> ReadManifestError {
        ReadManifestError { what, at: self.at }
    }

    fn slice(&mut self, length: usize, what: &'static str) -> Result<&'a [u8], ReadManifestError> {
        let slice = self.bytes[self.at..].get(..length).ok_or_else(|| self.wrong(what))?;
        self.at += length;
        Ok(slice)
    }

    fn take<const N: usize>(&mut self, what: &'static str) -> Result<[u8; N], ReadManifestError> {
        let slice = self.slice(N, what)?;
        Ok(*slice.first_chunk().expect("the slice has that length"))
    }

    fn length(&mut self, what: &'static str) -> Result<usize, ReadManifestError> {
        Ok(u32::from_le_bytes(self.take(what)?) as usize)
    }

    fn span(&mut self) -> Result<Span, ReadManifestError> {
        let min = i64::from_le_bytes(self.take("a span")?);
        let max = i64::from_le_bytes(self.take("a span")?);
        if min <= max { Ok(Span { min, max }) } else { Err(self.wrong("an inverted span")) }
    }

    fn group(&mut self) -> Result<Group, ReadManifestError> {
        let part = match self.take("a part")? {
            [0] => Part::Stated,
            [1] => Part::Withdrawn,
            [2] => Part::At,
            [3] => Part::After,
            _ => return Err(self.wrong("an unknown part")),
        };
        let ops = match self.take("an op")? {
            [0] => Ops::Assert,
            [1] => Ops::Retract,
            [2] => Ops::Mixed,
            _ => return Err(self.wrong("an unknown op")),
        };
        let rows = u32::from_le_bytes(self.take("rows")?);
        let key_bytes = self.length("a key's length")?;
        let first_key = self.slice(key_bytes, "a key")?.to_vec();
        let key_bytes = self.length("a key's length")?;
        let last_key = self.slice(key_bytes, "a key")?.to_vec();
        let (valid_from, valid_to, entries) = (self.span()?, self.span()?, self.span()?);
        let count = self.length("a number of columns")?;
        let mut columns = Vec::with_capacity(count.min(self.bytes.len() / 36));
        for _ in 0..count {
            let field = FieldId::new(u32::from_le_bytes(self.take("a field id")?));
            let digest = ChunkDigest::new(self.take("a digest")?);
            if columns.last().is_some_and(|(last, _)| *last >= field) {
                return Err(self.wrong("columns out of order"));
            }
            columns.push((field, digest));
        }
        if rows == 0 || rows as usize > ROWS_MAX || first_key > last_key {
            return Err(self.wrong("a group without rows or with inverted keys"));
        }
        Ok(Group { part, rows, first_key, last_key, valid_from, valid_to, ops, entries, columns })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest() -> Manifest {
        let group = |part, key: &[u8]| Group {
            part,
            rows: 3,
            first_key: key.to_vec(),
            last_key: key.to_vec(),
            valid_from: Span { min: -5, max: -5 },
            valid_to: Span { min: 7, max: OPEN },
            ops: Ops::Mixed,
            entries: Span { min: 0, max: 9 },
            columns: vec![
                (FieldId::new(1), ChunkDigest::new([1; 32])),
                (VALID_TO, ChunkDigest::new([2; 32])),
            ],
        };
        Manifest { groups: vec![group(Part::At, b"a"), group(Part::After, b"b")] }
    }

    #[test]
    fn a_manifest_reads_back() {
        let manifest = manifest();
        assert_eq!(Manifest::from_bytes(&manifest.to_bytes()), Ok(manifest.clone()));
        assert_eq!(manifest.rows(), 6);
        let group = &manifest.groups[0];
        assert_eq!(group.column(VALID_TO), Some(ChunkDigest::new([2; 32])));
        assert_eq!(group.column(VALID_FROM), None);
    }

    #[test]
    fn other_bytes_are_an_error_and_never_a_panic() {
        let bytes = manifest().to_bytes();
        for length in 0..bytes.len() {
            assert!(Manifest::from_bytes(&bytes[..length]).is_err(), "{length}");
        }
        for place in 0..bytes.len() {
            for value in [0, 1, 0x7f, 0xff] {
                let mut bytes = bytes.clone();
                bytes[place] = value;
                if let Ok(read) = Manifest::from_bytes(&bytes) {
                    assert_eq!(read.to_bytes(), bytes, "a manifest has one form");
                }
            }
        }
    }
}
