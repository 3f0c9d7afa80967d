//! Functions within bounds: what they give for a row, and for all rows of a batch, has a greatest size.
//!
//! DataFusion counts what operators keep, and not what functions make. Each function that makes texts, lists or structs
//! is called here on as many rows at once as may be, told from its arguments before, and measured afterwards. So no
//! chain of calls, each of which doubles its argument, becomes more than its bounds.

mod growth;
mod operator;
mod size;

use std::any::Any;
use std::hash::Hash;
use std::sync::Arc;

use arrow_array::{Array, ArrayRef};
use arrow_schema::{DataType, FieldRef};
use datafusion::arrow::compute::concat;
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::config::ConfigOptions;
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::expr_rewriter::NamePreserver;
use datafusion::logical_expr::interval_arithmetic::Interval;
use datafusion::logical_expr::preimage::PreimageResult;
use datafusion::logical_expr::simplify::{ExprSimplifyResult, SimplifyContext};
use datafusion::logical_expr::sort_properties::{ExprProperties, SortProperties};
use datafusion::logical_expr::{
    BinaryExpr, ColumnarValue, Documentation, Expr, ExpressionPlacement, LogicalPlan, Operator,
    ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
};
use datafusion::optimizer::AnalyzerRule;

pub(crate) use growth::has_pattern;
pub(crate) use operator::Operation;
pub(crate) use size::{largest_row, row_bytes};

/// The greatest sizes of what functions give.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Bounds {
    /// Bytes for a row.
    pub value_bytes_max: usize,
    /// Bytes for all rows of a batch.
    pub batch_bytes_max: usize,
}

impl Bounds {
    /// Bounds of what is worked out while a statement is planned.
    pub(crate) const PLANNING: Self = Self { value_bytes_max: 1 << 20, batch_bytes_max: 4 << 20 };
}

/// A function within bounds.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Bounded {
    inner: Arc<ScalarUDF>,
    bounds: Bounds,
}

/// Functions that a rule makes of others, without bounds, are made here once the others have been replaced.
const NOT_SIMPLIFIED: [&str; 2] = ["concat", "concat_ws"];

/// Bounds every function of a plan, those that operators stand for among them.
pub(crate) fn bound(plan: LogicalPlan, bounds: Bounds) -> Result<LogicalPlan> {
    let bounded = plan.transform_up_with_subqueries(|node| {
        let names = NamePreserver::new(&node);
        node.map_expressions(|expression| {
            let name = names.save(&expression);
            Ok(bound_expression(expression, bounds)?.update_data(|expression| name.restore(expression)))
        })
    })?;
    bounded.data.recompute_schema()
}

/// Bounds every function of an expression.
pub(crate) fn bound_expression(expression: Expr, bounds: Bounds) -> Result<Transformed<Expr>> {
    expression.transform_up(|part| {
        #[expect(clippy::wildcard_enum_match_arm, reason = "all others call nothing")]
        Ok(match part {
            Expr::ScalarFunction(ScalarFunction { func, args }) => match bounded(&func, bounds) {
                Some(func) => Transformed::yes(Expr::ScalarFunction(ScalarFunction { func, args })),
                None => Transformed::no(Expr::ScalarFunction(ScalarFunction { func, args })),
            },
            Expr::BinaryExpr(BinaryExpr { left, op: op @ Operator::StringConcat, right }) => {
                match Operation::new(op) {
                    None => Transformed::no(Expr::BinaryExpr(BinaryExpr { left, op, right })),
                    Some(operation) => {
                        let operation = Arc::new(ScalarUDF::new_from_impl(operation));
                        let func = bounded(&operation, bounds).unwrap_or(operation);
                        let args = vec![*left, *right];
                        Transformed::yes(Expr::ScalarFunction(ScalarFunction { func, args }))
                    }
                }
            }
            other => Transformed::no(other),
        })
    })
}

