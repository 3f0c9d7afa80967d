//! What is worked out is right or ends the statement: integers that overflow, numbers that would be rounded twice, and
//! instants finer than a microsecond are not passed over.

use std::any::Any;
use std::sync::Arc;

use arrow_schema::DataType;
use calotype_storage::schema::timestamp_type;
use datafusion::common::DFSchema;
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::config::ConfigOptions;
use datafusion::error::Result;
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::expr_rewriter::NamePreserver;
use datafusion::logical_expr::utils::merge_schema;
use datafusion::logical_expr::{
    BinaryExpr, Cast, Expr, ExprSchemable, LogicalPlan, Operator, ScalarUDF, cast,
};
use datafusion::optimizer::AnalyzerRule;
use datafusion::scalar::ScalarValue;

use crate::bounded::Operation;
use crate::error::SqlError;
use crate::unsound::is_comparison;

/// Digits behind the point of the seconds of an instant.
const SECOND_DIGITS: usize = 6;

/// Makes decimals that stand beside floats floats, and days beside instants instants, before types are made to fit: that
/// would round the float, and lose the zone.
#[derive(Debug)]
pub(crate) struct OneKind;

/// Makes the expressions of a plan exact. Types have been made to fit before.
#[derive(Debug)]
pub(crate) struct ExactExpressions;

impl AnalyzerRule for OneKind {
    fn analyze(&self, plan: LogicalPlan, _: &ConfigOptions) -> Result<LogicalPlan> {
        everywhere(plan, of_one_kind)
    }

    fn name(&self) -> &'static str {
        "one_kind"
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

/// Functions that give one of their arguments, from the first of these on.
const CHOOSING: [(&str, usize); 6] =
    [("coalesce", 0), ("greatest", 0), ("least", 0), ("nullif", 0), ("nvl", 0), ("nvl2", 1)];

/// Brings what is compared, or chosen from, to one kind.
fn of_one_kind(expression: Expr, schema: &DFSchema) -> Result<Transformed<Expr>> {
    expression.transform_up(|mut part| {
        #[expect(clippy::wildcard_enum_match_arm, reason = "all others neither compare nor choose")]
        let is_other = match &mut part {
            Expr::BinaryExpr(BinaryExpr { left, op, right }) if is_comparison(*op) => {
                unite(&mut [left.as_mut(), right.as_mut()], schema)
            }
            // The type of a part is found by a walk through all of it: in long chains only where a constant asks for it.
            Expr::BinaryExpr(BinaryExpr { left, right, .. }) if is_decimal(left) || is_decimal(right) => {
                unite(&mut [left.as_mut(), right.as_mut()], schema)
            }
            Expr::Between(between) => {
                unite(&mut [between.expr.as_mut(), between.low.as_mut(), between.high.as_mut()], schema)
            }
            Expr::InList(list) => {
                let items = std::iter::once(list.expr.as_mut()).chain(&mut list.list);
                unite(&mut items.collect::<Vec<_>>(), schema)
            }
            Expr::Case(case) => {
                let values = case.when_then_expr.iter_mut().map(|(_, value)| value.as_mut());
                let values = values.chain(case.else_expr.iter_mut().map(AsMut::as_mut));
                unite(&mut values.collect::<Vec<_>>(), schema)
            }
            Expr::ScalarFunction(call) => {
                let from = CHOOSING.iter().find(|(name, _)| *name == call.func.name());
                from.is_some_and(|(_, from)| {
                    unite(&mut call.args.iter_mut().skip(*from).collect::<Vec<_>>(), schema)
                })
            }
            _ => false,
        };
        Ok(if is_other { Transformed::yes(part) } else { Transformed::no(part) })
    })
}

fn is_decimal(part: &Expr) -> bool {
    matches!(part, Expr::Literal(ScalarValue::Decimal128(..), _))
}

/// Makes decimals floats if there is a float, and days instants if there is an instant; whether anything was made so.
fn unite(parts: &mut [&mut Expr], schema: &DFSchema) -> bool {
    let types: Vec<DataType> =
        parts.iter().map(|part| part.get_type(schema).unwrap_or(DataType::Null)).collect();
    let (has_float, has_instant) = (
        types.iter().any(DataType::is_floating),
        types.iter().any(|found| matches!(found, DataType::Timestamp(..))),
    );
    let mut is_other = false;
    for (part, found) in parts.iter_mut().zip(types) {
        let wanted = if has_float && found.is_decimal() {
            DataType::Float64
        } else if has_instant && matches!(found, DataType::Date32 | DataType::Date64) {
            timestamp_type()
        } else {
            continue;
        };
        let nearest = if let Expr::Literal(value, _) = &**part { nearest(value) } else { None };
        **part = match nearest {
            Some(nearest) => Expr::Literal(ScalarValue::Float64(Some(nearest)), None),
            None => cast(std::mem::take(*part), wanted),
        };
        is_other = true;
    }
    is_other
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
