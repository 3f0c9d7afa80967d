//! Record batches as rows of values: a column at a time, one decision a column.

use arrow_array::cast::AsArray;
use arrow_array::types::{
    ArrowPrimitiveType, Date32Type, Decimal128Type, DecimalType, Float32Type, Float64Type, Int8Type,
    Int16Type, Int32Type, Int64Type, TimestampMicrosecondType, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use arrow_array::{Array, RecordBatch};
use arrow_schema::{DataType, TimeUnit};
use bytes::Bytes;
use calotype_proto::v1::value::Kind;
use calotype_proto::v1::{Row, RowBatch, Value};

use super::timestamp_of_micros;

/// A batch of an answer as rows; the names of its columns stand in the answer's header.
///
/// # Panics
/// If a column is of a type that no answer has.
pub fn row_batch(batch: &RecordBatch) -> RowBatch {
    let width = batch.num_columns();
    let mut rows: Vec<Row> = Vec::with_capacity(batch.num_rows());
    rows.resize_with(batch.num_rows(), || Row { values: Vec::with_capacity(width) });
    for column in batch.columns() {
        write(column.as_ref(), &mut rows);
    }
    RowBatch { columns: Vec::new(), rows }
}

fn write(column: &dyn Array, rows: &mut [Row]) {
    #[expect(clippy::wildcard_enum_match_arm, reason = "answers hold the types that are kept alone")]
    match column.data_type() {
        DataType::Null => fill(rows, std::iter::repeat(None)),
        DataType::Boolean => fill(rows, column.as_boolean().iter().map(|value| value.map(Kind::BoolValue))),
        DataType::Int8 => primitive::<Int8Type>(column, rows, |value| Kind::IntValue(value.into())),
        DataType::Int16 => primitive::<Int16Type>(column, rows, |value| Kind::IntValue(value.into())),
        DataType::Int32 => primitive::<Int32Type>(column, rows, |value| Kind::IntValue(value.into())),
        DataType::Int64 => primitive::<Int64Type>(column, rows, Kind::IntValue),
        DataType::UInt8 => primitive::<UInt8Type>(column, rows, |value| Kind::UintValue(value.into())),
        DataType::UInt16 => primitive::<UInt16Type>(column, rows, |value| Kind::UintValue(value.into())),
        DataType::UInt32 => primitive::<UInt32Type>(column, rows, |value| Kind::UintValue(value.into())),
        DataType::UInt64 => primitive::<UInt64Type>(column, rows, Kind::UintValue),
        DataType::Float32 => primitive::<Float32Type>(column, rows, |value| Kind::DoubleValue(value.into())),
        DataType::Float64 => primitive::<Float64Type>(column, rows, Kind::DoubleValue),
        DataType::Decimal128(precision, scale) => primitive::<Decimal128Type>(column, rows, |value| {
            Kind::DecimalValue(Decimal128Type::format_decimal(value, *precision, *scale))
        }),
        DataType::Date32 => primitive::<Date32Type>(column, rows, Kind::DateValue),
        DataType::Timestamp(TimeUnit::Microsecond, _) => {
            primitive::<TimestampMicrosecondType>(column, rows, |micros| {
                Kind::TimestampValue(timestamp_of_micros(micros))
            });
        }
        DataType::Utf8 => fill(
            rows,
            column.as_string::<i32>().iter().map(|text| text.map(|text| Kind::StringValue(text.to_owned()))),
        ),
        DataType::Binary => fill(
            rows,
            column
                .as_binary::<i32>()
                .iter()
                .map(|bytes| bytes.map(|bytes| Kind::BytesValue(Bytes::copy_from_slice(bytes)))),
        ),
        other => unreachable!("answers hold the types that are kept alone, not {other}"),
    }
}

fn primitive<T: ArrowPrimitiveType>(
    column: &dyn Array,
    rows: &mut [Row],
    kind: impl Fn(T::Native) -> Kind + Copy,
) {
    fill(rows, column.as_primitive::<T>().iter().map(|value| value.map(kind)));
}

fn fill(rows: &mut [Row], kinds: impl Iterator<Item = Option<Kind>>) {
    for (row, kind) in rows.iter_mut().zip(kinds) {
        row.values.push(Value { kind });
    }
}
