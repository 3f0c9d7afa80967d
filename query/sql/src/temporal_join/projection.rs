//! Makes the two relations of a call comparable: join columns of one type, periods as microseconds in UTC (a
//! timestamp without a zone is read as UTC, a finer one loses what is below a microsecond), names without qualifiers.

use datafusion::common::{Column, ExprSchema, plan_err};
use datafusion::error::Result;
use datafusion::logical_expr::type_coercion::binary::comparison_coercion;
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder, cast};

use arrow_schema::DataType;

use super::period::bound_type;
use super::{Axes, NAME};

/// Projects both sides to what the join reads of them.
///
/// The period columns of an axis that the join is not along are left out: they tell of one side's piece, both
/// sides have them, and they are not those of the overlap. Under an alias they stay.
pub(super) fn prepare(
    left: LogicalPlan,
    right: LogicalPlan,
    on: &[String],
    axes: Axes,
) -> Result<(LogicalPlan, LogicalPlan)> {
    let mut types = Vec::with_capacity(on.len());
    for name in on {
        let (on_left, on_right) = (key_type("left", &left, name)?, key_type("right", &right, name)?);
        let Some(common) = comparison_coercion(&on_left, &on_right) else {
            return plan_err!(
                "{NAME}: the join column {name:?} is {on_left} on the left and {on_right} on the right, which do \
                 not compare: expected one type, cast one of them"
            );
        };
        types.push((name.as_str(), common));
    }
    Ok((project("left", left, &types, axes)?, project("right", right, &types, axes)?))
}

fn key_type(side: &str, plan: &LogicalPlan, name: &str) -> Result<DataType> {
    let column = find(side, plan, name)?;
    Ok(plan.schema().data_type(&column)?.clone())
}

/// The one column of this name.
fn find(side: &str, plan: &LogicalPlan, name: &str) -> Result<Column> {
    let named: Vec<Column> =
        plan.schema().columns().into_iter().filter(|column| column.name == name).collect();
    match &named[..] {
        [column] => Ok(column.clone()),
        [] => {
            let found: Vec<&str> = plan.schema().fields().iter().map(|field| field.name().as_str()).collect();
            plan_err!(
                "{NAME}: the {side} relation has no column {name:?}: expected one of its columns {found:?}"
            )
        }
        _ => plan_err!(
            "{NAME}: the {side} relation has {} columns {name:?}: expected one, give the others an alias",
            named.len()
        ),
    }
}

fn project(side: &str, plan: LogicalPlan, keys: &[(&str, DataType)], axes: Axes) -> Result<LogicalPlan> {
    let bounds: Vec<&str> = axes.periods().iter().flat_map(|period| [period.from, period.to]).collect();
    for name in &bounds {
        let found = plan.schema().data_type(&find(side, &plan, name)?)?.clone();
        if !matches!(found, DataType::Timestamp(..)) {
            return plan_err!(
                "{NAME}: the column {name:?} of the {side} relation is {found}: expected a timestamp"
            );
        }
    }
    let unused = |name: &str| {
        let periods = Axes::Both.periods();
        !bounds.contains(&name) && periods.iter().any(|period| [period.from, period.to].contains(&name))
    };
    let mut columns = Vec::new();
    for column in plan.schema().columns() {
        if unused(&column.name) {
            continue;
        }
        find(side, &plan, &column.name)?;
        let name = column.name.clone();
        let expected = match keys.iter().find(|(key, _)| *key == name) {
            Some((_, common)) => Some(common.clone()),
            None => bounds.contains(&name.as_str()).then(bound_type),
        };
        let found = plan.schema().data_type(&column)?.clone();
        let column = Expr::Column(column);
        let column = match expected {
            Some(expected) if expected != found => cast(column, expected),
            _ => column,
        };
        columns.push(column.alias(name));
    }
    LogicalPlanBuilder::from(plan).project(columns)?.build()
}
