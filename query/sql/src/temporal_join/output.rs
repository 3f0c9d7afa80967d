//! Batches of the result, gathered from the rows that matches point to.

use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch, RecordBatchOptions, TimestampMicrosecondArray};
use arrow_schema::SchemaRef;
use datafusion::error::Result;

use super::Axes;
use super::period::{OPEN, Period};
use super::sweep::{Match, Sweep};

/// The rows at these places of the sweep's results, as a batch: columns of the left, of the right, periods.
pub(super) fn gather(sweep: &Sweep, axes: Axes, schema: &SchemaRef) -> Result<RecordBatch> {
    let results = sweep.results();
    let mut columns = sweep.left().held.gather(results.iter().map(|result| Some(result.left)))?;
    columns.extend(sweep.right().held.gather(results.iter().map(|result| result.right))?);
    columns.extend(bounds(results, |result| result.period));
    if axes == Axes::Both {
        columns.extend(bounds(results, |result| result.test));
    }
    let options = RecordBatchOptions::new().with_row_count(Some(results.len()));
    Ok(RecordBatch::try_new_with_options(Arc::clone(schema), columns, &options)?)
}

/// The columns that bound a period of each result.
fn bounds(results: &[Match], period: impl Fn(&Match) -> Period) -> [ArrayRef; 2] {
    let end = |result| Some(period(result).to).filter(|&to| to != OPEN);
    let from: TimestampMicrosecondArray = results.iter().map(|result| Some(period(result).from)).collect();
    let to: TimestampMicrosecondArray = results.iter().map(end).collect();
    [from, to].map(|column| Arc::new(column.with_timezone("UTC")) as ArrayRef)
}
