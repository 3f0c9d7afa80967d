//! Tickets: what DoGet, GetFlightInfo and GetSchema are asked, as JSON.
//!
//! ```json
//! {"as_of":{"context":"loans","valid_at":"2026-03-31T23:59:59.999999Z","keys":[{"id":7}]},"at_least":17}
//! ```
//!
//! Invariant: a ticket that is written reads back as the same.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "whatever is not expected is refused, also kinds that come later"
)]

use calotype_query::{Form, Point};
use calotype_storage::identity::{Sequence, SnapshotId};
use calotype_storage::name::ContextName;
use calotype_storage::schema::SchemaVersion;
use calotype_storage::{SystemTime, ValidTime};
use serde_json::{Map, Value as JsonValue, json};
use tonic::Status;

use super::json::{Json, Malformed, Object, Value, Wrong};
use super::part::Part;
#[cfg(feature = "sql")]
use super::statement::Statement;
use crate::ipc::encode::Compression;
use crate::node::Node;
#[cfg(not(feature = "sql"))]
use crate::status::WITHOUT_SQL;

/// A question, and the commit that its answer must have seen.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Ticket {
    /// What is asked.
    pub(super) question: Question,
    /// The commit.
    pub(super) at_least: Option<Sequence>,
}

/// What is asked.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Question {
    /// The state at a point.
    AsOf(AsOf),
    /// The history of some keys.
    History(History),
    /// What differs between two points.
    Diff(Diff),
    /// The rows of a snapshot.
    Snapshot(SnapshotId),
    /// The answer to a statement of SQL.
    #[cfg(feature = "sql")]
    Sql(Statement),
}

/// The state at a point.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct AsOf {
    /// Of which context.
    pub(super) context: ContextName,
    /// At which point.
    pub(super) point: Point,
    /// Of which keys.
    pub(super) keys: WantedKeys,
    /// Which columns; `None`: all.
    pub(super) columns: Option<Vec<String>>,
    /// A predicate of SQL that lets rows through; `None`: all.
    pub(super) predicate: Option<String>,
    /// Whether periods and system times are wanted.
    pub(super) system_columns: bool,
    /// In which schema version.
    pub(super) schema_version: Option<SchemaVersion>,
    /// How bodies are compressed.
    pub(super) compression: Compression,
    /// Which part of the answer.
    pub(super) part: Option<Part>,
}

/// The history of some keys.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct History {
    /// Of which context.
    pub(super) context: ContextName,
    /// Of which keys.
    pub(super) keys: WantedKeys,
    /// As known when.
    pub(super) known_at: Option<SystemTime>,
    /// How it is told.
    pub(super) form: Form,
}

/// What differs between two points.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Diff {
    /// In which context.
    pub(super) context: ContextName,
    /// One point.
    pub(super) from: Point,
    /// The other.
    pub(super) to: Point,
}

/// Which keys are wanted, as they were written.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) enum WantedKeys {
    /// All.
    #[default]
    All,
    /// One, by the values of its columns.
    One(Json),
    /// Several.
    These(Vec<Json>),
}

const QUESTIONS: &[&str] = &["as_of", "history", "diff", "snapshot", "sql"];
const TICKET: &[&str] = &[
    "as_of",
    "history",
    "diff",
    "snapshot",
    "sql",
    "parameters",
    "settings",
    "views",
    "compression",
    "at_least",
];
/// Fields of a ticket that belong to a statement.
const OF_SQL: &[&str] = &["parameters", "settings", "views", "compression"];
const AS_OF: &[&str] = &[
    "context",
    "valid_at",
    "known_at",
    "key",
    "keys",
    "columns",
    "where",
    "system_columns",
    "schema_version",
    "compression",
    "part",
];
const HISTORY: &[&str] = &["context", "key", "known_at", "form"];
const DIFF: &[&str] = &["context", "from", "to"];
const POINT: &[&str] = &["valid_at", "known_at"];
/// The words for compressions.
pub(super) const COMPRESSIONS: &[(&str, Compression)] =
    &[("none", Compression::None), ("lz4", Compression::Lz4), ("zstd", Compression::Zstd)];
const FORMS: &[(&str, Form)] = &[("facts", Form::Facts), ("rectangles", Form::Rectangles)];

impl Ticket {
    /// A question about the state of a context now.
    pub(super) fn now(context: ContextName) -> Self {
        let as_of = AsOf {
            context,
            point: Point::default(),
            keys: WantedKeys::All,
            columns: None,
            predicate: None,
            system_columns: false,
            schema_version: None,
            compression: Compression::None,
            part: None,
        };
        Self { question: Question::AsOf(as_of), at_least: None }
    }

