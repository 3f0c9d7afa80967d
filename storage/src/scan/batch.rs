//! One row group of one source, with what resolution needs of it.

use std::ops::Range;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Int64Type, UInt32Type};
use arrow_array::{Array, BooleanArray, Int64Array, UInt32Array};

use super::gather::fit;
use super::{KeyFilter, ValidFilter};
use crate::error::Error;
use crate::identity::Ordinal;
use crate::key::EncodedKeys;
use crate::manifest::{ENTRY, Group, Manifest, OP, Ops, Part, Span, VALID_FROM, VALID_TO, system_type};
use crate::reader::ChunkReader;
use crate::schema::{FieldId, Schema};

/// A system column: the same in all rows, or a value each.
#[derive(Debug)]
enum Instants {
    Constant(i64),
    Each(Int64Array),
}

impl Instants {
    fn get(&self, row: usize) -> i64 {
        match self {
            Self::Constant(value) => *value,
            Self::Each(values) => values.value(row),
        }
    }
}

#[derive(Debug)]
enum Retractions {
    All(bool),
    Each(BooleanArray),
}

#[derive(Debug)]
enum Entries {
    Constant(Ordinal),
    Each(UInt32Array),
}

/// The rows of a group that the filters let through.
#[derive(Debug)]
pub(super) enum Rows {
    /// A stretch.
    Stretch(Range<u32>),
    /// Some, in order.
    Some(Vec<u32>),
}

