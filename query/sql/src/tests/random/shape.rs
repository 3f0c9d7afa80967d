//! Contexts by lot: their keys and contents.

use calotype_oracle::Seed;

use super::relation::{Column, Kind};
use super::value::{Row, Value};

/// Keys of a context, and its contents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// `id`.
    Number,
    /// `name`.
    Text,
    /// `branch` and `number`, which stand the other way round in the table.
    Composite,
    /// Many rows: `id`, with contents that grow with it.
    Many,
    /// Many rows of `branch` and `number`.
    ManyComposite,
}

pub(super) const CONTENT: [(&str, Kind); 5] = [
    ("status", Kind::Text),
    ("amount", Kind::Cents),
    ("since", Kind::Date),
    ("n", Kind::Int64),
    ("flag", Kind::Bool),
];

impl Shape {
    /// The key's columns, in its order.
    pub(super) fn key(self) -> Vec<Column> {
        match self {
            Self::Number | Self::Many => vec![Column::key("id", Kind::Int64)],
            Self::Text => vec![Column::key("name", Kind::Text)],
            Self::Composite | Self::ManyComposite => {
                vec![Column::key("branch", Kind::Text), Column::key("number", Kind::Int32)]
            }
        }
    }

    /// The table's columns: key columns from the last to the first, the first content column between them.
    pub(super) fn columns(self) -> Vec<Column> {
        let mut columns: Vec<Column> =
            CONTENT.into_iter().map(|(name, kind)| Column::new(name, kind)).collect();
        let key = self.key();
        columns.splice(1..1, key[..1].iter().cloned());
        for (place, column) in key[1..].iter().rev().enumerate() {
            columns.insert(place, column.clone());
        }
        columns
    }

    pub(super) fn key_of(self, key: u32) -> Row {
        let text = |text: &str| Value::Text(text.into());
        let place = usize::try_from(key).unwrap();
        match self {
            Self::Number => vec![Value::Int([-5, 0, 1, 2, 256, i64::MAX][place % 6])],
            Self::Text => vec![text(["", "a", "a\0", "a\0b", "ab", "\u{e9}"][place % 6])],
            Self::Composite => {
                vec![text(["", "a", "a\0"][place % 3]), Value::Int([-1, 0, 7][place / 3 % 3])]
            }
            Self::Many => vec![Value::Int(i64::from(key) * 3 - 30_000)],
            Self::ManyComposite => {
                vec![text(&format!("b{:02}", key / 400)), Value::Int(i64::from(key % 400) - 200)]
            }
        }
    }

    /// What an operation of the oracle says with a value about a key.
    pub(super) fn content_of(self, key: u32, value: u32) -> Row {
        let mut seed = Seed::new(u64::from(key) * 1_000 + u64::from(value));
        let mut one =
            |of: &[Value]| of[usize::try_from(seed.below(u32::try_from(of.len()).unwrap())).unwrap()].clone();
        let text = |text: &str| Value::Text(text.into());
        if matches!(self, Self::Many | Self::ManyComposite) {
            // Contents lie in stretches, so that row groups differ; some have nulls alone.
            let n =
                if (9_000..27_000).contains(&key) { Value::Null } else { Value::Int(i64::from(key + value)) };
            return vec![
                text(["late", "new", "new ", "open", "paid"][usize::try_from(key / 8_000 % 5).unwrap()]),
                Value::Cents(i128::from(key) * 7 - 100_000),
                Value::Date(i32::try_from(key / 100).unwrap()),
                n,
                Value::Bool(key < 20_000),
            ];
        }
        vec![
            one(&[Value::Null, text(""), text("late"), text("open"), text("open\0")]),
            one(&[
                Value::Null,
                Value::Cents(-150),
                Value::Cents(0),
                Value::Cents(100),
                Value::Cents(12_345_678_901),
            ]),
            one(&[Value::Null, Value::Date(-1), Value::Date(19_701), Value::Date(19_702)]),
            one(&[Value::Null, Value::Int(-2), Value::Int(0), Value::Int(1), Value::Int(2)]),
            one(&[Value::Null, Value::Bool(false), Value::Bool(true)]),
        ]
    }
}
