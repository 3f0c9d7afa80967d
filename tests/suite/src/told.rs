//! Histories as a store tells them, in the oracle's form. An entry is numbered by
//! its system time.

use std::collections::BTreeMap;

use arrow_array::cast::AsArray;
use arrow_array::types::{Int64Type, UInt32Type};
use arrow_array::{Array, RecordBatch};
use calotype_oracle::{Fact, Key, Piece, TimeRange as OracleRange};
use calotype_query::{AsOfRequest, Form, HistoryRequest, Keys, LocalPolicy, TimeRange, history, resolve};
use calotype_storage::ValidTime;
use calotype_storage::database::Database;
use calotype_storage::time::Instant;
use futures::executor::block_on;

use crate::replay::{context, instants};
use crate::store::{point, taken};

fn range<T: Instant>(range: OracleRange) -> TimeRange<T> {
    let at = |micros| T::from_micros(micros).expect("an ordinary instant");
    match range {
        OracleRange::All => TimeRange::All,
        OracleRange::At(instant) => TimeRange::At(at(instant)),
        OracleRange::FromTo { from, to } => TimeRange::FromTo(at(from), at(to)),
        OracleRange::Between { from, to } => TimeRange::Between(at(from), at(to)),
    }
}

fn tell(database: &Database, form: Form, valid: OracleRange, system: OracleRange) -> Vec<RecordBatch> {
    let request = HistoryRequest {
        valid: range::<ValidTime>(valid),
        system: range(system),
        ..HistoryRequest::new(context(), Keys::All, form)
    };
    let answer = block_on(history(database, &LocalPolicy, &request)).expect("a history");
    taken(answer).expect("a history").0
}

/// The rectangles that overlap both ranges.
///
/// # Panics
/// If the database does not answer, or a row names another entry than its system time does.
pub fn rectangles(database: &Database, valid: OracleRange, system: OracleRange) -> Vec<Piece<Key, u32>> {
    let batches = tell(database, Form::Rectangles, valid, system);
    let entries = entries(database);
    let piece = |row: Row| {
        assert_eq!(entries[&row.entry], row.system_from, "the entry of a row");
        row.into_piece()
    };
    batches.iter().flat_map(rows).map(piece).collect()
}

/// The facts of entries known within a range of system time, that overlap a range of valid time.
///
/// # Panics
/// As [`rectangles`]; also if a retraction has content, or a fact has an end of its system time.
pub fn facts(database: &Database, valid: OracleRange, system: OracleRange) -> Vec<Fact<Key, u32>> {
    let batches = tell(database, Form::Facts, valid, system);
    let entries = entries(database);
    let fact = |row: Row| {
        assert_eq!(entries[&row.entry], row.system_from, "the entry of a row");
        row.into_fact()
    };
    batches.iter().flat_map(rows).map(fact).collect()
}

/// The pieces that batches of an as-of with system columns, or of rectangles, hold.
///
/// # Panics
/// If they are none.
pub fn pieces_of(batches: &[RecordBatch]) -> Vec<Piece<Key, u32>> {
    batches.iter().flat_map(rows).map(Row::into_piece).collect()
}

/// The facts that batches of a history hold.
///
/// # Panics
/// If they are none; also if a retraction has content, or a fact has an end of its system time.
pub fn facts_of(batches: &[RecordBatch]) -> Vec<Fact<Key, u32>> {
    batches.iter().flat_map(rows).map(Row::into_fact).collect()
}

/// The pieces that hold a valid time as known at a system time, from an as-of with system columns.
///
/// # Panics
/// If the database does not answer.
pub fn pieces_at(database: &Database, valid_at: i64, known_at: i64) -> Vec<Piece<Key, u32>> {
    let request =
        AsOfRequest { system_columns: true, ..AsOfRequest::new(context(), point(valid_at, known_at)) };
    let answer = block_on(resolve(database, &LocalPolicy, &request)).expect("a state");
    let (batches, ..) = taken(answer).expect("a state");
    batches.iter().flat_map(rows).map(Row::into_piece).collect()
}

/// The system time of each entry, by its printed id.
fn entries(database: &Database) -> BTreeMap<String, i64> {
    let context = database.context(&context()).expect("the context");
    let entries = context.entries().iter();
    entries.map(|entry| (entry.id.to_string(), entry.system_time().micros())).collect()
}

struct Row {
    key: Key,
    value: Option<u32>,
    valid: (i64, Option<i64>),
    system_from: i64,
    system_to: Option<i64>,
    op: Option<String>,
    entry: String,
}

impl Row {
    fn into_piece(self) -> Piece<Key, u32> {
        Piece {
            key: self.key,
            valid_from: self.valid.0,
            valid_to: self.valid.1,
            system_from: self.system_from,
            system_to: self.system_to,
            entry: self.system_from.unsigned_abs(),
            value: self.value.expect("a piece has content"),
        }
    }

    fn into_fact(self) -> Fact<Key, u32> {
        assert_eq!(self.system_to, None, "facts come as they came");
        assert_eq!(self.value.is_some(), self.op.as_deref() == Some("assert"));
        Fact {
            entry: self.system_from.unsigned_abs(),
            system: self.system_from,
            key: self.key,
            valid_from: self.valid.0,
            valid_to: self.valid.1,
            value: self.value,
        }
    }
}

fn rows(batch: &RecordBatch) -> Vec<Row> {
    let keys = batch.column(0).as_primitive::<Int64Type>();
    let values = batch.column(1).as_primitive::<UInt32Type>();
    let text = |name: &str, row: usize| {
        let column = batch.column_by_name(name)?;
        Some(column.as_string::<i32>().value(row).to_owned())
    };
    let times = ["_valid_from", "_valid_to", "_system_from", "_system_to"];
    let times = times.map(|name| instants(batch, name));
    let row = |row: usize| Row {
        key: Key(u32::try_from(keys.value(row)).expect("small keys")),
        value: values.is_valid(row).then(|| values.value(row)),
        valid: (times[0][row].expect("a beginning"), times[1][row]),
        system_from: times[2][row].expect("a beginning"),
        system_to: times[3][row],
        op: text("_op", row),
        entry: text("_entry", row).unwrap_or_default(),
    };
    (0..batch.num_rows()).map(row).collect()
}