    /// Reads a ticket, of as many keys as the node takes.
    ///
    /// # Errors
    /// The field that is malformed, by name.
    pub(super) fn of_node(text: &[u8], node: &Node) -> Result<Self, Status> {
        Ok(Self::parse(text, node.limits().keys_max)?)
    }

    fn parse(text: &[u8], keys_max: usize) -> Result<Self, Malformed> {
        let mut object = Object::parse("ticket", text, TICKET)?;
        let at_least = object.take("at_least").map(|value| sequence(&value)).transpose()?;
        let mut asked = QUESTIONS.iter().filter_map(|name| Some((*name, object.take(name)?)));
        let whole = |what: &str| Value::new("ticket".into(), Json::Null).wrong(what);
        let (name, value) =
            asked.next().ok_or_else(|| whole("expected one of as_of, history, diff, snapshot, sql"))?;
        if let Some((other, _)) = asked.next() {
            return Err(whole(&format!("asks both {name} and {other}; ask one question at a time")));
        }
        let question = match name {
            "as_of" => Question::AsOf(AsOf::read(value, keys_max)?),
            "history" => Question::History(History::read(value)?),
            "diff" => Question::Diff(Diff::read(value)?),
            "snapshot" => Question::Snapshot(value.parsed(SnapshotId::parse)?),
            #[cfg(feature = "sql")]
            _ => Question::Sql(Statement::read(&value, &mut object)?),
            #[cfg(not(feature = "sql"))]
            _ => return Err(value.not_built(WITHOUT_SQL)),
        };
        if let Some(other) = OF_SQL.iter().find_map(|name| object.take(name)) {
            return Err(other.wrong(format_args!("belongs to sql; the ticket asks {name}")));
        }
        Ok(Self { question, at_least })
    }

    /// Writes the ticket.
    pub(super) fn to_json(&self) -> String {
        let mut ticket = Map::new();
        let mut insert = |name: &str, value| drop(ticket.insert(name.into(), value));
        match &self.question {
            Question::AsOf(as_of) => insert("as_of", as_of.to_value()),
            Question::History(history) => insert("history", history.to_value()),
            Question::Diff(diff) => insert("diff", diff.to_value()),
            Question::Snapshot(id) => insert("snapshot", id.to_string().into()),
            #[cfg(feature = "sql")]
            Question::Sql(statement) => statement.write(&mut ticket),
        }
        if let Some(at_least) = self.at_least {
            ticket.insert("at_least".into(), at_least.get().into());
        }
        JsonValue::Object(ticket).to_string()
    }

    /// How bodies are compressed.
    pub(super) fn compression(&self) -> Compression {
        match &self.question {
            Question::AsOf(as_of) => as_of.compression,
            Question::History(_) | Question::Diff(_) | Question::Snapshot(_) => Compression::None,
            #[cfg(feature = "sql")]
            Question::Sql(statement) => statement.compression,
        }
    }
}

impl AsOf {
    fn read(value: Value, keys_max: usize) -> Result<Self, Malformed> {
        let mut object = value.object(AS_OF)?;
        let context = context(&mut object)?;
        let point = point(&mut object)?;
        let keys = match (object.take("key"), object.take("keys")) {
            (None, None) => WantedKeys::All,
            (Some(key), None) => one_key(&key)?,
            (None, Some(keys)) => several_keys(keys, keys_max)?,
            (Some(_), Some(keys)) => return Err(keys.wrong("given beside key; give one of both")),
        };
        let predicate = object.take("where");
        #[cfg(not(feature = "sql"))]
        if let Some(predicate) = &predicate {
            return Err(predicate.not_built(WITHOUT_SQL));
        }
        let part = object.take("part").map(Part::read).transpose()?;
        if let (Some(_), WantedKeys::One(_) | WantedKeys::These(_)) = (&part, &keys) {
            return Err(Part::place().wrong("given beside keys; a part is a range of all keys"));
        }
        Ok(Self {
            context,
            point,
            keys,
            columns: object.take("columns").map(columns).transpose()?,
            predicate: predicate.map(|text| text.text().map(str::to_owned)).transpose()?,
            system_columns: object.take("system_columns").map_or(Ok(false), |value| value.flag())?,
            schema_version: object.take("schema_version").map(|value| version(&value)).transpose()?,
            compression: object
                .take("compression")
                .map_or(Ok(Compression::None), |value| value.word(COMPRESSIONS))?,
            part,
        })
    }

