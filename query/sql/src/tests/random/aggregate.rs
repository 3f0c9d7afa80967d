//! Aggregates, as text and over rows.

use std::collections::BTreeSet;

use calotype_oracle::Seed;

use super::predicate::pick;
use super::relation::{Column, Kind};
use super::value::{Row, Value};

/// An aggregate; columns by their place.
#[derive(Clone, Copy, Debug)]
pub(super) enum Aggregate {
    Rows,
    Count(usize),
    Distinct(usize),
    Sum(usize),
    Min(usize),
    Max(usize),
}

impl Aggregate {
    pub(super) fn random(seed: &mut Seed, columns: &[Column], distinct: bool) -> Self {
        let places: Vec<usize> = (0..columns.len()).collect();
        let column = pick(seed, &places);
        let sums: Vec<usize> = places.into_iter().filter(|at| columns[*at].kind == Kind::Cents).collect();
        match seed.below(6) {
            0 => Self::Rows,
            1 => Self::Count(column),
            2 if distinct => Self::Distinct(column),
            3 if columns[column].kind != Kind::Bool => Self::Min(column),
            4 if columns[column].kind != Kind::Bool => Self::Max(column),
            _ if sums.is_empty() => Self::Rows,
            _ => Self::Sum(pick(seed, &sums)),
        }
    }

    pub(super) fn text(self, columns: &[Column]) -> String {
        let name = |column: usize| &columns[column].name;
        match self {
            Self::Rows => "count(*)".into(),
            Self::Count(column) => format!("count({})", name(column)),
            Self::Distinct(column) => format!("count(DISTINCT {})", name(column)),
            Self::Sum(column) => format!("sum({})", name(column)),
            Self::Min(column) => format!("min({})", name(column)),
            Self::Max(column) => format!("max({})", name(column)),
        }
    }

    pub(super) fn over(self, rows: &[&Row]) -> Value {
        let there =
            |column: usize| rows.iter().map(move |row| &row[column]).filter(|value| **value != Value::Null);
        let count = |count: usize| Value::Int(i64::try_from(count).unwrap());
        match self {
            Self::Rows => count(rows.len()),
            Self::Count(column) => count(there(column).count()),
            Self::Distinct(column) => count(there(column).collect::<BTreeSet<_>>().len()),
            Self::Min(column) => there(column).min().cloned().unwrap_or(Value::Null),
            Self::Max(column) => there(column).max().cloned().unwrap_or(Value::Null),
            Self::Sum(column) => there(column).fold(Value::Null, |sum, value| match (sum, value) {
                (Value::Null, value) => value.clone(),
                (Value::Cents(a), Value::Cents(b)) => Value::Cents(a + b),
                other => panic!("{other:?} are not added"),
            }),
        }
    }
}
