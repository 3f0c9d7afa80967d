//! `sum` and `avg` over decimals: the sum is exact in more bits than any number of rows can fill.

use std::sync::Arc;

use arrow_array::builder::PrimitiveBuilder;
use arrow_array::cast::AsArray;
use arrow_array::types::DecimalType;
use arrow_array::{Array, ArrayRef, PrimitiveArray};
use arrow_schema::DataType;
use datafusion::arrow::compute::DecimalCast;
use datafusion::arrow::datatypes::i256;
use datafusion::common::{exec_err, internal_datafusion_err, internal_err};
use datafusion::error::Result;

use super::super::function::{Function, precision_and_scale};
use super::super::wide::Wide;
use super::State;

/// The sum of decimals, or their average.
pub(super) struct Decimals<T: DecimalType> {
    argument: PrimitiveArray<T>,
    total: Wide,
    count: u64,
    function: Function,
    /// What the sum is multiplied by to have the places of the average.
    factor: i256,
    result: DataType,
    /// The digits of the result.
    precision: u8,
    output: PrimitiveBuilder<T>,
}

impl<T: DecimalType> Decimals<T> {
    /// `scale`: that of the summands.
    ///
    /// # Errors
    /// The result is not a decimal with at least as many places: a bug.
    pub(super) fn new(function: Function, scale: i8, result: &DataType) -> Result<Self> {
        let Some((precision, places)) = precision_and_scale(result) else {
            return internal_err!(
                "temporal_aggregate: {function} over decimals was planned to give {result}"
            );
        };
        let more = u32::try_from(i16::from(places) - i16::from(scale)).ok();
        let factor = more.and_then(|more| i256::from_i128(10).checked_pow(more)).ok_or_else(|| {
            internal_datafusion_err!(
                "temporal_aggregate: {function}: {places} places of summands with {scale}"
            )
        })?;
        let output = PrimitiveBuilder::new().with_data_type(result.clone());
        let argument = PrimitiveArray::new_null(0);
        let (result, total) = (result.clone(), Wide::ZERO);
        Ok(Self { argument, total, count: 0, function, factor, result, precision, output })
    }
}

impl<T> State for Decimals<T>
where
    T: DecimalType,
    T::Native: DecimalCast,
{
    type Value = T::Native;
    type Outcome = T::Native;

    fn load(&mut self, argument: &ArrayRef) -> Result<()> {
        self.argument = argument.as_primitive::<T>().clone();
        Ok(())
    }

    fn read(&self, row: usize) -> Option<T::Native> {
        self.argument.is_valid(row).then(|| self.argument.value(row))
    }

    fn add(&mut self, value: T::Native) {
        // Every decimal fits 256 bits.
        self.total.add(value.to_i256().unwrap_or(i256::ZERO));
        self.count += 1;
    }

    fn subtract(&mut self, value: T::Native) {
        self.total.subtract(value.to_i256().unwrap_or(i256::ZERO));
        self.count -= 1;
    }

    fn outcome(&self) -> Result<Option<T::Native>> {
        if self.count == 0 {
            return Ok(None);
        }
        let exact = match self.function {
            Function::Avg => self.total.average(self.factor, self.count),
            Function::Sum | Function::Count | Function::Min | Function::Max => self.total.sum(),
        };
        match exact.and_then(T::Native::from_decimal) {
            Some(value) if T::is_valid_decimal_precision(value, self.precision) => Ok(Some(value)),
            Some(_) | None => exec_err!(
                "temporal_aggregate: the result of {} does not fit its type: expected {}, found more digits; cast the \
                 summands to a wider decimal",
                self.function,
                self.result
            ),
        }
    }

    fn clear(&mut self) {
        (self.total, self.count) = (Wide::ZERO, 0);
    }

    fn append(&mut self, outcome: Option<&T::Native>) -> Result<()> {
        self.output.append_option(outcome.copied());
        Ok(())
    }

    fn finish(&mut self) -> Result<ArrayRef> {
        Ok(Arc::new(self.output.finish()))
    }

    fn size(&self) -> usize {
        self.output.capacity() * size_of::<T::Native>()
    }
}
