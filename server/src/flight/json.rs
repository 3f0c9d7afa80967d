//! JSON as tickets, descriptors and actions bring it, read strictly.
//!
//! Invariants: a field that is not known, or that comes twice, is refused by name; null means left out; whatever is
//! refused is named with its place, and with what was expected and found; no number passes through a float, save a
//! share.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "whatever is not expected is refused, also kinds that come later"
)]

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use tonic::Status;

use crate::status::{self, Field};

/// The longest text that is read, bytes.
pub(super) const BYTES_MAX: usize = 1 << 20;
/// Characters of a client's text that a message repeats.
const SHOWN_MAX: usize = 64;

/// What is wrong with a request, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {what}")]
pub(super) struct Malformed {
    /// The field, as the client wrote it: `as_of.keys[3].id`.
    pub(super) place: String,
    /// What is wrong with it.
    pub(super) what: Wrong,
}

/// What is wrong with a field.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Wrong {
    /// The text is longer than is read.
    #[error("{found} bytes; at most {BYTES_MAX} are read")]
    Length { found: usize },
    /// Not JSON, or a field twice.
    #[error("is not JSON as expected: {0}")]
    Json(String),
    /// A field that is not known.
    #[error("no field '{name}'; {advice}")]
    Unknown { name: String, advice: String },
    /// A field that has to be there.
    #[error("is missing; expected {0}")]
    Missing(&'static str),
    /// A value of another type.
    #[error("expected {expected}, found {found}")]
    Type { expected: &'static str, found: &'static str },
    /// A value that cannot be read.
    #[error("{0}")]
    Value(String),
    /// More than a limit takes.
    #[error("{found} {what}; at most {max} ({limit}) are taken")]
    TooMany { found: usize, what: &'static str, max: usize, limit: &'static str },
    /// What is known by name, but not built.
    #[cfg(not(feature = "sql"))]
    #[error("{0}")]
    NotBuilt(&'static str),
}

impl From<Malformed> for Status {
    fn from(malformed: Malformed) -> Self {
        match malformed.what {
            #[cfg(not(feature = "sql"))]
            Wrong::NotBuilt(_) => status::unimplemented(&malformed),
            Wrong::TooMany { limit, .. } => status::exhausted(limit, &malformed, None),
            what => status::invalid(Field(&malformed.place), what),
        }
    }
}

/// A JSON value.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Json {
    /// Nothing.
    Null,
    /// True or false.
    Bool(bool),
    /// A whole number.
    Integer(i128),
    /// Any other number.
    Fraction(f64),
    /// Text.
    Text(String),
    /// A list.
    List(Vec<Json>),
    /// An object.
    Object(BTreeMap<String, Json>),
}

impl Json {
    fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "a truth value",
            Self::Integer(_) | Self::Fraction(_) => "a number",
            Self::Text(_) => "a string",
            Self::List(_) => "a list",
            Self::Object(_) => "an object",
        }
    }

    /// As it is written.
    pub(super) fn to_value(&self) -> serde_json::Value {
        match self {
            Self::Null => serde_json::Value::Null,
            Self::Bool(value) => (*value).into(),
            Self::Integer(value) => i64::try_from(*value)
                .map(serde_json::Value::from)
                .or_else(|_| u64::try_from(*value).map(serde_json::Value::from))
                .unwrap_or_else(|_| value.to_string().into()),
            Self::Fraction(value) => (*value).into(),
            Self::Text(value) => value.as_str().into(),
            Self::List(values) => values.iter().map(Self::to_value).collect(),
            Self::Object(fields) => {
                fields.iter().map(|(name, value)| (name.clone(), value.to_value())).collect()
            }
        }
    }
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(JsonVisitor)
    }
}

struct JsonVisitor;

