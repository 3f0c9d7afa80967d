//! Histories of the oracle, put into a store, and answers read back in the
//! oracle's form.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Int64Type, TimestampMicrosecondType, UInt32Type};
use arrow_array::{
    Array, ArrayRef, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray, UInt32Array,
};
use calotype_oracle::{EventsPut, Key, OpenEnd as OracleEnd, Operation};
use calotype_query::{AsOfRequest, KeyValue, Keys, LocalPolicy, Point, resolve};
use calotype_storage::database::Database;
use calotype_storage::error::Error;
use calotype_storage::evaluate::{CreateContext, Deed, Withdraw};
use calotype_storage::name::ContextName;
use calotype_storage::put::{OpenEnd, Put, PutKind, PutOptions};
use calotype_storage::record::{CreateEntry, Mode};
use calotype_storage::{SystemTime, ValidTime};
use futures::executor::block_on;

/// The context that histories go to.
///
/// # Panics
/// Never: the name is legal.
pub fn context() -> ContextName {
    ContextName::parse("oracle").expect("a legal name")
}

/// Creates a context of a mode with the key `k`.
///
/// # Errors
/// As the database answers.
pub fn create(database: &Database, mode: Mode) -> Result<(), Error> {
    let definition =
        CreateEntry { mode, key: vec!["k".into()], import: false, max_retracted_ppm: None, schema: None };
    let deed = Deed { context: context(), options: PutOptions::default() };
    block_on(database.create_context(CreateContext { deed, definition })).map(|_| ())
}

/// An instant of valid time.
///
/// # Panics
/// On the two reserved values.
pub fn valid(micros: i64) -> ValidTime {
    ValidTime::from_micros(micros).expect("an ordinary instant")
}

fn batch(rows: impl Iterator<Item = (u32, Option<u32>)>) -> RecordBatch {
    let rows: Vec<_> = rows.collect();
    let keys: ArrayRef = Arc::new(Int64Array::from_iter_values(rows.iter().map(|(key, _)| i64::from(*key))));
    let values: ArrayRef = Arc::new(rows.iter().map(|(_, value)| *value).collect::<UInt32Array>());
    let op = |value: &Option<u32>| Some(if value.is_some() { "assert" } else { "retract" });
    let ops: ArrayRef = Arc::new(rows.iter().map(|(_, value)| op(value)).collect::<StringArray>());
    RecordBatch::try_from_iter_with_nullable([("k", keys, true), ("v", values, true), ("_op", ops, true)])
        .expect("columns of one length")
}

fn put(kind: PutKind, batch: &RecordBatch, options: PutOptions) -> Put {
    Put { context: context(), kind, schema: batch.schema(), batches: vec![batch.clone()], options }
}

/// Puts one operation. The answer is the system time at which it is known.
///
/// # Errors
/// As the database answers; a withdrawal of what is not known is refused.
pub fn apply(database: &Database, operation: &Operation<Key, u32>) -> Result<i64, Error> {
    block_on(apply_async(database, operation))
}

/// The same without waiting.
///
/// # Errors
/// As [`apply`].
///
/// # Panics
/// Never: the columns are there.
pub async fn apply_async(database: &Database, operation: &Operation<Key, u32>) -> Result<i64, Error> {
    let full = |rows: &BTreeMap<Key, u32>| {
        let rows = batch(rows.iter().map(|(key, value)| (key.0, Some(*value))));
        rows.project(&[0, 1]).expect("the columns are there")
    };
    let delta = |rows: &BTreeMap<Key, Option<u32>>| batch(rows.iter().map(|(key, value)| (key.0, *value)));
    let (cutoff, rows, is_full, replace) = match operation {
        Operation::Full { cutoff, rows } => (*cutoff, full(rows), true, false),
        Operation::ReplaceFull { cutoff, rows } => (*cutoff, full(rows), true, true),
        Operation::Delta { cutoff, rows } => (*cutoff, delta(rows), false, false),
        Operation::ReplaceDelta { cutoff, rows } => (*cutoff, delta(rows), false, true),
        Operation::Withdraw { cutoff } => {
            let deed = Deed { context: context(), options: PutOptions::default() };
            let withdraw = Withdraw { deed, cutoff: valid(*cutoff) };
            return database.withdraw(withdraw).await.map(|receipt| receipt.system_time.micros());
        }
    };
    let cutoff = valid(cutoff);
    let kind = if is_full { PutKind::Full { cutoff } } else { PutKind::Delta { cutoff } };
    let expected_rows = is_full.then_some(rows.num_rows() as u64);
    let options = PutOptions { replace, expected_rows, ..PutOptions::default() };
    let receipt = database.put(put(kind, &rows, options)).await?;
    Ok(receipt.system_time.micros())
}

