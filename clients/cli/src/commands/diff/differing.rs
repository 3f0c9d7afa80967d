//! Which columns of a diff are worth a place in a table: the key, and those in which any pair of
//! rows differs.

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;

use crate::console;
use crate::error::CliError;

/// The first row of a pair that differs.
const CHANGED_FROM: &str = "changed_from";

/// The places of those columns, in order; all of them where rows came or went.
///
/// # Errors
/// A column has no form as text.
pub(crate) fn places(
    schema: &SchemaRef,
    batches: &[RecordBatch],
    key: &[String],
) -> Result<Vec<usize>, CliError> {
    let rows = console::texts(batches)?;
    let mut differs = vec![false; schema.fields().len()];
    let mut next = 0;
    while next < rows.len() {
        let is_pair = rows[next].first().is_some_and(|change| change.as_deref() == Some(CHANGED_FROM));
        if let Some(after) = rows.get(next + 1).filter(|_| is_pair) {
            for (place, differs) in differs.iter_mut().enumerate() {
                *differs |= rows[next][place] != after[place];
            }
            next += 2;
        } else {
            for (place, differs) in differs.iter_mut().enumerate() {
                *differs |= rows[next][place].is_some();
            }
            next += 1;
        }
    }
    let shown = |place: &usize| {
        let name = schema.field(*place).name();
        differs[*place] || name.starts_with('_') || key.contains(name)
    };
    Ok((0..schema.fields().len()).filter(shown).collect())
}
