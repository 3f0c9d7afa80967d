//! `count(*)` and `count(x)`.

use std::sync::Arc;

use arrow_array::builder::Int64Builder;
use arrow_array::{Array, ArrayRef};
use datafusion::arrow::buffer::NullBuffer;
use datafusion::error::Result;

use super::State;

/// The number of rows, or of values that are not NULL.
#[derive(Default)]
pub(super) struct Count {
    /// Of the loaded column; none where nothing is NULL or every row counts.
    nulls: Option<NullBuffer>,
    so_far: i64,
    output: Int64Builder,
}

impl State for Count {
    type Value = ();
    type Outcome = i64;

    fn load(&mut self, argument: &ArrayRef) -> Result<()> {
        self.nulls = argument.logical_nulls();
        Ok(())
    }

    fn read(&self, row: usize) -> Option<()> {
        self.nulls.as_ref().is_none_or(|nulls| nulls.is_valid(row)).then_some(())
    }

    fn add(&mut self, (): ()) {
        self.so_far += 1;
    }

    fn subtract(&mut self, (): ()) {
        self.so_far -= 1;
    }

    fn outcome(&self) -> Result<Option<i64>> {
        Ok(Some(self.so_far))
    }

    fn clear(&mut self) {
        self.so_far = 0;
    }

    fn append(&mut self, outcome: Option<&i64>) -> Result<()> {
        self.output.append_option(outcome.copied());
        Ok(())
    }

    fn finish(&mut self) -> Result<ArrayRef> {
        Ok(Arc::new(self.output.finish()))
    }

    fn size(&self) -> usize {
        self.output.capacity() * size_of::<i64>()
    }
}
