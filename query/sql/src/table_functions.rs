//! Functions that stand in `FROM` and take names, queries and instants.

use datafusion::error::Result;
use datafusion::logical_expr::LogicalPlan;
use datafusion::logical_expr::planner::RelationPlannerContext;
use datafusion::sql::sqlparser::ast::{FunctionArg, ObjectName};

use crate::scope::Scope;
use crate::{temporal_aggregate, temporal_join};

/// Plans a function by its name; `None` if it is none of these.
///
/// # Errors
/// Its arguments are not what it takes.
pub(crate) fn plan(
    _: &Scope,
    name: &ObjectName,
    arguments: &[FunctionArg],
    context: &mut dyn RelationPlannerContext,
) -> Result<Option<LogicalPlan>> {
    let [part] = name.0.as_slice() else { return Ok(None) };
    let Some(identifier) = part.as_ident() else { return Ok(None) };
    match identifier.value.to_lowercase().as_str() {
        "temporal_aggregate" => temporal_aggregate::plan(arguments, context).map(Some),
        "temporal_join" => temporal_join::plan(arguments, context).map(Some),
        _ => Ok(None),
    }
}