    fn to_value(&self) -> JsonValue {
        let mut value = json!({"context": self.context.as_str()});
        write_point(&mut value, self.point);
        match &self.keys {
            WantedKeys::All => {}
            WantedKeys::One(key) => value["key"] = key.to_value(),
            WantedKeys::These(keys) => value["keys"] = keys.iter().map(Json::to_value).collect(),
        }
        if let Some(columns) = &self.columns {
            value["columns"] = columns.as_slice().into();
        }
        if let Some(predicate) = &self.predicate {
            value["where"] = predicate.as_str().into();
        }
        if self.system_columns {
            value["system_columns"] = true.into();
        }
        if let Some(version) = self.schema_version {
            value["schema_version"] = version.get().into();
        }
        if let Some((name, _)) =
            COMPRESSIONS.iter().find(|(_, other)| *other == self.compression && *other != Compression::None)
        {
            value["compression"] = (*name).into();
        }
        if let Some(part) = &self.part {
            value["part"] = part.to_value();
        }
        value
    }
}

impl History {
    fn read(value: Value) -> Result<Self, Malformed> {
        let mut object = value.object(HISTORY)?;
        Ok(Self {
            context: context(&mut object)?,
            keys: object.take("key").map_or(Ok(WantedKeys::All), |key| one_key(&key))?,
            known_at: object.take("known_at").map(|value| value.parsed(SystemTime::parse)).transpose()?,
            form: object.take("form").map_or(Ok(Form::Facts), |value| value.word(FORMS))?,
        })
    }

    fn to_value(&self) -> JsonValue {
        let form = FORMS.iter().find(|(_, form)| *form == self.form).map(|(name, _)| *name);
        let mut value = json!({"context": self.context.as_str(), "form": form});
        if let WantedKeys::One(key) = &self.keys {
            value["key"] = key.to_value();
        }
        if let Some(known_at) = self.known_at {
            value["known_at"] = known_at.to_string().into();
        }
        value
    }
}

impl Diff {
    fn read(value: Value) -> Result<Self, Malformed> {
        let mut object = value.object(DIFF)?;
        let context = context(&mut object)?;
        let expected = "an object with valid_at and known_at, each of which may be left out";
        let mut side =
            |name| -> Result<Point, Malformed> { point(&mut object.require(name, expected)?.object(POINT)?) };
        Ok(Self { context, from: side("from")?, to: side("to")? })
    }

    fn to_value(&self) -> JsonValue {
        let point = |point| {
            let mut value = json!({});
            write_point(&mut value, point);
            value
        };
        json!({"context": self.context.as_str(), "from": point(self.from), "to": point(self.to)})
    }
}

/// The context of a question, a put or an action.
pub(super) fn context(object: &mut Object) -> Result<ContextName, Malformed> {
    object.require("context", "a context's name")?.parsed(ContextName::parse)
}

/// A number of a commit.
pub(super) fn sequence(value: &Value) -> Result<Sequence, Malformed> {
    value.integer("the number of a commit").map(Sequence::new)
}

fn point(object: &mut Object) -> Result<Point, Malformed> {
    Ok(Point {
        valid_at: object.take("valid_at").map(|value| value.parsed(ValidTime::parse)).transpose()?,
        known_at: object.take("known_at").map(|value| value.parsed(SystemTime::parse)).transpose()?,
    })
}

fn write_point(value: &mut JsonValue, point: Point) {
    if let Some(valid_at) = point.valid_at {
        value["valid_at"] = valid_at.to_string().into();
    }
    if let Some(known_at) = point.known_at {
        value["known_at"] = known_at.to_string().into();
    }
}

fn one_key(value: &Value) -> Result<WantedKeys, Malformed> {
    key(value).map(WantedKeys::One)
}

fn several_keys(value: Value, keys_max: usize) -> Result<WantedKeys, Malformed> {
    let place = value.place().to_owned();
    let keys = value.list()?;
    if keys.len() > keys_max {
        let what = Wrong::TooMany { found: keys.len(), what: "keys", max: keys_max, limit: "keys_max" };
        return Err(Malformed { place, what });
    }
    keys.iter().map(key).collect::<Result<_, _>>().map(WantedKeys::These)
}

fn key(value: &Value) -> Result<Json, Malformed> {
    match value.json() {
        Json::Object(_) => Ok(value.json().clone()),
        _ => Err(value.of_other_type("an object of key columns and their values")),
    }
}

fn columns(value: Value) -> Result<Vec<String>, Malformed> {
    let whole = value.clone();
    let mut names: Vec<String> = Vec::new();
    for name in value.list()? {
        names.push(name.text()?.to_owned());
    }
    if names.is_empty() {
        return Err(whole.wrong("expected at least one column; leave it out for all"));
    }
    Ok(names)
}

fn version(value: &Value) -> Result<SchemaVersion, Malformed> {
    value.integer("the number of a schema version").map(SchemaVersion::new)
}

#[cfg(test)]
mod tests;
