//! The values of a column as exact text, for every text format.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{
    ArrowPrimitiveType, Date32Type, Decimal32Type, Decimal64Type, Decimal128Type, Decimal256Type,
    DecimalType, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, UInt8Type, UInt16Type,
    UInt32Type, UInt64Type,
};
use arrow_array::{Array, ArrayRef, PrimitiveArray};
use arrow_cast::base64::{BASE64_STANDARD, Engine};
use arrow_cast::{CastOptions, cast_with_options};
use arrow_schema::{ArrowError, DataType, TimeUnit};

use super::instant::{append, write_date, write_instant};

/// What the text of a value is in JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A JSON value as it stands: a number, `true` or `false`.
    Literal,
    /// The content of a string.
    Text,
}

/// A function that appends the text of a row's value.
type Write = Box<dyn Fn(usize, &mut String) -> Kind>;

/// The values of one column of a batch as text.
pub(crate) struct Cells {
    array: ArrayRef,
    write: Write,
}

impl Cells {
    /// The cells of a column of any type; one that has no exact form of its own gets Arrow's.
    ///
    /// # Errors
    /// Arrow has no text for the type.
    pub(crate) fn of(array: &ArrayRef) -> Result<Self, ArrowError> {
        let array = flattened(array)?;
        let write = write(&array)?;
        Ok(Self { array, write })
    }

    /// Appends the value of a row; nothing, and none, if it is null.
    pub(crate) fn append(&self, row: usize, out: &mut String) -> Option<Kind> {
        if self.array.is_null(row) || *self.array.data_type() == DataType::Null {
            None
        } else {
            Some((self.write)(row, out))
        }
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "every other type is left to Arrow's cast")]
fn write(array: &ArrayRef) -> Result<Write, ArrowError> {
    Ok(match array.data_type() {
        DataType::Null => Box::new(|_, _| Kind::Literal),
        DataType::Boolean => {
            let array = array.as_boolean().clone();
            Box::new(move |row, out| literal(out, format_args!("{}", array.value(row))))
        }
        DataType::Int8 => integer::<Int8Type>(array, Kind::Literal),
        DataType::Int16 => integer::<Int16Type>(array, Kind::Literal),
        DataType::Int32 => integer::<Int32Type>(array, Kind::Literal),
        DataType::UInt8 => integer::<UInt8Type>(array, Kind::Literal),
        DataType::UInt16 => integer::<UInt16Type>(array, Kind::Literal),
        DataType::UInt32 => integer::<UInt32Type>(array, Kind::Literal),
        DataType::Int64 => integer::<Int64Type>(array, Kind::Text),
        DataType::UInt64 => integer::<UInt64Type>(array, Kind::Text),
        DataType::Float32 => float::<Float32Type>(array),
        DataType::Float64 => float::<Float64Type>(array),
        DataType::Decimal32(..) => decimal::<Decimal32Type>(array),
        DataType::Decimal64(..) => decimal::<Decimal64Type>(array),
        DataType::Decimal128(..) => decimal::<Decimal128Type>(array),
        DataType::Decimal256(..) => decimal::<Decimal256Type>(array),
        DataType::Date32 => {
            let array = array.as_primitive::<Date32Type>().clone();
            Box::new(move |row, out| {
                write_date(i64::from(array.value(row)), out);
                Kind::Text
            })
        }
        DataType::Timestamp(unit, zone) => timestamp(array, *unit, zone.is_some())?,
        DataType::Utf8 => {
            let array = array.as_string::<i32>().clone();
            Box::new(move |row, out| text(out, array.value(row)))
        }
        DataType::Binary => {
            let array = array.as_binary::<i32>().clone();
            Box::new(move |row, out| {
                BASE64_STANDARD.encode_string(array.value(row), out);
                Kind::Text
            })
        }
        _ => write(&cast(array, &DataType::Utf8)?)?,
    })
}

/// Dictionaries and runs as one value a row, texts and binaries in their plain form.
fn flattened(array: &ArrayRef) -> Result<ArrayRef, ArrowError> {
    if let DataType::Dictionary(_, values) = array.data_type() {
        flattened(&cast(array, values)?)
    } else if let DataType::RunEndEncoded(_, values) = array.data_type() {
        flattened(&cast(array, values.data_type())?)
    } else if matches!(
        array.data_type(),
        DataType::LargeBinary | DataType::BinaryView | DataType::FixedSizeBinary(_)
    ) {
        cast(array, &DataType::Binary)
    } else {
        Ok(Arc::clone(array))
    }
}

fn cast(array: &ArrayRef, to: &DataType) -> Result<ArrayRef, ArrowError> {
    cast_with_options(array, to, &CastOptions { safe: false, ..CastOptions::default() })
}

fn literal(out: &mut String, arguments: std::fmt::Arguments<'_>) -> Kind {
    append(out, arguments);
    Kind::Literal
}

fn text(out: &mut String, value: &str) -> Kind {
    out.push_str(value);
    Kind::Text
}

fn values<T: ArrowPrimitiveType>(array: &ArrayRef) -> PrimitiveArray<T> {
    array.as_primitive::<T>().clone()
}

fn integer<T: ArrowPrimitiveType>(array: &ArrayRef, kind: Kind) -> Write
where
    T::Native: std::fmt::Display,
{
    let array = values::<T>(array);
    Box::new(move |row, out| {
        append(out, format_args!("{}", array.value(row)));
        kind
    })
}

/// The shortest text that reads back as the same value. JSON has no number for the infinities and
/// NaN, so these are strings there.
fn float<T: ArrowPrimitiveType>(array: &ArrayRef) -> Write
where
    T::Native: Into<f64> + std::fmt::Debug,
{
    let array = values::<T>(array);
    Box::new(move |row, out| {
        let value = array.value(row);
        let wide: f64 = value.into();
        if wide.is_nan() {
            text(out, "NaN")
        } else if wide.is_infinite() {
            text(out, if wide > 0.0 { "Infinity" } else { "-Infinity" })
        } else {
            literal(out, format_args!("{value:?}"))
        }
    })
}

fn decimal<T: DecimalType>(array: &ArrayRef) -> Write {
    let array = values::<T>(array);
    Box::new(move |row, out| text(out, &array.value_as_string(row)))
}

/// Six digits, also for coarser units; nine for nanoseconds that are no whole microsecond.
fn timestamp(array: &ArrayRef, unit: TimeUnit, zoned: bool) -> Result<Write, ArrowError> {
    let array = values::<Int64Type>(&cast(array, &DataType::Int64)?);
    let micros = move |value: i64| match unit {
        TimeUnit::Second => (value.saturating_mul(1_000_000), 0),
        TimeUnit::Millisecond => (value.saturating_mul(1_000), 0),
        TimeUnit::Microsecond => (value, 0),
        TimeUnit::Nanosecond => (value.div_euclid(1_000), value.rem_euclid(1_000)),
    };
    Ok(Box::new(move |row, out| {
        let (micros, nanos) = micros(array.value(row));
        write_instant(micros, out);
        if nanos > 0 {
            append(out, format_args!("{nanos:03}"));
        }
        if zoned {
            out.push('Z');
        }
        Kind::Text
    }))
}
