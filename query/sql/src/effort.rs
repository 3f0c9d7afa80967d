//! How much is thought about a statement before it is worked on: plans have a greatest size, whenever they are made
//! larger, and rules a greatest number of nodes that they look at.
//!
//! A `WITH` that is named twice is there twice, and so is an expression that is moved to where its column is used: forty
//! short lines can stand for more nodes than any memory holds. Sizes are taken as the plan grows, so that it ends early.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use calotype_storage::schema::FIELDS_MAX;
use datafusion::common::tree_node::{Transformed, TreeNode, TreeNodeRecursion};
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::{Expr, LogicalPlan};
use datafusion::optimizer::{ApplyOrder, OptimizerConfig, OptimizerRule};

use crate::error::SqlError;

/// Nodes of the largest plan: relations with their columns, and parts of expressions.
pub(crate) const PLAN_NODES_MAX: usize = 60_000;
/// Columns of the widest relation: those of the widest context, and those that come with them.
const COLUMNS_MAX: usize = FIELDS_MAX + 8;
/// Nodes that rules look at.
const LOOKS_MAX: usize = 6_000_000;

/// What is left of the effort for one statement.
#[derive(Debug, Default)]
pub(crate) struct Effort {
    looks: AtomicUsize,
}

impl Effort {
    /// Rules that take part in the effort for one statement.
    pub(crate) fn of_rules(
        rules: &[Arc<dyn OptimizerRule + Send + Sync>],
    ) -> Vec<Arc<dyn OptimizerRule + Send + Sync>> {
        let effort = Arc::new(Self::default());
        let rule = |rule: &Arc<_>| -> Arc<dyn OptimizerRule + Send + Sync> {
            Arc::new(Bounded { rule: Arc::clone(rule), effort: Arc::clone(&effort) })
        };
        rules.iter().map(rule).collect()
    }

    fn looked(&self, nodes: usize) -> Result<()> {
        let looks = self.looks.fetch_add(nodes, Ordering::Relaxed).saturating_add(nodes);
        if looks > LOOKS_MAX {
            return Err(too_large(LOOKS_MAX, "nodes that planning looks at"));
        }
        Ok(())
    }
}

fn too_large(limit: usize, what: &str) -> DataFusionError {
    SqlError::refused(format!(
        "the statement takes more than {limit} {what}, with WITH queries and views counted where they are named: say it \
         with fewer joins, columns, branches or repetitions"
    ))
    .into()
}

/// Counts the nodes of a plan, and of all that it stands on.
///
/// # Errors
/// There are more than a plan may have.
pub(crate) fn check(plan: &LogicalPlan) -> Result<usize> {
    let mut nodes = 0;
    count(plan, &mut nodes)?;
    Ok(nodes)
}

fn count(plan: &LogicalPlan, nodes: &mut usize) -> Result<()> {
    plan.apply_with_subqueries(|node| {
        add(nodes, of_node(node)?)?;
        if let LogicalPlan::TableScan(scan) = node
            && let Some(view) = scan.source.get_logical_plan()
        {
            count(&view, nodes)?;
        }
        Ok(TreeNodeRecursion::Continue)
    })?;
    Ok(())
}

fn add(nodes: &mut usize, more: usize) -> Result<()> {
    *nodes = nodes.saturating_add(more);
    if *nodes > PLAN_NODES_MAX {
        return Err(too_large(PLAN_NODES_MAX, "nodes of a plan"));
    }
    Ok(())
}

/// A relation, its columns, and the parts of its expressions, without its inputs.
fn of_node(node: &LogicalPlan) -> Result<usize> {
    let columns = node.schema().fields().len();
    if columns > COLUMNS_MAX {
        return Err(too_large(COLUMNS_MAX, "columns of one relation"));
    }
    let mut nodes = 1 + columns;
    node.apply_expressions(|expression| {
        of_expression(expression, &mut nodes)?;
        Ok(TreeNodeRecursion::Continue)
    })?;
    Ok(nodes)
}

/// Functions that become conditions in which all arguments but the last stand twice.
const DOUBLING: [&str; 3] = ["coalesce", "nvl", "nvl2"];

/// The parts of an expression, as often as they will stand there.
fn of_expression(expression: &Expr, nodes: &mut usize) -> Result<()> {
    let mut waiting = vec![(expression, 1_usize)];
    while let Some((part, times)) = waiting.pop() {
        add(nodes, times)?;
        let doubles = matches!(part, Expr::ScalarFunction(call) if DOUBLING.contains(&call.name()));
        let times = if doubles { times.saturating_mul(2) } else { times };
        part.apply_children(|child| {
            waiting.push((child, times));
            Ok(TreeNodeRecursion::Continue)
        })?;
    }
    Ok(())
}

/// A rule that keeps to the effort.
#[derive(Debug)]
struct Bounded {
    rule: Arc<dyn OptimizerRule + Send + Sync>,
    effort: Arc<Effort>,
}

impl OptimizerRule for Bounded {
    fn name(&self) -> &str {
        self.rule.name()
    }

    fn apply_order(&self) -> Option<ApplyOrder> {
        self.rule.apply_order()
    }

    fn rewrite(&self, plan: LogicalPlan, config: &dyn OptimizerConfig) -> Result<Transformed<LogicalPlan>> {
        if self.rule.apply_order().is_none() {
            self.effort.looked(check(&plan)?)?;
            let rewritten = self.rule.rewrite(plan, config)?;
            if rewritten.transformed {
                check(&rewritten.data)?;
            }
            return Ok(rewritten);
        }
        self.effort.looked(of_node(&plan)?)?;
        let rewritten = self.rule.rewrite(plan, config)?;
        if rewritten.transformed {
            // What the rule has moved down by one.
            of_node(&rewritten.data)?;
            for input in rewritten.data.inputs() {
                of_node(input)?;
            }
        }
        Ok(rewritten)
    }
}
