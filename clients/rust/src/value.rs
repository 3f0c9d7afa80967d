//! Values of rows and keys.

use std::collections::BTreeMap;

use crate::time::Instant;

/// One value of a row or key.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub enum Value {
    /// No value.
    #[default]
    Null,
    /// True or false.
    Bool(bool),
    /// Any signed integer.
    Int(i64),
    /// Any unsigned integer.
    UInt(u64),
    /// A floating-point number.
    Double(f64),
    /// Text.
    String(String),
    /// Bytes.
    Bytes(Vec<u8>),
    /// A decimal as text, such as `12.30`.
    Decimal(String),
    /// Days since 1970-01-01.
    Date(i32),
    /// An instant in whole microseconds.
    Timestamp(Instant),
}

macro_rules! value_from {
    ($($from:ty => $variant:ident),* $(,)?) => {$(
        impl From<$from> for Value {
            fn from(value: $from) -> Self {
                Self::$variant(value.into())
            }
        }
    )*};
}

value_from! {
    bool => Bool,
    i32 => Int,
    i64 => Int,
    u32 => UInt,
    u64 => UInt,
    f64 => Double,
    &str => String,
    String => String,
    Vec<u8> => Bytes,
    Instant => Timestamp,
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

/// An entity: a value for each key column, by the column's name.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Key(pub BTreeMap<String, Value>);

impl Key {
    /// A key of these columns.
    pub fn of<N: Into<String>>(columns: impl IntoIterator<Item = (N, Value)>) -> Self {
        Self(columns.into_iter().map(|(name, value)| (name.into(), value)).collect())
    }
}

impl<N: Into<String>, const COLUMNS: usize> From<[(N, Value); COLUMNS]> for Key {
    fn from(columns: [(N, Value); COLUMNS]) -> Self {
        Self::of(columns)
    }
}

/// A row: a value for each column, in the order of the columns.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Row(pub Vec<Value>);

impl Row {
    /// A row of these values.
    pub fn of<V: Into<Value>>(values: impl IntoIterator<Item = V>) -> Self {
        Self(values.into_iter().map(Into::into).collect())
    }

    /// Its values.
    pub fn values(&self) -> &[Value] {
        &self.0
    }
}

impl From<Vec<Value>> for Row {
    fn from(values: Vec<Value>) -> Self {
        Self(values)
    }
}

/// A column of an answer or of a context.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// As Arrow prints it: `int64`, `double`, `string`, `date32[day]`, `decimal128(18, 2)`, ...
    pub type_name: String,
    /// Whether it may be null.
    pub nullable: bool,
    /// `skeleton`, `financial`, `personal`, `secret` or `operational`; `None` where none is declared.
    pub class: Option<String>,
    /// Whether it is part of the context's key.
    pub key: bool,
    /// Its number, which a rename does not change; `None` in requests and in computed columns.
    pub field_id: Option<u32>,
}

impl Column {
    /// A nullable column of a type.
    pub fn new(name: impl Into<String>, type_name: impl Into<String>) -> Self {
        Self { name: name.into(), type_name: type_name.into(), nullable: true, ..Self::default() }
    }
}
