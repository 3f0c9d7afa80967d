//! Questions to a golden store, as JSON, and their answers.

use std::collections::BTreeSet;

use anyhow::{Context as _, Result, bail};
use calotype_query::keys::{KeyValue, Keys};
use calotype_query::offsets::OffsetVector;
use calotype_query::{
    Answer, AsOfRequest, Claim, Form, HistoryRequest, LocalPolicy, Point, TimeRange, history, resolve,
    snapshot,
};
use calotype_storage::context::Context;
use calotype_storage::database::Database;
use calotype_storage::identity::{Sequence, SnapshotId};
use calotype_storage::name::{ContextName, Principal};
use calotype_storage::record::{Body, Mode};
use calotype_storage::schema::SchemaVersion;
use calotype_storage::{SystemTime, ValidTime};
use futures::executor::block_on;
use serde_json::{Value, json};

use super::print::{columns, rows};
use super::story::day;

/// Points of the largest grid that is asked about whole.
const GRID_MAX: usize = 60;
/// Longer answers are kept as samples.
const ROWS_MAX: usize = 100;
/// In a sample there is each row whose place is a multiple of this, and the last.
const SAMPLE: usize = 400;

/// Answers a question.
///
/// # Errors
/// If the question is not one. What cannot be answered is an answer: the error's words.
pub fn ask(database: &Database, question: &Value) -> Result<Value> {
    let answered = match text(question, "kind")? {
        "as_of" => block_on(resolve(database, &LocalPolicy, &as_of(question)?)),
        "history" => block_on(history(database, &LocalPolicy, &told(question)?)),
        "snapshot" => {
            let id = SnapshotId::parse(text(question, "id")?)?;
            block_on(snapshot(database, &LocalPolicy, &Principal::local(), id))
        }
        other => bail!("'{other}' is not a kind of question"),
    };
    let taken = match answered {
        Ok(answer) => take(question, answer)?,
        Err(error) => Err(error.to_string()),
    };
    Ok(taken.unwrap_or_else(|error| json!({ "question": question, "error": error })))
}

fn take(question: &Value, answer: Answer) -> Result<Result<Value, String>> {
    let columns = columns(answer.schema())?;
    let left_out = answer.claim().offsets.as_ref().map(|offsets| offsets.facts_without_position);
    let claim = claim(answer.claim());
    let (batches, end) = match block_on(answer.collect()) {
        Ok(taken) => taken,
        Err(error) => return Ok(Err(error.to_string())),
    };
    let rows = rows(&batches)?;
    let mut taken = json!({
        "question": question,
        "columns": columns,
        "row_count": end.rows,
        "result_hash": end.result_hash.to_string(),
        "claim": claim,
    });
    if let Some(left_out) = left_out {
        taken["facts_without_position"] = json!(left_out);
    }
    if rows.len() <= ROWS_MAX {
        taken["rows"] = Value::Array(rows);
    } else {
        let last = rows.len() - 1;
        let kept = rows.into_iter().enumerate().filter(|(place, _)| place % SAMPLE == 0 || *place == last);
        taken["sample"] = kept.map(|(place, row)| json!([place, row])).collect();
    }
    Ok(Ok(taken))
}

/// Those parts of a claim that follow from the store alone.
fn claim(claim: &Claim) -> Value {
    let record = claim.record.as_ref().map(|record| json!([record.commit, record.entry]));
    json!({
        "schema_version": claim.schema_version,
        "settled": claim.settled,
        "record": record,
        "snapshot": claim.snapshot.as_ref().map(|snapshot| &snapshot.id),
    })
}

fn text<'a>(question: &'a Value, member: &str) -> Result<&'a str> {
    question[member].as_str().with_context(|| format!("a question has a {member}"))
}

fn instant(question: &Value, member: &str) -> Result<i64> {
    question[member].as_i64().with_context(|| format!("a question has a {member}"))
}

fn point(question: &Value) -> Result<Point> {
    Ok(Point {
        valid_at: ValidTime::from_micros(instant(question, "valid_at")?),
        known_at: SystemTime::from_micros(instant(question, "known_at")?),
    })
}

