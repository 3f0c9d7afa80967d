//! Cells: values of rows as they are compared, whatever type an engine gives them.
//!
//! Invariant: equal numbers are equal cells, be they integers or decimals of any scale.

use std::fmt;
use std::sync::Arc;

use anyhow::{Context as _, Result, bail};
use arrow_array::cast::AsArray;
use arrow_array::types::{
    Date32Type, Decimal128Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type,
    TimestampMicrosecondType, TimestampMillisecondType, TimestampNanosecondType, TimestampSecondType,
    UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use arrow_array::{Array, RecordBatch};
use arrow_schema::{DataType, TimeUnit};
use calotype_client::{SystemTime, ValidTime};

use super::day::Day;

/// One value.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Cell {
    /// No value.
    Null,
    /// A truth value.
    Bool(bool),
    /// A number as digits and scale, without trailing zeros.
    Number(i128, i8),
    /// A floating-point number, to nine significant digits.
    Double(String),
    /// Text.
    Text(Arc<str>),
    /// A day.
    Day(Day),
    /// An instant, microseconds.
    Instant(i64),
}

/// The cells of a row.
pub type Cells = Vec<Cell>;

/// Money in hundredths.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Cents(pub i64);

impl Cell {
    /// `digits` divided by ten to the power of `scale`.
    pub fn number(mut digits: i128, mut scale: i8) -> Self {
        while digits % 10 == 0 && digits != 0 {
            digits /= 10;
            scale -= 1;
        }
        Self::Number(digits, if digits == 0 { 0 } else { scale })
    }

    /// A sum of hundredths divided by a count, as SQL divides a decimal of scale 2: six digits, cut off. Null for a
    /// count of 0.
    pub fn average(sum: i64, count: usize) -> Self {
        match i128::try_from(count) {
            Ok(count) if count > 0 => Self::number(i128::from(sum) * 10_000 / count, 6),
            _ => Self::Null,
        }
    }
}

/// Numbers in decimal notation, the rest as SQL writes it.
impl fmt::Display for Cell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("NULL"),
            Self::Bool(value) => write!(f, "{value}"),
            Self::Number(digits, scale) => match usize::try_from(*scale) {
                Ok(0) => write!(f, "{digits}"),
                Ok(scale) => {
                    let sign = if *digits < 0 { "-" } else { "" };
                    let digits = format!("{:0>width$}", digits.unsigned_abs(), width = scale + 1);
                    let (whole, fraction) = digits.split_at(digits.len() - scale);
                    write!(f, "{sign}{whole}.{fraction}")
                }
                Err(_) => {
                    let zeros = usize::from(scale.unsigned_abs());
                    write!(f, "{digits}{:0<zeros$}", "")
                }
            },
            Self::Double(text) => f.write_str(text),
            Self::Text(text) => f.write_str(text),
            Self::Day(day) => write!(f, "{day}"),
            Self::Instant(micros) => write!(f, "{}", ValidTime::from_micros(*micros)),
        }
    }
}

impl From<i64> for Cell {
    fn from(value: i64) -> Self {
        Self::number(value.into(), 0)
    }
}

impl From<usize> for Cell {
    fn from(value: usize) -> Self {
        Self::number(i128::try_from(value).unwrap_or(i128::MAX), 0)
    }
}

impl From<Cents> for Cell {
    fn from(value: Cents) -> Self {
        Self::number(value.0.into(), 2)
    }
}

impl From<&Arc<str>> for Cell {
    fn from(value: &Arc<str>) -> Self {
        Self::Text(Arc::clone(value))
    }
}

impl From<Day> for Cell {
    fn from(value: Day) -> Self {
        Self::Day(value)
    }
}

impl From<ValidTime> for Cell {
    fn from(value: ValidTime) -> Self {
        Self::Instant(value.micros())
    }
}

impl From<SystemTime> for Cell {
    fn from(value: SystemTime) -> Self {
        Self::Instant(value.micros())
    }
}

