//! Tables in tests: columns in a few strokes, and answers as lines of text.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{TimestampMicrosecondType, TimestampNanosecondType};
use arrow_array::{
    Array, ArrayRef, BinaryArray, BooleanArray, Date32Array, Decimal128Array, Float32Array, Float64Array,
    Int32Array, Int64Array, PrimitiveArray, RecordBatch, StringArray, UInt64Array,
};
use arrow_cast::display::{ArrayFormatter, FormatOptions};
use arrow_schema::{ArrowError, Field, Schema};

/// A column with its name.
pub type Column<'a> = (&'a str, ArrayRef);

/// Texts; `None` is null.
pub fn texts<'a, T: Into<Option<&'a str>>>(values: impl IntoIterator<Item = T>) -> ArrayRef {
    let values = values.into_iter().map(Into::into);
    Arc::new(values.collect::<StringArray>())
}

/// 64-bit integers; `None` is null.
pub fn ints<T: Into<Option<i64>>>(values: impl IntoIterator<Item = T>) -> ArrayRef {
    let values = values.into_iter().map(Into::into);
    Arc::new(values.collect::<Int64Array>())
}

/// 32-bit integers.
pub fn small_ints(values: impl IntoIterator<Item = i32>) -> ArrayRef {
    Arc::new(Int32Array::from_iter_values(values))
}

/// Unsigned 64-bit integers.
pub fn naturals(values: impl IntoIterator<Item = u64>) -> ArrayRef {
    Arc::new(UInt64Array::from_iter_values(values))
}

/// Truth values.
pub fn bools(values: impl IntoIterator<Item = bool>) -> ArrayRef {
    let values: Vec<bool> = values.into_iter().collect();
    Arc::new(BooleanArray::from(values))
}

/// Floats of 64 bits.
pub fn floats(values: impl IntoIterator<Item = f64>) -> ArrayRef {
    Arc::new(Float64Array::from_iter_values(values))
}

/// Floats of 32 bits.
pub fn small_floats(values: impl IntoIterator<Item = f32>) -> ArrayRef {
    Arc::new(Float32Array::from_iter_values(values))
}

/// Days since the Unix epoch.
pub fn days(values: impl IntoIterator<Item = i32>) -> ArrayRef {
    Arc::new(Date32Array::from_iter_values(values))
}

/// Bytes.
pub fn bytes<'a>(values: impl IntoIterator<Item = &'a [u8]>) -> ArrayRef {
    Arc::new(BinaryArray::from_iter_values(values))
}

/// Decimals of unscaled values.
///
/// # Panics
/// If the type is none.
pub fn decimals(precision: u8, scale: i8, unscaled: impl IntoIterator<Item = i128>) -> ArrayRef {
    let values = Decimal128Array::from_iter_values(unscaled);
    let values = values.with_precision_and_scale(precision, scale);
    Arc::new(values.expect("a decimal type"))
}

/// Instants in UTC, microseconds; `None` is null.
pub fn instants<T: Into<Option<i64>>>(values: impl IntoIterator<Item = T>) -> ArrayRef {
    let values = values.into_iter().map(Into::into);
    let values: PrimitiveArray<TimestampMicrosecondType> = values.collect();
    Arc::new(values.with_timezone("UTC"))
}

/// Instants in UTC, nanoseconds.
pub fn nanoseconds(values: impl IntoIterator<Item = i64>) -> ArrayRef {
    let values = PrimitiveArray::<TimestampNanosecondType>::from_iter_values(values);
    Arc::new(values.with_timezone("UTC"))
}

/// Instants without a zone, microseconds.
pub fn zoneless(values: impl IntoIterator<Item = i64>) -> ArrayRef {
    Arc::new(PrimitiveArray::<TimestampMicrosecondType>::from_iter_values(values))
}

/// A batch of nullable columns.
///
/// # Panics
/// If the columns are of several lengths.
pub fn batch(columns: &[Column<'_>]) -> RecordBatch {
    let field = |(name, values): &Column<'_>| Field::new(*name, values.data_type().clone(), true);
    let fields: Vec<Field> = columns.iter().map(field).collect();
    let values = columns.iter().map(|(_, values)| Arc::clone(values));
    let batch = RecordBatch::try_new(Arc::new(Schema::new(fields)), values.collect());
    batch.expect("columns of one length")
}

/// A batch without rows.
///
/// # Panics
/// Never: the columns are as long as each other.
pub fn no_rows(columns: &[Column<'_>]) -> RecordBatch {
    batch(columns).slice(0, 0)
}

/// The rows of batches, a line each: values apart by a space, null as `-`.
///
/// # Panics
/// If a column cannot be printed.
pub fn lines(batches: &[RecordBatch]) -> Vec<String> {
    let print = |batch: &RecordBatch| print(batch).expect("plain columns are printed");
    batches.iter().flat_map(print).collect()
}

/// Arrow prints instants by offset alone, unless it is built with a database of zones.
fn by_offset(column: &ArrayRef) -> ArrayRef {
    match column.as_primitive_opt::<TimestampMicrosecondType>() {
        Some(instants) => Arc::new(instants.clone().with_timezone("+00:00")),
        None => Arc::clone(column),
    }
}

fn print(batch: &RecordBatch) -> Result<Vec<String>, ArrowError> {
    let options =
        FormatOptions::default().with_null("-").with_timestamp_tz_format(Some("%Y-%m-%dT%H:%M:%S%.6fZ"));
    let columns = batch.columns().iter().map(by_offset);
    let columns = columns.collect::<Vec<_>>();
    let formatters = columns
        .iter()
        .map(|column| ArrayFormatter::try_new(column.as_ref(), &options))
        .collect::<Result<Vec<_>, _>>()?;
    let line = |row: usize| {
        let values = formatters.iter().map(|column| column.value(row).to_string());
        values.collect::<Vec<_>>().join(" ")
    };
    Ok((0..batch.num_rows()).map(line).collect())
}
