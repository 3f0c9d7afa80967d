//! Differences as the oracle tells them and as answers do.

use std::collections::BTreeMap;

use arrow_array::cast::AsArray;
use arrow_array::types::{Int64Type, UInt32Type};
use arrow_array::{Array, RecordBatch};
use calotype_oracle::{Change, Key};

/// A row of a difference: what changed, key, value.
pub(crate) type ChangeRow = (String, Key, u32);

/// The rows in which a difference is told, by key.
pub(crate) fn told(changes: &BTreeMap<Key, Change<u32>>) -> Vec<ChangeRow> {
    let mut rows = Vec::new();
    for (key, change) in changes {
        let mut row = |word: &str, value: &u32| rows.push((word.to_owned(), *key, *value));
        match change {
            Change::Added(value) => row("added", value),
            Change::Removed(value) => row("removed", value),
            Change::Changed { from, to } => {
                row("changed_from", from);
                row("changed_to", to);
            }
        }
    }
    rows
}

/// The rows of an answer.
pub(crate) fn rows_of(batches: &[RecordBatch]) -> Vec<ChangeRow> {
    let mut rows = Vec::new();
    for batch in batches {
        let words = batch.column_by_name("_change").unwrap().as_string::<i32>();
        let keys = batch.column_by_name("k").unwrap().as_primitive::<Int64Type>();
        let values = batch.column_by_name("v").unwrap().as_primitive::<UInt32Type>();
        for row in 0..batch.num_rows() {
            assert!(values.is_valid(row), "the oracle has no nulls");
            let key = Key(u32::try_from(keys.value(row)).unwrap());
            rows.push((words.value(row).to_owned(), key, values.value(row)));
        }
    }
    rows
}
