//! Which keys are asked about.

use std::fmt;
use std::sync::Arc;

use arrow_array::{
    ArrayRef, BinaryArray, BooleanArray, Date32Array, Decimal128Array, Int64Array, StringArray,
    TimestampMicrosecondArray, UInt64Array,
};
use calotype_storage::ValidTime;
use calotype_storage::decimal;
use calotype_storage::key::EncodedKeys;
use calotype_storage::name::ContextName;
use calotype_storage::scan::KeyFilter;
use calotype_storage::schema::{FieldType, Schema};

use crate::error::QueryError;

/// One column's value of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyValue {
    /// True or false.
    Bool(bool),
    /// Any integer.
    Integer(i128),
    /// Text: itself for a text column, else what it reads as.
    Text(String),
    /// Bytes.
    Bytes(Vec<u8>),
}

impl fmt::Display for KeyValue {
    /// As a person writes it.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool(value) => value.fmt(formatter),
            Self::Integer(value) => value.fmt(formatter),
            Self::Text(text) => write!(formatter, "'{text}'"),
            Self::Bytes(bytes) => {
                formatter.write_str("0x")?;
                bytes.iter().try_for_each(|byte| write!(formatter, "{byte:02x}"))
            }
        }
    }
}

/// Which keys are asked about.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Keys {
    /// All.
    #[default]
    All,
    /// These; each a value for every key column, in the key's order.
    These(Vec<Vec<KeyValue>>),
    /// A range of encoded keys, for parts of one answer.
    Range {
        /// The first key.
        from: Option<Vec<u8>>,
        /// The first key past the end.
        to: Option<Vec<u8>>,
    },
}

impl Keys {
    /// One key by its values.
    pub fn one(values: Vec<KeyValue>) -> Self {
        Self::These(vec![values])
    }

    /// The filter over encoded keys.
    ///
    /// # Errors
    /// [`QueryError::Key`] if a key is not of the context's shape.
    pub fn filter(&self, context: &ContextName, schema: &Schema) -> Result<KeyFilter, QueryError> {
        match self {
            Self::All => Ok(KeyFilter::All),
            Self::Range { from, to } => Ok(KeyFilter::Range { from: from.clone(), to: to.clone() }),
            Self::These(keys) => {
                let mut encoded = Vec::with_capacity(keys.len());
                for key in keys {
                    encoded.push(encode(context, schema, key)?);
                }
                encoded.sort_unstable();
                encoded.dedup();
                Ok(KeyFilter::Set(Arc::new(EncodedKeys::from_keys(encoded.iter().map(Vec::as_slice)))))
            }
        }
    }
}

/// The encoded beginning of keys: values for the first key columns. `None` if they are more than there are, or not of
/// the columns' types. All keys that begin with them lie from it on, and before [`past_prefix`] of it.
pub fn prefix(schema: &Schema, values: &[KeyValue]) -> Option<Vec<u8>> {
    if values.is_empty() {
        return Some(Vec::new());
    }
    if values.len() > schema.key_places().len() {
        return None;
    }
    let pairs = schema.key_fields().zip(values);
    let columns: Option<Vec<_>> = pairs
        .map(|(field, value)| Some((widest(field.field_type), column(field.field_type, value)?)))
        .collect();
    Some(EncodedKeys::encode(&columns?).get(0).to_vec())
}

/// One value of a column in its comparable form, in which zones are kept. `None` if it is not of the column's type, or if
/// there are no such zones.
pub fn comparable(field_type: FieldType, value: &KeyValue) -> Option<Vec<u8>> {
    if !field_type.is_key_type() {
        return None;
    }
    let values = column(field_type, value)?;
    Some(EncodedKeys::encode(&[(widest(field_type), values)]).get(0).to_vec())
}

/// The first encoded key past all that begin with a prefix; `None`: there is no end.
pub fn past_prefix(mut prefix: Vec<u8>) -> Option<Vec<u8>> {
    while let Some(last) = prefix.pop() {
        if last < u8::MAX {
            prefix.push(last + 1);
            return Some(prefix);
        }
    }
    None
}

fn encode(context: &ContextName, schema: &Schema, key: &[KeyValue]) -> Result<Vec<u8>, QueryError> {
    let wrong = || {
        let columns = schema.key_fields().map(|field| format!("{} ({})", field.name, field.field_type));
        QueryError::Key {
            context: context.clone(),
            expected: columns.collect::<Vec<_>>().join(", "),
            found: said(key),
        }
    };
    if key.len() != schema.key_places().len() {
        return Err(wrong());
    }
    let mut columns = Vec::with_capacity(key.len());
    for (field, value) in schema.key_fields().zip(key) {
        let column = column(field.field_type, value).ok_or_else(wrong)?;
        columns.push((widest(field.field_type), column));
    }
    Ok(EncodedKeys::encode(&columns).get(0).to_vec())
}

