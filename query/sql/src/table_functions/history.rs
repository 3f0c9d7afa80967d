//! `history(context, key => value, form => 'facts', known_at => t)`: all that was ever told of keys, known at a system time.
//!
//! `key` is a value, or `[a, b]` in the key's order; left out, all keys are told of, or those that predicates over key
//! columns let through. `form` is `rectangles` (the default: each fact's valid period, cut where the first later entry
//! that covers it changes) or `facts` (as they came, retractions too, with `_op`). Both have the four system columns and
//! `_entry`.

use calotype_query::history::Form;
use calotype_query::{Fixed, KeyValue, Keys, Point};
use calotype_storage::SystemTime;
use datafusion::error::Result;
use datafusion::logical_expr::planner::RelationPlannerContext;
use datafusion::sql::sqlparser::ast::{Expr, FunctionArg};

use super::arguments::Arguments;
use super::question::{Question, QuestionTable};
use crate::pushdown::as_key_value;
use crate::scope::Scope;

/// Plans a call.
pub(super) fn plan(
    scope: &Scope,
    arguments: &[FunctionArg],
    planner: &mut dyn RelationPlannerContext,
) -> Result<QuestionTable> {
    let arguments = Arguments::read(scope, "history", &["key", "form", "known_at"], arguments, planner)?;
    let known_at = arguments.instant::<SystemTime>("known_at", scope, planner)?;
    let fixed = arguments.fix(scope, Point { valid_at: None, known_at })?;
    let form = form(scope, &arguments, planner)?;
    let keys = keys(scope, &arguments, &fixed, planner)?;
    let question = Question::History { form, from: SystemTime::FIRST, to: fixed.point.at.system, keys };
    Ok(QuestionTable::new(
        &scope.shared,
        arguments.context.clone(),
        fixed.schema,
        question,
        vec![fixed.claim],
    ))
}

fn form(scope: &Scope, arguments: &Arguments<'_>, planner: &mut dyn RelationPlannerContext) -> Result<Form> {
    let Some(expression) = arguments.get("form") else { return Ok(Form::Rectangles) };
    let value = scope.folder.constant(expression, planner)?;
    match value.try_as_str().flatten() {
        Some("facts") => Ok(Form::Facts),
        Some("rectangles") => Ok(Form::Rectangles),
        _ => Err(arguments.wrong("form", "'facts' or 'rectangles'", &format_args!("'{value}'")).into()),
    }
}

fn keys(
    scope: &Scope,
    arguments: &Arguments<'_>,
    fixed: &Fixed,
    planner: &mut dyn RelationPlannerContext,
) -> Result<Option<Keys>> {
    let Some(expression) = arguments.get("key") else { return Ok(None) };
    let parts = if let Expr::Array(array) = expression {
        array.elem.as_slice()
    } else {
        std::slice::from_ref(expression)
    };
    let mut values: Vec<KeyValue> = Vec::with_capacity(parts.len());
    for part in parts {
        let value = scope.folder.constant(part, planner)?;
        let value = as_key_value(&value).ok_or_else(|| {
            let found = format!("'{part}' of type {}", value.data_type());
            arguments.wrong("key", "a value for each key column, as in [1, 'a']", &found)
        })?;
        values.push(value);
    }
    let keys = Keys::one(values);
    if let Some(schema) = &fixed.schema {
        keys.filter(&arguments.context, schema).map_err(crate::error::external)?;
    }
    Ok(Some(keys))
}
