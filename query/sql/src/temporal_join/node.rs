//! The join in a logical plan.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arrow_schema::Schema;
use datafusion::common::{DFSchema, DFSchemaRef, plan_err};
use datafusion::error::Result;
use datafusion::logical_expr::{Expr, LogicalPlan, UserDefinedLogicalNodeCore};

use super::layout::Layout;
use super::{Axes, Kind, NAME};

/// Joins two relations prepared by [`super::projection::prepare`].
///
/// It has no expressions: columns are known by name, and the optimizer keeps the names of its inputs. Predicates
/// above it are moved below it by [`super::PushDownTemporalJoinFilter`] alone, since the optimizer's own rule can
/// only push one predicate into all inputs of a node, also one that must be asked of pairs, such as a random one.
#[derive(Clone, Debug)]
pub(super) struct TemporalJoin {
    pub(super) left: LogicalPlan,
    pub(super) right: LogicalPlan,
    pub(super) on: Vec<String>,
    pub(super) axes: Axes,
    pub(super) kind: Kind,
    pub(super) layout: Layout,
    schema: DFSchemaRef,
}

impl TemporalJoin {
    /// Checks the columns of both sides and works out those of the result.
    pub(super) fn try_new(
        left: LogicalPlan,
        right: LogicalPlan,
        on: Vec<String>,
        axes: Axes,
        kind: Kind,
    ) -> Result<Self> {
        let layout = Layout::try_new(left.schema().as_arrow(), right.schema().as_arrow(), &on, axes, kind)?;
        let schema = Arc::new(DFSchema::try_from(Schema::new(layout.fields.clone()))?);
        Ok(Self { left, right, on, axes, kind, layout, schema })
    }

    /// The names of the left columns that are not join columns or bounds.
    pub(super) fn rest_of_left(&self) -> impl Iterator<Item = &str> {
        self.layout.left.rest.iter().map(|&at| self.left.schema().field(at).name().as_str())
    }

    /// The names of the right columns that are not join columns or bounds.
    pub(super) fn rest_of_right(&self) -> impl Iterator<Item = &str> {
        self.layout.right.rest.iter().map(|&at| self.right.schema().field(at).name().as_str())
    }

    fn comparable(&self) -> (&LogicalPlan, &LogicalPlan, &[String], Axes, Kind) {
        (&self.left, &self.right, &self.on, self.axes, self.kind)
    }
}

impl PartialEq for TemporalJoin {
    fn eq(&self, other: &Self) -> bool {
        self.comparable() == other.comparable()
    }
}

impl Eq for TemporalJoin {}

impl PartialOrd for TemporalJoin {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        self.comparable().partial_cmp(&other.comparable())
    }
}

impl Hash for TemporalJoin {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.comparable().hash(state);
    }
}

impl UserDefinedLogicalNodeCore for TemporalJoin {
    fn name(&self) -> &'static str {
        "TemporalJoin"
    }

    fn inputs(&self) -> Vec<&LogicalPlan> {
        vec![&self.left, &self.right]
    }

    fn schema(&self) -> &DFSchemaRef {
        &self.schema
    }

    fn expressions(&self) -> Vec<Expr> {
        Vec::new()
    }

    fn fmt_for_explain(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TemporalJoin: on=[{}], period={}, kind={}", self.on.join(", "), self.axes, self.kind)
    }

    fn with_exprs_and_inputs(&self, exprs: Vec<Expr>, inputs: Vec<LogicalPlan>) -> Result<Self> {
        let (Ok([left, right]), true) = (<[LogicalPlan; 2]>::try_from(inputs), exprs.is_empty()) else {
            return plan_err!("{NAME} has two inputs and no expressions: expected no others");
        };
        Self::try_new(left, right, self.on.clone(), self.axes, self.kind)
    }

    fn necessary_children_exprs(&self, output_columns: &[usize]) -> Option<Vec<Vec<usize>>> {
        let (left, right) = (&self.layout.left, &self.layout.right);
        let (mut of_left, mut of_right) = (left.always(), right.always());
        for &column in output_columns {
            let Some(column) = column.checked_sub(self.on.len()) else { continue };
            if let Some(&at) = left.rest.get(column) {
                of_left.push(at);
            } else if let Some(&at) = right.rest.get(column - left.rest.len()) {
                of_right.push(at);
            }
        }
        for columns in [&mut of_left, &mut of_right] {
            columns.sort_unstable();
        }
        Some(vec![of_left, of_right])
    }
}
