//! The type of a column that nobody declared, from all its cells: the narrowest one that holds
//! every cell exactly.

use arrow_schema::DataType;

use super::number::{DIGITS_MAX, Plain};
use super::{cell, instant, instant_type};

/// What a cell looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// A whole number of 64 bits with so many digits.
    Integer { whole: usize },
    /// A plain number with so many digits before and after the point.
    Decimal { whole: usize, scale: usize },
    /// A JSON number with an exponent.
    Float,
    /// `true` or `false`.
    Boolean,
    /// `YYYY-MM-DD`.
    Date,
    /// RFC 3339 with a zone and at most six fractional digits.
    Instant,
    /// Anything else.
    Text,
}

impl Shape {
    /// The shape of a cell of CSV. A number must be in its usual form: `007`, `+1`, `-0` and `1e3`
    /// are texts, and so is a number of more than 38 digits.
    pub(super) fn of_text(text: &[u8]) -> Self {
        match text.first() {
            Some(b'0'..=b'9' | b'-' | b'.') => {}
            Some(_) if cell::boolean(text).is_some() => return Self::Boolean,
            _ => return Self::Text,
        }
        if let Some(plain) = Plain::of(text) {
            return Self::of_plain(text, plain);
        }
        if instant::date(text).is_ok() {
            Self::Date
        } else if instant::instant(text).is_ok() {
            Self::Instant
        } else {
            Self::Text
        }
    }

    fn of_plain(text: &[u8], plain: Plain<'_>) -> Self {
        let zero_first = plain.whole.len() > 1 && plain.whole.starts_with(b"0");
        if zero_first || text == b"-0" {
            return Self::Text;
        }
        Self::of_number(text).unwrap_or(Self::Text)
    }

    /// The shape of a JSON number; none if it has more than 38 digits.
    pub(super) fn of_number(text: &[u8]) -> Option<Self> {
        let Some(plain) = Plain::of(text) else {
            return Some(Self::Float);
        };
        let (whole, scale) = (plain.whole.len(), plain.fraction.len());
        if scale == 0 && super::number::integer::<i64>(text).is_ok() {
            return Some(Self::Integer { whole });
        }
        (whole + scale <= DIGITS_MAX).then_some(Self::Decimal { whole, scale })
    }

    /// The shape that holds cells of both; none if there is none but text.
    pub(super) fn and(self, other: Self) -> Option<Self> {
        match (self, other) {
            (Self::Float, Self::Integer { .. } | Self::Decimal { .. })
            | (Self::Integer { .. } | Self::Decimal { .. }, Self::Float) => Some(Self::Float),
            (Self::Integer { whole: a }, Self::Integer { whole: b }) => {
                Some(Self::Integer { whole: a.max(b) })
            }
            (Self::Integer { whole: a }, Self::Decimal { whole: b, scale })
            | (Self::Decimal { whole: b, scale }, Self::Integer { whole: a }) => {
                Self::decimal(a.max(b), scale)
            }
            (Self::Decimal { whole: a, scale: s }, Self::Decimal { whole: b, scale: t }) => {
                Self::decimal(a.max(b), s.max(t))
            }
            (a, b) => (a == b).then_some(a),
        }
    }

    fn decimal(whole: usize, scale: usize) -> Option<Self> {
        (whole + scale <= DIGITS_MAX).then_some(Self::Decimal { whole, scale })
    }

    /// The type of a column of this shape.
    pub(super) fn data_type(self) -> DataType {
        match self {
            Self::Integer { .. } => DataType::Int64,
            // The scale is at most 38, by construction.
            Self::Decimal { scale, .. } => DataType::Decimal128(38, i8::try_from(scale).unwrap_or(i8::MAX)),
            Self::Float => DataType::Float64,
            Self::Boolean => DataType::Boolean,
            Self::Date => DataType::Date32,
            Self::Instant => instant_type(),
            Self::Text => DataType::Utf8,
        }
    }

    /// The kind of JSON value that has this shape.
    pub(super) fn kind(self) -> &'static str {
        match self {
            Self::Integer { .. } | Self::Decimal { .. } | Self::Float => "number",
            Self::Boolean => "boolean",
            Self::Date | Self::Instant | Self::Text => "string",
        }
    }
}

/// What is known so far about a column of CSV.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Guess(Option<Shape>);

impl Guess {
    /// Takes a cell into account that is not null.
    pub(super) fn see(&mut self, text: &[u8]) {
        self.0 = match self.0 {
            Some(Shape::Text) => return,
            None => Some(Shape::of_text(text)),
            Some(shape) => Some(shape.and(Shape::of_text(text)).unwrap_or(Shape::Text)),
        };
    }

    /// The type; text if every cell was null.
    pub(super) fn data_type(self) -> DataType {
        self.0.map_or(DataType::Utf8, Shape::data_type)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(cells: &[&str], expected: &DataType) {
        let mut guess = Guess::default();
        for cell in cells {
            guess.see(cell.as_bytes());
        }
        assert_eq!(guess.data_type(), *expected, "{cells:?}");
        for cell in cells {
            let mut builder = cell::builder(expected).unwrap();
            builder.append(cell.as_bytes()).unwrap();
        }
    }

    #[test]
    fn the_narrowest_type_that_holds_every_cell() {
        check(&[], &DataType::Utf8);
        check(&["0", "-5", "9223372036854775807"], &DataType::Int64);
        check(&["1", "9223372036854775808"], &DataType::Decimal128(38, 0));
        check(&["1", "2.50", "-0.125"], &DataType::Decimal128(38, 3));
        check(&[".5", "-0.00"], &DataType::Decimal128(38, 2));
        check(&["true", "False"], &DataType::Boolean);
        check(&["2026-03-31", "2024-02-29"], &DataType::Date32);
        check(&["2026-03-31T00:00:00Z", "2026-03-31 10:00:00.5+02:00"], &instant_type());
    }

    #[test]
    fn what_would_lose_something_is_text() {
        for cells in [
            &["007"][..],
            &["1", "007"],
            &["+1"],
            &["-0"],
            &["1e5"],
            &["00.5"],
            &["1", "x"],
            &["true", "1"],
            &["2026-03-31", "2026-02-30"],
            &["2026-03-31", "2026-03-31T00:00:00Z"],
            &["2026-03-31T00:00:00"],
            &["2026-03-31T00:00:00.1234567Z"],
            &[" 1"],
            &[""],
            &["123456789012345678901234567890123456789"],
            &["12345678901234567890123456789012345678", "0.5"],
        ] {
            check(cells, &DataType::Utf8);
        }
    }
}
