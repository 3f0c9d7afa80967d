//! What DataFusion would answer wrongly is refused, with what to write instead. Each was found by comparing answers.

use arrow_schema::DataType;
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::common::{DFSchema, JoinType};
use datafusion::error::Result;
use datafusion::logical_expr::expr::{InSubquery, NullTreatment};
use datafusion::logical_expr::utils::merge_schema;
use datafusion::logical_expr::{
    BinaryExpr, Expr, ExprSchemable, Limit, LogicalPlan, Operator, SkipType, Subquery, Union,
};

use crate::error::SqlError;

/// Checks a plan as it was written, before types are made to fit.
///
/// # Errors
/// Names the first part that would be answered wrongly.
pub(crate) fn check(plan: &LogicalPlan) -> Result<()> {
    plan.apply_with_subqueries(|node| {
        let inputs = node.inputs();
        let schema = if inputs.is_empty() { node.schema().as_ref().clone() } else { merge_schema(&inputs) };
        #[expect(clippy::wildcard_enum_match_arm, reason = "all others are checked by their expressions")]
        match node {
            LogicalPlan::Filter(filter) => membership(&filter.predicate, &schema, true)?,
            LogicalPlan::Union(union) => one_kind_a_column(union)?,
            LogicalPlan::Subquery(subquery) => correlated(subquery, "a lateral query", false)?,
            LogicalPlan::Join(join) if join.join_type != JoinType::Inner || join.filter.is_some() => {
                join.filter.iter().try_for_each(|filter| membership(filter, &schema, false))?;
            }
            LogicalPlan::Sort(sort) => {
                sort.expr.iter().try_for_each(|key| no_interval(&key.expr, &schema))?;
            }
            _ => {}
        }
        node.apply_expressions(|expression| {
            expression.apply(|part| {
                one(part, &schema)?;
                Ok(TreeNodeRecursion::Continue)
            })
        })
    })?;
    Ok(())
}

fn refused<T>(what: &str) -> Result<T> {
    Err(SqlError::refused(what.to_owned()).into())
}

/// One part of an expression.
fn one(part: &Expr, schema: &DFSchema) -> Result<()> {
    #[expect(clippy::wildcard_enum_match_arm, reason = "all others are right")]
    match part {
        Expr::BinaryExpr(BinaryExpr { left, op, right }) if is_comparison(*op) => {
            no_interval(left, schema)?;
            no_interval(right, schema)
        }
        Expr::Between(between) => no_interval(&between.expr, schema),
        Expr::InList(list) => no_interval(&list.expr, schema),
        Expr::AggregateFunction(call) if ["min", "max"].contains(&call.func.name()) => {
            call.params.args.iter().try_for_each(|argument| no_interval(argument, schema))
        }
        Expr::WindowFunction(call)
            if ["lag", "lead"].contains(&call.fun.name())
                && call.params.null_treatment == Some(NullTreatment::IgnoreNulls)
                && call.params.args.len() > 1 =>
        {
            refused(&format!(
                "{} with IGNORE NULLS goes one row far and no further: leave its second argument out",
                call.fun.name()
            ))
        }
        Expr::Exists(exists) => correlated(&exists.subquery, "EXISTS", true),
        Expr::InSubquery(within) => correlated(&within.subquery, "IN", true),
        Expr::ScalarSubquery(subquery) => correlated(subquery, "a scalar query", false),
        _ => Ok(()),
    }
}

/// Whether an operator compares its sides.
pub(crate) fn is_comparison(operator: Operator) -> bool {
    matches!(
        operator,
        Operator::Eq
            | Operator::NotEq
            | Operator::Lt
            | Operator::LtEq
            | Operator::Gt
            | Operator::GtEq
            | Operator::IsDistinctFrom
            | Operator::IsNotDistinctFrom
    )
}

/// A month has no length and a day not always the same: DataFusion compares intervals field by field.
fn no_interval(part: &Expr, schema: &DFSchema) -> Result<()> {
    if matches!(part.get_type(schema), Ok(DataType::Interval(_) | DataType::Duration(_))) {
        return refused(
            "intervals are not compared or sorted, since a month has no length: compare instants, as in a <= b + INTERVAL \
             '90 days'",
        );
    }
    Ok(())
}

