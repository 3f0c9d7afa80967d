//! `sum` and `avg` over floats, exact until the result is rounded.

use std::sync::Arc;

use arrow_array::builder::Float64Builder;
use arrow_array::cast::AsArray;
use arrow_array::types::Float64Type;
use arrow_array::{Array, ArrayRef, Float64Array};
use datafusion::error::Result;

use super::super::superaccumulator::Superaccumulator;
use super::State;

/// The sum of floats, or their average.
pub(super) struct Floats {
    argument: Float64Array,
    total: Superaccumulator,
    count: u64,
    average: bool,
    output: Float64Builder,
}

/// A float by its canonical form: every NaN equals every other, and both zeros are one.
#[derive(Clone, Copy)]
pub(super) struct Canonical(f64);

impl PartialEq for Canonical {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0 || self.0.is_nan() && other.0.is_nan()
    }
}

impl Floats {
    pub(super) fn new(average: bool) -> Self {
        Self {
            argument: Float64Array::new_null(0),
            total: Superaccumulator::default(),
            count: 0,
            average,
            output: Float64Builder::new(),
        }
    }
}

impl State for Floats {
    type Value = f64;
    type Outcome = Canonical;

    fn load(&mut self, argument: &ArrayRef) -> Result<()> {
        self.argument = argument.as_primitive::<Float64Type>().clone();
        Ok(())
    }

    fn read(&self, row: usize) -> Option<f64> {
        self.argument.is_valid(row).then(|| self.argument.value(row))
    }

    fn add(&mut self, value: f64) {
        self.total.add(value);
        self.count += 1;
    }

    fn subtract(&mut self, value: f64) {
        self.total.subtract(value);
        self.count -= 1;
    }

    fn outcome(&self) -> Result<Option<Canonical>> {
        Ok((self.count > 0)
            .then(|| Canonical(if self.average { self.total.average(self.count) } else { self.total.sum() })))
    }

    fn clear(&mut self) {
        (self.total, self.count) = (Superaccumulator::default(), 0);
    }

    fn append(&mut self, outcome: Option<&Canonical>) -> Result<()> {
        self.output.append_option(outcome.map(|canonical| canonical.0));
        Ok(())
    }

    fn finish(&mut self) -> Result<ArrayRef> {
        Ok(Arc::new(self.output.finish()))
    }

    fn size(&self) -> usize {
        size_of::<Superaccumulator>() + self.output.capacity() * size_of::<f64>()
    }
}