impl Rows {
    pub(super) fn len(&self) -> usize {
        match self {
            Self::Stretch(range) => range.len(),
            Self::Some(rows) => rows.len(),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(super) fn get(&self, place: usize) -> u32 {
        match self {
            Self::Stretch(range) => range.start + u32::try_from(place).expect("row groups are bounded"),
            Self::Some(rows) => rows[place],
        }
    }
}

/// One row group of one source.
#[derive(Debug)]
pub struct FactBatch {
    manifest: Arc<Manifest>,
    group: usize,
    keys: Arc<EncodedKeys>,
    rows: Rows,
    from: Instants,
    to: Instants,
    retract: Retractions,
    entries: Entries,
}

impl FactBatch {
    pub(super) async fn read(
        reader: &ChunkReader,
        schema: &Schema,
        manifest: &Arc<Manifest>,
        place: usize,
        entry: Option<Ordinal>,
        filter: &KeyFilter,
        valid: ValidFilter,
    ) -> Result<Self, Error> {
        let group = &manifest.groups[place];
        let keys = reader.keys(schema, group).await?;
        let from = instants(reader, group, VALID_FROM, group.valid_from).await?;
        let to = instants(reader, group, VALID_TO, group.valid_to).await?;
        let retract = match group.ops {
            Ops::Assert => Retractions::All(false),
            Ops::Retract => Retractions::All(true),
            Ops::Mixed => Retractions::Each(system(reader, group, OP).await?.as_boolean().clone()),
        };
        let entries = match (entry, group.entries.constant()) {
            (Some(entry), _) => Entries::Constant(entry),
            (None, Some(ordinal)) => {
                let ordinal =
                    u32::try_from(ordinal).map_err(|_| Error::damaged("a keyframe", "an ordinal"))?;
                Entries::Constant(Ordinal::new(ordinal))
            }
            (None, None) => {
                Entries::Each(system(reader, group, ENTRY).await?.as_primitive::<UInt32Type>().clone())
            }
        };
        let mut batch = Self {
            manifest: Arc::clone(manifest),
            group: place,
            rows: Rows::Stretch(0..group.rows),
            keys,
            from,
            to,
            retract,
            entries,
        };
        batch.filter_keys(filter);
        batch.check(group)?;
        if !valid.lets_all(group.valid_from.max, group.valid_to.min) {
            batch.keep(|batch, row| {
                let (from, to) = batch.period(row);
                valid.lets(from, to)
            });
        }
        Ok(batch)
    }

    /// Compares the rows that are wanted with what the manifest says of them.
    fn check(&self, group: &Group) -> Result<(), Error> {
        let fits = |row: u32| {
            let ((from, to), ordinal) = (self.period(row), i64::from(self.entry(row).get()));
            let of_keyframe = matches!(group.part, Part::At | Part::After);
            from < to && (!of_keyframe || ordinal <= group.entries.max)
        };
        if (0..self.rows.len()).all(|place| fits(self.rows.get(place))) {
            return Ok(());
        }
        Err(Error::damaged("a row group", "a period is empty, or an entry is not one of its manifest"))
    }

    fn filter_keys(&mut self, filter: &KeyFilter) {
        let place = |row: usize| u32::try_from(row).expect("row groups are bounded");
        match filter {
            KeyFilter::All => {}
            KeyFilter::Range { from, to } => {
                let first = from.as_ref().map_or(0, |from| self.keys.lower_bound(from));
                let end = to.as_ref().map_or(self.keys.len(), |to| self.keys.lower_bound(to));
                self.rows = Rows::Stretch(place(first)..place(end.max(first)));
            }
            KeyFilter::Set(wanted) => {
                let mut rows = Vec::new();
                let mut next = wanted.lower_bound(self.keys.get(0));
                let last = self.keys.get(self.keys.len() - 1);
                while next < wanted.len() && wanted.get(next) <= last {
                    let key = wanted.get(next);
                    let from = self.keys.lower_bound(key);
                    // Facts of one key are few: step on instead of searching again.
                    let same = (from..self.keys.len()).take_while(|row| self.keys.get(*row) == key);
                    rows.extend(same.map(place));
                    next += 1;
                }
                self.rows = Rows::Some(rows);
            }
        }
    }

    fn keep(&mut self, wanted: impl Fn(&Self, u32) -> bool) {
        let rows = (0..self.rows.len()).map(|place| self.rows.get(place)).filter(|row| wanted(self, *row));
        self.rows = Rows::Some(rows.collect());
    }

    /// The keys of the whole group.
    pub fn keys(&self) -> &EncodedKeys {
        &self.keys
    }

    pub(super) fn rows(&self) -> &Rows {
        &self.rows
    }

    pub(super) fn key_at(&self, place: usize) -> &[u8] {
        self.keys.get(self.rows.get(place) as usize)
    }

    /// The row group's description.
    pub fn group(&self) -> &Group {
        &self.manifest.groups[self.group]
    }

    /// The period of a row, half-open microseconds.
    pub fn period(&self, row: u32) -> (i64, i64) {
        (self.from.get(row as usize), self.to.get(row as usize))
    }

    /// Whether a row retracts.
    pub fn is_retraction(&self, row: u32) -> bool {
        match &self.retract {
            Retractions::All(retract) => *retract,
            Retractions::Each(values) => values.value(row as usize),
        }
    }

    /// The entry that brought a row.
    pub fn entry(&self, row: u32) -> Ordinal {
        match &self.entries {
            Entries::Constant(ordinal) => *ordinal,
            Entries::Each(values) => Ordinal::new(values.value(row as usize)),
        }
    }
}

async fn instants(
    reader: &ChunkReader,
    group: &Group,
    field: FieldId,
    span: Span,
) -> Result<Instants, Error> {
    if let Some(value) = span.constant() {
        return Ok(Instants::Constant(value));
    }
    let values = system(reader, group, field).await?;
    Ok(Instants::Each(values.as_primitive::<Int64Type>().clone()))
}

async fn system(reader: &ChunkReader, group: &Group, field: FieldId) -> Result<arrow_array::ArrayRef, Error> {
    let damaged = |what: &str| Error::damaged("a row group", what);
    let digest = group.column(field).ok_or_else(|| damaged("a system column is missing"))?;
    let field_type = system_type(field).expect("only system columns are asked for");
    let mut columns = reader.columns(&[(digest, field_type)], group.rows).await?;
    let column = columns.pop().expect("one was asked for");
    if column.null_count() > 0 {
        return Err(damaged("a system column has nulls"));
    }
    // A field of equal content shares the digest and may have been stored in another width.
    fit(column, &field_type.to_arrow())
}