fn as_of(question: &Value) -> Result<AsOfRequest> {
    let context = ContextName::parse(text(question, "context")?)?;
    let columns = question.get("columns").and_then(Value::as_array);
    let columns =
        columns.map(|columns| columns.iter().filter_map(Value::as_str).map(str::to_owned).collect());
    let version = question.get("schema_version").and_then(Value::as_u64);
    Ok(AsOfRequest {
        columns,
        keys: keys(question)?,
        system_columns: question.get("system_columns") == Some(&Value::Bool(true)),
        schema_version: version.map(u32::try_from).transpose()?.map(SchemaVersion::new),
        offsets: offsets(question)?,
        ..AsOfRequest::new(context, point(question)?)
    })
}

fn told(question: &Value) -> Result<HistoryRequest> {
    let context = ContextName::parse(text(question, "context")?)?;
    let form = match text(question, "form")? {
        "facts" => Form::Facts,
        "rectangles" => Form::Rectangles,
        other => bail!("'{other}' is not a form of history"),
    };
    let known = SystemTime::from_micros(instant(question, "known_at")?).context("an ordinary instant")?;
    // What was covered before then is history too.
    let system = TimeRange::Between(SystemTime::FIRST, known);
    Ok(HistoryRequest { system, ..HistoryRequest::new(context, keys(question)?, form) })
}

fn keys(question: &Value) -> Result<Keys> {
    let Some(key) = question.get("key").and_then(Value::as_array) else {
        return Ok(Keys::All);
    };
    let value = |value: &Value| match value {
        Value::String(text) => Ok(KeyValue::Text(text.clone())),
        Value::Bool(value) => Ok(KeyValue::Bool(*value)),
        Value::Number(number) => Ok(KeyValue::Integer(number.as_i64().context("a small integer")?.into())),
        Value::Null | Value::Array(_) | Value::Object(_) => bail!("{value} is not a value of a key"),
    };
    Ok(Keys::one(key.iter().map(value).collect::<Result<_>>()?))
}

fn offsets(question: &Value) -> Result<Option<OffsetVector>> {
    let Some(offsets) = question.get("offsets").and_then(Value::as_array) else {
        return Ok(None);
    };
    let one = |offset: &Value| {
        let (source, partition) = (offset[0].as_str()?.to_owned(), offset[1].as_str()?.to_owned());
        Some(((source, partition), (offset[2].as_u64()?, offset[3].as_i64()?)))
    };
    let vector = offsets.iter().map(one).collect::<Option<_>>();
    vector.context("an offset is source, partition, epoch, offset").map(Some)
}

/// Answers some questions. Of answers with the same result hash only the first has columns and rows.
///
/// # Errors
/// As [`ask`].
pub fn ask_all(database: &Database, questions: &[Value]) -> Result<Vec<Value>> {
    let mut seen = BTreeSet::new();
    let mut answers = Vec::new();
    for question in questions {
        let mut answer = ask(database, question)?;
        if let Some(hash) = answer["result_hash"].as_str().map(str::to_owned)
            && !seen.insert(hash)
        {
            let answer = answer.as_object_mut().context("an answer is an object")?;
            answer.retain(|member, _| !["columns", "rows", "sample"].contains(&member.as_str()));
        }
        answers.push(answer);
    }
    Ok(answers)
}

/// All questions that are kept, by the file that holds their answers.
///
/// # Errors
/// If the store cannot be read.
pub fn all(database: &Database) -> Result<Vec<(String, Vec<Value>)>> {
    let mut files = Vec::new();
    for name in database.contexts()? {
        let context = database.context(&name)?;
        files.push((format!("{name}.as_of.json"), states(&context)));
        files.push((format!("{name}.history.json"), histories(&context)));
        let sealed = context.entries().iter().filter_map(|entry| entry.snapshot);
        let snapshots = sealed.map(|id| json!({ "kind": "snapshot", "id": id.to_string() }));
        files.push((format!("{name}.snapshots.json"), snapshots.collect()));
    }
    files.retain(|(_, questions)| !questions.is_empty());
    Ok(files)
}

/// Valid times at which something changes, and their neighbours.
fn valid_times(context: &Context) -> Vec<i64> {
    if context.mode() == Mode::Events {
        return (0..=9).map(day).chain([day(0) - 1, day(12)]).collect();
    }
    let mut times: BTreeSet<i64> = context.cutoffs().iter().map(|(cutoff, _)| cutoff.micros()).collect();
    if let Some(first) = times.first().copied() {
        times.insert(first - 1);
    }
    times.insert(day(300));
    times.into_iter().collect()
}

