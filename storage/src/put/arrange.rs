//! Rows in the order of their keys, each key once where the kind of put demands it.

use arrow_array::ArrayRef;
use arrow_array::cast::AsArray;
use arrow_array::types::TimestampMicrosecondType;
use arrow_cast::display::{ArrayFormatter, FormatOptions};

use super::OnDuplicate;
use crate::key::EncodedKeys;
use crate::refusal::{DuplicateKey, Refusal};
use crate::schema::Schema;
use crate::time::ValidTime;

/// Duplicates named in a refusal.
const EXAMPLES_MAX: usize = 10;

/// Which rows are kept, in the order of their keys; `None` if all are, as they came.
pub(super) struct Arrangement {
    pub(super) rows: Option<Vec<u32>>,
    pub(super) duplicates: u64,
}

/// Sorts rows by key; rows of one key keep their order.
pub(super) fn sort(keys: &EncodedKeys) -> Arrangement {
    let rows = (!keys.is_sorted()).then(|| keys.sorted_rows());
    Arrangement { rows, duplicates: 0 }
}

/// Sorts rows by key and leaves one row of each.
pub(super) fn sort_unique(
    keys: &EncodedKeys,
    on_duplicate: OnDuplicate,
    schema: &Schema,
    columns: &[ArrayRef],
) -> Result<Arrangement, Refusal> {
    let strictly_sorted = (1..keys.len()).all(|row| keys.get(row - 1) < keys.get(row));
    if strictly_sorted {
        return Ok(Arrangement { rows: None, duplicates: 0 });
    }
    let sorted = keys.sorted_rows();
    let same = |a: u32, b: u32| keys.get(a as usize) == keys.get(b as usize);
    let mut kept = Vec::with_capacity(sorted.len());
    let mut repeated: Vec<&[u32]> = Vec::new();
    for rows in sorted.chunk_by(|a, b| same(*a, *b)) {
        kept.push(match on_duplicate {
            OnDuplicate::Refuse | OnDuplicate::First => rows[0],
            OnDuplicate::Last => rows[rows.len() - 1],
        });
        if rows.len() > 1 {
            repeated.push(rows);
        }
    }
    if !repeated.is_empty() && on_duplicate == OnDuplicate::Refuse {
        let example = |rows: &&[u32]| DuplicateKey {
            key: print_key(schema, columns, rows[0] as usize),
            rows: rows.iter().take(EXAMPLES_MAX).map(|row| u64::from(*row) + 1).collect(),
        };
        let examples = repeated.iter().take(EXAMPLES_MAX).map(example).collect();
        return Err(Refusal::DuplicateKeys { count: repeated.len() as u64, examples });
    }
    let duplicates = (sorted.len() - kept.len()) as u64;
    Ok(Arrangement { rows: Some(kept), duplicates })
}

/// The key of a row as people read it: `name=value`, bounded.
fn print_key(schema: &Schema, columns: &[ArrayRef], row: usize) -> String {
    let part = |place: &usize| {
        let value = print_value(&columns[*place], row);
        let value: String = value.chars().take(60).flat_map(char::escape_debug).collect();
        format!("{}={value}", schema.fields()[*place].name)
    };
    schema.key_places().iter().map(part).collect::<Vec<_>>().join(", ")
}

fn print_value(column: &ArrayRef, row: usize) -> String {
    // Arrow knows no zone by its name, not even UTC, unless it is built with a database of them.
    if let Some(instants) = column.as_primitive_opt::<TimestampMicrosecondType>() {
        return ValidTime::from_micros(instants.value(row))
            .map_or_else(|| "?".to_owned(), |at| at.to_string());
    }
    ArrayFormatter::try_new(column.as_ref(), &FormatOptions::default())
        .map_or_else(|_| "?".to_owned(), |formatter| formatter.value(row).to_string())
}