/// A function within bounds; `None` if it is already.
fn bounded(function: &Arc<ScalarUDF>, bounds: Bounds) -> Option<Arc<ScalarUDF>> {
    let any: &dyn Any = function.inner().as_ref();
    let inner = match any.downcast_ref::<Bounded>() {
        Some(already) if already.bounds == bounds => return None,
        Some(already) => Arc::clone(&already.inner),
        None => Arc::clone(function),
    };
    Some(Arc::new(ScalarUDF::new_from_impl(Bounded { inner, bounds })))
}

/// How many calls of functions whose result can be longer than their arguments a plan has.
pub(crate) fn calls(plan: &LogicalPlan) -> Result<usize> {
    let mut calls = 0;
    plan.apply_with_subqueries(|node| {
        node.apply_expressions(|expression| {
            expression.apply(|part| {
                if let Expr::ScalarFunction(call) = part {
                    calls += usize::from(growth::can_grow(call.name()));
                }
                Ok(datafusion::common::tree_node::TreeNodeRecursion::Continue)
            })
        })
    })?;
    Ok(calls)
}

/// Bounds functions before anything is worked out.
#[derive(Debug)]
pub(crate) struct BoundFunctions;

impl AnalyzerRule for BoundFunctions {
    fn analyze(&self, plan: LogicalPlan, _: &ConfigOptions) -> Result<LogicalPlan> {
        bound(plan, Bounds::PLANNING)
    }

    fn name(&self) -> &'static str {
        "bound_functions"
    }
}

impl Bounded {
    /// Calls the function on rows of its arguments.
    fn call(&self, args: &ScalarFunctionArgs, from: usize, rows: usize) -> Result<ArrayRef> {
        let part = ScalarFunctionArgs {
            args: args
                .args
                .iter()
                .map(|value| match value {
                    ColumnarValue::Array(array) => ColumnarValue::Array(array.slice(from, rows)),
                    ColumnarValue::Scalar(value) => ColumnarValue::Scalar(value.clone()),
                })
                .collect(),
            arg_fields: args.arg_fields.clone(),
            number_rows: rows,
            return_field: Arc::clone(&args.return_field),
            config_options: Arc::clone(&args.config_options),
        };
        let array = self.inner.invoke_with_args(part)?.into_array(rows)?;
        self.check_row(largest_row(&array))?;
        Ok(array)
    }

    fn check_row(&self, bytes: usize) -> Result<()> {
        let Bounds { value_bytes_max, .. } = self.bounds;
        if bytes <= value_bytes_max {
            return Ok(());
        }
        Err(DataFusionError::ResourcesExhausted(format!(
            "{} gives a value of {bytes} bytes, and a value may have {value_bytes_max}",
            self.inner.name()
        )))
    }
}

/// Whether values of a type have all the same size, which is small.
fn is_fixed(data_type: &DataType) -> bool {
    data_type.primitive_width().is_some() || matches!(data_type, DataType::Boolean | DataType::Null)
}

