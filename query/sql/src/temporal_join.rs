//! `temporal_join(left, right, on => .., period => .., kind => ..)`: rows of two relations that agree on the
//! join columns *and* hold at the same time, each with the period over which both hold.
//!
//! A sort-merge join over the join columns, with a sweep along time inside each key: both inputs come sorted by
//! (join columns, begin of the period), and of either side only the pieces are kept that have not ended. This is
//! the forward scan of plane-sweep interval joins (Brinkhoff, Kriegel, Seeger: "Efficient Processing of Spatial
//! Joins Using R-Trees", SIGMOD 1993, section 4.2), with an end check instead of a second event list.
//!
//! What holds throughout:
//! - Periods are half-open, `[from, to)`; a NULL end is open. Periods that only touch do not overlap.
//! - A row without a begin is an error. A period that holds no instant (its end at or before its begin) is the
//!   empty set, so its row joins nothing and, on the left, leaves nothing uncovered: clipping a period with
//!   `greatest` and `least` needs no filter afterwards.
//! - A NULL in a join column equals nothing, not even another NULL.
//! - The result is sorted by the join columns (ascending, NULLs last), of an inner join then by the begin of the
//!   period it is swept along: valid time, or system time where only that is asked for.
//!
//! Cost: sorting, then near-linear in input and result; with both axes, the pairs that overlap on valid time are
//! tested one by one for system time. Memory: the pieces of one key that hold at one instant, at most twice.

mod arguments;
mod exec;
mod held;
mod layout;
mod node;
mod output;
mod period;
mod projection;
mod push_down;
mod reader;
mod side;
mod stream;
mod sweep;
#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::Arc;

use datafusion::error::Result;
use datafusion::logical_expr::planner::RelationPlannerContext;
use datafusion::logical_expr::{Extension, LogicalPlan};
use datafusion::sql::sqlparser::ast::FunctionArg;

pub(crate) use exec::{TemporalJoinExec, TemporalJoinPlanner};
pub(crate) use push_down::PushDownTemporalJoinFilter;

use arguments::Arguments;
use node::TemporalJoin;

/// The name the function has in SQL.
pub(crate) const NAME: &str = "temporal_join";

/// Along which axes the periods of two rows must overlap.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Hash)]
enum Axes {
    /// Valid time.
    Valid,
    /// System time.
    System,
    /// Valid time and system time: rectangles that share an area.
    Both,
}

impl Axes {
    /// The two columns of each period, that which is swept along first.
    const fn periods(self) -> &'static [PeriodColumns] {
        const COLUMNS: [PeriodColumns; 2] = [
            PeriodColumns { from: "_valid_from", to: "_valid_to" },
            PeriodColumns { from: "_system_from", to: "_system_to" },
        ];
        match self {
            Self::Valid => COLUMNS.split_at(1).0,
            Self::System => COLUMNS.split_at(1).1,
            Self::Both => &COLUMNS,
        }
    }
}

impl fmt::Display for Axes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Valid => "valid",
            Self::System => "system",
            Self::Both => "both",
        })
    }
}

/// The names of the columns that bound a period.
#[derive(Clone, Copy, Debug)]
struct PeriodColumns {
    from: &'static str,
    to: &'static str,
}

/// Which rows of the left side are part of the result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Hash)]
enum Kind {
    /// Those that a right row joins, over the periods of overlap.
    Inner,
    /// Also the parts of their periods that no right row covers, with NULLs for the columns of the right.
    Left,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Inner => "inner",
            Self::Left => "left",
        })
    }
}

/// Plans a call with these arguments.
///
/// The columns of the result have no qualifier: an alias is the caller's to put on.
///
/// # Errors
/// A plan error that names the argument or column, what was expected and what was found.
pub(crate) fn plan(args: &[FunctionArg], context: &mut dyn RelationPlannerContext) -> Result<LogicalPlan> {
    let Arguments { left, right, on, axes, kind } = Arguments::read(args, context)?;
    let (left, right) = projection::prepare(left, right, &on, axes)?;
    let node = TemporalJoin::try_new(left, right, on, axes, kind)?;
    Ok(LogicalPlan::Extension(Extension { node: Arc::new(node) }))
}
