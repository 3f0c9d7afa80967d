//! A statement of SQL in a ticket.
//!
//! ```json
//! {"sql":"SELECT * FROM loans WHERE id = $1","parameters":[7],"settings":{"calotype.valid_time":"2026-03-31T00:00:00Z"}}
//! ```
//!
//! Parameters are a list for `$1`, `$2`, … or an object for `$name`, of strings, whole numbers, true, false, null,
//! `{"decimal":"12.30"}` and `{"bytes":"<base64>"}`.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "whatever is not expected is refused, also kinds that come later"
)]

use std::collections::BTreeMap;

use arrow_array::types::{Decimal128Type, DecimalType as _};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use calotype_sql::{Parameters, SqlRequest, Value as Parameter};
use calotype_storage::name::Principal;
use serde_json::{Map, Value as JsonValue, json};

use super::json::{BYTES_MAX, Json, Malformed, Object, Value};
use super::part::base64_bytes;
use super::ticket::COMPRESSIONS;
use crate::ipc::encode::Compression;
use crate::sql::decimal;

/// Digits of the longest decimal.
const DECIMAL_DIGITS_MAX: u8 = 38;

/// A statement.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Statement {
    /// Its text.
    pub(super) text: String,
    /// Values of its placeholders.
    pub(super) parameters: Parameters,
    /// As `SET` would set them.
    pub(super) settings: BTreeMap<String, String>,
    /// Texts of views, by name.
    pub(super) views: BTreeMap<String, String>,
    /// How bodies are compressed.
    pub(super) compression: Compression,
}

impl Statement {
    /// Reads a statement: its text, and what the ticket says of it.
    pub(super) fn read(text: &Value, ticket: &mut Object) -> Result<Self, Malformed> {
        let mut texts = |name| ticket.take(name).map_or(Ok(BTreeMap::new()), texts);
        Ok(Self {
            text: text.text()?.to_owned(),
            settings: texts("settings")?,
            views: texts("views")?,
            parameters: ticket.take("parameters").map_or(Ok(Parameters::default()), parameters)?,
            compression: ticket
                .take("compression")
                .map_or(Ok(Compression::None), |value| value.word(COMPRESSIONS))?,
        })
    }

    /// Writes it into a ticket.
    pub(super) fn write(&self, ticket: &mut Map<String, JsonValue>) {
        let Parameters { positional, named } = &self.parameters;
        ticket.insert("sql".into(), self.text.as_str().into());
        if !positional.is_empty() {
            ticket.insert("parameters".into(), positional.iter().map(written).collect());
        } else if !named.is_empty() {
            let named = named.iter().map(|(name, value)| (name.clone(), written(value)));
            ticket.insert("parameters".into(), JsonValue::Object(named.collect()));
        }
        for (name, texts) in [("settings", &self.settings), ("views", &self.views)] {
            if !texts.is_empty() {
                ticket.insert(name.into(), json!(texts));
            }
        }
        let word = COMPRESSIONS.iter().find(|(_, compression)| *compression == self.compression);
        if let Some((word, _)) = word.filter(|_| self.compression != Compression::None) {
            ticket.insert("compression".into(), (*word).into());
        }
    }

    /// As it is asked.
    pub(super) fn request(&self, principal: Principal) -> SqlRequest {
        SqlRequest {
            principal,
            text: self.text.clone(),
            parameters: self.parameters.clone(),
            settings: self.settings.clone(),
            views: self.views.clone(),
            at_least: None,
        }
    }
}

fn texts(value: Value) -> Result<BTreeMap<String, String>, Malformed> {
    let place = value.place().to_owned();
    let text = |(name, json): (String, Json)| {
        let value = Value::new(format!("{place}['{}']", super::json::shown(&name)), json);
        Ok((name, value.text()?.to_owned()))
    };
    value.any_object()?.into_fields().into_iter().map(text).collect()
}

fn parameters(value: Value) -> Result<Parameters, Malformed> {
    let mut parameters = Parameters::default();
    match value.json() {
        Json::List(_) => {
            parameters.positional = value.list()?.into_iter().map(parameter).collect::<Result<_, _>>()?;
        }
        Json::Object(_) => {
            let place = value.place().to_owned();
            for (name, json) in value.any_object()?.into_fields() {
                let value = Value::new(format!("{place}['{}']", super::json::shown(&name)), json);
                parameters.named.insert(name, parameter(value)?);
            }
        }
        _ => return Err(value.of_other_type("a list of values for $1, $2, .. or an object by name")),
    }
    Ok(parameters)
}

fn parameter(value: Value) -> Result<Parameter, Malformed> {
    let expected =
        "a string, a whole number, true, false, null, {\"decimal\":\"12.30\"} or {\"bytes\":\"..\"}";
    Ok(match value.json() {
        Json::Null => Parameter::Null,
        Json::Bool(value) => Parameter::Bool(*value),
        Json::Integer(integer) => match i64::try_from(*integer) {
            Ok(integer) => Parameter::Integer(integer),
            Err(_) => Parameter::Decimal(*integer, 0),
        },
        Json::Text(text) => Parameter::Text(text.clone()),
        Json::Fraction(_) => {
            return Err(
                value.wrong("expected a decimal as {\"decimal\":\"12.30\"}, so that no digit is lost")
            );
        }
        Json::Object(fields) if fields.len() == 1 => {
            let mut object = value.object(&["decimal", "bytes"])?;
            match (object.take("decimal"), object.take("bytes")) {
                (Some(text), None) => decimal(text.text()?).ok_or_else(|| {
                    text.wrong("expected a decimal such as \"12.30\" with at most 38 digits")
                })?,
                (None, Some(bytes)) => Parameter::Bytes(base64_bytes(&bytes, BYTES_MAX)?),
                _ => Parameter::Null,
            }
        }
        _ => return Err(value.of_other_type(expected)),
    })
}

fn written(value: &Parameter) -> JsonValue {
    match value {
        Parameter::Null => JsonValue::Null,
        Parameter::Bool(value) => (*value).into(),
        Parameter::Integer(value) => (*value).into(),
        Parameter::Decimal(digits, scale) => {
            let text = Decimal128Type::format_decimal(*digits, DECIMAL_DIGITS_MAX, scale.cast_signed());
            json!({"decimal": text})
        }
        Parameter::Text(text) => text.as_str().into(),
        Parameter::Bytes(bytes) => json!({"bytes": BASE64_STANDARD.encode(bytes)}),
    }
}
