//! Rows of the oracle as Arrow columns, and answers as rows of the oracle.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Int64Type, UInt32Type};
use arrow_array::{
    Array, ArrayRef, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray, UInt32Array,
};
use calotype_oracle::{EventsPut, Key, Operation};
use calotype_query::{AsOfRequest, End, LocalPolicy, Point, QueryError, resolve};
use calotype_storage::SystemTime;
use calotype_storage::database::Database;
use calotype_storage::name::ContextName;
use futures::executor::block_on;

use crate::replay::valid;

fn columns(rows: &[(u32, Option<u32>)], label: &str) -> Vec<(String, ArrayRef)> {
    let keys = Int64Array::from_iter_values(rows.iter().map(|(key, _)| i64::from(*key)));
    let values: UInt32Array = rows.iter().map(|(_, value)| *value).collect();
    vec![("k".to_owned(), Arc::new(keys)), (label.to_owned(), Arc::new(values))]
}

fn ops(rows: &[(u32, Option<u32>)]) -> (String, ArrayRef) {
    let op = |value: Option<u32>| if value.is_some() { "assert" } else { "retract" };
    let ops: StringArray = rows.iter().map(|(_, value)| Some(op(*value))).collect();
    ("_op".to_owned(), Arc::new(ops))
}

fn batch(columns: Vec<(String, ArrayRef)>) -> RecordBatch {
    RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(n, c)| (n, c, true)))
        .expect("columns of one length")
}

/// The rows of a full or delta, with the column of values under a label.
///
/// # Panics
/// Never: a withdrawal has no rows.
pub fn statement_batch(operation: &Operation<Key, u32>, label: &str) -> RecordBatch {
    match operation {
        Operation::Full { rows, .. } | Operation::ReplaceFull { rows, .. } => {
            let rows: Vec<_> = rows.iter().map(|(k, v)| (k.0, Some(*v))).collect();
            batch(columns(&rows, label))
        }
        Operation::Delta { rows, .. } | Operation::ReplaceDelta { rows, .. } => {
            let rows: Vec<_> = rows.iter().map(|(k, v)| (k.0, *v)).collect();
            let mut columns = columns(&rows, label);
            columns.push(ops(&rows));
            batch(columns)
        }
        Operation::Withdraw { .. } => batch(columns(&[], label)),
    }
}

/// The rows of a put of facts, with the column of values under a label.
///
/// # Panics
/// Never: the columns are of one length.
pub fn events_batch(events: &EventsPut<Key, u32>, label: &str) -> RecordBatch {
    let rows: Vec<_> = events.rows.iter().map(|row| (row.key.0, row.value)).collect();
    let mut columns = columns(&rows, label);
    columns.push(ops(&rows));
    let utc = |values: TimestampMicrosecondArray| -> ArrayRef { Arc::new(values.with_timezone("UTC")) };
    let from = events.rows.iter().map(|row| Some(row.valid_from));
    let to = events.rows.iter().map(|row| row.valid_to);
    columns.push(("_valid_from".to_owned(), utc(from.collect())));
    columns.push(("_valid_to".to_owned(), utc(to.collect())));
    batch(columns)
}

/// The state of a context at a point, and what closes the answer.
///
/// # Errors
/// As the database answers.
///
/// # Panics
/// If an answer has other columns than were put.
pub fn answer(
    database: &Database,
    context: &ContextName,
    valid_at: i64,
    known_at: i64,
) -> Result<(BTreeMap<Key, u32>, End), QueryError> {
    let point = Point { valid_at: Some(valid(valid_at)), known_at: SystemTime::from_micros(known_at) };
    let request = AsOfRequest::new(context.clone(), point);
    let (batches, end) = block_on(async {
        let answer = resolve(database, &LocalPolicy, &request).await?;
        answer.collect().await
    })?;
    let mut state = BTreeMap::new();
    for batch in &batches {
        let keys = batch.column(0).as_primitive::<Int64Type>();
        let values = batch.column(1).as_primitive::<UInt32Type>();
        for row in 0..batch.num_rows() {
            assert!(values.is_valid(row), "the oracle has no nulls");
            let key = u32::try_from(keys.value(row)).expect("small keys");
            let before = state.insert(Key(key), values.value(row));
            assert_eq!(before, None, "key {key} was answered twice");
        }
    }
    Ok((state, end))
}
