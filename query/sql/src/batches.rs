//! How many rows a statement works on at once, and how large their values may be: so that a batch of the largest values
//! fits into the statement's memory.

use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::error::Result;
use datafusion::logical_expr::{Expr, LogicalPlan};

use crate::bounded::{self, Bounds};

/// Rows of a batch as operators make it.
pub(crate) const BATCH_ROWS: usize = 8_192;
/// The same where functions make texts or lists, for one call of such a function.
const GROWING_ROWS: usize = 1_024;
/// The same where aggregates make texts or lists of many rows.
const GATHERING_ROWS: usize = 128;
/// The largest value that a function or an aggregate gives.
const VALUE_BYTES_MAX: usize = 1 << 20;
/// Calls of functions that each have a part of the memory of their own; more share it.
const CALLS_MAX: usize = 16;
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
        let (gathers, longest) = constants(plan)?;
        let mut rows = BATCH_ROWS;
        if calls > 0 {
            rows = GROWING_ROWS / calls.min(CALLS_MAX);
        }
        if gathers {
            rows = rows.min(GATHERING_ROWS);
        }
        rows = rows.min(memory_bytes_max / CONSTANT_PART / longest.max(1)).max(1);
        let value_bytes_max = (memory_bytes_max / MEMORY_PART / rows).min(VALUE_BYTES_MAX);
        let batch_bytes_max = (memory_bytes_max / MEMORY_PART / calls.max(2)).max(value_bytes_max);
        Ok(Self { rows, bounds: Bounds { value_bytes_max, batch_bytes_max } })
    }
}

/// Whether aggregates make values of many rows' values, and bytes of the longest constant.
fn constants(plan: &LogicalPlan) -> Result<(bool, usize)> {
    let (mut gathers, mut longest) = (false, 0);
    plan.apply_with_subqueries(|node| {
        node.apply_expressions(|expression| {
            expression.apply(|part| {
                #[expect(clippy::wildcard_enum_match_arm, reason = "all others are neither")]
                match part {
                    Expr::Literal(value, _) => longest = longest.max(value.size()),
                    Expr::AggregateFunction(call) => gathers |= is_gathering(call.func.name()),
                    Expr::WindowFunction(call) => gathers |= is_gathering(call.fun.name()),
                    _ => {}
                }
                Ok(TreeNodeRecursion::Continue)
            })
        })
    })?;
    Ok((gathers, longest))
}

fn is_gathering(name: &str) -> bool {
    ["array_agg", "string_agg"].contains(&name)
}