/// Where `IN (SELECT ..)` may stand: DataFusion answers false for what is null, which only conditions that are joined by
/// AND and OR do not tell apart.
fn membership(condition: &Expr, schema: &DFSchema, is_conjunct: bool) -> Result<()> {
    if let Expr::BinaryExpr(BinaryExpr { left, op, right }) = condition
        && matches!(op, Operator::And | Operator::Or)
    {
        let is_conjunct = is_conjunct && *op == Operator::And;
        membership(left, schema, is_conjunct)?;
        return membership(right, schema, is_conjunct);
    }
    if let Expr::InSubquery(within) = condition
        && (is_conjunct || !within.negated)
    {
        return Ok(());
    }
    condition.apply(|part| {
        if let Expr::InSubquery(within) = part
            && can_be_null(within, schema)
        {
            return refused(
                "IN (SELECT ..) is answered as a condition, and NOT IN (SELECT ..) as one that no OR, NOT, IS or CASE is \
                 around, where there may be nulls: write EXISTS (SELECT 1 FROM .. WHERE ..), or leave nulls out",
            );
        }
        Ok(TreeNodeRecursion::Continue)
    })?;
    Ok(())
}

fn can_be_null(within: &InSubquery, schema: &DFSchema) -> bool {
    let of_query = within.subquery.subquery.schema().fields().iter().any(|field| field.is_nullable());
    of_query || within.expr.nullable(schema).unwrap_or(true)
}

/// A query that names columns of the one around it, which DataFusion moves above what is in it.
fn correlated(subquery: &Subquery, what: &str, of_existence: bool) -> Result<()> {
    if subquery.outer_ref_columns.is_empty() {
        return Ok(());
    }
    subquery.subquery.apply(|node| {
        #[expect(clippy::wildcard_enum_match_arm, reason = "all others are moved rightly, or are refused")]
        match node {
            LogicalPlan::Window(_) => {
                return refused(&format!(
                    "{what} that names columns of the query around it has no window function: join to a query that has one"
                ));
            }
            LogicalPlan::Aggregate(aggregate) if of_existence && aggregate.group_expr.is_empty() => {
                return refused(&format!(
                    "{what} of a total that names columns of the query around it is not answered: compare the total itself, as \
                     in (SELECT count(*) ..) > 0"
                ));
            }
            LogicalPlan::Limit(limit) if skips(limit)? => {
                return refused(&format!("{what} that names columns of the query around it has no OFFSET"));
            }
            _ => {}
        }
        Ok(TreeNodeRecursion::Continue)
    })?;
    Ok(())
}

fn skips(limit: &Limit) -> Result<bool> {
    Ok(match limit.get_skip_type()? {
        SkipType::Literal(skip) => skip > 0,
        SkipType::UnsupportedExpr => true,
    })
}

/// Kinds that would be made one another with a loss.
#[derive(PartialEq, Eq, Clone, Copy)]
enum Kind {
    Float,
    Decimal,
    Date,
    Instant,
}

fn kind(data_type: &DataType) -> Option<Kind> {
    #[expect(clippy::wildcard_enum_match_arm, reason = "all others are no such kind")]
    match data_type {
        DataType::Float16 | DataType::Float32 | DataType::Float64 => Some(Kind::Float),
        DataType::Decimal128(..) | DataType::Decimal256(..) => Some(Kind::Decimal),
        DataType::Date32 | DataType::Date64 => Some(Kind::Date),
        DataType::Timestamp(..) => Some(Kind::Instant),
        _ => None,
    }
}

/// The parts of a union have one kind in each column.
fn one_kind_a_column(union: &Union) -> Result<()> {
    let Some((first, rest)) = union.inputs.split_first() else { return Ok(()) };
    for (place, field) in first.schema().fields().iter().enumerate() {
        for input in rest {
            let Some(other) = input.schema().fields().get(place) else { continue };
            if let (Some(first), Some(other)) = (kind(field.data_type()), kind(other.data_type()))
                && first != other
            {
                return refused(&format!(
                    "column '{}' of a union is a {} in one part and a {} in another: cast one of them",
                    field.name(),
                    name(first),
                    name(other)
                ));
            }
        }
    }
    Ok(())
}

fn name(kind: Kind) -> &'static str {
    match kind {
        Kind::Float => "float",
        Kind::Decimal => "decimal",
        Kind::Date => "date",
        Kind::Instant => "timestamp",
    }
}
