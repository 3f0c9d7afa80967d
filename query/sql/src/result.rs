//! Columns of a result: the types that Calotype keeps, so that every door can carry them and every result has its hash.

use std::sync::Arc;

use arrow_schema::{DataType, TimeUnit};
use calotype_storage::schema::{FieldType, timestamp_type};
use datafusion::logical_expr::expr_fn::cast;
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder};

use crate::error::SqlError;

/// Casts the columns of a plan to kept types where nothing of a value is lost by it.
///
/// # Errors
/// Names a column of another type.
pub(crate) fn kept(plan: LogicalPlan) -> Result<LogicalPlan, SqlError> {
    let schema = Arc::clone(plan.schema());
    let mut columns = Vec::with_capacity(schema.fields().len());
    let mut changed = false;
    for (qualifier, field) in schema.iter() {
        let column = Expr::from((qualifier, field));
        let wanted = kept_type(field.data_type()).ok_or_else(|| {
            SqlError::refused(format!(
                "column '{}' of the result has the type {}, which is not kept: cast it, for example to text or to a decimal",
                field.name(),
                field.data_type()
            ))
        })?;
        if wanted == *field.data_type() {
            columns.push(column);
        } else {
            changed = true;
            columns.push(cast(column, wanted).alias(field.name()));
        }
    }
    if !changed {
        return Ok(plan);
    }
    // A sort at the top stays at the top.
    Ok(LogicalPlanBuilder::from(plan).project(columns)?.build()?)
}

fn kept_type(data_type: &DataType) -> Option<DataType> {
    #[expect(clippy::wildcard_enum_match_arm, reason = "all other types are refused")]
    Some(match data_type {
        DataType::Utf8View | DataType::LargeUtf8 | DataType::Null => DataType::Utf8,
        DataType::BinaryView | DataType::LargeBinary | DataType::FixedSizeBinary(_) => DataType::Binary,
        DataType::Dictionary(_, values) => kept_type(values)?,
        DataType::Timestamp(TimeUnit::Second | TimeUnit::Millisecond | TimeUnit::Microsecond, _) => {
            timestamp_type()
        }
        // The clock and what is reckoned from it; it has whole microseconds.
        DataType::Timestamp(TimeUnit::Nanosecond, _) => timestamp_type(),
        DataType::Date64 => DataType::Date32,
        DataType::Float16 => DataType::Float32,
        other => FieldType::from_arrow(other)?.to_arrow(),
    })
}
