//! Functions that stand in `FROM` and take names, queries and instants.

mod arguments;
mod changes;
mod diff;
mod history;
mod question;
mod series;

use std::sync::Arc;

use datafusion::catalog::TableProvider;
use datafusion::common::TableReference;
use datafusion::error::Result;
use datafusion::logical_expr::LogicalPlan;
use datafusion::logical_expr::planner::RelationPlannerContext;
use datafusion::sql::sqlparser::ast::{
    Expr as SqlExpr, FunctionArg, FunctionArgExpr, Ident, ObjectName, TableFactor,
};

use crate::error::SqlError;
use crate::nearest::nearest;
use crate::relation::distinct_scan;
use crate::scope::Scope;
use crate::{temporal_aggregate, temporal_join};

pub(crate) use question::QuestionTable;

/// The functions, by name.
pub(crate) const NAMES: [&str; 7] =
    ["changes", "diff", "generate_series", "history", "range", "temporal_aggregate", "temporal_join"];
/// The functions whose first argument names a context, each with the arguments that have to name a system time so that
/// nothing of the context is read at the default one.
pub(crate) const OF_CONTEXTS: [(&str, &[&str]); 3] = [
    ("changes", &["until_known_at"]),
    ("diff", &["from_known_at", "to_known_at"]),
    ("history", &["known_at"]),
];

/// The functions whose arguments without names are relations: subqueries, or names of tables.
const OF_RELATIONS: [&str; 2] = ["temporal_aggregate", "temporal_join"];

/// The relations that a table function names as its arguments.
pub(crate) fn relations_of(factor: &TableFactor) -> Vec<ObjectName> {
    let TableFactor::Table { name, args: Some(arguments), .. } = factor else { return Vec::new() };
    if !OF_RELATIONS.contains(&name.to_string().to_lowercase().as_str()) {
        return Vec::new();
    }
    let named = arguments.args.iter().filter_map(|argument| {
        let FunctionArg::Unnamed(FunctionArgExpr::Expr(expression)) = argument else { return None };
        #[expect(clippy::wildcard_enum_match_arm, reason = "all others name no relation")]
        match expression {
            SqlExpr::Identifier(name) => Some(ObjectName::from(vec![name.clone()])),
            SqlExpr::CompoundIdentifier(names) => Some(ObjectName::from(names.clone())),
            _ => None,
        }
    });
    named.collect()
}

/// Plans a function by its name.
///
/// # Errors
/// There is no such function, or its arguments do not fit.
pub(crate) fn plan(
    scope: &Scope,
    name: &ObjectName,
    arguments: &[FunctionArg],
    context: &mut dyn RelationPlannerContext,
) -> Result<Option<LogicalPlan>> {
    let function = match name.0.as_slice() {
        [part] => part.as_ident().cloned().map(|name| context.normalize_ident(name)),
        _ => None,
    };
    let function = function.unwrap_or_else(|| name.to_string());
    let table: Arc<dyn TableProvider> = match function.as_str() {
        "changes" => Arc::new(changes::plan(scope, arguments, context)?),
        "diff" => Arc::new(diff::plan(scope, arguments, context)?),
        "history" => Arc::new(history::plan(scope, arguments, context)?),
        "generate_series" => Arc::new(series::plan(scope, "generate_series", true, arguments, context)?),
        "range" => Arc::new(series::plan(scope, "range", false, arguments, context)?),
        "temporal_aggregate" => return temporal_aggregate::plan(arguments, context).map(Some),
        "temporal_join" => return temporal_join::plan(arguments, context).map(Some),
        _ => return Err(unknown(&function).into()),
    };
    let written: Vec<String> = arguments.iter().map(ToString::to_string).collect();
    let known_as = format!("{function}({})", written.join(", "));
    distinct_scan(known_as, table, TableReference::bare(function)).map(Some)
}

/// Says which functions there are.
pub(crate) fn unknown(name: &str) -> SqlError {
    let meant = nearest(name, NAMES.iter().copied());
    let meant = meant.map_or(String::new(), |meant| format!("; did you mean '{meant}'?"));
    SqlError::refused(format!(
        "there is no table function '{name}': expected one of {}{meant}",
        NAMES.join(", ")
    ))
}

/// The first argument of a function, as it is looked for before names are known: text, or a name as it is written.
pub(crate) fn first_name(arguments: &[FunctionArg]) -> Option<String> {
    let (FunctionArg::Unnamed(first), _) = arguments.split_first()? else { return None };
    let identifier = |name: &Ident| {
        if name.quote_style.is_some() { name.value.clone() } else { name.value.to_lowercase() }
    };
    arguments::written_name(first, identifier).and_then(|mut parts| parts.pop())
}
