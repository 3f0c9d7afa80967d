//! Keys as JSON objects: each key column by name, with a value of its type.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "whatever is not expected is refused, also kinds that come later"
)]

use calotype_query::{KeyValue, Keys};
use calotype_storage::key::KEY_BYTES_MAX;
use calotype_storage::schema::{Field, FieldType, Schema};

use super::json::{Json, Malformed, Value, advice, shown};
use super::part::base64_bytes;
use super::ticket::WantedKeys;

/// Reads keys by the key columns of a schema. `place` is the object that names them.
///
/// # Errors
/// [`Malformed`] names the key and the column.
pub(super) fn read(place: &str, wanted: &WantedKeys, schema: &Schema) -> Result<Keys, Malformed> {
    let mut keys = Vec::new();
    match wanted {
        WantedKeys::All => return Ok(Keys::All),
        WantedKeys::One(key) => keys.push(read_one(&format!("{place}.key"), key, schema)?),
        WantedKeys::These(wanted) => {
            for (index, key) in wanted.iter().enumerate() {
                keys.push(read_one(&format!("{place}.keys[{index}]"), key, schema)?);
            }
        }
    }
    Ok(Keys::These(keys))
}

fn read_one(place: &str, key: &Json, schema: &Schema) -> Result<Vec<KeyValue>, Malformed> {
    let whole = Value::new(place.to_owned(), key.clone());
    let mut object = whole.clone().any_object()?;
    let mut values = Vec::new();
    for field in schema.key_fields() {
        let found = object.take(field.name.as_str()).ok_or_else(|| {
            whole.wrong(format_args!("lacks key column '{}' ({})", field.name, field.field_type))
        })?;
        values.push(value(field, &found)?);
    }
    if let Some(other) = object.into_fields().keys().next() {
        let names = schema.key_names();
        let advice = advice(other, names.iter().map(String::as_str));
        return Err(whole.wrong(format_args!("'{}' is no key column; {advice}", shown(other))));
    }
    Ok(values)
}

fn value(field: &Field, value: &Value) -> Result<KeyValue, Malformed> {
    let text = || value.text().map(|text| KeyValue::Text(text.to_owned()));
    match field.field_type {
        FieldType::Bool => value.flag().map(KeyValue::Bool),
        FieldType::Int(_) | FieldType::UInt(_) => {
            value.integer::<i128>("an integer, as a number or a string").map(KeyValue::Integer)
        }
        FieldType::Decimal(..) => match value.json() {
            Json::Integer(integer) => Ok(KeyValue::Integer(*integer)),
            Json::Text(_) => text(),
            _ => Err(value.of_other_type("a decimal as a string, such as \"12.30\"")),
        },
        FieldType::Binary => base64_bytes(value, KEY_BYTES_MAX).map(KeyValue::Bytes),
        FieldType::Date | FieldType::Timestamp | FieldType::Utf8 | FieldType::Float(_) => text(),
    }
}
