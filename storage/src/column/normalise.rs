//! Makes what must not matter equal: what lies under null slots, the sign of
//! zero, the bits of a NaN, slices of larger buffers.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{
    ArrowPrimitiveType, Date32Type, Decimal128Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type,
    Int64Type, TimestampMicrosecondType, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use arrow_array::{Array, ArrayRef, BinaryArray, BooleanArray, PrimitiveArray, StringArray};
use arrow_buffer::{ArrowNativeType, NullBuffer};

use crate::planted::{Bug, is_planted};
use crate::schema::FieldType;

/// The one NaN of 32 bits. The constants of the standard library promise no bits.
const NAN_32: u32 = 0x7fc0_0000;
/// The one NaN of 64 bits.
pub(super) const NAN_64: u64 = 0x7ff8_0000_0000_0000;

/// Brings a column into the one form in which equal content is equal bytes.
///
/// # Panics
/// If the column is not of its field type: the caller has checked it.
pub fn normalise(field_type: FieldType, column: &ArrayRef) -> ArrayRef {
    match field_type {
        FieldType::Bool => bools(column),
        FieldType::Int(8) => plain::<Int8Type>(column),
        FieldType::Int(16) => plain::<Int16Type>(column),
        FieldType::Int(32) => plain::<Int32Type>(column),
        FieldType::Int(_) => plain::<Int64Type>(column),
        FieldType::UInt(8) => plain::<UInt8Type>(column),
        FieldType::UInt(16) => plain::<UInt16Type>(column),
        FieldType::UInt(32) => plain::<UInt32Type>(column),
        FieldType::UInt(_) => plain::<UInt64Type>(column),
        FieldType::Float(32) => floats::<Float32Type>(column, |v| {
            if is_planted(Bug::KeepsNegativeZero) {
                v
            } else if v.is_nan() {
                f32::from_bits(NAN_32)
            } else {
                v + 0.0
            }
        }),
        FieldType::Float(_) => floats::<Float64Type>(column, |v| {
            if is_planted(Bug::KeepsNegativeZero) {
                v
            } else if v.is_nan() {
                f64::from_bits(NAN_64)
            } else {
                v + 0.0
            }
        }),
        FieldType::Decimal(..) => plain::<Decimal128Type>(column),
        FieldType::Date => plain::<Date32Type>(column),
        FieldType::Timestamp => plain::<TimestampMicrosecondType>(column),
        FieldType::Utf8 => texts(column),
        FieldType::Binary => bytes(column),
    }
}

/// The null mask, or none if nothing is null.
fn mask(column: &dyn Array) -> Option<NullBuffer> {
    column.nulls().filter(|nulls| nulls.null_count() > 0).cloned()
}

fn plain<T: ArrowPrimitiveType>(column: &ArrayRef) -> ArrayRef {
    primitive::<T>(column, None)
}

fn floats<T: ArrowPrimitiveType>(column: &ArrayRef, one: fn(T::Native) -> T::Native) -> ArrayRef {
    primitive::<T>(column, Some(one))
}

fn primitive<T: ArrowPrimitiveType>(column: &ArrayRef, one: Option<fn(T::Native) -> T::Native>) -> ArrayRef {
    let array = column.as_primitive::<T>();
    let nulls = mask(array);
    if nulls.is_none() && one.is_none() {
        return if array.nulls().is_none() {
            Arc::clone(column)
        } else {
            Arc::new(
                PrimitiveArray::<T>::new(array.values().clone(), None)
                    .with_data_type(array.data_type().clone()),
            )
        };
    }
    let one = one.unwrap_or(|value| value);
    let values: Vec<T::Native> = match &nulls {
        None => array.values().iter().map(|&value| one(value)).collect(),
        Some(nulls) => array
            .values()
            .iter()
            .zip(nulls.iter())
            .map(|(&value, valid)| if valid { one(value) } else { T::Native::usize_as(0) })
            .collect(),
    };
    Arc::new(PrimitiveArray::<T>::new(values.into(), nulls).with_data_type(array.data_type().clone()))
}

fn bools(column: &ArrayRef) -> ArrayRef {
    let array = column.as_boolean();
    let Some(nulls) = mask(array) else {
        return Arc::new(BooleanArray::new(array.values().clone(), None));
    };
    let values = array.values() & nulls.inner();
    Arc::new(BooleanArray::new(values, Some(nulls)))
}

fn texts(column: &ArrayRef) -> ArrayRef {
    let array = column.as_string::<i32>();
    if mask(array).is_none() {
        return Arc::new(StringArray::new(array.offsets().clone(), array.values().clone(), None));
    }
    Arc::new(array.iter().collect::<StringArray>())
}

fn bytes(column: &ArrayRef) -> ArrayRef {
    let array = column.as_binary::<i32>();
    if mask(array).is_none() {
        return Arc::new(BinaryArray::new(array.offsets().clone(), array.values().clone(), None));
    }
    Arc::new(array.iter().collect::<BinaryArray>())
}
