//! The aggregates that can be undone: what enters with a row when its period begins leaves without a trace when
//! it ends. Which ones there are, over which types, and what type they give.

use std::fmt;

use arrow_schema::{DataType, Field};
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::common::{DFSchema, plan_err};
use datafusion::error::Result;
use datafusion::functions::math::expr_fn::isnan;
use datafusion::logical_expr::expr::AggregateFunction;
use datafusion::logical_expr::type_coercion::functions::fields_with_udf;
use datafusion::logical_expr::{Expr, ExprSchemable, lit, when};

/// An aggregate function that can be undone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Hash)]
pub(super) enum Function {
    Count,
    Sum,
    Avg,
    Min,
    Max,
}

/// An aggregate as it is to be computed.
#[derive(Clone, Debug)]
pub(super) struct Call {
    pub(super) function: Function,
    /// Already of a type that [`Function::result`] takes; `None` for `count(*)`.
    pub(super) argument: Option<Expr>,
}

impl fmt::Display for Function {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Count => "count",
            Self::Sum => "sum",
            Self::Avg => "avg",
            Self::Min => "min",
            Self::Max => "max",
        })
    }
}

impl Function {
    fn of_name(name: &str) -> Option<Self> {
        Some(match name {
            "count" => Self::Count,
            "sum" => Self::Sum,
            "avg" => Self::Avg,
            "min" => Self::Min,
            "max" => Self::Max,
            _ => return None,
        })
    }

    /// The field that holds the results over an argument of a type: the types are those of `DataFusion`'s own
    /// aggregates.
    ///
    /// # Errors
    /// The function does not take the type.
    pub(super) fn result(self, name: &str, argument: Option<&DataType>) -> Result<Field> {
        let data_type = match (self, argument) {
            (Self::Count, _) => return Ok(Field::new(name, DataType::Int64, false)),
            (Self::Min | Self::Max, Some(argument)) if is_orderable(argument) => argument.clone(),
            (Self::Sum, Some(DataType::Int64)) => DataType::Int64,
            (Self::Sum, Some(DataType::UInt64)) => DataType::UInt64,
            (Self::Sum, Some(DataType::Float64))
            | (Self::Avg, Some(DataType::Int64 | DataType::UInt64 | DataType::Float64)) => DataType::Float64,
            (Self::Sum, Some(argument)) if argument.is_decimal() => decimal_result(argument, 10, 0),
            (Self::Avg, Some(argument)) if argument.is_decimal() => decimal_result(argument, 4, 4),
            (function, argument) => {
                let found = argument.map_or_else(|| "no argument".into(), ToString::to_string);
                let expected = match function {
                    Self::Min | Self::Max => "a type whose values have an order, and that is not nested",
                    Self::Count | Self::Sum | Self::Avg => "integers, decimals or floats",
                };
                return plan_err!(
                    "temporal_aggregate: argument `{name}`: {function} expects {expected}, found {found}"
                );
            }
        };
        Ok(Field::new(name, data_type, true))
    }

    /// Reads a planned aggregate call.
    ///
    /// # Errors
    /// It is not one that can be undone, or its argument is of a type that it does not take.
    pub(super) fn read(name: &str, call: AggregateFunction, schema: &DFSchema) -> Result<Call> {
        let Some(function) = Self::of_name(call.func.name()) else {
            return refuse(name, &format!("{}(..)", call.func.name()));
        };
        let AggregateFunction { func, params } = call;
        if params.distinct {
            return refuse(name, &format!("{function}(distinct ..)"));
        }
        if !params.order_by.is_empty() {
            return refuse(name, &format!("{function}(.. order by ..)"));
        }
        if params.null_treatment.is_some() {
            return refuse(name, &format!("{function}(..) with a treatment of nulls"));
        }
        let argument = match <[Expr; 1]>::try_from(params.args) {
            Ok([argument]) => argument,
            Err(none) if none.is_empty() && function == Self::Count => lit(1_i64),
            Err(several) => {
                return plan_err!(
                    "temporal_aggregate: argument `{name}`: {function} expects one argument, found {}",
                    several.len()
                );
            }
        };
        if let Some(inner) = holds_aggregate(&argument) {
            return plan_err!(
                "temporal_aggregate: argument `{name}`: the argument of {function} is an expression over the \
                 columns of a row, found {inner} within it"
            );
        }
        // What is filtered out is NULL to the aggregate, and none of them looks at NULLs.
        let argument = match params.filter {
            Some(filter) => when(*filter, argument).end()?,
            None => argument,
        };
        if function == Self::Count {
            let every_row = matches!(&argument, Expr::Literal(value, _) if !value.is_null());
            #[expect(deprecated, reason = "a planner without DataFusion's own rewrites leaves `*` as it is")]
            let every_row = every_row || matches!(argument, Expr::Wildcard { .. });
            return Ok(Call { function, argument: (!every_row).then_some(argument) });
        }
        let found = argument.to_field(schema)?.1;
        let data_type = match (function, value_type(found.data_type())) {
            (Self::Min | Self::Max, data_type) => data_type,
            // DataFusion's avg makes floats of integers, each rounded; here their sum is exact.
            (Self::Avg, integer) if integer.is_signed_integer() => DataType::Int64,
            (Self::Avg, integer) if integer.is_unsigned_integer() => DataType::UInt64,
            (_, data_type) => {
                let plain = found.as_ref().clone().with_data_type(data_type.clone());
                // Types that DataFusion can't coerce are refused below, by name.
                let coerced = fields_with_udf(&[plain.into()], func.as_ref());
                coerced.map_or(data_type, |fields| fields[0].data_type().clone())
            }
        };
        function.result(name, Some(&data_type))?;
        let argument = canonical(argument.cast_to(&data_type, schema)?, &data_type);
        Ok(Call { function, argument: Some(argument?) })
    }
}