/// Puts facts. The answer is the system time at which they are known.
///
/// # Errors
/// As the database answers.
///
/// # Panics
/// Never: the columns are of one length.
pub fn apply_events(database: &Database, events: &EventsPut<Key, u32>) -> Result<i64, Error> {
    let rows = batch(events.rows.iter().map(|row| (row.key.0, row.value)));
    let utc = |values: TimestampMicrosecondArray| -> ArrayRef { Arc::new(values.with_timezone("UTC")) };
    let from = utc(TimestampMicrosecondArray::from_iter_values(events.rows.iter().map(|row| row.valid_from)));
    let to = utc(events.rows.iter().map(|row| row.valid_to).collect());
    let mut columns: Vec<(String, ArrayRef)> = rows
        .schema()
        .fields()
        .iter()
        .zip(rows.columns())
        .map(|(field, column)| (field.name().clone(), Arc::clone(column)))
        .collect();
    columns.extend([("_valid_from".to_owned(), from), ("_valid_to".to_owned(), to)]);
    let rows = RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(n, c)| (n, c, true)))
        .expect("columns of one length");
    let valid_to = events.open_end.map(|end| match end {
        OracleEnd::Open => OpenEnd::Open,
        OracleEnd::UntilNext => OpenEnd::UntilNext,
    });
    let put = put(PutKind::Facts { valid_to }, &rows, PutOptions::default());
    block_on(database.put(put)).map(|receipt| receipt.system_time.micros())
}

/// The state at a point.
///
/// # Panics
/// If the database does not answer.
pub fn state(database: &Database, valid_at: i64, known_at: i64) -> BTreeMap<Key, u32> {
    let point = Point { valid_at: Some(valid(valid_at)), known_at: SystemTime::from_micros(known_at) };
    let answer = block_on(resolve(database, &LocalPolicy, &AsOfRequest::new(context(), point)));
    let (batches, _) = block_on(answer.expect("a state").collect()).expect("a state");
    batches.iter().flat_map(rows).collect()
}

/// The same, asked key by key.
///
/// # Panics
/// If the database does not answer.
pub fn state_by_key(
    database: &Database,
    keys: impl IntoIterator<Item = Key>,
    valid_at: i64,
    known_at: i64,
) -> BTreeMap<Key, u32> {
    let point = Point { valid_at: Some(valid(valid_at)), known_at: SystemTime::from_micros(known_at) };
    let one = |key: Key| {
        let keys = Keys::one(vec![KeyValue::Integer(key.0.into())]);
        let request = AsOfRequest { keys, ..AsOfRequest::new(context(), point) };
        let answer = block_on(resolve(database, &LocalPolicy, &request)).expect("a state");
        let (batches, _) = block_on(answer.collect()).expect("a state");
        batches.iter().flat_map(rows).collect::<Vec<_>>()
    };
    keys.into_iter().flat_map(one).collect()
}

fn rows(batch: &RecordBatch) -> Vec<(Key, u32)> {
    let keys = batch.column(0).as_primitive::<Int64Type>();
    let values = batch.column(1).as_primitive::<UInt32Type>();
    (0..batch.num_rows())
        .map(|row| {
            assert!(values.is_valid(row), "the oracle has no nulls");
            (Key(u32::try_from(keys.value(row)).expect("small keys")), values.value(row))
        })
        .collect()
}

/// The instants of a system column.
///
/// # Panics
/// If there is no such column.
pub fn instants(batch: &RecordBatch, column: &str) -> Vec<Option<i64>> {
    let column = batch.column_by_name(column).expect("the column is there");
    column.as_primitive::<TimestampMicrosecondType>().iter().collect()
}
