//! Keys of requests: a value for each key column, by the column's name.

use calotype_proto::v1::value::Kind;
use calotype_proto::v1::{Key, Value};
use calotype_query::{KeyValue, Keys};
use calotype_storage::ValidTime;
use calotype_storage::context::Context;
use tonic::Status;

use super::micros;
use crate::status::{self, Field, invalid};

const MICROS_PER_DAY: i64 = 86_400_000_000;

/// The keys of a request in its field `keys`; all keys if there are none.
///
/// # Errors
/// There are more than `max`, or one is not of the context's key.
pub fn keys(context: &Context, keys: &[Key], max: usize) -> Result<Keys, Status> {
    if keys.is_empty() {
        return Ok(Keys::All);
    }
    if keys.len() > max {
        let what = format!("{} keys, more than keys_max = {max}: ask in parts", keys.len());
        return Err(status::exhausted("keys_max", what, None));
    }
    let read = |(place, one): (usize, &Key)| values(context, &format!("keys[{place}]"), one);
    keys.iter().enumerate().map(read).collect::<Result<_, _>>().map(Keys::These)
}

/// The one key of a request in its field `key`.
///
/// # Errors
/// It is missing, or not of the context's key.
pub fn key(context: &Context, key: Option<&Key>) -> Result<Keys, Status> {
    let key = key.ok_or_else(|| invalid(Field("key"), "is missing: name a value for each key column"))?;
    values(context, "key", key).map(Keys::one)
}

/// The values of a key in the order of the context's key.
fn values(context: &Context, field: &str, key: &Key) -> Result<Vec<KeyValue>, Status> {
    let names = names(context, key);
    let listed = || names.join(", ");
    if let Some(unknown) = key.columns.keys().find(|name| !names.contains(name)) {
        let unknown: String = unknown.chars().take(128).flat_map(char::escape_debug).collect();
        let what = format!("'{unknown}' is no key column of context '{}': {}", context.name(), listed());
        return Err(invalid(Field(field), what));
    }
    let mut values = Vec::with_capacity(names.len());
    for name in &names {
        let Some(value) = key.columns.get(name) else {
            let what =
                format!("lacks key column '{name}': the key of context '{}' is {}", context.name(), listed());
            return Err(invalid(Field(field), what));
        };
        values.push(of(value).map_err(|what| invalid(Field(&format!("{field}.columns['{name}']")), what))?);
    }
    Ok(values)
}

/// Names of the key columns: those of now, or of the newest version whose names the key uses, since questions about
/// the past may use the names of then.
fn names(context: &Context, key: &Key) -> Vec<String> {
    let fits = |names: &[String]| {
        names.len() == key.columns.len() && names.iter().all(|name| key.columns.contains_key(name))
    };
    if fits(context.key_names()) {
        return context.key_names().to_vec();
    }
    let versions = context.schemas().iter().rev().map(|(_, schema)| schema.key_names());
    versions.into_iter().find(|names| fits(names)).unwrap_or_else(|| context.key_names().to_vec())
}

/// A date as text; `None` if it is none that is kept.
#[cfg_attr(
    not(feature = "sql"),
    expect(unreachable_pub, reason = "parameters of statements need it elsewhere")
)]
pub fn date(days: i32) -> Option<String> {
    let midnight = ValidTime::from_micros(i64::from(days) * MICROS_PER_DAY);
    let text = midnight?.to_string();
    text.split_once('T').map(|(date, _)| date.to_owned())
}

/// A value of a key.
fn of(value: &Value) -> Result<KeyValue, &'static str> {
    let Some(kind) = &value.kind else {
        return Err("is null, and no key is");
    };
    Ok(match kind {
        Kind::BoolValue(value) => KeyValue::Bool(*value),
        Kind::IntValue(value) => KeyValue::Integer((*value).into()),
        Kind::UintValue(value) => KeyValue::Integer((*value).into()),
        Kind::DoubleValue(_) => return Err("is a double, and no key is"),
        Kind::StringValue(text) | Kind::DecimalValue(text) => KeyValue::Text(text.clone()),
        Kind::BytesValue(bytes) => KeyValue::Bytes(bytes.to_vec()),
        Kind::DateValue(days) => KeyValue::Text(date(*days).ok_or("is a date that is not kept")?),
        Kind::TimestampValue(timestamp) => {
            let at = ValidTime::from_micros(micros(timestamp)?).ok_or("is no instant")?;
            KeyValue::Text(at.to_string())
        }
    })
}
