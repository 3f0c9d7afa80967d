//! Reading the columns of the rows that are wanted.

use std::sync::Arc;

use arrow_array::{Array, ArrayRef, UInt32Array, new_null_array};
use arrow_cast::{CastOptions, cast_with_options};
use arrow_schema::DataType;
use arrow_select::interleave::interleave;
use arrow_select::take::take;

use super::{FactBatch, Scan, Window};
use crate::error::{Error, reasons};
use crate::manifest::system_type;
use crate::reader::ChunkReader;
use crate::refusal::Refusal;
use crate::schema::{FieldId, FieldType};

/// A row of a window: which of its batches, and which row of the group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RowRef {
    pub(super) batch: u32,
    pub(super) row: u32,
}

impl Scan {
    /// Reads some columns, by their places in the schema, for some rows of a window, in that order.
    ///
    /// # Errors
    /// [`Error::Damaged`] names a chunk that cannot be read. A value that does not fit the type of an
    /// older schema version is refused.
    pub async fn columns(
        &self,
        window: &Window,
        rows: &[RowRef],
        places: &[usize],
    ) -> Result<Vec<ArrayRef>, Error> {
        let fields: Vec<_> = places
            .iter()
            .map(|place| {
                let field = &self.schema.fields()[*place];
                (field.id, field.field_type)
            })
            .collect();
        gather(&self.reader, window, rows, &fields).await
    }

    /// Reads a system column that a put may have brought: partition or offset.
    ///
    /// # Errors
    /// As [`Self::columns`].
    ///
    /// # Panics
    /// If the field is not a system column.
    pub async fn system_column(
        &self,
        window: &Window,
        rows: &[RowRef],
        field: FieldId,
    ) -> Result<ArrayRef, Error> {
        let field_type = system_type(field).expect("a system column");
        let mut columns = gather(&self.reader, window, rows, &[(field, field_type)]).await?;
        Ok(columns.pop().expect("one was asked for"))
    }
}

async fn gather(
    reader: &ChunkReader,
    window: &Window,
    rows: &[RowRef],
    fields: &[(FieldId, FieldType)],
) -> Result<Vec<ArrayRef>, Error> {
    if rows.is_empty() {
        return Ok(fields.iter().map(|(_, field_type)| new_null_array(&field_type.to_arrow(), 0)).collect());
    }
    let mut used: Vec<Option<usize>> = vec![None; window.batches.len()];
    let mut batches = Vec::new();
    for row in rows {
        let slot = &mut used[row.batch as usize];
        if slot.is_none() {
            *slot = Some(batches.len());
            batches.push(&window.batches[row.batch as usize]);
        }
    }
    let mut arrays: Vec<Vec<ArrayRef>> = Vec::with_capacity(batches.len());
    for batch in &batches {
        arrays.push(read(reader, batch, fields).await?);
    }
    if let [only] = arrays.as_slice() {
        return Ok(select(only, rows));
    }
    let picks: Vec<(usize, usize)> = rows
        .iter()
        .map(|row| (used[row.batch as usize].expect("every batch was numbered"), row.row as usize))
        .collect();
    let one = |field: usize| {
        let sources: Vec<&dyn Array> = arrays.iter().map(|columns| columns[field].as_ref()).collect();
        interleave(&sources, &picks).map_err(|error| Error::damaged("a row group", reasons(&error)))
    };
    (0..fields.len()).map(one).collect()
}

/// Rows of one batch: a slice where they lie side by side.
fn select(columns: &[ArrayRef], rows: &[RowRef]) -> Vec<ArrayRef> {
    let first = rows[0].row;
    let side_by_side = rows.iter().zip(first..).all(|(row, expected)| row.row == expected);
    if side_by_side {
        return columns.iter().map(|column| column.slice(first as usize, rows.len())).collect();
    }
    let places = UInt32Array::from_iter_values(rows.iter().map(|row| row.row));
    let one = |column: &ArrayRef| take(column, &places, None).expect("rows lie within their group");
    columns.iter().map(one).collect()
}

async fn read(
    reader: &ChunkReader,
    batch: &FactBatch,
    fields: &[(FieldId, FieldType)],
) -> Result<Vec<ArrayRef>, Error> {
    let group = batch.group();
    let wanted: Vec<_> =
        fields.iter().filter_map(|(id, field_type)| Some((group.column(*id)?, *field_type))).collect();
    let mut read = reader.columns(&wanted, group.rows).await?.into_iter();
    fields
        .iter()
        .map(|(id, field_type)| match group.column(*id) {
            Some(_) => fit(read.next().expect("it was wanted"), &field_type.to_arrow()),
            None => Ok(new_null_array(&field_type.to_arrow(), group.rows as usize)),
        })
        .collect()
}

/// Brings a stored column to the type of the schema that is asked for.
pub(super) fn fit(column: ArrayRef, wanted: &DataType) -> Result<ArrayRef, Error> {
    if column.data_type() == wanted {
        return Ok(column);
    }
    let options = CastOptions { safe: false, ..CastOptions::default() };
    cast_with_options(&column, wanted, &options).map(|array| Arc::new(array) as ArrayRef).map_err(|_| {
        Refusal::Field {
            field: "schema_version",
            expected: "a version whose types hold the values; a later version widened a column",
        }
        .into()
    })
}
