//! Arrow columns in the few forms that are kept: plain arrays, microseconds, UTC.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{
    ArrowTimestampType, TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType,
    TimestampSecondType,
};
use arrow_array::{Array, ArrayRef, PrimitiveArray};
use arrow_buffer::Buffer;
use arrow_cast::cast;
use arrow_schema::{DataType, TimeUnit};

use crate::refusal::Refusal;
use crate::schema::{FieldType, timestamp_type};

/// The type in which a column of an Arrow type is kept; the null type has none.
pub(super) fn kept_type(column: &str, data_type: &DataType) -> Result<Option<FieldType>, Refusal> {
    #[expect(clippy::wildcard_enum_match_arm, reason = "all other Arrow types are not kept")]
    let plain = match data_type {
        DataType::Null => return Ok(None),
        DataType::Dictionary(_, values) => return kept_type(column, values),
        DataType::LargeUtf8 | DataType::Utf8View => DataType::Utf8,
        DataType::LargeBinary | DataType::BinaryView | DataType::FixedSizeBinary(_) => DataType::Binary,
        DataType::Decimal32(precision, scale) | DataType::Decimal64(precision, scale) => {
            DataType::Decimal128(*precision, *scale)
        }
        DataType::Timestamp(_, Some(_)) => timestamp_type(),
        other => other.clone(),
    };
    #[expect(clippy::wildcard_enum_match_arm, reason = "all other Arrow types are not kept")]
    let hint = match &plain {
        DataType::Timestamp(_, None) => "give it a zone: which instants are meant is not known",
        DataType::Date64 => "use date32 for days, or a timestamp with a zone",
        DataType::Float16 => "use float or double",
        DataType::Decimal256(..) => "at most 38 digits are kept",
        _ => "bool, integers, float, double, decimal128, date32, timestamp with zone, string and binary are",
    };
    FieldType::from_arrow(&plain).map(Some).ok_or_else(|| Refusal::TypeNotKept {
        column: column.to_owned(),
        found: data_type.to_string(),
        hint,
    })
}

/// What the values of a column take in memory; not all that lies behind them, which other columns and batches may
/// share: those of one message do.
pub(super) fn values_bytes(column: &ArrayRef) -> u64 {
    let data = column.to_data();
    let is_view = matches!(column.data_type(), DataType::Utf8View | DataType::BinaryView);
    // Views are followed by the buffers of what is too long for them.
    let long: usize = data.buffers().iter().skip(1).filter(|_| is_view).map(Buffer::len).sum();
    (data.get_slice_memory_size().unwrap_or_else(|_| column.get_array_memory_size()) + long) as u64
}

/// Bytes that a column takes once it is flat: a dictionary counts as what it stands for.
pub(super) fn flat_bytes(column: &ArrayRef) -> u64 {
    let Some(dictionary) = column.as_any_dictionary_opt() else {
        return values_bytes(column);
    };
    let Ok(values) = flatten("", dictionary.values(), 1) else {
        return values_bytes(column);
    };
    let size = |row: usize| -> u64 {
        if let Some(texts) = values.as_string_opt::<i32>() {
            return texts.value_length(row).unsigned_abs().into();
        }
        values.as_binary_opt::<i32>().map_or(16, |bytes| bytes.value_length(row).unsigned_abs().into())
    };
    let longest = (0..values.len()).map(size).max();
    longest.unwrap_or(0).saturating_mul(column.len() as u64)
}

/// Brings a column into its kept form, or refuses a value that would have to be changed. `first_row`
/// is the number of its first row among those handed over.
pub(super) fn flatten(name: &str, column: &ArrayRef, first_row: u64) -> Result<ArrayRef, Refusal> {
    #[expect(clippy::wildcard_enum_match_arm, reason = "all other forms stay as they are")]
    match column.data_type() {
        DataType::Timestamp(unit, Some(_)) => instants(name, column, *unit, first_row),
        DataType::Dictionary(_, values) => flatten(name, &recast(name, column, values)?, first_row),
        DataType::LargeUtf8 | DataType::Utf8View => recast(name, column, &DataType::Utf8),
        DataType::LargeBinary | DataType::BinaryView | DataType::FixedSizeBinary(_) => {
            recast(name, column, &DataType::Binary)
        }
        DataType::Decimal32(precision, scale) | DataType::Decimal64(precision, scale) => {
            recast(name, column, &DataType::Decimal128(*precision, *scale))
        }
        _ => Ok(Arc::clone(column)),
    }
}

/// Between forms of one type; values stay.
pub(super) fn recast(name: &str, column: &ArrayRef, to: &DataType) -> Result<ArrayRef, Refusal> {
    if column.data_type() == to {
        return Ok(Arc::clone(column));
    }
    cast(column, to).map_err(|_| Refusal::TypeNotKept {
        column: name.to_owned(),
        found: column.data_type().to_string(),
        hint: "send it as the plain type",
    })
}

fn instants(name: &str, column: &ArrayRef, unit: TimeUnit, first_row: u64) -> Result<ArrayRef, Refusal> {
    match unit {
        TimeUnit::Second => {
            scaled::<TimestampSecondType>(name, column, |v| v.checked_mul(1_000_000), first_row)
        }
        TimeUnit::Millisecond => {
            scaled::<TimestampMillisecondType>(name, column, |v| v.checked_mul(1000), first_row)
        }
        TimeUnit::Microsecond => scaled::<TimestampMicrosecondType>(name, column, Some, first_row),
        TimeUnit::Nanosecond => {
            let array = column.as_primitive::<TimestampNanosecondType>();
            let fine = (0..array.len()).find(|row| array.is_valid(*row) && array.value(*row) % 1000 != 0);
            if let Some(row) = fine {
                return Err(Refusal::TooFine { row: first_row + row as u64, column: name.to_owned() });
            }
            scaled::<TimestampNanosecondType>(name, column, |v| Some(v / 1000), first_row)
        }
    }
}

fn scaled<T: ArrowTimestampType>(
    name: &str,
    column: &ArrayRef,
    scale: impl Fn(i64) -> Option<i64>,
    first_row: u64,
) -> Result<ArrayRef, Refusal> {
    let array = column.as_primitive::<T>();
    let legal = |value: i64| scale(value).filter(|micros| *micros != i64::MIN && *micros != i64::MAX);
    let mut values = Vec::with_capacity(array.len());
    for row in 0..array.len() {
        let value = if array.is_valid(row) { legal(array.value(row)) } else { Some(0) };
        let out_of_range = || Refusal::InstantRange { row: first_row + row as u64, column: name.to_owned() };
        values.push(value.ok_or_else(out_of_range)?);
    }
    let array = PrimitiveArray::<TimestampMicrosecondType>::new(values.into(), array.nulls().cloned());
    Ok(Arc::new(array.with_timezone("UTC")))
}

#[cfg(test)]
mod tests {
    use arrow_array::{Int64Array, StringViewArray};
    use arrow_buffer::ScalarBuffer;

    use super::*;

    #[test]
    fn columns_that_share_a_buffer_count_their_own_values() {
        let message = ScalarBuffer::<i64>::from(vec![7; 1000]);
        let column = |at: usize| -> ArrayRef { Arc::new(Int64Array::new(message.slice(at, 10), None)) };
        assert_eq!((0..100).map(|place| values_bytes(&column(place * 10))).sum::<u64>(), 8000);
        assert_eq!(flat_bytes(&column(0)), 80);
        let views: ArrayRef = Arc::new(StringViewArray::from(vec!["x".repeat(1000); 3]));
        assert!(values_bytes(&views) >= 3000, "long texts lie beside their views");
    }
}
