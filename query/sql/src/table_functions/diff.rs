//! `diff(context, from_valid_at => t, from_known_at => t, to_valid_at => t, to_known_at => t)`: what differs between two
//! points, by key. `_change` is `added`, `removed`, or `changed_from` and `changed_to` in two rows; `_entry` and
//! `_system_from` name the entry that caused the row to differ. What is left out takes the statement's times.

use calotype_query::Point;
use datafusion::error::Result;
use datafusion::logical_expr::planner::RelationPlannerContext;
use datafusion::sql::sqlparser::ast::FunctionArg;

use super::arguments::Arguments;
use super::question::{Question, QuestionTable};
use crate::error::SqlError;
use crate::scope::Scope;

const KNOWN: [&str; 4] = ["from_valid_at", "from_known_at", "to_valid_at", "to_known_at"];

/// Plans a call.
pub(super) fn plan(
    scope: &Scope,
    arguments: &[FunctionArg],
    planner: &mut dyn RelationPlannerContext,
) -> Result<QuestionTable> {
    let arguments = Arguments::read(scope, "diff", &KNOWN, arguments, planner)?;
    if arguments.are_missing() {
        return Err(SqlError::refused(format!(
            "diff expected at least one of {}; found none, so that both points are the same",
            KNOWN.join(", ")
        ))
        .into());
    }
    let mut point = |valid: &str, known: &str| -> Result<Point> {
        Ok(Point {
            valid_at: arguments.instant(valid, scope, planner)?,
            known_at: arguments.instant(known, scope, planner)?,
        })
    };
    let [from, to] = [point(KNOWN[0], KNOWN[1])?, point(KNOWN[2], KNOWN[3])?];
    let [from, to] = [arguments.fix(scope, from)?, arguments.fix(scope, to)?];
    let question = Question::Diff { from: from.point.at, to: to.point.at };
    let later = if from.point.at.system > to.point.at.system { &from } else { &to };
    let (context, schema) = (arguments.context.clone(), later.schema.clone());
    Ok(QuestionTable::new(&scope.shared, context, schema, question, vec![from.claim, to.claim]))
}
