//! The cells of one column of some rows: reading them in order, and saying which one does not fit.

use std::borrow::Cow;
use std::fmt::Display;

use calotype_proto::v1::Row;
use calotype_proto::v1::value::Kind;
use calotype_storage::schema::FieldType;
use tonic::Status;

use super::decimal;
use crate::status::{Field, invalid};

/// What is wrong with one cell, in words.
pub(super) type Wrong = Cow<'static, str>;

/// The cells of one column. Every row has the column.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cells<'a> {
    pub(super) name: &'a str,
    pub(super) rows: &'a [Row],
    pub(super) place: usize,
    /// The number of the first row among all of the put, from 1.
    pub(super) first_row: u64,
}

impl<'a> Cells<'a> {
    /// What stands in each row; `None` for null.
    pub(super) fn kinds(self) -> impl ExactSizeIterator<Item = Option<&'a Kind>> {
        self.rows.iter().map(move |row| row.values[self.place].kind.as_ref())
    }

    /// Reads each cell that is not null, and hands all on in order.
    pub(super) fn each<T>(
        self,
        expected: impl Display,
        mut read: impl FnMut(&'a Kind) -> Result<T, Wrong>,
        mut take: impl FnMut(Option<T>),
    ) -> Result<(), Status> {
        for (row, kind) in (self.first_row..).zip(self.kinds()) {
            let value = kind.map(&mut read).transpose();
            take(value.map_err(|what| self.wrong(row, &expected, &what))?);
        }
        Ok(())
    }

    /// The type that the values themselves show; `None` if all are null.
    pub(super) fn inferred(self) -> Result<Option<FieldType>, Status> {
        let mut found: Option<FieldType> = None;
        for (row, kind) in (self.first_row..).zip(self.kinds()) {
            let Some(kind) = kind else { continue };
            let of_kind = type_of(kind).map_err(|what| self.wrong(row, "a decimal", &what))?;
            found = Some(match found {
                None => of_kind,
                Some(known) => merge(known, of_kind)
                    .ok_or_else(|| self.wrong(row, known, &format!("is {}", name_of(kind))))?,
            });
        }
        Ok(found)
    }

    pub(super) fn wrong(self, row: u64, expected: impl Display, what: &str) -> Status {
        let what = format!("row {row}, column '{}': {what}; expected {expected}", self.name);
        invalid(Field("rows"), what)
    }
}

/// What both of two types become in one column.
pub(super) fn merge(known: FieldType, other: FieldType) -> Option<FieldType> {
    match (known, other) {
        (FieldType::Decimal(digits, known), FieldType::Decimal(_, other)) => {
            Some(FieldType::Decimal(digits, known.max(other)))
        }
        (known, other) => (known == other).then_some(known),
    }
}

fn type_of(kind: &Kind) -> Result<FieldType, Wrong> {
    Ok(match kind {
        Kind::BoolValue(_) => FieldType::Bool,
        Kind::IntValue(_) => FieldType::Int(64),
        Kind::UintValue(_) => FieldType::UInt(64),
        Kind::DoubleValue(_) => FieldType::Float(64),
        Kind::StringValue(_) => FieldType::Utf8,
        Kind::BytesValue(_) => FieldType::Binary,
        Kind::DecimalValue(text) => {
            FieldType::Decimal(decimal::DIGITS_MAX, decimal::scale(text)?.cast_signed())
        }
        Kind::DateValue(_) => FieldType::Date,
        Kind::TimestampValue(_) => FieldType::Timestamp,
    })
}

/// What a value is, with its article.
pub(super) fn name_of(kind: &Kind) -> &'static str {
    match kind {
        Kind::BoolValue(_) => "a bool_value",
        Kind::IntValue(_) => "an int_value",
        Kind::UintValue(_) => "a uint_value",
        Kind::DoubleValue(_) => "a double_value",
        Kind::StringValue(_) => "a string_value",
        Kind::BytesValue(_) => "a bytes_value",
        Kind::DecimalValue(_) => "a decimal_value",
        Kind::DateValue(_) => "a date_value",
        Kind::TimestampValue(_) => "a timestamp_value",
    }
}