/// System times at which something was said.
fn known_times(context: &Context) -> Vec<i64> {
    let told = context.entries().iter().filter(|entry| !matches!(entry.entry.body, Body::Materialise(_)));
    let times: BTreeSet<i64> = told.map(|entry| entry.system_time().micros()).collect();
    times.into_iter().collect()
}

fn states(context: &Context) -> Vec<Value> {
    let name = context.name().as_str();
    let (valid, known) = (valid_times(context), known_times(context));
    let newest = known[known.len() - 1];
    let state = |valid_at: i64, known_at: i64| json!({ "kind": "as_of", "context": name, "valid_at": valid_at, "known_at": known_at });
    let with = |mut question: Value, member: &str, value: Value| {
        question[member] = value;
        question
    };
    let mut questions = Vec::new();
    // Of a large grid every second point, and all of the newest knowledge.
    let is_small = valid.len() * known.len() <= GRID_MAX;
    for (row, known_at) in known.iter().enumerate() {
        let points = valid.iter().enumerate();
        let kept = points.filter(|(place, _)| is_small || *known_at == newest || (row + place) % 2 == 0);
        questions.extend(kept.map(|(_, valid_at)| state(*valid_at, *known_at)));
    }
    let with_periods = |valid_at: &i64| with(state(*valid_at, newest), "system_columns", json!(true));
    if name != "ledger" && name != "wide" {
        questions.extend(valid.iter().map(with_periods));
    }
    let versions = context.schemas().iter().map(|(_, schema)| schema.version().get());
    for version in versions {
        questions.push(with(state(day(100), newest), "schema_version", json!(version)));
        questions.push(with(state(day(130), newest), "schema_version", json!(version)));
    }
    match name {
        "loans" => {
            let one = with(state(day(90), newest), "key", json!(["north", 1]));
            questions.push(with(one, "columns", json!(["balance", "branch"])));
            questions.push(with(state(day(90), newest), "key", json!(["nowhere", 1])));
            // A key that version 1 has no room for.
            let wide = known.iter().copied().filter(|known| *known > known_of_first_wide(context)).min();
            questions.extend(wide.map(|known| with(state(day(130), known - 1), "schema_version", json!(1))));
        }
        "trades" => {
            for (first, second) in [(2, 0), (4, 0), (9, 99)] {
                let vector = json!([["exchange", "0", 0, first], ["exchange", "1", 0, second]]);
                let at = |days| with(state(day(days), newest), "offsets", vector.clone());
                questions.extend([at(1), at(5), at(6)]);
            }
        }
        _ => {}
    }
    questions
}

/// The system time from which a wider schema is in force.
fn known_of_first_wide(context: &Context) -> i64 {
    let evolved = context.entries().iter().find(|entry| entry.put().is_some_and(|put| put.schema.is_some()));
    evolved.map_or(i64::MAX, |entry| entry.system_time().micros())
}

fn histories(context: &Context) -> Vec<Value> {
    let name = context.name().as_str();
    let known = known_times(context);
    let told = |form: &str, known_at: i64| json!({ "kind": "history", "context": name, "form": form, "known_at": known_at });
    let (middle, newest) = (known[known.len() / 2], known[known.len() - 1]);
    if name == "ledger" || name == "wide" {
        let mut one = told("rectangles", newest);
        one["key"] = json!([12_106]);
        return vec![one];
    }
    vec![told("facts", newest), told("rectangles", middle), told("rectangles", newest)]
}

/// What the log says of itself: its records, their hashes, their root, and the snapshots that they seal.
///
/// # Errors
/// If a record cannot be read.
pub fn log(database: &Database) -> Result<Value> {
    let records = database.head().map_or(0, |head| head.sequence.get() + 1);
    let mut hashes = Vec::new();
    for number in 0..records {
        let slot = block_on(database.record(Sequence::new(number)))?.context("a record")?;
        hashes.push(slot.hash.to_string());
    }
    let mut contexts = serde_json::Map::new();
    for name in database.contexts()? {
        let context = database.context(&name)?;
        let entries = context.entries().iter();
        let entries: Vec<Value> = entries
            .map(|entry| {
                let snapshot = entry.snapshot.map(|id| id.to_string());
                json!([entry.id.to_string(), entry.kind(), entry.system_time().micros(), snapshot])
            })
            .collect();
        contexts.insert(name.to_string(), Value::Array(entries));
    }
    let (store, root) = (database.store_id().to_string(), database.root().to_string());
    Ok(json!({ "store": store, "hashes": hashes, "root": root, "contexts": contexts }))
}
