//! How many bytes the values of rows have, without what lies around them in shared memory.

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, OffsetSizeTrait};
use arrow_schema::DataType;
use datafusion::arrow::datatypes::ArrowNativeType;

/// Bytes that a row has besides its values: an offset or a view.
const ROW_BYTES: usize = 16;

/// Bytes of one row's value.
pub(crate) fn row_bytes(array: &ArrayRef, row: usize) -> usize {
    if array.is_null(row) {
        return ROW_BYTES;
    }
    #[expect(clippy::wildcard_enum_match_arm, reason = "all others are small, or are measured as a whole")]
    let inner = match array.data_type() {
        DataType::Utf8 => array.as_string::<i32>().value_length(row).as_usize(),
        DataType::LargeUtf8 => array.as_string::<i64>().value_length(row).as_usize(),
        DataType::Utf8View => array.as_string_view().value(row).len(),
        DataType::Binary => array.as_binary::<i32>().value_length(row).as_usize(),
        DataType::LargeBinary => array.as_binary::<i64>().value_length(row).as_usize(),
        DataType::BinaryView => array.as_binary_view().value(row).len(),
        DataType::List(_) => bytes(&array.as_list::<i32>().value(row)),
        DataType::LargeList(_) => bytes(&array.as_list::<i64>().value(row)),
        DataType::FixedSizeList(..) => bytes(&array.as_fixed_size_list().value(row)),
        DataType::Struct(_) => array.as_struct().columns().iter().map(|column| row_bytes(column, row)).sum(),
        DataType::Map(..) => array.as_map().value(row).columns().iter().map(bytes).sum(),
        DataType::Dictionary(..) => 0,
        other => other.primitive_width().unwrap_or(ROW_BYTES),
    };
    inner.saturating_add(ROW_BYTES)
}

/// Bytes of all rows.
pub(crate) fn bytes(array: &ArrayRef) -> usize {
    #[expect(clippy::wildcard_enum_match_arm, reason = "all others are small, or are measured row by row")]
    match array.data_type() {
        DataType::Utf8 => text_bytes(array.as_string::<i32>().offsets()),
        DataType::LargeUtf8 => text_bytes(array.as_string::<i64>().offsets()),
        other => match other.primitive_width() {
            Some(width) => width.saturating_mul(array.len()),
            None => (0..array.len()).map(|row| row_bytes(array, row)).sum(),
        },
    }
}

fn text_bytes<O: OffsetSizeTrait>(offsets: &[O]) -> usize {
    let (Some(first), Some(last)) = (offsets.first(), offsets.last()) else { return 0 };
    last.as_usize() - first.as_usize() + size_of_val(offsets)
}

/// Bytes of the largest row.
pub(crate) fn largest_row(array: &ArrayRef) -> usize {
    (0..array.len()).map(|row| row_bytes(array, row)).max().unwrap_or_default()
}