impl ScalarUDFImpl for Bounded {
    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        growth::check_pattern(self.inner.name(), &args.args)?;
        if is_fixed(args.return_field.data_type()) {
            return self.inner.invoke_with_args(args);
        }
        let Bounds { batch_bytes_max, .. } = self.bounds;
        if args.args.iter().all(|value| matches!(value, ColumnarValue::Scalar(_))) {
            self.check_row(growth::least(self.inner.name(), &args.args, 0))?;
            let value = self.inner.invoke_with_args(args)?;
            if let ColumnarValue::Scalar(value) = &value {
                self.check_row(row_bytes(&value.to_array()?, 0))?;
            }
            return Ok(value);
        }
        let rows = args.number_rows;
        let (mut parts, mut bytes): (Vec<ArrayRef>, usize) = (Vec::new(), 0);
        let mut from = 0;
        while from < rows {
            let (mut to, mut expected) = (from, 0_usize);
            while to < rows {
                let next = growth::most(self.inner.name(), &args.args, to);
                if to > from && expected.saturating_add(next) > batch_bytes_max {
                    break;
                }
                if next > self.bounds.value_bytes_max {
                    self.check_row(growth::least(self.inner.name(), &args.args, to))?;
                }
                expected = expected.saturating_add(next);
                to += 1;
            }
            let part = self.call(&args, from, to - from)?;
            bytes = bytes.saturating_add(size::bytes(&part));
            if bytes > batch_bytes_max {
                return Err(DataFusionError::ResourcesExhausted(format!(
                    "{} gives more than {batch_bytes_max} bytes for {rows} rows at once",
                    self.inner.name()
                )));
            }
            parts.push(part);
            from = to;
        }
        if let [part] = parts.as_slice() {
            return Ok(ColumnarValue::Array(Arc::clone(part)));
        }
        if parts.is_empty() {
            return self.inner.invoke_with_args(args);
        }
        let parts: Vec<&dyn Array> = parts.iter().map(AsRef::as_ref).collect();
        Ok(ColumnarValue::Array(concat(&parts)?))
    }

    fn simplify(&self, args: Vec<Expr>, info: &SimplifyContext) -> Result<ExprSimplifyResult> {
        if NOT_SIMPLIFIED.contains(&self.inner.name()) {
            return Ok(ExprSimplifyResult::Original(args));
        }
        Ok(match self.inner.simplify(args, info)? {
            ExprSimplifyResult::Simplified(expression) => {
                ExprSimplifyResult::Simplified(bound_expression(expression, self.bounds)?.data)
            }
            original @ ExprSimplifyResult::Original(_) => original,
        })
    }

    fn with_updated_config(&self, config: &ConfigOptions) -> Option<ScalarUDF> {
        let inner = Arc::new(self.inner.inner().with_updated_config(config)?);
        Some(ScalarUDF::new_from_impl(Self { inner, bounds: self.bounds }))
    }

    // All that follows is the function's own.

    fn name(&self) -> &str {
        self.inner.name()
    }

    fn aliases(&self) -> &[String] {
        self.inner.aliases()
    }

    fn schema_name(&self, args: &[Expr]) -> Result<String> {
        self.inner.schema_name(args)
    }

    fn signature(&self) -> &Signature {
        self.inner.signature()
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        self.inner.return_type(types)
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs) -> Result<FieldRef> {
        self.inner.return_field_from_args(args)
    }

    fn is_strict(&self) -> bool {
        self.inner.is_strict()
    }

    fn preimage(&self, args: &[Expr], literal: &Expr, info: &SimplifyContext) -> Result<PreimageResult> {
        self.inner.preimage(args, literal, info)
    }

    fn short_circuits(&self) -> bool {
        self.inner.short_circuits()
    }

    fn conditional_arguments<'a>(&self, args: &'a [Expr]) -> Option<(Vec<&'a Expr>, Vec<&'a Expr>)> {
        self.inner.conditional_arguments(args)
    }

    fn evaluate_bounds(&self, input: &[&Interval]) -> Result<Interval> {
        self.inner.evaluate_bounds(input)
    }

    fn propagate_constraints(
        &self,
        interval: &Interval,
        inputs: &[&Interval],
    ) -> Result<Option<Vec<Interval>>> {
        self.inner.propagate_constraints(interval, inputs)
    }

    fn output_ordering(&self, inputs: &[ExprProperties]) -> Result<SortProperties> {
        self.inner.output_ordering(inputs)
    }

    fn preserves_lex_ordering(&self, inputs: &[ExprProperties]) -> Result<bool> {
        self.inner.inner().preserves_lex_ordering(inputs)
    }

    fn strictly_order_preserving(&self, inputs: &[ExprProperties]) -> Result<bool> {
        self.inner.inner().strictly_order_preserving(inputs)
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        self.inner.coerce_types(types)
    }

    fn documentation(&self) -> Option<&Documentation> {
        self.inner.documentation()
    }

    fn placement(&self, args: &[ExpressionPlacement]) -> ExpressionPlacement {
        self.inner.placement(args)
    }
}
