//! `changes(context, since_known_at => t, until_known_at => t)`: the facts that became known after `since` and up to
//! `until`, retractions too, with `_op`, the system columns and `_entry`.
//!
//! Rows come by key, and of a key as they became known; `ORDER BY _system_from` tells them as they came. `since` left out
//! is the beginning, `until` left out the statement's system time: whoever reads on from the `known_at` of the claim
//! before gets every fact once.

use calotype_query::Point;
use calotype_query::history::Form;
use calotype_storage::SystemTime;
use datafusion::error::Result;
use datafusion::logical_expr::planner::RelationPlannerContext;
use datafusion::sql::sqlparser::ast::FunctionArg;

use super::arguments::Arguments;
use super::question::{Question, QuestionTable};
use crate::scope::Scope;

/// Plans a call.
pub(super) fn plan(
    scope: &Scope,
    arguments: &[FunctionArg],
    planner: &mut dyn RelationPlannerContext,
) -> Result<QuestionTable> {
    let known = ["since_known_at", "until_known_at"];
    let arguments = Arguments::read(scope, "changes", &known, arguments, planner)?;
    let since = arguments.instant::<SystemTime>("since_known_at", scope, planner)?;
    let known_at = arguments.instant::<SystemTime>("until_known_at", scope, planner)?;
    let fixed = arguments.fix(scope, Point { valid_at: None, known_at })?;
    let until = fixed.point.at.system;
    if let Some(since) = since.filter(|since| *since > until) {
        let expected = format!("a time at or before until_known_at, which is {until}");
        return Err(arguments.wrong("since_known_at", &expected, &since).into());
    }
    let from = since.map_or(SystemTime::FIRST, SystemTime::next);
    let question = Question::History { form: Form::Facts, from, to: until, keys: None };
    Ok(QuestionTable::new(
        &scope.shared,
        arguments.context.clone(),
        fixed.schema,
        question,
        vec![fixed.claim],
    ))
}
