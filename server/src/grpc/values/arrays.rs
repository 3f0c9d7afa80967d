//! Cells as Arrow arrays of a type that is known: each value is one of the type, unchanged, or refused.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "whatever is not expected is refused, also kinds that come later"
)]

use std::sync::Arc;

use arrow_array::builder::{BinaryBuilder, BooleanBuilder, PrimitiveBuilder, StringBuilder};
use arrow_array::types::{
    ArrowPrimitiveType, Date32Type, Decimal128Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type,
    Int64Type, TimestampMicrosecondType, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use arrow_array::{Array, ArrayRef};
use calotype_proto::v1::value::Kind;
use calotype_storage::ValidTime;
use calotype_storage::schema::FieldType;
use tonic::Status;

use super::cells::{Cells, Wrong, name_of};
use super::{decimal, micros};

/// The cells of a column as an array of a type. `reads_text` takes RFC 3339 texts for instants too.
///
/// # Errors
/// A cell is no value of the type; it is named by row and column.
pub(super) fn array(cells: Cells<'_>, field_type: FieldType, reads_text: bool) -> Result<ArrayRef, Status> {
    match field_type {
        FieldType::Bool => bools(cells),
        FieldType::Int(8) => integers::<Int8Type>(cells, field_type),
        FieldType::Int(16) => integers::<Int16Type>(cells, field_type),
        FieldType::Int(32) => integers::<Int32Type>(cells, field_type),
        FieldType::Int(_) => integers::<Int64Type>(cells, field_type),
        FieldType::UInt(8) => integers::<UInt8Type>(cells, field_type),
        FieldType::UInt(16) => integers::<UInt16Type>(cells, field_type),
        FieldType::UInt(32) => integers::<UInt32Type>(cells, field_type),
        FieldType::UInt(_) => integers::<UInt64Type>(cells, field_type),
        FieldType::Float(32) => primitives::<Float32Type>(cells, field_type, single),
        FieldType::Float(_) => primitives::<Float64Type>(cells, field_type, double),
        FieldType::Decimal(precision, scale) => {
            let scale = scale.unsigned_abs();
            primitives::<Decimal128Type>(cells, field_type, |kind| decimal_of(kind, precision, scale))
        }
        FieldType::Date => primitives::<Date32Type>(cells, field_type, |kind| match kind {
            Kind::DateValue(days) => Ok(*days),
            other => other_kind(other),
        }),
        FieldType::Timestamp => {
            primitives::<TimestampMicrosecondType>(cells, field_type, |kind| match kind {
                Kind::TimestampValue(timestamp) => Ok(micros(timestamp)?),
                Kind::StringValue(text) if reads_text => {
                    ValidTime::parse(text).map(ValidTime::micros).map_err(|error| error.to_string().into())
                }
                other => other_kind(other),
            })
        }
        FieldType::Utf8 => texts(cells),
        FieldType::Binary => binaries(cells),
    }
}

fn other_kind<T>(kind: &Kind) -> Result<T, Wrong> {
    Err(format!("is {}", name_of(kind)).into())
}

fn primitives<T: ArrowPrimitiveType>(
    cells: Cells<'_>,
    field_type: FieldType,
    read: impl Fn(&Kind) -> Result<T::Native, Wrong>,
) -> Result<ArrayRef, Status> {
    let mut builder =
        PrimitiveBuilder::<T>::with_capacity(cells.rows.len()).with_data_type(field_type.to_arrow());
    cells.each(field_type, read, |value| builder.append_option(value))?;
    Ok(Arc::new(builder.finish()))
}

fn integers<T: ArrowPrimitiveType>(cells: Cells<'_>, field_type: FieldType) -> Result<ArrayRef, Status>
where
    T::Native: TryFrom<i128>,
{
    primitives::<T>(cells, field_type, |kind| {
        let integer = integer(kind).map_or_else(|| other_kind(kind), Ok)?;
        T::Native::try_from(integer).map_err(|_| format!("{integer} is out of range").into())
    })
}

fn integer(kind: &Kind) -> Option<i128> {
    if let Kind::IntValue(value) = kind {
        return Some((*value).into());
    }
    if let Kind::UintValue(value) = kind { Some((*value).into()) } else { None }
}

fn double(kind: &Kind) -> Result<f64, Wrong> {
    if let Kind::DoubleValue(value) = kind { Ok(*value) } else { other_kind(kind) }
}

/// A float of 32 bits, if the value is one.
#[expect(clippy::cast_possible_truncation, clippy::float_cmp, reason = "what is lost is refused")]
fn single(kind: &Kind) -> Result<f32, Wrong> {
    let value = double(kind)?;
    let single = value as f32;
    if value.is_nan() || f64::from(single) == value {
        return Ok(single);
    }
    Err(format!("{value:?} would be rounded").into())
}

fn decimal_of(kind: &Kind, precision: u8, scale: u8) -> Result<i128, Wrong> {
    if let Kind::DecimalValue(text) = kind {
        return decimal::unscaled(text, precision, scale);
    }
    let integer = integer(kind).map_or_else(|| other_kind(kind), Ok)?;
    decimal::of_integer(integer, precision, scale)
        .ok_or_else(|| format!("{integer} has too many digits").into())
}

fn bools(cells: Cells<'_>) -> Result<ArrayRef, Status> {
    let mut builder = BooleanBuilder::with_capacity(cells.rows.len());
    let read = |kind: &Kind| if let Kind::BoolValue(value) = kind { Ok(*value) } else { other_kind(kind) };
    cells.each(FieldType::Bool, read, |value| builder.append_option(value))?;
    Ok(Arc::new(builder.finish()))
}

fn text(kind: &Kind) -> Result<&str, Wrong> {
    if let Kind::StringValue(text) = kind { Ok(text) } else { other_kind(kind) }
}

fn binary(kind: &Kind) -> Result<&[u8], Wrong> {
    if let Kind::BytesValue(bytes) = kind { Ok(bytes) } else { other_kind(kind) }
}

fn texts(cells: Cells<'_>) -> Result<ArrayRef, Status> {
    let bytes =
        cells.kinds().map(|kind| if let Some(Kind::StringValue(text)) = kind { text.len() } else { 0 });
    let mut builder = StringBuilder::with_capacity(cells.rows.len(), bytes.sum());
    cells.each(FieldType::Utf8, text, |value| builder.append_option(value))?;
    Ok(Arc::new(builder.finish()))
}

fn binaries(cells: Cells<'_>) -> Result<ArrayRef, Status> {
    let bytes =
        cells.kinds().map(|kind| if let Some(Kind::BytesValue(bytes)) = kind { bytes.len() } else { 0 });
    let mut builder = BinaryBuilder::with_capacity(cells.rows.len(), bytes.sum());
    cells.each(FieldType::Binary, binary, |value| builder.append_option(value))?;
    Ok(Arc::new(builder.finish()))
}

/// An array in the type that its column has in the whole put: nulls become typed, decimals get more digits after
/// the point. `None` if a decimal has too many digits then.
pub(super) fn settled(array: &ArrayRef, field_type: Option<FieldType>) -> Option<ArrayRef> {
    use arrow_array::cast::AsArray;
    use arrow_schema::DataType;

    let Some(field_type) = field_type else {
        return Some(Arc::clone(array));
    };
    let wanted = field_type.to_arrow();
    if *array.data_type() == wanted {
        return Some(Arc::clone(array));
    }
    if let (DataType::Decimal128(_, from), FieldType::Decimal(precision, to)) =
        (array.data_type(), field_type)
    {
        let factor = decimal::power((to - from).unsigned_abs())?;
        let fits = |value: i128| {
            value.checked_mul(factor).filter(|value| decimal::fits(*value, precision)).ok_or(())
        };
        let rescaled =
            array.as_primitive::<Decimal128Type>().try_unary::<_, Decimal128Type, ()>(fits).ok()?;
        return Some(Arc::new(rescaled.with_data_type(wanted)));
    }
    debug_assert!(array.data_type() == &DataType::Null, "types were merged when the rows were read");
    Some(arrow_array::new_null_array(&wanted, array.len()))
}
