//! Functions that stand in `FROM` and take names, queries and instants.

use datafusion::error::Result;
use datafusion::logical_expr::LogicalPlan;
use datafusion::logical_expr::planner::RelationPlannerContext;
use datafusion::sql::sqlparser::ast::{FunctionArg, ObjectName};

use crate::scope::Scope;

/// Plans a function by its name; `None` if it is none of these.
pub(crate) fn plan(
    _: &Scope,
    name: &ObjectName,
    _: &[FunctionArg],
    _: &mut dyn RelationPlannerContext,
) -> Result<Option<LogicalPlan>> {
    let _ = name;
    Ok(None)
}
