//! Comparing rows of normalised columns.

use arrow_array::{Array, ArrayRef, Datum};
use arrow_ord::cmp::not_distinct;
use arrow_schema::ArrowError;

/// Which rows have the same content in all columns, null or not. Both sides have the same types and
/// as many rows.
///
/// # Errors
/// [`ArrowError`] if the sides do not have the same shape.
pub fn same_rows(left: &[ArrayRef], right: &[ArrayRef], rows: usize) -> Result<Vec<bool>, ArrowError> {
    let mut same = vec![true; rows];
    for (left, right) in left.iter().zip(right) {
        let (left, right): (&dyn Array, &dyn Array) = (left.as_ref(), right.as_ref());
        let equal = not_distinct(&left as &dyn Datum, &right as &dyn Datum)?;
        same.iter_mut().zip(equal.values().iter()).for_each(|(same, equal)| *same &= equal);
    }
    Ok(same)
}