impl<'de> Visitor<'de> for JsonVisitor {
    type Value = Json;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Json, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Json, E> {
        Ok(Json::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Json, E> {
        Ok(Json::Integer(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Json, E> {
        Ok(Json::Integer(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Json, E> {
        Ok(Json::Fraction(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Json, E> {
        Ok(Json::Text(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Json, E> {
        Ok(Json::Text(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Json, A::Error> {
        let mut values = Vec::new();
        while let Some(value) = list.next_element()? {
            values.push(value);
        }
        Ok(Json::List(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Json, A::Error> {
        let mut fields = BTreeMap::new();
        while let Some((name, value)) = map.next_entry::<String, Json>()? {
            let place = shown(&name);
            if fields.insert(name, value).is_some() {
                return Err(A::Error::custom(format_args!("field '{place}' is given twice")));
            }
        }
        Ok(Json::Object(fields))
    }
}

/// As much of a client's text as a message bears.
pub(super) fn shown(text: &str) -> String {
    text.chars().take(SHOWN_MAX).flat_map(char::escape_debug).collect()
}

/// What to write instead of a name that is not known.
pub(super) fn advice<'a>(name: &str, known: impl Iterator<Item = &'a str> + Clone) -> String {
    let name: String = name.chars().take(SHOWN_MAX).collect();
    let nearest = known
        .clone()
        .map(|known| {
            let begins_alike = name.len() >= 3 && known.starts_with(&name);
            (if begins_alike { 1 } else { strsim::damerau_levenshtein(&name, known) }, known)
        })
        .min_by_key(|(distance, _)| *distance);
    match nearest {
        Some((distance, known)) if distance <= 2.max(known.len() / 3) => format!("did you mean '{known}'?"),
        _ => format!("known are {}", known.take(32).collect::<Vec<_>>().join(", ")),
    }
}

/// A value with its place.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Value {
    place: String,
    json: Json,
}

/// An object whose fields are all known by name.
#[derive(Clone, Debug)]
pub(super) struct Object {
    place: String,
    fields: BTreeMap<String, Json>,
}

impl Object {
    /// Reads a whole text as an object with some of the known fields. `what` stands for its place.
    pub(super) fn parse(what: &str, text: &[u8], known: &[&str]) -> Result<Self, Malformed> {
        let refuse = |wrong| Malformed { place: what.to_owned(), what: wrong };
        if text.len() > BYTES_MAX {
            return Err(refuse(Wrong::Length { found: text.len() }));
        }
        let json = serde_json::from_slice(text).map_err(|error| refuse(Wrong::Json(error.to_string())))?;
        let mut object = Value { place: what.to_owned(), json }.object(known)?;
        object.place = String::new();
        Ok(object)
    }

    /// The value of a field; `None` if it is left out.
    pub(super) fn take(&mut self, name: &str) -> Option<Value> {
        let json = self.fields.remove(name).filter(|json| *json != Json::Null)?;
        Some(Value { place: self.place_of(name), json })
    }

    /// The value of a field that has to be there.
    pub(super) fn require(&mut self, name: &str, expected: &'static str) -> Result<Value, Malformed> {
        self.take(name)
            .ok_or_else(|| Malformed { place: self.place_of(name), what: Wrong::Missing(expected) })
    }

    /// All that is left, by name.
    pub(super) fn into_fields(self) -> BTreeMap<String, Json> {
        self.fields
    }

    fn place_of(&self, name: &str) -> String {
        if self.place.is_empty() { name.to_owned() } else { format!("{}.{name}", self.place) }
    }
}

impl Value {
    /// A value at a place.
    pub(super) fn new(place: String, json: Json) -> Self {
        Self { place, json }
    }

    /// What is wrong with it.
    pub(super) fn wrong(&self, what: impl fmt::Display) -> Malformed {
        Malformed { place: self.place.clone(), what: Wrong::Value(what.to_string()) }
    }

    /// Where it stands, as the client wrote it.
    pub(super) fn place(&self) -> &str {
        &self.place
    }

    /// It is known by name, but not built.
    #[cfg(not(feature = "sql"))]
    pub(super) fn not_built(&self, what: &'static str) -> Malformed {
        Malformed { place: self.place.clone(), what: Wrong::NotBuilt(what) }
    }

    /// It is of another type.
    pub(super) fn of_other_type(&self, expected: &'static str) -> Malformed {
        let what = Wrong::Type { expected, found: self.json.kind() };
        Malformed { place: self.place.clone(), what }
    }

    /// What is there.
    pub(super) fn json(&self) -> &Json {
        &self.json
    }

    /// An object with some of the known fields.
    pub(super) fn object(self, known: &[&str]) -> Result<Object, Malformed> {
        let object = self.any_object()?;
        if let Some(name) = object.fields.keys().find(|name| !known.contains(&name.as_str())) {
            let advice = advice(name, known.iter().copied());
            let what = Wrong::Unknown { name: shown(name), advice };
            return Err(Malformed { place: object.place, what });
        }
        Ok(object)
    }

    /// An object with any fields.
    pub(super) fn any_object(self) -> Result<Object, Malformed> {
        match self.json {
            Json::Object(fields) => Ok(Object { place: self.place, fields }),
            _ => Err(self.of_other_type("an object")),
        }
    }

    /// The values of a list.
    pub(super) fn list(self) -> Result<Vec<Self>, Malformed> {
        let Json::List(values) = self.json else {
            return Err(self.of_other_type("a list"));
        };
        let place = |index: usize| format!("{}[{index}]", self.place);
        Ok(values.into_iter().enumerate().map(|(index, json)| Self { place: place(index), json }).collect())
    }

    /// Text.
    pub(super) fn text(&self) -> Result<&str, Malformed> {
        match &self.json {
            Json::Text(text) => Ok(text),
            _ => Err(self.of_other_type("a string")),
        }
    }

    /// Text that reads as something.
    pub(super) fn parsed<T, E: fmt::Display>(
        &self,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Result<T, Malformed> {
        parse(self.text()?).map_err(|error| self.wrong(error))
    }

    /// One of some words.
    pub(super) fn word<T: Copy>(&self, words: &[(&str, T)]) -> Result<T, Malformed> {
        let text = self.text()?;
        let found = words.iter().find(|(word, _)| *word == text);
        let expected = || words.iter().map(|(word, _)| *word).collect::<Vec<_>>().join(", ");
        found.map(|(_, value)| *value).ok_or_else(|| {
            self.wrong(format_args!("expected one of {}, found '{}'", expected(), shown(text)))
        })
    }

    /// True or false.
    pub(super) fn flag(&self) -> Result<bool, Malformed> {
        match self.json {
            Json::Bool(value) => Ok(value),
            _ => Err(self.of_other_type("true or false")),
        }
    }

    /// A whole number, as a number or a string.
    pub(super) fn integer<T: TryFrom<i128>>(&self, expected: &'static str) -> Result<T, Malformed> {
        let number = match &self.json {
            Json::Integer(number) => Some(*number),
            Json::Text(text) if text.len() <= 40 => text.parse().ok(),
            Json::Text(_) => None,
            _ => return Err(self.of_other_type(expected)),
        };
        let outside = || self.wrong(format_args!("expected {expected}"));
        number.and_then(|number| T::try_from(number).ok()).ok_or_else(outside)
    }

    /// A share from 0 to 1 in millionths, as a number or a string.
    pub(super) fn share_ppm(&self) -> Result<u32, Malformed> {
        let expected = "a share from 0 to 1 with at most six fractional digits, such as 0.2";
        let text = match &self.json {
            Json::Integer(number) => number.to_string(),
            // The shortest text that reads as this number: what the client wrote.
            Json::Fraction(number) => number.to_string(),
            Json::Text(text) => text.clone(),
            _ => return Err(self.of_other_type(expected)),
        };
        share_ppm(&text)
            .ok_or_else(|| self.wrong(format_args!("expected {expected}, found {}", shown(&text))))
    }
}

fn share_ppm(text: &str) -> Option<u32> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let all_digits = |part: &str| part.bytes().all(|digit| digit.is_ascii_digit());
    if whole.is_empty()
        || whole.len() > 7
        || fraction.len() > 6
        || !all_digits(whole)
        || !all_digits(fraction)
    {
        return None;
    }
    let whole: u32 = whole.parse().ok()?;
    let fraction: u32 = format!("{fraction:0<6}").parse().ok()?;
    let ppm = whole.checked_mul(1_000_000)?.checked_add(fraction)?;
    (ppm <= 1_000_000).then_some(ppm)
}
