//! `sum` that ends a statement where the total does not fit its type. DataFusion's begins anew at the other end.
//!
//! Totals are kept in a type wide enough that no number of rows fills it, and narrowed at the end.

use std::sync::Arc;

use arrow_array::{ArrayRef, BooleanArray};
use arrow_schema::{DataType, Field, FieldRef};
use datafusion::arrow::compute::{CastOptions, cast, cast_with_options};
use datafusion::error::Result;
use datafusion::functions_aggregate::sum::sum_udaf;
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::utils::AggregateOrderSensitivity;
use datafusion::logical_expr::{
    Accumulator, AggregateUDF, AggregateUDFImpl, EmitTo, GroupsAccumulator, ReversedUDAF, Signature,
};
use datafusion::scalar::ScalarValue;

/// Digits of a decimal to which ten more can be added.
const DIGITS_MAX: u8 = 28;

/// The sum of all rows.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct CheckedSum {
    inner: Arc<AggregateUDF>,
}

/// The type as which values are summed up, where it is another.
fn wide(data_type: &DataType) -> Option<DataType> {
    #[expect(clippy::wildcard_enum_match_arm, reason = "all others do not wrap, or are not summed up")]
    match data_type {
        DataType::Int64 | DataType::UInt64 => Some(DataType::Decimal128(20, 0)),
        DataType::Decimal128(digits, scale) if *digits > DIGITS_MAX => {
            Some(DataType::Decimal256(*digits, *scale))
        }
        _ => None,
    }
}

fn retyped(field: &Field, data_type: DataType) -> FieldRef {
    Arc::new(field.clone().with_data_type(data_type))
}

/// What a wide sum is made with.
struct Wide {
    input: DataType,
    input_fields: Vec<FieldRef>,
    total: FieldRef,
}

impl CheckedSum {
    pub(super) fn new() -> Self {
        Self { inner: sum_udaf() }
    }

    fn wide(&self, inputs: &[FieldRef], total: &Field) -> Result<Option<Wide>> {
        let [input] = inputs else { return Ok(None) };
        let Some(data_type) = wide(input.data_type()) else { return Ok(None) };
        let sum = self.inner.inner().return_type(std::slice::from_ref(&data_type))?;
        Ok(Some(Wide {
            input_fields: vec![retyped(input, data_type.clone())],
            input: data_type,
            total: retyped(total, sum),
        }))
    }

    /// What keeps one total, as `make` makes it, in the wide type where there is one.
    fn narrowed(
        &self,
        args: AccumulatorArgs,
        make: impl Fn(&dyn AggregateUDFImpl, AccumulatorArgs) -> Result<Box<dyn Accumulator>>,
    ) -> Result<Box<dyn Accumulator>> {
        let sum = self.inner.inner().as_ref();
        let Some(wide) = self.wide(args.expr_fields, &args.return_field)? else { return make(sum, args) };
        let inner = make(sum, with(&args, &wide))?;
        Ok(Box::new(Narrowed { inner, wide: wide.input, total: args.return_field.data_type().clone() }))
    }
}

fn with<'a>(args: &AccumulatorArgs<'a>, wide: &'a Wide) -> AccumulatorArgs<'a> {
    AccumulatorArgs {
        return_field: Arc::clone(&wide.total),
        expr_fields: &wide.input_fields,
        schema: args.schema,
        ignore_nulls: args.ignore_nulls,
        order_bys: args.order_bys,
        is_reversed: args.is_reversed,
        name: args.name,
        is_distinct: args.is_distinct,
        exprs: args.exprs,
    }
}

