//! Reading the columns of the rows that are wanted.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::Decimal128Type;
use arrow_array::{Array, ArrayRef, UInt32Array, new_null_array};
use arrow_cast::{CastOptions, cast_with_options};
use arrow_schema::DataType;
use arrow_select::interleave::interleave;
use arrow_select::take::take;

use super::{Scan, Window};
use crate::column::{normalise, same_rows};
use crate::error::{Error, reasons};
use crate::manifest::{Group, system_type};
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
        let fields: Vec<_> = places.iter().map(|place| self.field(*place)).collect();
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
        arrays.push(stored(reader, batch.group(), fields).await?);
    }
    let columns = match arrays.as_slice() {
        [only] => select(only, rows),
        several => {
            let number = |row: &RowRef| used[row.batch as usize].expect("every batch was numbered");
            let picks: Vec<_> = rows.iter().map(|row| (number(row), row.row as usize)).collect();
            let fields = 0..fields.len();
            fields.map(|field| pick(several, field, &picks)).collect::<Result<_, _>>()?
        }
    };
    // Fitted last: the rows that are wanted have to fit, and not what happens to lie beside them.
    let fitted = columns.into_iter().zip(fields);
    fitted.map(|(column, (_, field_type))| fit(column, &field_type.to_arrow())).collect()
}

/// Rows of one field from several batches, in the widest type that it is stored in among them.
fn pick(batches: &[Vec<ArrayRef>], field: usize, picks: &[(usize, usize)]) -> Result<ArrayRef, Error> {
    let types = batches.iter().filter_map(|columns| FieldType::from_arrow(columns[field].data_type()));
    let widest = types.reduce(|widest, next| if widest.widens_to(next) { next } else { widest });
    let widest = widest.map_or(DataType::Null, FieldType::to_arrow);
    let widen = |columns: &Vec<ArrayRef>| {
        let column = Arc::clone(&columns[field]);
        if *column.data_type() == widest { Ok(column) } else { fit(column, &widest) }
    };
    let columns = batches.iter().map(widen).collect::<Result<Vec<_>, _>>()?;
    let sources: Vec<&dyn Array> = columns.iter().map(AsRef::as_ref).collect();
    interleave(&sources, picks).map_err(|error| Error::damaged("a row group", reasons(&error)))
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

/// Columns of a row group as they are stored.
pub(super) async fn stored(
    reader: &ChunkReader,
    group: &Group,
    fields: &[(FieldId, FieldType)],
) -> Result<Vec<ArrayRef>, Error> {
    let wanted: Vec<_> =
        fields.iter().filter_map(|(id, field_type)| Some((group.column(*id)?, *field_type))).collect();
    let mut read = reader.columns(&wanted, group.rows).await?.into_iter();
    fields
        .iter()
        .map(|(id, field_type)| match group.column(*id) {
            Some(_) => Ok(read.next().expect("it was wanted")),
            None => Ok(new_null_array(&field_type.to_arrow(), group.rows as usize)),
        })
        .collect()
}

/// Brings a stored column to the type of the schema that is asked for. A value that does not fit an older,
/// narrower type is refused.
pub(super) fn fit(column: ArrayRef, wanted: &DataType) -> Result<ArrayRef, Error> {
    let too_wide = || Refusal::Field {
        field: "schema_version",
        expected: "a version whose types hold the values; a later version widened a column",
    };
    let options = CastOptions { safe: false, ..CastOptions::default() };
    let convert =
        |column: &ArrayRef, to: &DataType| cast_with_options(column, to, &options).map_err(|_| too_wide());
    if let DataType::Decimal128(precision, _) = wanted {
        let decimals = column.as_primitive::<Decimal128Type>();
        decimals.validate_decimal_precision(*precision).map_err(|_| too_wide())?;
    }
    if column.data_type() == wanted {
        return Ok(column);
    }
    let fitted = convert(&column, wanted)?;
    if *wanted == DataType::Float32 {
        // Floats narrow by rounding: what does not come back as it was did not fit.
        let back = normalise(FieldType::Float(64), &convert(&fitted, column.data_type())?);
        let whole = normalise(FieldType::Float(64), &column);
        // Compared as values are everywhere: a NaN is a NaN.
        let same = same_rows(&[back], &[whole], column.len());
        if !same.is_ok_and(|same| same.into_iter().all(|same| same)) {
            return Err(too_wide().into());
        }
    }
    Ok(fitted)
}