/// A key as its writer would write it.
fn said(key: &[KeyValue]) -> String {
    let values = key.iter().map(KeyValue::to_string).collect::<Vec<_>>().join(", ");
    if values.is_empty() { "no values".into() } else { values.chars().take(200).collect() }
}

/// Keys are encoded alike in every width.
fn widest(field_type: FieldType) -> FieldType {
    match field_type {
        FieldType::Int(_) => FieldType::Int(64),
        FieldType::UInt(_) => FieldType::UInt(64),
        other @ (FieldType::Bool
        | FieldType::Float(_)
        | FieldType::Decimal(..)
        | FieldType::Date
        | FieldType::Timestamp
        | FieldType::Utf8
        | FieldType::Binary) => other,
    }
}

/// A column of one value; `None` if the value is none of the type.
fn column(field_type: FieldType, value: &KeyValue) -> Option<ArrayRef> {
    let integer = || match value {
        KeyValue::Integer(integer) => Some(*integer),
        KeyValue::Text(text) => text.parse().ok(),
        KeyValue::Bool(_) | KeyValue::Bytes(_) => None,
    };
    let text = || match value {
        KeyValue::Text(text) => Some(text.as_str()),
        KeyValue::Bool(_) | KeyValue::Integer(_) | KeyValue::Bytes(_) => None,
    };
    Some(match (field_type, value) {
        (FieldType::Bool, KeyValue::Bool(value)) => Arc::new(BooleanArray::from(vec![*value])),
        (FieldType::Bool, _) => Arc::new(BooleanArray::from(vec![text()?.parse::<bool>().ok()?])),
        (FieldType::Int(bits), _) => {
            let value = i64::try_from(integer()?).ok()?;
            let room = 64 - u32::from(bits);
            let fits = (value << room) >> room == value;
            Arc::new(Int64Array::from(vec![fits.then_some(value)?]))
        }
        (FieldType::UInt(bits), _) => {
            let value = u64::try_from(integer()?).ok()?;
            let fits = bits == 64 || value >> bits == 0;
            Arc::new(UInt64Array::from(vec![fits.then_some(value)?]))
        }
        (FieldType::Decimal(precision, scale), _) => {
            let unscaled = match value {
                KeyValue::Integer(integer) => {
                    integer.checked_mul(10_i128.checked_pow(scale.unsigned_abs().into())?)?
                }
                KeyValue::Bool(_) | KeyValue::Text(_) | KeyValue::Bytes(_) => {
                    decimal::parse(text()?, scale.unsigned_abs())?
                }
            };
            let array =
                Decimal128Array::from(vec![unscaled]).with_precision_and_scale(precision, scale).ok()?;
            array.validate_decimal_precision(precision).ok()?;
            Arc::new(array)
        }
        (FieldType::Date, _) => Arc::new(Date32Array::from(vec![date(text()?)?])),
        (FieldType::Timestamp, _) => {
            let micros = ValidTime::parse(text()?).ok()?.micros();
            Arc::new(TimestampMicrosecondArray::from(vec![micros]).with_timezone("UTC"))
        }
        (FieldType::Utf8, KeyValue::Integer(integer)) => {
            Arc::new(StringArray::from(vec![integer.to_string()]))
        }
        (FieldType::Utf8, _) => Arc::new(StringArray::from(vec![text()?])),
        (FieldType::Binary, KeyValue::Bytes(bytes)) => Arc::new(BinaryArray::from(vec![bytes.as_slice()])),
        (FieldType::Binary | FieldType::Float(_), _) => return None,
    })
}

/// Days since the Unix epoch of `YYYY-MM-DD`.
fn date(text: &str) -> Option<i32> {
    let midnight = ValidTime::parse(&format!("{text}T00:00:00Z")).ok()?;
    i32::try_from(midnight.micros().div_euclid(86_400_000_000)).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_shown_as_it_is_written() {
        let key = [
            KeyValue::Text("a".into()),
            KeyValue::Integer(-7),
            KeyValue::Bool(true),
            KeyValue::Bytes(vec![0, 171]),
        ];
        assert_eq!(said(&key), "'a', -7, true, 0x00ab");
        assert_eq!(said(&[]), "no values");
    }
}
