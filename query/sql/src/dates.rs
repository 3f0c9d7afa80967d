//! A day and an interval make an instant: DataFusion would give a day, and pass over hours.

use arrow_schema::DataType;
use calotype_storage::schema::timestamp_type;
use datafusion::common::DFSchema;
use datafusion::error::Result;
use datafusion::logical_expr::planner::{ExprPlanner, PlannerResult, RawBinaryExpr};
use datafusion::logical_expr::{Expr, ExprSchemable, cast};
use datafusion::sql::sqlparser::ast::BinaryOperator;

/// Plans `date + interval`, `interval + date` and `date - interval`.
#[derive(Debug)]
pub(crate) struct DatesWithIntervals;

impl ExprPlanner for DatesWithIntervals {
    fn plan_binary_op(
        &self,
        mut expression: RawBinaryExpr,
        schema: &DFSchema,
    ) -> Result<PlannerResult<RawBinaryExpr>> {
        if matches!(expression.op, BinaryOperator::Plus | BinaryOperator::Minus) {
            // What has no type yet is no date either; it is told when the whole is typed.
            let kind = |side: &Expr| side.get_type(schema).unwrap_or(DataType::Null);
            match (kind(&expression.left), kind(&expression.right)) {
                (DataType::Date32 | DataType::Date64, DataType::Interval(_)) => {
                    expression.left = cast(expression.left, timestamp_type());
                }
                (DataType::Interval(_), DataType::Date32 | DataType::Date64) => {
                    expression.right = cast(expression.right, timestamp_type());
                }
                _ => {}
            }
        }
        Ok(PlannerResult::Original(expression))
    }
}
