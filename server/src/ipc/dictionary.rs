//! Dictionaries that a sender refers to, and the plain columns they stand for.
//!
//! Invariants: what is held is bounded in bytes; a column is made plain only once it is known how much it takes.

use std::collections::BTreeMap;

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, UInt32Array, new_null_array};
use arrow_schema::DataType;
use arrow_select::take::take;
use bytes::Bytes;

use super::column::{Reader, width};
use super::error::Fault;
use super::gate::{Rows, limit};
use super::types::{Column, Encoding};
use crate::limits::Limits;

/// The dictionaries that were sent.
#[derive(Debug, Default)]
pub(super) struct Dictionaries {
    held: BTreeMap<i64, Held>,
}

#[derive(Debug)]
struct Held {
    values: ArrayRef,
    bytes: usize,
}

impl Dictionaries {
    /// Takes a dictionary, in place of an earlier one of its number.
    pub(super) fn hold(
        &mut self,
        id: i64,
        rows: &Rows,
        body: &Bytes,
        columns: &[Column],
        limits: &Limits,
    ) -> Result<(), Fault> {
        let refers = |column: &&Column| column.dictionary.as_ref().is_some_and(|encoding| encoding.id == id);
        let column = columns
            .iter()
            .find(refers)
            .ok_or(Fault::Kind { expected: "a dictionary that a column refers to", found: "another one" })?;
        let mut reader = Reader::new(rows, body, limits);
        let values = reader.values(&column.name, &column.values)?;
        reader.finish()?;
        self.held.remove(&id);
        // Its values may lie in the message, which is kept whole then.
        let bytes = body.len().max(values.get_buffer_memory_size());
        let total: usize = self.held.values().map(|held| held.bytes).sum::<usize>() + bytes;
        if total > limits.ipc_raw_bytes_max {
            return Err(limit("ipc_raw_bytes_max", "bytes of dictionaries", total, limits.ipc_raw_bytes_max));
        }
        self.held.insert(id, Held { values, bytes });
        Ok(())
    }

    /// The next column of a message, made plain.
    pub(super) fn column(
        &self,
        reader: &mut Reader<'_>,
        column: &Column,
        encoding: &Encoding,
    ) -> Result<ArrayRef, Fault> {
        // A dictionary may be left out where all is null.
        let values = self.held.get(&encoding.id).map(|held| ArrayRef::clone(&held.values));
        let values = values.unwrap_or_else(|| new_null_array(&column.values, 0));
        let places = reader.places(&column.name, &encoding.places, &values)?;
        if values.is_empty() {
            if places.null_count() < places.len() {
                return Err(Fault::NoDictionary { column: column.name.clone(), id: encoding.id });
            }
            return Ok(new_null_array(&column.values, places.len()));
        }
        let places = flat_places(&places);
        reader.unfold(unfolded(&values, &places))?;
        take(&values, &places, None).map_err(|source| Fault::Values { column: column.name.clone(), source })
    }
}

/// Validated places in a dictionary that is not empty, as numbers of one width.
fn flat_places(places: &ArrayRef) -> UInt32Array {
    let numbers = places.as_any_dictionary().normalized_keys();
    let place = |(row, number): (usize, &usize)| -> Option<u32> {
        if places.is_null(row) { None } else { u32::try_from(*number).ok() }
    };
    numbers.iter().enumerate().map(place).collect()
}

/// Bytes that places in a dictionary stand for.
fn unfolded(values: &ArrayRef, places: &UInt32Array) -> usize {
    let is_bits = *values.data_type() == DataType::Boolean;
    let fixed = if is_bits { Some(1) } else { width(values.data_type()) };
    if let Some(width) = fixed {
        return usize::try_from(width).unwrap_or(usize::MAX).saturating_mul(places.len());
    }
    let sizes: Vec<usize> = (0..values.len()).map(|row| size(values, row)).collect();
    let sum = places.iter().flatten().map(|place| sizes[place as usize]).fold(0, usize::saturating_add);
    sum.saturating_add(8 * places.len())
}

/// Bytes of a text.
fn size(values: &ArrayRef, row: usize) -> usize {
    if let Some(texts) = values.as_string_opt::<i32>() {
        texts.value(row).len()
    } else if let Some(texts) = values.as_string_opt::<i64>() {
        texts.value(row).len()
    } else if let Some(texts) = values.as_string_view_opt() {
        texts.value(row).len()
    } else if let Some(bytes) = values.as_binary_opt::<i32>() {
        bytes.value(row).len()
    } else if let Some(bytes) = values.as_binary_opt::<i64>() {
        bytes.value(row).len()
    } else {
        values.as_binary_view_opt().map_or(0, |bytes| bytes.value(row).len())
    }
}
