//! What a statement reads: the text behind `FROM`, and the rows that are there by the oracle.

use super::value::{Row, Value, instant};

/// Types of columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Bool,
    Int32,
    Int64,
    Cents,
    Text,
    Date,
    Time,
}

/// A column as a statement names it.
#[derive(Clone, Debug)]
pub(super) struct Column {
    pub(super) name: String,
    pub(super) kind: Kind,
    /// Whether it is part of the key.
    pub(super) key: bool,
}

impl Column {
    pub(super) fn new(name: impl Into<String>, kind: Kind) -> Self {
        Self { name: name.into(), kind, key: false }
    }

    pub(super) fn key(name: impl Into<String>, kind: Kind) -> Self {
        Self { key: true, ..Self::new(name, kind) }
    }
}

/// A relation with its rows.
#[derive(Clone, Debug)]
pub(super) struct Relation {
    /// What stands behind `FROM`. `{0}`, `{1}` … stand for the instants.
    pub(super) from: String,
    pub(super) instants: Vec<i64>,
    pub(super) columns: Vec<Column>,
    pub(super) rows: Vec<Row>,
    /// Settings under which the name alone reads the same.
    pub(super) bare: Option<(String, String)>,
}

impl Relation {
    /// The text, with instants as `write` writes them.
    pub(super) fn text(&self, write: &mut dyn FnMut(&Value) -> String) -> String {
        let mut text = self.from.clone();
        for (place, micros) in self.instants.iter().enumerate() {
            text = text.replace(&format!("{{{place}}}"), &write(&Value::Time(*micros)));
        }
        text
    }

    /// With instants as a lot of spellings.
    pub(super) fn plain(&self) -> String {
        let mut place = 0;
        self.text(&mut |value| {
            let Value::Time(micros) = value else { unreachable!() };
            place += 1;
            match (place + micros).rem_euclid(3) {
                0 => format!("'{}'", instant(*micros)),
                1 => format!("TIMESTAMP '{}'", instant(*micros)),
                _ => format!("TIMESTAMP '{}' + INTERVAL '1 microsecond'", instant(micros - 1)),
            }
        })
    }

    /// The place of a column.
    pub(super) fn place(&self, name: &str) -> usize {
        self.columns.iter().position(|column| column.name == name).unwrap()
    }
}
