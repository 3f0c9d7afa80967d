//! The join in a physical plan.

use std::fmt;
use std::sync::Arc;

use arrow_schema::{DataType, Schema};
use async_trait::async_trait;
use datafusion::catalog::Session;
use datafusion::common::stats::Precision;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{Statistics, internal_datafusion_err, internal_err};
use datafusion::error::Result;
use datafusion::execution::memory_pool::MemoryConsumer;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::logical_expr::physical_planning_context::PhysicalPlanningContext;
use datafusion::logical_expr::{LogicalPlan, UserDefinedLogicalNode};
use datafusion::physical_expr::expressions::Column;
use datafusion::physical_expr::{
    EquivalenceProperties, LexOrdering, LexRequirement, OrderingRequirements, PhysicalExpr, PhysicalSortExpr,
};
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType, SchedulingType};
use datafusion::physical_plan::metrics::{BaselineMetrics, ExecutionPlanMetricsSet, MetricsSet};
use datafusion::physical_plan::statistics::{ChildStats, StatisticsArgs};
use datafusion::physical_plan::{
    ChildrenPropertiesMode, DisplayAs, DisplayFormatType, Distribution, ExecutionPlan,
    InputDistributionRequirements, Partitioning, PlanProperties, ReplaceChildrenOptions,
};
use datafusion::physical_planner::{ExtensionPlanner, PhysicalPlanner};

use super::layout::{Layout, ORDER, SideLayout};
use super::node::TemporalJoin;
use super::reader::Reader;
use super::side::Side;
use super::stream::{Driver, Input};
use super::sweep::Sweep;
use super::{Axes, Kind, NAME};

/// Plans the joins of a logical plan.
#[derive(Debug, Default)]
pub(crate) struct TemporalJoinPlanner;

#[async_trait]
impl ExtensionPlanner for TemporalJoinPlanner {
    async fn plan_extension(
        &self,
        _planner: &dyn PhysicalPlanner,
        node: &dyn UserDefinedLogicalNode,
        _logical_inputs: &[&LogicalPlan],
        physical_inputs: &[Arc<dyn ExecutionPlan>],
        _session_state: &dyn Session,
        _planning_ctx: &PhysicalPlanningContext,
    ) -> Result<Option<Arc<dyn ExecutionPlan>>> {
        let Some(join) = node.as_any().downcast_ref::<TemporalJoin>() else { return Ok(None) };
        let [left, right] = physical_inputs else {
            return internal_err!("{NAME} has {} inputs: expected two", physical_inputs.len());
        };
        let (left, right) = (Arc::clone(left), Arc::clone(right));
        let join = TemporalJoinExec::try_new(left, right, join.on.clone(), join.axes, join.kind)?;
        Ok(Some(Arc::new(join)))
    }
}

/// Joins two inputs that come by join columns and begin, each in one partition.
#[derive(Debug)]
pub(crate) struct TemporalJoinExec {
    left: Arc<dyn ExecutionPlan>,
    right: Arc<dyn ExecutionPlan>,
    on: Vec<String>,
    axes: Axes,
    kind: Kind,
    layout: Layout,
    properties: Arc<PlanProperties>,
    metrics: ExecutionPlanMetricsSet,
}

impl TemporalJoinExec {
    fn try_new(
        left: Arc<dyn ExecutionPlan>,
        right: Arc<dyn ExecutionPlan>,
        on: Vec<String>,
        axes: Axes,
        kind: Kind,
    ) -> Result<Self> {
        let layout = Layout::try_new(&left.schema(), &right.schema(), &on, axes, kind)?;
        let schema = Arc::new(Schema::new(layout.fields.clone()));
        let mut columns: Vec<usize> = (0..on.len()).collect();
        // Uncovered pieces are known only when they are over, so that a left join's begins jump back.
        if kind == Kind::Inner {
            columns.push(schema.fields().len() - 2 * axes.periods().len());
        }
        let ordering = columns.into_iter().map(|at| sorted(&schema, at));
        let properties = PlanProperties::new(
            EquivalenceProperties::new_with_orderings(Arc::clone(&schema), [ordering]),
            Partitioning::UnknownPartitioning(1),
            EmissionType::Incremental,
            Boundedness::Bounded,
        )
        .with_scheduling_type(SchedulingType::Cooperative);
        let (properties, metrics) = (Arc::new(properties), ExecutionPlanMetricsSet::new());
        Ok(Self { left, right, on, axes, kind, layout, properties, metrics })
    }
}

/// A column in the order that inputs have.
fn sorted(schema: &Schema, at: usize) -> PhysicalSortExpr {
    PhysicalSortExpr::new(Arc::new(Column::new(schema.field(at).name(), at)), ORDER)
}

