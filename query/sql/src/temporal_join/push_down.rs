//! Moves predicates on the result of the join down to the sides whose columns they read.

use std::collections::BTreeSet;
use std::sync::Arc;

use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::error::Result;
use datafusion::logical_expr::utils::{conjunction, split_conjunction_owned};
use datafusion::logical_expr::{Expr, Extension, Filter, LogicalPlan, UserDefinedLogicalNodeCore};
use datafusion::optimizer::{ApplyOrder, OptimizerConfig, OptimizerRule};

use super::Kind;
use super::node::TemporalJoin;

/// Pushes each conjunct of a filter above a temporal join into every side that can answer it.
///
/// - Join columns alone: both sides, since equal keys pass or fail together.
/// - Join columns and others of the left: the left.
/// - Join columns and others of the right: the right, of an inner join only. In a left join a right row that is
///   filtered away would turn into an uncovered piece.
/// - The periods of the result, both sides at once, volatile functions, subqueries: stays above.
#[derive(Debug, Default)]
pub(crate) struct PushDownTemporalJoinFilter;

impl OptimizerRule for PushDownTemporalJoinFilter {
    fn name(&self) -> &'static str {
        "push_down_temporal_join_filter"
    }

    fn apply_order(&self) -> Option<ApplyOrder> {
        Some(ApplyOrder::TopDown)
    }

    fn rewrite(&self, plan: LogicalPlan, _config: &dyn OptimizerConfig) -> Result<Transformed<LogicalPlan>> {
        let LogicalPlan::Filter(filter) = plan else { return Ok(Transformed::no(plan)) };
        let LogicalPlan::Extension(extension) = filter.input.as_ref() else {
            return Ok(Transformed::no(LogicalPlan::Filter(filter)));
        };
        let Some(join) = extension.node.as_any().downcast_ref::<TemporalJoin>() else {
            return Ok(Transformed::no(LogicalPlan::Filter(filter)));
        };
        let (mut to_left, mut to_right, mut above) = (Vec::new(), Vec::new(), Vec::new());
        for predicate in split_conjunction_owned(filter.predicate.clone()) {
            match destination(join, &predicate)? {
                Destination::Above => above.push(predicate),
                Destination::Left => to_left.push(predicate),
                Destination::Right => to_right.push(predicate),
                Destination::Both => {
                    to_left.push(predicate.clone());
                    to_right.push(predicate);
                }
            }
        }
        if to_left.is_empty() && to_right.is_empty() {
            return Ok(Transformed::no(LogicalPlan::Filter(filter)));
        }
        let inputs = vec![filtered(join.left.clone(), to_left)?, filtered(join.right.clone(), to_right)?];
        let join = join.with_exprs_and_inputs(Vec::new(), inputs)?;
        let plan = LogicalPlan::Extension(Extension { node: Arc::new(join) });
        Ok(Transformed::yes(filtered(plan, above)?))
    }
}

enum Destination {
    Above,
    Left,
    Right,
    Both,
}

fn destination(join: &TemporalJoin, predicate: &Expr) -> Result<Destination> {
    let bound_to_result = predicate.is_volatile()
        || predicate.exists(|expr| {
            Ok(matches!(
                expr,
                Expr::Exists(_)
                    | Expr::InSubquery(_)
                    | Expr::SetComparison(_)
                    | Expr::ScalarSubquery(_)
                    | Expr::OuterReferenceColumn(..)
            ))
        })?;
    let mut columns: BTreeSet<&str> =
        predicate.column_refs().into_iter().map(|column| column.name.as_str()).collect();
    if bound_to_result || columns.is_empty() {
        return Ok(Destination::Above);
    }
    columns.retain(|column| !join.on.iter().any(|key| key == column));
    let left: BTreeSet<&str> = join.rest_of_left().collect();
    let right: BTreeSet<&str> = join.rest_of_right().collect();
    Ok(if columns.is_empty() {
        Destination::Both
    } else if columns.is_subset(&left) {
        Destination::Left
    } else if columns.is_subset(&right) && join.kind == Kind::Inner {
        Destination::Right
    } else {
        Destination::Above
    })
}

/// The plan behind all of these predicates.
fn filtered(plan: LogicalPlan, predicates: Vec<Expr>) -> Result<LogicalPlan> {
    let Some(predicate) = conjunction(predicates) else { return Ok(plan) };
    Ok(LogicalPlan::Filter(Filter::try_new(predicate, Arc::new(plan))?))
}
