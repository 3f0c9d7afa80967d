//! `temporal_aggregate((SELECT ..), by => .., period => .., name => aggregate, ..)`: the history of aggregates,
//! one row for each group and each longest period in which none of them changes.
//!
//! Rows are read in the order of (group columns, begin) and swept along time: an aggregate gains a row's value
//! where the row's period begins and loses it where it ends. This is the temporal aggregation of N. Kline and
//! R. Snodgrass ("Computing temporal aggregates", ICDE 1995) over sorted input with a heap of ends in the place
//! of their tree, which bounds memory by the rows that hold at one instant of one group.
//!
//! What holds throughout:
//! - Periods are half-open, `[from, to)`; a NULL end is open. A row without a begin is an error. A period that
//!   holds no instant (its end at or before its begin) is the empty set, so its row is in no aggregate.
//! - A time at which no row of a group holds has no row in the answer: no group column at all makes one group,
//!   but never a row out of none.
//! - Neighbours with equal aggregates are one row. Floats are compared by canonical form: NaN equals NaN, and
//!   zero has no sign, in group columns too. NULLs are one group.
//! - Aggregates are exact however rows come and go, so the answer does not depend on the input's order. A sum
//!   that does not fit its type is an error; one of floats is rounded once, past their range to an infinity.
//! - The answer is sorted by the group columns, in whatever direction each is sorted in the input (where the
//!   input has no order: ascending, NULLs last), and then by begin.
//!
//! Cost: sorting where the source is not sorted already, then near-linear in its rows.

mod arguments;
mod exec;
mod function;
mod layout;
mod node;
mod rounding;
mod running;
mod superaccumulator;
mod sweep;
#[cfg(test)]
mod tests;
mod wide;

use std::sync::Arc;

use arrow_schema::DataType;
use datafusion::common::{Column, DFSchema, plan_err};
use datafusion::error::Result;
use datafusion::logical_expr::planner::RelationPlannerContext;
use datafusion::logical_expr::{Expr, Extension, LogicalPlan, LogicalPlanBuilder};
use datafusion::sql::sqlparser::ast::FunctionArg;

use self::arguments::Arguments;
pub(crate) use self::exec::TemporalAggregatePlanner;
use self::function::{canonical, is_orderable, value_type};
use self::node::{NamedAggregate, TemporalAggregate};

/// Plans a call from its arguments; the result's columns are not qualified.
///
/// # Errors
/// An argument is missing, not known or not what it has to be; the message names it, what is expected and what
/// was found.
pub(crate) fn plan(args: &[FunctionArg], context: &mut dyn RelationPlannerContext) -> Result<LogicalPlan> {
    let Arguments { source, by, period, aggregates } = Arguments::read(args, context)?;
    let columns = period.columns();
    let schema = source.schema();
    let mut projection = Vec::new();
    for name in &by {
        if columns.contains(&name.as_str()) {
            return plan_err!(
                "temporal_aggregate: argument `by`: `{name}` is the period's, expected another column"
            );
        }
        projection.push(group_column(name, schema)?.alias(name));
    }
    let [begin, end] = columns.map(|name| period_column(name, schema));
    let ((begin, begin_type), (end, end_type)) = (begin?, end?);
    if begin_type != end_type {
        return plan_err!(
            "temporal_aggregate: the source: expected `{}` and `{}` of one type, found {begin_type} and {end_type}",
            columns[0],
            columns[1]
        );
    }
    projection.extend([begin.alias(columns[0]), end.alias(columns[1])]);
    let mut named = Vec::new();
    for (name, call) in aggregates {
        let has_argument = call.argument.is_some();
        projection.extend(call.argument.map(|argument| argument.alias(&name)));
        named.push(NamedAggregate { name, function: call.function, has_argument });
    }
    let input = LogicalPlanBuilder::from(source).project(projection)?.build()?;
    let node = Arc::new(TemporalAggregate::try_new(input, by, columns, named)?);
    Ok(LogicalPlan::Extension(Extension { node }))
}

/// A group column of the source, in canonical form.
fn group_column(name: &str, schema: &DFSchema) -> Result<Expr> {
    let (column, data_type) = column("argument `by`", name, schema)?;
    if !is_orderable(&value_type(&data_type)) {
        return plan_err!(
            "temporal_aggregate: argument `by`: expected a type whose values have an order and that is not nested, \
             found `{name}` of type {data_type}"
        );
    }
    canonical(column, &data_type)
}

/// A column with the begin or the end of the period.
fn period_column(name: &str, schema: &DFSchema) -> Result<(Expr, DataType)> {
    let (column, data_type) = column("the source", name, schema)?;
    if !matches!(data_type, DataType::Timestamp(..)) {
        return plan_err!(
            "temporal_aggregate: the source: expected `{name}` to be a timestamp, found {data_type}"
        );
    }
    Ok((column, data_type))
}

/// The one column of a name.
fn column(place: &str, name: &str, schema: &DFSchema) -> Result<(Expr, DataType)> {
    let found = schema.qualified_fields_with_unqualified_name(name);
    match found[..] {
        [(qualifier, field)] => {
            Ok((Expr::Column(Column::new(qualifier.cloned(), name)), field.data_type().clone()))
        }
        [] => {
            let known = schema.fields().iter().map(|field| format!("`{}`", field.name())).collect::<Vec<_>>();
            plan_err!(
                "temporal_aggregate: {place}: expected a column `{name}`, found only {}",
                if known.is_empty() { "none".into() } else { known.join(", ") }
            )
        }
        _ => plan_err!(
            "temporal_aggregate: {place}: expected one column `{name}`, found {}: alias them apart in a subquery",
            found.len()
        ),
    }
}
