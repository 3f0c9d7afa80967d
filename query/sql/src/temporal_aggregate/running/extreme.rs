//! `min` and `max`: the ends of an ordered multiset of the values that hold.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow_array::{Array, ArrayRef, new_null_array};
use arrow_schema::DataType;
use datafusion::arrow::buffer::NullBuffer;
use datafusion::arrow::row::{RowConverter, RowParser, Rows, SortField};
use datafusion::common::internal_datafusion_err;
use datafusion::error::Result;

use super::State;

/// The least or the greatest value.
pub(super) struct Extreme {
    greatest: bool,
    /// Bytes of a value where all have the same few, else `None`.
    width: Option<usize>,
    converter: RowConverter,
    parser: RowParser,
    /// The loaded column in arrow's row format, whose bytes sort as the values do.
    rows: Option<Rows>,
    nulls: Option<NullBuffer>,
    /// How often each value is in.
    values: BTreeMap<Key, u64>,
    /// Bytes that the values hold outside the map.
    outside: usize,
    /// One row: NULL.
    null: Rows,
    output: Rows,
}

/// A value that is not NULL in arrow's row format. All values of a column are of one variant.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Key {
    /// The bytes after the marker that says "not NULL", as a big-endian number.
    Short(u128),
    Long(Arc<[u8]>),
}

impl Extreme {
    /// The marker that arrow's row format puts before a value of fixed width that is not NULL.
    const NOT_NULL: u8 = 1;

    /// # Errors
    /// The type has no row format: a bug, the planner lets none of them through.
    pub(super) fn new(greatest: bool, argument: &DataType) -> Result<Self> {
        let converter = RowConverter::new(vec![SortField::new(argument.clone())])?;
        let parser = converter.parser();
        let output = converter.empty_rows(0, 0);
        let null = converter.convert_columns(&[new_null_array(argument, 1)])?;
        let width = argument.primitive_width().filter(|width| *width <= size_of::<u128>());
        Ok(Self {
            greatest,
            width,
            converter,
            parser,
            rows: None,
            nulls: None,
            values: BTreeMap::new(),
            outside: 0,
            null,
            output,
        })
    }
}

impl State for Extreme {
    type Value = Key;
    type Outcome = Key;

    fn load(&mut self, argument: &ArrayRef) -> Result<()> {
        self.nulls = argument.logical_nulls();
        self.rows = Some(self.converter.convert_columns(std::slice::from_ref(argument))?);
        Ok(())
    }

    fn read(&self, row: usize) -> Option<Key> {
        if self.nulls.as_ref().is_some_and(|nulls| nulls.is_null(row)) {
            return None;
        }
        let row = self.rows.as_ref()?.row(row);
        let bytes = row.data();
        Some(match self.width {
            Some(_) => Key::Short(bytes[1..].iter().fold(0, |key, byte| key << 8 | u128::from(*byte))),
            None => Key::Long(bytes.into()),
        })
    }

    fn add(&mut self, value: Key) {
        let outside = value.outside();
        let times = self.values.entry(value).or_insert(0);
        *times += 1;
        if *times == 1 {
            self.outside += outside;
        }
    }

    fn subtract(&mut self, value: Key) {
        if let Some(times) = self.values.get_mut(&value) {
            *times -= 1;
            if *times == 0 {
                self.values.remove(&value);
                self.outside -= value.outside();
            }
        }
    }

    fn outcome(&self) -> Result<Option<Key>> {
        let end = if self.greatest { self.values.last_key_value() } else { self.values.first_key_value() };
        Ok(end.map(|(key, _)| key.clone()))
    }

    fn clear(&mut self) {
        self.values.clear();
        self.outside = 0;
    }

    fn append(&mut self, outcome: Option<&Key>) -> Result<()> {
        match (outcome, self.width) {
            (None, _) => self.output.push(self.null.row(0)),
            (Some(Key::Long(bytes)), _) => self.output.push(self.parser.parse(bytes)),
            (Some(Key::Short(key)), Some(width)) => {
                let mut bytes = [0; 1 + size_of::<u128>()];
                bytes[1..].copy_from_slice(&key.to_be_bytes());
                let start = size_of::<u128>() - width;
                bytes[start] = Self::NOT_NULL;
                self.output.push(self.parser.parse(&bytes[start..]));
            }
            (Some(Key::Short(_)), None) => {
                return Err(internal_datafusion_err!(
                    "temporal_aggregate: a short key in a column without width"
                ));
            }
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<ArrayRef> {
        let mut columns = self.converter.convert_rows(&self.output)?;
        self.output.clear();
        columns.pop().ok_or_else(|| internal_datafusion_err!("temporal_aggregate: no column came from rows"))
    }

    fn size(&self) -> usize {
        // The nodes of a B-tree are at least half full.
        let map = self.values.len() * 2 * size_of::<(Key, u64)>();
        map + self.outside + self.output.size() + self.rows.as_ref().map_or(0, Rows::size)
    }
}

impl Key {
    fn outside(&self) -> usize {
        // The two counters of an `Arc`, and the bytes.
        if let Self::Long(bytes) = self { bytes.len() + 2 * size_of::<usize>() } else { 0 }
    }
}
