//! A part of a larger answer: a range of keys, given by GetFlightInfo and opaque to clients.
//!
//! In a ticket it reads `"part":{"from":"<base64>","to":"<base64>"}`, each an encoded key or left out; parts of one
//! answer follow each other without gap or overlap.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use calotype_query::Keys;
use calotype_storage::key::KEY_BYTES_MAX;
use serde_json::{Value as JsonValue, json};

use super::json::{Json, Malformed, Value};

/// A range of encoded keys.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Part {
    /// The first key; `None`: from the beginning.
    pub(super) from: Option<Vec<u8>>,
    /// The first key past the end; `None`: to the end.
    pub(super) to: Option<Vec<u8>>,
}

impl Part {
    /// Reads a part of a ticket.
    pub(super) fn read(value: Value) -> Result<Self, Malformed> {
        let mut object = value.object(&["from", "to"])?;
        let mut bound = |name| object.take(name).map(|value| base64_bytes(&value, KEY_BYTES_MAX)).transpose();
        Ok(Self { from: bound("from")?, to: bound("to")? })
    }

    /// Where it stands in a ticket, for messages.
    pub(super) fn place() -> Value {
        Value::new("as_of.part".into(), Json::Null)
    }

    /// As it is written.
    pub(super) fn to_value(&self) -> JsonValue {
        let text = |bound: &Option<Vec<u8>>| bound.as_ref().map(|key| BASE64_STANDARD.encode(key));
        json!({"from": text(&self.from), "to": text(&self.to)})
    }

    /// The keys it stands for.
    pub(super) fn keys(&self) -> Keys {
        Keys::Range { from: self.from.clone(), to: self.to.clone() }
    }
}

/// Bytes written as base64.
pub(super) fn base64_bytes(value: &Value, bytes_max: usize) -> Result<Vec<u8>, Malformed> {
    let text = value.text()?;
    let bytes = BASE64_STANDARD.decode(text).map_err(|_| value.wrong("expected base64"))?;
    if bytes.len() > bytes_max {
        return Err(value.wrong(format_args!("{} bytes; at most {bytes_max} are taken", bytes.len())));
    }
    Ok(bytes)
}
