//! What is worked out is right or ends the statement: integers that overflow, numbers that would be rounded twice, and
//! instants finer than a microsecond are not passed over.

use std::any::Any;
use std::sync::Arc;

use arrow_schema::DataType;
use datafusion::common::DFSchema;
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::config::ConfigOptions;
use datafusion::error::Result;
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::expr_rewriter::NamePreserver;
use datafusion::logical_expr::utils::merge_schema;
use datafusion::logical_expr::{BinaryExpr, Cast, Expr, ExprSchemable, LogicalPlan, Operator, ScalarUDF};
use datafusion::optimizer::AnalyzerRule;
use datafusion::scalar::ScalarValue;

use crate::bounded::Operation;
use crate::error::SqlError;

/// Digits behind the point of the seconds of an instant.
const SECOND_DIGITS: usize = 6;

/// Makes decimals that stand beside floats floats, before types are made to fit: that would round the float.
#[derive(Debug)]
pub(crate) struct NearestFloats;

/// Makes the expressions of a plan exact. Types have been made to fit before.
#[derive(Debug)]
pub(crate) struct ExactExpressions;

impl AnalyzerRule for NearestFloats {
    fn analyze(&self, plan: LogicalPlan, _: &ConfigOptions) -> Result<LogicalPlan> {
        everywhere(plan, beside_floats)
    }

    fn name(&self) -> &'static str {
        "nearest_floats"
    }
}

impl AnalyzerRule for ExactExpressions {
    fn analyze(&self, plan: LogicalPlan, _: &ConfigOptions) -> Result<LogicalPlan> {
        everywhere(plan, exact)
    }

    fn name(&self) -> &'static str {
        "exact_expressions"
    }
}

/// Rewrites all expressions of a plan, each with the columns that it is about.
fn everywhere(
    plan: LogicalPlan,
    rewrite: impl Fn(Expr, &DFSchema) -> Result<Transformed<Expr>>,
) -> Result<LogicalPlan> {
    let rewritten = plan.transform_up_with_subqueries(|node| {
        let inputs = node.inputs();
        let schema = if inputs.is_empty() { node.schema().as_ref().clone() } else { merge_schema(&inputs) };
        let names = NamePreserver::new(&node);
        node.map_expressions(|expression| {
            let name = names.save(&expression);
            Ok(rewrite(expression, &schema)?.update_data(|expression| name.restore(expression)))
        })
    })?;
    rewritten.data.recompute_schema()
}

/// Makes decimal constants floats where they are compared or worked out with a float.
fn beside_floats(expression: Expr, schema: &DFSchema) -> Result<Transformed<Expr>> {
    // Of the type of a part alone, and only where it matters: it is found by a walk through all of the part.
    let float = |part: &mut Expr, beside: &Expr| {
        let Expr::Literal(value, _) = part else { return false };
        let Some(nearest) = nearest(value) else { return false };
        if !beside.get_type(schema).is_ok_and(|found| found.is_floating()) {
            return false;
        }
        *part = Expr::Literal(ScalarValue::Float64(Some(nearest)), None);
        true
    };
    expression.transform_up(|mut part| {
        #[expect(clippy::wildcard_enum_match_arm, reason = "all others compare nothing")]
        let is_other = match &mut part {
            Expr::BinaryExpr(BinaryExpr { left, right, .. }) => float(right, left) || float(left, right),
            Expr::Between(between) => {
                let low = float(&mut between.low, &between.expr);
                float(&mut between.high, &between.expr) || low
            }
            Expr::InList(list) => {
                let expr = &list.expr;
                list.list.iter_mut().map(|item| float(item, expr)).fold(false, std::ops::BitOr::bitor)
            }
            _ => false,
        };
        Ok(if is_other { Transformed::yes(part) } else { Transformed::no(part) })
    })
}

/// Makes an expression over some columns exact.
///
/// # Errors
/// A text stands for an instant that is finer than those that are kept.
pub(crate) fn exact(expression: Expr, schema: &DFSchema) -> Result<Transformed<Expr>> {
    // What has been made an operation here is one on integers: long chains are not typed anew at each link.
    let is_integer = |part: &Expr| {
        matches!(part, Expr::ScalarFunction(call) if is_arithmetic(call))
            || part.get_type(schema).is_ok_and(|found| found.is_integer())
    };
    expression.transform_up(|part| {
        #[expect(clippy::wildcard_enum_match_arm, reason = "all others are exact, or round as they must")]
        Ok(match part {
            Expr::BinaryExpr(BinaryExpr { left, op, right }) if is_integer(&left) && is_integer(&right) => {
                match checked(op, &left, &right) {
                    Some(call) => Transformed::yes(call),
                    None => Transformed::no(Expr::BinaryExpr(BinaryExpr { left, op, right })),
                }
            }
            Expr::Negative(inner) if is_integer(&inner) => {
                let zero = ScalarValue::new_zero(&inner.get_type(schema)?)?;
                match checked(Operator::Minus, &Expr::Literal(zero, None), &inner) {
                    Some(call) => Transformed::yes(call),
                    None => Transformed::no(Expr::Negative(inner)),
                }
            }
            Expr::Cast(Cast { expr, field }) => match (expr.as_ref(), field.data_type()) {
                (Expr::Literal(value, _), DataType::Float64) => match nearest(value) {
                    Some(nearest) => {
                        Transformed::yes(Expr::Literal(ScalarValue::Float64(Some(nearest)), None))
                    }
                    None => Transformed::no(Expr::Cast(Cast { expr, field })),
                },
                (Expr::Literal(value, _), DataType::Timestamp(..)) => {
                    check_instant(value)?;
                    Transformed::no(Expr::Cast(Cast { expr, field }))
                }
                _ => Transformed::no(Expr::Cast(Cast { expr, field })),
            },
            other => Transformed::no(other),
        })
    })
}

fn is_arithmetic(call: &ScalarFunction) -> bool {
    let function: &dyn Any = call.func.inner().as_ref();
    function.downcast_ref::<Operation>().is_some_and(Operation::is_arithmetic)
}

/// An operation on integers that ends the statement where the result does not fit; `None` for those that cannot overflow.
fn checked(operator: Operator, left: &Expr, right: &Expr) -> Option<Expr> {
    if operator == Operator::StringConcat {
        return None;
    }
    let func = Arc::new(ScalarUDF::new_from_impl(Operation::new(operator)?));
    Some(Expr::ScalarFunction(ScalarFunction { func, args: vec![left.clone(), right.clone()] }))
}

/// The float nearest to a decimal, which a division of two rounded floats may miss.
fn nearest(value: &ScalarValue) -> Option<f64> {
    if let ScalarValue::Decimal128(Some(_), ..) = value { value.to_string().parse().ok() } else { None }
}

/// Refuses text that stands for an instant finer than a microsecond, which a cast would cut.
fn check_instant(value: &ScalarValue) -> Result<()> {
    let (ScalarValue::Utf8(Some(text))
    | ScalarValue::LargeUtf8(Some(text))
    | ScalarValue::Utf8View(Some(text))) = value
    else {
        return Ok(());
    };
    let Some((_, behind)) = text.split_once('.') else { return Ok(()) };
    let digits = behind.bytes().take_while(u8::is_ascii_digit);
    if digits.skip(SECOND_DIGITS).any(|digit| digit != b'0') {
        let text: String = text.chars().take(60).collect();
        return Err(SqlError::refused(format!(
            "'{text}' is finer than a microsecond, which is the finest that an instant can be"
        ))
        .into());
    }
    Ok(())
}
