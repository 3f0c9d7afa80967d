//! Writing facts: sorted rows become row groups, chunks, packs and a manifest.
//!
//! Invariants: rows are sorted by key and then by where their periods begin; the
//! output is a pure function of the rows and the format's constants, up to
//! compression.

use std::ops::Range;
use std::sync::Arc;

use arrow_array::{ArrayRef, BooleanArray, Int64Array, UInt32Array};

use crate::column::{canonical_bytes_of_row, column_digest, encode, is_all_null, normalise};
use crate::identity::{ChunkDigest, PackDigest};
use crate::key::EncodedKeys;
use crate::manifest::{
    ENTRY, Group, Manifest, OFFSET, OP, Ops, PARTITION, Part, Span, VALID_FROM, VALID_TO, system_type,
};
use crate::pack::{ChunkKind, Pack, PackBuilder};
use crate::row_group::{FieldColumn, HashedGroups, hash_rows};
use crate::schema::{FieldId, FieldType};

/// Chunks at least this large are not stored again where a live pack holds them.
const RELY_BYTES_MIN: usize = 512;

/// Facts in the order in which they are kept.
#[derive(Clone, Debug)]
pub struct FactRows {
    /// Their keys.
    pub keys: EncodedKeys,
    /// Their fields; in a retraction only the key has values.
    pub columns: Vec<FieldColumn>,
    /// Where their periods begin.
    pub valid_from: Vec<i64>,
    /// Where their periods end; [`OPEN`](crate::manifest::OPEN) without an end.
    pub valid_to: Vec<i64>,
    /// Which retract; empty if none does.
    pub retract: Vec<bool>,
    /// Of a keyframe: the ordinal of each fact's entry.
    pub entries: Option<Vec<u32>>,
    /// `_partition`, if the put brought it.
    pub partition: Option<ArrayRef>,
    /// `_offset`, if the put brought it.
    pub offset: Option<ArrayRef>,
}

impl FactRows {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.valid_from.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.valid_from.is_empty()
    }

    /// How many retract.
    pub fn retractions(&self) -> u64 {
        self.retract.iter().filter(|retract| **retract).count() as u64
    }
}

/// Packs in the making, and the row groups that they hold so far.
pub struct FactWriter<'a> {
    builder: PackBuilder,
    packs: Vec<Pack>,
    relied_on: Vec<PackDigest>,
    manifest: Manifest,
    known: Box<dyn Fn(ChunkDigest) -> Option<PackDigest> + Send + 'a>,
}

impl<'a> FactWriter<'a> {
    /// Starts writing. `known` tells which live pack holds a chunk already, for those worth relying on.
    pub fn new(known: impl Fn(ChunkDigest) -> Option<PackDigest> + Send + 'a) -> Self {
        Self {
            builder: PackBuilder::new(0),
            packs: Vec::new(),
            relied_on: Vec::new(),
            manifest: Manifest::default(),
            known: Box::new(known),
        }
    }

    /// Adds facts as one part. `hashed` spares cutting and hashing again what was hashed before.
    pub fn add(&mut self, part: Part, rows: &FactRows, hashed: Option<&HashedGroups>) {
        let cut;
        let groups = if let Some(groups) = hashed {
            groups
        } else {
            cut = hash_rows(&rows.keys, &rows.columns, &[]).0;
            &cut
        };
        for (range, digests) in groups {
            let group = self.group(part, rows, range, digests);
            self.manifest.groups.push(group);
        }
    }

    fn group(
        &mut self,
        part: Part,
        rows: &FactRows,
        range: &Range<usize>,
        digests: &[(FieldId, ChunkDigest)],
    ) -> Group {
        let mut columns = digests.to_vec();
        for (field, digest) in digests {
            let column = rows.columns.iter().find(|column| column.field == *field);
            let column = column.expect("the digests are those of the columns");
            let values = column.values.slice(range.start, range.len());
            self.column(*digest, column.field_type, &values);
        }
        let span =
            |values: &[i64]| Span::of(values[range.clone()].iter().copied()).expect("a group has rows");
        let (valid_from, valid_to) = (span(&rows.valid_from), span(&rows.valid_to));
        let retractions = rows.retract.get(range.clone()).unwrap_or_default();
        let retracting = retractions.iter().filter(|retract| **retract).count();
        let ops = match retracting {
            0 => Ops::Assert,
            all if all == range.len() => Ops::Retract,
            _ => Ops::Mixed,
        };
        let entries = entry_span(rows, range);
        for (field, values) in system_columns(rows, range, (valid_from, valid_to, ops, entries)) {
            let field_type = system_type(field).expect("system columns alone");
            let values = normalise(field_type, &values);
            if !is_all_null(&values) {
                let digest = column_digest(field_type, &values);
                self.column(digest, field_type, &values);
                columns.push((field, digest));
            }
        }
        columns.sort_unstable_by_key(|(field, _)| *field);
        Group {
            part,
            rows: u32::try_from(range.len()).expect("row groups are bounded"),
            first_key: rows.keys.get(range.start).to_vec(),
            last_key: rows.keys.get(range.end - 1).to_vec(),
            valid_from,
            valid_to,
            ops,
            entries,
            columns,
        }
    }