impl AggregateUDFImpl for CheckedSum {
    fn name(&self) -> &'static str {
        "sum"
    }

    fn signature(&self) -> &Signature {
        self.inner.signature()
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        self.inner.inner().return_type(types)
    }

    fn accumulator(&self, args: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        self.narrowed(args, <dyn AggregateUDFImpl>::accumulator)
    }

    fn create_sliding_accumulator(&self, args: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        self.narrowed(args, <dyn AggregateUDFImpl>::create_sliding_accumulator)
    }

    fn state_fields(&self, args: StateFieldsArgs) -> Result<Vec<FieldRef>> {
        let Some(wide) = self.wide(args.input_fields, &args.return_field)? else {
            return self.inner.inner().state_fields(args);
        };
        self.inner.inner().state_fields(StateFieldsArgs {
            name: args.name,
            input_fields: &wide.input_fields,
            return_field: wide.total,
            ordering_fields: args.ordering_fields,
            is_distinct: args.is_distinct,
        })
    }

    fn groups_accumulator_supported(&self, args: AccumulatorArgs) -> bool {
        self.inner.inner().groups_accumulator_supported(args)
    }

    fn create_groups_accumulator(&self, args: AccumulatorArgs) -> Result<Box<dyn GroupsAccumulator>> {
        let Some(wide) = self.wide(args.expr_fields, &args.return_field)? else {
            return self.inner.inner().create_groups_accumulator(args);
        };
        let inner = self.inner.inner().create_groups_accumulator(with(&args, &wide))?;
        Ok(Box::new(NarrowedGroups { inner, wide: wide.input, total: args.return_field.data_type().clone() }))
    }

    fn reverse_expr(&self) -> ReversedUDAF {
        ReversedUDAF::Identical
    }

    fn order_sensitivity(&self) -> AggregateOrderSensitivity {
        AggregateOrderSensitivity::Insensitive
    }
}

fn widened(values: &[ArrayRef], wide: &DataType) -> Result<Vec<ArrayRef>> {
    values.iter().map(|values| Ok(cast(values, wide)?)).collect()
}

/// Totals in the type that was promised; one that does not fit is an error.
fn narrowed(totals: &ArrayRef, total: &DataType) -> Result<ArrayRef> {
    Ok(cast_with_options(totals, total, &CastOptions { safe: false, ..CastOptions::default() })?)
}

/// One wide total.
#[derive(Debug)]
struct Narrowed {
    inner: Box<dyn Accumulator>,
    wide: DataType,
    total: DataType,
}

impl Accumulator for Narrowed {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        self.inner.update_batch(&widened(values, &self.wide)?)
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        let total = self.inner.evaluate()?.to_array()?;
        ScalarValue::try_from_array(&narrowed(&total, &self.total)?, 0)
    }

    fn size(&self) -> usize {
        self.inner.size()
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        self.inner.state()
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        self.inner.merge_batch(states)
    }

    fn retract_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        self.inner.retract_batch(&widened(values, &self.wide)?)
    }

    fn supports_retract_batch(&self) -> bool {
        self.inner.supports_retract_batch()
    }
}

/// A wide total for each group.
struct NarrowedGroups {
    inner: Box<dyn GroupsAccumulator>,
    wide: DataType,
    total: DataType,
}

impl GroupsAccumulator for NarrowedGroups {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        groups: &[usize],
        filter: Option<&BooleanArray>,
        groups_total: usize,
    ) -> Result<()> {
        self.inner.update_batch(&widened(values, &self.wide)?, groups, filter, groups_total)
    }

    fn evaluate(&mut self, emit_to: EmitTo) -> Result<ArrayRef> {
        narrowed(&self.inner.evaluate(emit_to)?, &self.total)
    }

    fn state(&mut self, emit_to: EmitTo) -> Result<Vec<ArrayRef>> {
        self.inner.state(emit_to)
    }

    fn merge_batch(&mut self, values: &[ArrayRef], groups: &[usize], groups_total: usize) -> Result<()> {
        self.inner.merge_batch(values, groups, groups_total)
    }

    fn convert_to_state(&self, values: &[ArrayRef], filter: Option<&BooleanArray>) -> Result<Vec<ArrayRef>> {
        self.inner.convert_to_state(&widened(values, &self.wide)?, filter)
    }

    fn size(&self) -> usize {
        self.inner.size()
    }
}
