//! Instants that a statement names: constant expressions, folded when the statement is planned.
//!
//! One microsecond, UTC: text without a zone is read as UTC, a date as its midnight. What is finer is refused.

use std::sync::Arc;

use calotype_storage::time::Instant;
use chrono::{DateTime, Utc};
use datafusion::common::DFSchema;
use datafusion::config::ConfigOptions;
use datafusion::error::Result;
use datafusion::logical_expr::planner::RelationPlannerContext;
use datafusion::logical_expr::simplify::SimplifyContext;
use datafusion::optimizer::simplify_expressions::ExprSimplifier;
use datafusion::prelude::Expr;
use datafusion::scalar::ScalarValue;
use datafusion::sql::sqlparser::ast::{DataType, Expr as Ast, Value};

use crate::bounded::{Bounds, bound_expression};
use crate::error::SqlError;
use crate::exact::exact;
use crate::gate;

/// Folds constant expressions at one moment.
#[derive(Clone, Debug)]
pub(crate) struct Folder {
    now: DateTime<Utc>,
    options: Arc<ConfigOptions>,
}

impl Folder {
    pub(crate) fn new(now: DateTime<Utc>, options: Arc<ConfigOptions>) -> Self {
        Self { now, options }
    }

    /// The value of a constant expression.
    ///
    /// # Errors
    /// It names a column or cannot be worked out.
    pub(crate) fn constant(
        &self,
        expression: &Ast,
        context: &mut dyn RelationPlannerContext,
    ) -> Result<ScalarValue> {
        gate::check_expression(expression)?;
        let schema = DFSchema::empty();
        let planned = context.sql_to_expr(expression.clone(), &schema)?;
        let simplify = SimplifyContext::builder()
            .with_config_options(Arc::clone(&self.options))
            .with_query_execution_start_time(Some(self.now))
            .build();
        let simplifier = ExprSimplifier::new(simplify);
        let planned = exact(simplifier.coerce(planned, &schema)?, &schema)?.data;
        let planned = bound_expression(planned, Bounds::PLANNING)?.data;
        let folded = simplifier.simplify(planned)?;
        if let Expr::Literal(value, _) = folded {
            return Ok(value);
        }
        Err(SqlError::refused(format!("expected a constant; found '{folded}'")).into())
    }

    /// The instant that a constant expression names.
    ///
    /// # Errors
    /// It is no instant, or finer than a microsecond.
    pub(crate) fn instant<T: Instant>(
        &self,
        expression: &Ast,
        context: &mut dyn RelationPlannerContext,
    ) -> Result<T> {
        if let Some(text) = literal_text(expression) {
            return Ok(parse(text)?);
        }
        #[expect(clippy::wildcard_enum_match_arm, reason = "whatever else there is names no instant")]
        let micros = match self.constant(expression, context)? {
            ScalarValue::TimestampSecond(Some(value), _) => value.checked_mul(1_000_000),
            ScalarValue::TimestampMillisecond(Some(value), _) => value.checked_mul(1_000),
            ScalarValue::TimestampMicrosecond(Some(value), _) => Some(value),
            ScalarValue::TimestampNanosecond(Some(value), _) if value % 1_000 == 0 => Some(value / 1_000),
            ScalarValue::TimestampNanosecond(Some(_), _) => {
                return Err(SqlError::refused(format!("'{expression}' is finer than a microsecond")).into());
            }
            ScalarValue::Date32(Some(days)) => i64::from(days).checked_mul(86_400_000_000),
            ScalarValue::Utf8(Some(text))
            | ScalarValue::Utf8View(Some(text))
            | ScalarValue::LargeUtf8(Some(text)) => return Ok(parse(&text)?),
            other => {
                return Err(SqlError::refused(format!(
                    "'{expression}' is no instant: expected for example TIMESTAMP '2026-03-31T23:59:59.999999Z', found {} of \
                     type {}",
                    other,
                    other.data_type()
                ))
                .into());
            }
        };
        let instant = micros.and_then(T::from_micros);
        instant.ok_or_else(|| {
            SqlError::refused(format!("'{expression}' lies beyond the instants there are")).into()
        })
    }
}

/// The text of a literal that names an instant.
fn literal_text(expression: &Ast) -> Option<&str> {
    #[expect(clippy::wildcard_enum_match_arm, reason = "all others are worked out")]
    match expression {
        Ast::Nested(inner) => literal_text(inner),
        Ast::Value(value) => text_of(&value.value),
        Ast::TypedString(typed) if matches!(typed.data_type, DataType::Timestamp(..)) => {
            text_of(&typed.value.value)
        }
        _ => None,
    }
}

fn text_of(value: &Value) -> Option<&str> {
    #[expect(clippy::wildcard_enum_match_arm, reason = "only text is read as an instant")]
    match value {
        Value::SingleQuotedString(text) => Some(text),
        _ => None,
    }
}

/// Reads an instant as people write it: RFC 3339, or `2026-03-31 12:00:00`, or a date.
pub(crate) fn parse<T: Instant>(text: &str) -> Result<T, SqlError> {
    use calotype_storage::ValidTime;
    let written = text.trim();
    let candidates = [written.to_owned(), format!("{written}Z"), format!("{written}T00:00:00Z")];
    let spaced = candidates.iter().map(|text| text.replacen(' ', "T", 1));
    let mut read = spaced.map(|text| ValidTime::parse(&text));
    let micros = read.find_map(std::result::Result::ok).map(ValidTime::micros);
    micros.and_then(T::from_micros).ok_or_else(|| {
        SqlError::refused(format!(
            "'{}' is no instant: expected for example 2026-03-31T23:59:59.999999Z, at most six digits behind the point",
            text.chars().take(80).collect::<String>()
        ))
    })
}
