//! How many rows a statement works on at once, and how large their values may be: so that a batch of the largest values
//! fits into the statement's memory.

use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::{BinaryExpr, Expr, GroupingSet, LogicalPlan, Operator};

use crate::bounded::{self, Bounds};
use crate::error::SqlError;

/// Rows of a batch as operators make it.
pub(crate) const BATCH_ROWS: usize = 8_192;
/// Values of a batch: wide ones have fewer rows.
const BATCH_VALUES: usize = BATCH_ROWS * 32;
/// The same as [`BATCH_ROWS`] where functions make texts or lists, for one call of such a function.
const GROWING_ROWS: usize = 1_024;
/// The same where aggregates make texts or lists of many rows.
const GATHERING_ROWS: usize = 128;
/// The largest value that a function or an aggregate gives.
const VALUE_BYTES_MAX: usize = 1 << 20;
/// Calls of functions that each have a part of the memory of their own; more share it.
const CALLS_MAX: usize = 16;
/// Sets by which one statement groups at once.
const SETS_MAX: usize = 128;
/// Bytes of the longest pattern: of LIKE, or a regular expression.
pub(crate) const PATTERN_BYTES_MAX: usize = 1_000;
/// A batch of the largest values is such a part of a statement's memory.
const MEMORY_PART: usize = 4;
/// A constant over and over, for each row of a batch, is at most such a part of a statement's memory.
const CONSTANT_PART: usize = 32;

/// Rows of batches, and sizes of what is in them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Batches {
    /// Rows of a batch as operators make it.
    pub rows: usize,
    /// Sizes of what functions and aggregates give.
    pub bounds: Bounds,
}

impl Batches {
    /// What an optimised plan needs.
    pub(crate) fn of(plan: &LogicalPlan, memory_bytes_max: usize) -> Result<Self> {
        let calls = bounded::calls(plan)?;
        let load = Load::of(plan)?;
        let mut rows = BATCH_ROWS.min(BATCH_VALUES / load.columns.max(1));
        if calls > 0 {
            rows = GROWING_ROWS / calls.min(CALLS_MAX);
        }
        if load.has_patterns {
            rows = rows.min(GROWING_ROWS);
        }
        if load.gathers {
            rows = rows.min(GATHERING_ROWS);
        }
        // A batch is there once for each set.
        rows /= load.sets.max(1);
        rows = rows.min(memory_bytes_max / CONSTANT_PART / load.longest.max(1)).max(1);
        let value_bytes_max = (memory_bytes_max / MEMORY_PART / rows).min(VALUE_BYTES_MAX);
        let batch_bytes_max = (memory_bytes_max / MEMORY_PART / calls.max(2)).max(value_bytes_max);
        Ok(Self { rows, bounds: Bounds { value_bytes_max, batch_bytes_max } })
    }
}

/// What of a plan makes batches large, or work on them long.
#[derive(Debug, Default)]
struct Load {
    /// Aggregates make values of many rows' values.
    gathers: bool,
    /// Patterns differ from row to row, each of which is read anew.
    has_patterns: bool,
    /// Bytes of the longest constant.
    longest: usize,
    /// Sets by which rows are grouped at once, the most of all groupings.
    sets: usize,
    /// Columns of the widest relation.
    columns: usize,
}

impl Load {
    fn of(plan: &LogicalPlan) -> Result<Self> {
        let mut load = Self::default();
        plan.apply_with_subqueries(|node| {
            load.columns = load.columns.max(node.schema().fields().len());
            node.apply_expressions(|expression| expression.apply(|part| load.see(node, part)))
        })?;
        Ok(load)
    }

    fn see(&mut self, node: &LogicalPlan, part: &Expr) -> Result<TreeNodeRecursion> {
        #[expect(clippy::wildcard_enum_match_arm, reason = "all others are none of it")]
        match part {
            Expr::Literal(value, _) => self.longest = self.longest.max(value.size()),
            Expr::AggregateFunction(call) => self.gathers |= is_gathering(call.func.name()),
            Expr::WindowFunction(call) if is_gathering(call.fun.name()) => {
                return Err(refused(&format!("{} over a window has a list for each row", call.fun.name())));
            }
            Expr::Like(like) if !matches!(*like.pattern, Expr::Literal(..)) => {
                if matches!(node, LogicalPlan::Join(_)) {
                    return Err(refused("LIKE with another pattern for each pair of rows of a join"));
                }
                self.has_patterns = true;
            }
            Expr::SimilarTo(similar) if !matches!(*similar.pattern, Expr::Literal(..)) => {
                return Err(refused("SIMILAR TO with another pattern for each row"));
            }
            Expr::BinaryExpr(BinaryExpr { op, right, .. })
                if is_pattern(*op) && !matches!(right.as_ref(), Expr::Literal(..)) =>
            {
                return Err(refused("a regular expression that differs from row to row"));
            }
            Expr::GroupingSet(sets) => {
                self.sets = self.sets.max(sets_of(sets));
                if self.sets > SETS_MAX {
                    return Err(refused(&format!(
                        "grouping by {} sets at once (at most {SETS_MAX} are worked on)",
                        self.sets
                    )));
                }
            }
            _ => {}
        }
        Ok(TreeNodeRecursion::Continue)
    }
}

/// Checks a plan as it was written, before any pattern of it is read.
///
/// # Errors
/// A pattern is longer than it may be.
pub(crate) fn check_patterns(plan: &LogicalPlan) -> Result<()> {
    let is_long =
        |pattern: &Expr| matches!(pattern, Expr::Literal(pattern, _) if pattern.size() > PATTERN_BYTES_MAX);
    plan.apply_with_subqueries(|node| {
        node.apply_expressions(|expression| {
            expression.apply(|part| {
                #[expect(clippy::wildcard_enum_match_arm, reason = "all others have no pattern")]
                let found = match part {
                    Expr::Like(like) | Expr::SimilarTo(like) => is_long(&like.pattern),
                    Expr::BinaryExpr(BinaryExpr { op, right, .. }) => is_pattern(*op) && is_long(right),
                    Expr::ScalarFunction(call) => {
                        bounded::has_pattern(call.name()) && call.args.get(1).is_some_and(is_long)
                    }
                    _ => false,
                };
                if found {
                    return Err(refused(&format!("a pattern of more than {PATTERN_BYTES_MAX} bytes")));
                }
                Ok(TreeNodeRecursion::Continue)
            })
        })
    })?;
    Ok(())
}

fn refused(what: &str) -> DataFusionError {
    SqlError::refused(format!("{what} is not answered here: its memory or time would have no bounds")).into()
}

/// The sets that `CUBE`, `ROLLUP` and `GROUPING SETS` stand for.
fn sets_of(sets: &GroupingSet) -> usize {
    match sets {
        GroupingSet::Rollup(columns) => columns.len() + 1,
        GroupingSet::Cube(columns) => u32::try_from(columns.len())
            .ok()
            .and_then(|columns| 1_usize.checked_shl(columns))
            .unwrap_or(usize::MAX),
        GroupingSet::GroupingSets(sets) => sets.len(),
    }
}

fn is_pattern(operator: Operator) -> bool {
    matches!(
        operator,
        Operator::RegexMatch | Operator::RegexIMatch | Operator::RegexNotMatch | Operator::RegexNotIMatch
    )
}

fn is_gathering(name: &str) -> bool {
    ["array_agg", "string_agg"].contains(&name)
}