/// An expression whose values are equal exactly if their bytes are: of floats, all NaN become one and the
/// negative zero becomes zero.
pub(super) fn canonical(expression: Expr, data_type: &DataType) -> Result<Expr> {
    let (minus_zero, zero, nan) = if *data_type == DataType::Float32 {
        (lit(-0.0_f32), lit(0.0_f32), lit(f32::NAN))
    } else if *data_type == DataType::Float64 {
        (lit(-0.0_f64), lit(0.0_f64), lit(f64::NAN))
    } else {
        return Ok(expression);
    };
    when(expression.clone().eq(minus_zero), zero).when(isnan(expression.clone()), nan).otherwise(expression)
}

/// Whether values of a type have an order that their bytes in arrow's row format keep.
pub(super) fn is_orderable(data_type: &DataType) -> bool {
    !data_type.is_nested()
        && !matches!(
            data_type,
            // Halves have no canonical form here; a month and 30 days have no order.
            DataType::Float16 | DataType::Interval(_) | DataType::Dictionary(..)
        )
}

/// The type of the values of a dictionary, or the type itself.
pub(super) fn value_type(data_type: &DataType) -> DataType {
    if let DataType::Dictionary(_, values) = data_type { value_type(values) } else { data_type.clone() }
}

/// `DataFusion`'s (and Spark's) rule: so many digits and places more, up to what the type can hold.
fn decimal_result(data_type: &DataType, digits: u8, places: i8) -> DataType {
    let Some((precision, scale)) = precision_and_scale(data_type) else { return data_type.clone() };
    let (make, max): (fn(u8, i8) -> DataType, _) = match data_type.primitive_width() {
        Some(4) => (DataType::Decimal32, 9),
        Some(8) => (DataType::Decimal64, 18),
        Some(16) => (DataType::Decimal128, 38),
        _ => (DataType::Decimal256, 76),
    };
    let max_scale = i8::try_from(max).unwrap_or(i8::MAX);
    make(max.min(precision.saturating_add(digits)), max_scale.min(scale.saturating_add(places)))
}

/// The digits of a decimal, and how many of them are places after the point.
pub(super) const fn precision_and_scale(data_type: &DataType) -> Option<(u8, i8)> {
    if let DataType::Decimal32(precision, scale)
    | DataType::Decimal64(precision, scale)
    | DataType::Decimal128(precision, scale)
    | DataType::Decimal256(precision, scale) = data_type
    {
        Some((*precision, *scale))
    } else {
        None
    }
}

fn holds_aggregate(expression: &Expr) -> Option<String> {
    let mut found = None;
    // The closure never fails.
    let visited = expression.apply(|part| {
        if matches!(part, Expr::AggregateFunction(_) | Expr::WindowFunction(_)) {
            found = Some(part.to_string());
            return Ok(TreeNodeRecursion::Stop);
        }
        Ok(TreeNodeRecursion::Continue)
    });
    visited.is_ok().then_some(found).flatten()
}

fn refuse<T>(name: &str, found: &str) -> Result<T> {
    plan_err!(
        "temporal_aggregate: argument `{name}`: expected an aggregate that can be undone as rows end (count, sum, \
         avg, min or max, with FILTER if need be), found {found}"
    )
}
