//! `sum` and `avg` over integers: the sum is exact in 128 bits, which hold 2^64 values of 64 bits.

use std::sync::Arc;

use arrow_array::builder::{Float64Builder, PrimitiveBuilder};
use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, ArrowPrimitiveType, PrimitiveArray};
use datafusion::common::exec_err;
use datafusion::error::Result;

use super::super::rounding::{Digits, quotient};
use super::State;

/// The sum of integers, or their average.
pub(super) struct Wholes<T: ArrowPrimitiveType> {
    argument: PrimitiveArray<T>,
    total: i128,
    count: u64,
    average: bool,
    sums: PrimitiveBuilder<T>,
    averages: Float64Builder,
}

/// A sum in the type of the summands, or an average.
#[derive(PartialEq)]
pub(super) enum Outcome<T> {
    Sum(T),
    Average(f64),
}

impl<T: ArrowPrimitiveType> Wholes<T> {
    pub(super) fn new(average: bool) -> Self {
        Self {
            argument: PrimitiveArray::new_null(0),
            total: 0,
            count: 0,
            average,
            sums: PrimitiveBuilder::new(),
            averages: Float64Builder::new(),
        }
    }
}

impl<T> State for Wholes<T>
where
    T: ArrowPrimitiveType + Send + Sync,
    T::Native: Into<i128> + TryFrom<i128>,
{
    type Value = T::Native;
    type Outcome = Outcome<T::Native>;

    fn load(&mut self, argument: &ArrayRef) -> Result<()> {
        self.argument = argument.as_primitive::<T>().clone();
        Ok(())
    }

    fn read(&self, row: usize) -> Option<T::Native> {
        self.argument.is_valid(row).then(|| self.argument.value(row))
    }

    fn add(&mut self, value: T::Native) {
        self.total += value.into();
        self.count += 1;
    }

    fn subtract(&mut self, value: T::Native) {
        self.total -= value.into();
        self.count -= 1;
    }

    fn outcome(&self) -> Result<Option<Self::Outcome>> {
        if self.count == 0 {
            return Ok(None);
        }
        if self.average {
            let digits = Digits::of(self.total.unsigned_abs());
            return Ok(Some(Outcome::Average(quotient(&digits, self.count, self.total < 0))));
        }
        let Ok(sum) = T::Native::try_from(self.total) else {
            return exec_err!(
                "temporal_aggregate: a sum of {} does not fit its type: expected {}, found {}; sum \
                 cast(.. as decimal(38, 0)) instead",
                T::DATA_TYPE,
                T::DATA_TYPE,
                self.total
            );
        };
        Ok(Some(Outcome::Sum(sum)))
    }

    fn clear(&mut self) {
        (self.total, self.count) = (0, 0);
    }

    fn append(&mut self, outcome: Option<&Self::Outcome>) -> Result<()> {
        match outcome {
            Some(Outcome::Sum(sum)) => self.sums.append_value(*sum),
            Some(Outcome::Average(average)) => self.averages.append_value(*average),
            None if self.average => self.averages.append_null(),
            None => self.sums.append_null(),
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<ArrayRef> {
        Ok(if self.average { Arc::new(self.averages.finish()) } else { Arc::new(self.sums.finish()) })
    }

    fn size(&self) -> usize {
        (self.sums.capacity() + self.averages.capacity()) * size_of::<f64>()
    }
}