impl<T: Into<Self>> From<Option<T>> for Cell {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

/// The rows of an answer.
///
/// # Errors
/// A column of a type that no question of this benchmark has.
pub fn rows(batches: &[RecordBatch]) -> Result<Vec<Cells>> {
    let mut rows = Vec::new();
    for batch in batches {
        for row in 0..batch.num_rows() {
            let cells = batch.columns().iter().zip(batch.schema_ref().fields()).map(|(column, field)| {
                cell(column.as_ref(), row).with_context(|| format!("column '{}', row {row}", field.name()))
            });
            rows.push(cells.collect::<Result<Cells>>()?);
        }
    }
    Ok(rows)
}

#[expect(clippy::wildcard_enum_match_arm, reason = "what is compared is listed, all else is refused by name")]
fn cell(column: &dyn Array, row: usize) -> Result<Cell> {
    if column.is_null(row) {
        return Ok(Cell::Null);
    }
    let whole = |value: i128| Cell::number(value, 0);
    let instant = |value: i64, of_a_micro: i64| {
        value.checked_mul(of_a_micro).map(Cell::Instant).context("an instant out of range")
    };
    Ok(match column.data_type() {
        DataType::Null => Cell::Null,
        DataType::Boolean => Cell::Bool(column.as_boolean().value(row)),
        DataType::Int8 => whole(column.as_primitive::<Int8Type>().value(row).into()),
        DataType::Int16 => whole(column.as_primitive::<Int16Type>().value(row).into()),
        DataType::Int32 => whole(column.as_primitive::<Int32Type>().value(row).into()),
        DataType::Int64 => whole(column.as_primitive::<Int64Type>().value(row).into()),
        DataType::UInt8 => whole(column.as_primitive::<UInt8Type>().value(row).into()),
        DataType::UInt16 => whole(column.as_primitive::<UInt16Type>().value(row).into()),
        DataType::UInt32 => whole(column.as_primitive::<UInt32Type>().value(row).into()),
        DataType::UInt64 => whole(column.as_primitive::<UInt64Type>().value(row).into()),
        DataType::Decimal128(_, scale) => {
            Cell::number(column.as_primitive::<Decimal128Type>().value(row), *scale)
        }
        DataType::Float64 => Cell::Double(format!("{:.8e}", column.as_primitive::<Float64Type>().value(row))),
        DataType::Utf8 => Cell::Text(column.as_string::<i32>().value(row).into()),
        DataType::LargeUtf8 => Cell::Text(column.as_string::<i64>().value(row).into()),
        DataType::Utf8View => Cell::Text(column.as_string_view().value(row).into()),
        DataType::Date32 => Cell::Day(Day(column.as_primitive::<Date32Type>().value(row))),
        DataType::Timestamp(TimeUnit::Second, _) => {
            instant(column.as_primitive::<TimestampSecondType>().value(row), 1_000_000)?
        }
        DataType::Timestamp(TimeUnit::Millisecond, _) => {
            instant(column.as_primitive::<TimestampMillisecondType>().value(row), 1000)?
        }
        DataType::Timestamp(TimeUnit::Microsecond, _) => {
            instant(column.as_primitive::<TimestampMicrosecondType>().value(row), 1)?
        }
        DataType::Timestamp(TimeUnit::Nanosecond, _) => {
            Cell::Instant(column.as_primitive::<TimestampNanosecondType>().value(row).div_euclid(1000))
        }
        other => bail!("a value of type {other} is compared nowhere in this benchmark"),
    })
}

#[cfg(test)]
mod tests {
    use arrow_array::{ArrayRef, Decimal128Array, Int64Array};

    use super::*;

    #[test]
    fn numbers_are_equal_whatever_their_type_and_scale() {
        let decimal = Decimal128Array::from(vec![1230, -50, 0]).with_precision_and_scale(15, 2).unwrap();
        let columns: [(&str, ArrayRef); 2] =
            [("a", Arc::new(decimal)), ("b", Arc::new(Int64Array::from(vec![Some(1200), None, Some(0)])))];
        let batch = RecordBatch::try_from_iter(columns).unwrap();
        let expected = vec![
            vec![Cell::number(123, 1), Cell::from(1200_i64)],
            vec![Cell::number(-5, 1), Cell::Null],
            vec![Cell::from(0_i64), Cell::from(Cents(0))],
        ];
        assert_eq!(rows(&[batch]).unwrap(), expected);
    }

    #[test]
    fn numbers_print_in_decimal_notation() {
        let shown = |cents| Cell::from(Cents(cents)).to_string();
        assert_eq!([0, 5, -5, 1230, -120_000].map(shown), ["0", "0.05", "-0.05", "12.3", "-1200"]);
    }

    #[test]
    fn an_average_is_cut_after_six_digits() {
        assert_eq!(Cell::average(200, 3), Cell::number(666_666, 6));
        assert_eq!(Cell::average(-200, 3), Cell::number(-666_666, 6));
        assert_eq!(Cell::average(200, 4), Cell::number(5, 1));
        assert_eq!(Cell::average(0, 0), Cell::Null);
    }
}
