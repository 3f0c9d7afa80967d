//! Values as the obvious evaluator has them: what they are in SQL, and how they come out of Arrow.

use std::cmp::Ordering;
use std::fmt::Write;

use arrow_array::cast::AsArray;
use arrow_array::types::{
    Date32Type, Decimal128Type, Int32Type, Int64Type, TimestampMicrosecondType, UInt64Type,
};
use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_schema::DataType;
use chrono::{DateTime, NaiveDate};

use crate::parameters;

/// A value of a row. Values of one column are of one variant, or null.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Value {
    Null,
    Bool(bool),
    Int(i64),
    /// A decimal of scale 2.
    Cents(i128),
    Text(String),
    /// Days since the epoch.
    Date(i32),
    /// Microseconds since the epoch.
    Time(i64),
}

pub(super) type Row = Vec<Value>;

impl Value {
    /// As SQL compares; `None`: unknown.
    pub(super) fn compare(&self, other: &Self) -> Option<Ordering> {
        match (self, other) {
            (Self::Null, _) | (_, Self::Null) => None,
            (Self::Int(a), Self::Cents(b)) => Some((i128::from(*a) * 100).cmp(b)),
            (Self::Cents(a), Self::Int(b)) => Some(a.cmp(&(i128::from(*b) * 100))),
            (a, b) => {
                assert_eq!(std::mem::discriminant(a), std::mem::discriminant(b), "{a:?} beside {b:?}");
                Some(a.cmp(b))
            }
        }
    }

    /// The literal that stands for it.
    pub(super) fn literal(&self) -> String {
        match self {
            Self::Null => "NULL".into(),
            Self::Bool(value) => value.to_string(),
            Self::Int(value) => value.to_string(),
            Self::Cents(cents) => {
                let sign = if *cents < 0 { "-" } else { "" };
                format!("{sign}{}.{:02}", cents.unsigned_abs() / 100, cents.unsigned_abs() % 100)
            }
            Self::Text(text) => format!("'{}'", text.replace('\'', "''")),
            Self::Date(days) => format!("DATE '{}'", date(*days)),
            Self::Time(micros) => format!("TIMESTAMP '{}'", instant(*micros)),
        }
    }

    /// The parameter that stands for it.
    pub(super) fn parameter(&self) -> parameters::Value {
        match self {
            Self::Null => parameters::Value::Null,
            Self::Bool(value) => parameters::Value::Bool(*value),
            Self::Int(value) => parameters::Value::Integer(*value),
            Self::Cents(cents) => parameters::Value::Decimal(*cents, 2),
            Self::Text(text) => parameters::Value::Text(text.clone()),
            Self::Date(days) => parameters::Value::Text(date(*days).to_string()),
            Self::Time(micros) => parameters::Value::Text(instant(*micros)),
        }
    }
}

fn date(days: i32) -> NaiveDate {
    NaiveDate::from_epoch_days(days).unwrap()
}

/// An instant as it is written.
pub(super) fn instant(micros: i64) -> String {
    DateTime::from_timestamp_micros(micros).unwrap().format("%Y-%m-%dT%H:%M:%S%.6fZ").to_string()
}

/// Rows of an answer.
pub(super) fn rows(batches: &[RecordBatch]) -> Vec<Row> {
    let mut rows = Vec::new();
    for batch in batches {
        rows.extend(
            (0..batch.num_rows())
                .map(|row| batch.columns().iter().map(|column| value(column, row)).collect::<Row>()),
        );
    }
    rows
}

fn value(column: &ArrayRef, row: usize) -> Value {
    if column.is_null(row) {
        return Value::Null;
    }
    match column.data_type() {
        DataType::Boolean => Value::Bool(column.as_boolean().value(row)),
        DataType::Int32 => Value::Int(column.as_primitive::<Int32Type>().value(row).into()),
        DataType::Int64 => Value::Int(column.as_primitive::<Int64Type>().value(row)),
        DataType::UInt64 => {
            Value::Int(i64::try_from(column.as_primitive::<UInt64Type>().value(row)).unwrap())
        }
        DataType::Decimal128(_, 2) => Value::Cents(column.as_primitive::<Decimal128Type>().value(row)),
        DataType::Utf8 => Value::Text(column.as_string::<i32>().value(row).to_owned()),
        DataType::Date32 => Value::Date(column.as_primitive::<Date32Type>().value(row)),
        DataType::Timestamp(..) => Value::Time(column.as_primitive::<TimestampMicrosecondType>().value(row)),
        other => panic!("no column of a test has the type {other}"),
    }
}

/// Rows as lines, for messages.
pub(super) fn lines(rows: &[Row]) -> String {
    let mut text = String::new();
    for row in rows.iter().take(20) {
        let values: Vec<String> = row.iter().map(Value::literal).collect();
        writeln!(text, "  {}", values.join(" | ")).unwrap();
    }
    if rows.len() > 20 {
        writeln!(text, "  and {} more", rows.len() - 20).unwrap();
    }
    text
}