/// By join columns, then by begin.
fn required(schema: &Schema, layout: &SideLayout) -> Option<OrderingRequirements> {
    let begin = layout.periods.iter().map(|&(from, _)| from).take(1);
    let ordering = LexOrdering::new(layout.keys.iter().copied().chain(begin).map(|at| sorted(schema, at)))?;
    Some(OrderingRequirements::new(LexRequirement::from(ordering)))
}

/// What a side needs to run: the sweep's side and the input's reader. Results are gathered from these columns.
fn side(
    name: &'static str,
    schema: &Schema,
    layout: &SideLayout,
    gathered: Vec<usize>,
    batch_rows: usize,
) -> Result<(Side, Reader)> {
    let types: Vec<DataType> = gathered.iter().map(|&at| schema.field(at).data_type().clone()).collect();
    Ok((Side::new(types, batch_rows), Reader::try_new(name, schema, layout.clone(), gathered)?))
}

impl DisplayAs for TemporalJoinExec {
    fn fmt_as(&self, format: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (on, axes, kind) = (self.on.join(", "), self.axes, self.kind);
        match format {
            DisplayFormatType::Default | DisplayFormatType::Verbose => {
                write!(f, "TemporalJoinExec: on=[{on}], period={axes}, kind={kind}")
            }
            DisplayFormatType::TreeRender => write!(f, "on={on}\nperiod={axes}\nkind={kind}"),
        }
    }
}

impl ExecutionPlan for TemporalJoinExec {
    fn name(&self) -> &'static str {
        "TemporalJoinExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn input_distribution_requirements(&self) -> InputDistributionRequirements {
        InputDistributionRequirements::new(vec![Distribution::SinglePartition; 2])
    }

    fn required_input_ordering(&self) -> Vec<Option<OrderingRequirements>> {
        vec![
            required(&self.left.schema(), &self.layout.left),
            required(&self.right.schema(), &self.layout.right),
        ]
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.left, &self.right]
    }

    fn apply_expressions(
        &self,
        _f: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn replace_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
        _options: ReplaceChildrenOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let [left, right] = <[Arc<dyn ExecutionPlan>; 2]>::try_from(children).map_err(|children| {
            internal_datafusion_err!("{NAME} has {} inputs: expected two", children.len())
        })?;
        Ok(Arc::new(Self::try_new(left, right, self.on.clone(), self.axes, self.kind)?))
    }

    fn with_new_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        self.replace_children(children, ReplaceChildrenOptions::new(ChildrenPropertiesMode::Recompute))
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        if partition != 0 {
            return internal_err!("{NAME} has one partition: expected 0, found {partition}");
        }
        let batch_rows = context.session_config().batch_size();
        let (of_left, of_right) = (&self.layout.left, &self.layout.right);
        let (left_schema, right_schema) = (self.left.schema(), self.right.schema());
        let gathered = of_left.keys.iter().chain(&of_left.rest).copied().collect();
        let (left, left_reader) = side("left", &left_schema, of_left, gathered, batch_rows)?;
        let (right, right_reader) =
            side("right", &right_schema, of_right, of_right.rest.clone(), batch_rows)?;
        let driver = Driver {
            sweep: Sweep::new(self.kind, left, right, batch_rows),
            left: Input { stream: self.left.execute(0, Arc::clone(&context))?, reader: left_reader },
            right: Input { stream: self.right.execute(0, Arc::clone(&context))?, reader: right_reader },
            axes: self.axes,
            schema: self.schema(),
            reservation: MemoryConsumer::new(self.name()).register(context.memory_pool()),
            metrics: BaselineMetrics::new(&self.metrics, partition),
        };
        Ok(driver.into_stream())
    }

    fn metrics(&self) -> Option<MetricsSet> {
        Some(self.metrics.clone_inner())
    }

    fn child_stats_requests(&self, _partition: Option<usize>) -> Vec<ChildStats> {
        vec![ChildStats::At(None); 2]
    }

    /// A guess: each row of the larger side overlaps one of the other.
    fn statistics_from_inputs(
        &self,
        input_stats: &[Arc<Statistics>],
        _args: &StatisticsArgs,
    ) -> Result<Arc<Statistics>> {
        let rows = input_stats.iter().filter_map(|side| side.num_rows.get_value().copied()).max();
        let mut statistics = Statistics::new_unknown(&self.schema());
        statistics.num_rows = rows.map_or(Precision::Absent, Precision::Inexact);
        Ok(Arc::new(statistics))
    }
}
