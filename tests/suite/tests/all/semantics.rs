//! Every numbered point of `docs/semantics.md`, by its number.

use arrow_array::RecordBatch;
use calotype_storage::error::Error;
use calotype_suite::table::{Column, batch, instants, ints, texts};

mod claims;
mod intake;
mod keys;
mod limits_of_time;
mod schema;
mod time;

/// Rows of facts: key, period, value.
fn fact_rows(rows: &[(i64, i64, Option<i64>, i64)]) -> RecordBatch {
    batch(&[
        ("id", ints(rows.iter().map(|row| row.0))),
        ("_valid_from", instants(rows.iter().map(|row| row.1))),
        ("_valid_to", instants(rows.iter().map(|row| row.2))),
        ("v", ints(rows.iter().map(|row| row.3))),
    ])
}

/// Rows of a full: key, value.
fn rows(rows: &[(i64, i64)]) -> RecordBatch {
    batch(&[("id", ints(rows.iter().map(|row| row.0))), ("v", ints(rows.iter().map(|row| row.1)))])
}

/// Rows with a column beside the key, under any name.
fn named(key: &[i64], column: Column<'_>) -> RecordBatch {
    batch(&[("id", ints(key.iter().copied())), column])
}

/// Rows of a delta: key, value; without a value it retracts.
fn delta_rows(rows: &[(i64, Option<i64>)]) -> RecordBatch {
    let op = |value: &Option<i64>| if value.is_some() { "assert" } else { "retract" };
    batch(&[
        ("id", ints(rows.iter().map(|row| row.0))),
        ("v", ints(rows.iter().map(|row| row.1))),
        ("_op", texts(rows.iter().map(|row| op(&row.1)))),
    ])
}

/// What an error says.
fn message<T>(result: Result<T, Error>) -> String {
    match result {
        Ok(_) => "taken".to_owned(),
        Err(error) => error.to_string(),
    }
}