    fn column(&mut self, digest: ChunkDigest, field_type: FieldType, values: &ArrayRef) {
        if let Some(pack) = (self.known)(digest)
            && canonical_bytes(field_type, values) >= RELY_BYTES_MIN
        {
            if !self.relied_on.contains(&pack) {
                self.relied_on.push(pack);
            }
            return;
        }
        self.builder.add_column(digest, field_type, &encode(field_type, values));
        if self.builder.is_full() {
            let full = std::mem::replace(&mut self.builder, PackBuilder::new(0));
            self.packs.push(full.finish());
        }
    }

    /// Keeps a list apart from its record, as JSON.
    pub fn list(&mut self, json: &[u8]) -> ChunkDigest {
        self.builder.add_bytes(ChunkKind::List, json)
    }

    /// Closes the packs and writes the manifest, if there were facts.
    pub fn finish(mut self) -> WrittenFacts {
        let manifest = (!self.manifest.groups.is_empty())
            .then(|| self.builder.add_bytes(ChunkKind::Manifest, &self.manifest.to_bytes()));
        if !self.builder.is_empty() {
            self.packs.push(self.builder.finish());
        }
        WrittenFacts { manifest, packs: self.packs, relied_on: self.relied_on }
    }
}

/// The span of the entries of a keyframe's rows; of an entry's facts, 0.
fn entry_span(rows: &FactRows, range: &Range<usize>) -> Span {
    let ordinals = rows.entries.as_ref().map_or(&[][..], |ordinals| &ordinals[range.clone()]);
    Span::of(ordinals.iter().map(|ordinal| i64::from(*ordinal))).unwrap_or(Span { min: 0, max: 0 })
}

/// The system columns of a group that are not the same in all its rows.
fn system_columns(
    rows: &FactRows,
    range: &Range<usize>,
    (valid_from, valid_to, ops, entries): (Span, Span, Ops, Span),
) -> Vec<(FieldId, ArrayRef)> {
    let mut columns: Vec<(FieldId, ArrayRef)> = Vec::new();
    for (field, span, values) in
        [(VALID_FROM, valid_from, &rows.valid_from), (VALID_TO, valid_to, &rows.valid_to)]
    {
        if span.constant().is_none() {
            columns.push((field, Arc::new(Int64Array::from(values[range.clone()].to_vec()))));
        }
    }
    if ops == Ops::Mixed {
        columns.push((OP, Arc::new(BooleanArray::from(rows.retract[range.clone()].to_vec()))));
    }
    if let (Some(ordinals), None) = (&rows.entries, entries.constant()) {
        columns.push((ENTRY, Arc::new(UInt32Array::from(ordinals[range.clone()].to_vec()))));
    }
    for (field, values) in [(PARTITION, &rows.partition), (OFFSET, &rows.offset)] {
        columns.extend(values.iter().map(|values| (field, values.slice(range.start, range.len()))));
    }
    columns
}

/// Bytes of a column's values in canonical form: unlike bytes in memory, the same for equal columns.
fn canonical_bytes(field_type: FieldType, values: &ArrayRef) -> usize {
    (0..values.len()).map(|row| canonical_bytes_of_row(field_type, values, row)).sum()
}

/// Facts in packs, not yet in any store.
#[derive(Clone, Debug, Default)]
pub struct WrittenFacts {
    /// The manifest; `None` without facts.
    pub manifest: Option<ChunkDigest>,
    /// Packs to upload.
    pub packs: Vec<Pack>,
    /// Live packs that hold some of the chunks.
    pub relied_on: Vec<PackDigest>,
}
