//! The physical plan node and its stream.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use arrow_array::RecordBatch;
use arrow_schema::{SchemaRef, SortOptions};
use async_trait::async_trait;
use datafusion::catalog::Session;
use datafusion::common::internal_err;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::error::Result;
use datafusion::execution::memory_pool::MemoryConsumer;
use datafusion::execution::{RecordBatchStream, SendableRecordBatchStream, TaskContext};
use datafusion::logical_expr::physical_planning_context::PhysicalPlanningContext;
use datafusion::logical_expr::{LogicalPlan, UserDefinedLogicalNode, UserDefinedLogicalNodeCore};
use datafusion::physical_expr::expressions::Column;
use datafusion::physical_expr::{
    EquivalenceProperties, LexRequirement, OrderingRequirements, PhysicalExpr, PhysicalSortExpr,
    PhysicalSortRequirement,
};
use datafusion::physical_plan::coop::cooperative;
use datafusion::physical_plan::execution_plan::SchedulingType;
use datafusion::physical_plan::metrics::{BaselineMetrics, ExecutionPlanMetricsSet, MetricsSet};
use datafusion::physical_plan::{
    ChildrenPropertiesMode, DisplayAs, DisplayFormatType, Distribution, ExecutionPlan,
    ExecutionPlanProperties as _, InputDistributionRequirements, Partitioning, PlanProperties,
    ReplaceChildrenOptions,
};
use datafusion::physical_planner::{ExtensionPlanner, PhysicalPlanner};
use futures::{Stream, StreamExt as _};

use super::layout::Layout;
use super::node::TemporalAggregate;
use super::sweep::{Progress, Sweep};

/// Rows that begin or end in one poll of the stream, at most: some milliseconds of work.
const STEPS_PER_POLL: usize = 16_384;

/// How a sweep over time wants its rows within a group: the earliest begin first.
const BY_TIME: SortOptions = SortOptions { descending: false, nulls_first: false };

/// Plans the temporal aggregates of a logical plan.
#[derive(Debug, Default)]
pub(crate) struct TemporalAggregatePlanner;

#[async_trait]
impl ExtensionPlanner for TemporalAggregatePlanner {
    async fn plan_extension(
        &self,
        _planner: &dyn PhysicalPlanner,
        node: &dyn UserDefinedLogicalNode,
        _logical_inputs: &[&LogicalPlan],
        physical_inputs: &[Arc<dyn ExecutionPlan>],
        _session: &dyn Session,
        _planning_context: &PhysicalPlanningContext,
    ) -> Result<Option<Arc<dyn ExecutionPlan>>> {
        let Some(node) = node.as_any().downcast_ref::<TemporalAggregate>() else { return Ok(None) };
        let [input] = physical_inputs else {
            return internal_err!("temporal_aggregate: expected one input, found {}", physical_inputs.len());
        };
        let schema = Arc::clone(UserDefinedLogicalNodeCore::schema(node).inner());
        let exec = TemporalAggregateExec::new(Arc::clone(input), node.layout()?, schema)?;
        Ok(Some(Arc::new(exec)))
    }
}

/// A sweep over the rows of its input, which come sorted by the group columns and then by the begin.
#[derive(Debug)]
struct TemporalAggregateExec {
    input: Arc<dyn ExecutionPlan>,
    layout: Layout,
    schema: SchemaRef,
    properties: Arc<PlanProperties>,
    metrics: ExecutionPlanMetricsSet,
}

impl TemporalAggregateExec {
    fn new(input: Arc<dyn ExecutionPlan>, layout: Layout, schema: SchemaRef) -> Result<Self> {
        let ordering = output_ordering(input.as_ref(), &layout, &schema)?;
        let properties = PlanProperties::new(
            EquivalenceProperties::new_with_orderings(Arc::clone(&schema), [ordering]),
            Partitioning::UnknownPartitioning(1),
            input.pipeline_behavior(),
            input.boundedness(),
        )
        .with_scheduling_type(SchedulingType::Cooperative);
        let metrics = ExecutionPlanMetricsSet::new();
        Ok(Self { input, layout, schema, properties: Arc::new(properties), metrics })
    }
}

/// The answer's order: the groups come as in the input, in whatever direction each column is sorted there; an
/// input that is not sorted yet will be, and the node then made again over the sort.
fn output_ordering(
    input: &dyn ExecutionPlan,
    layout: &Layout,
    schema: &SchemaRef,
) -> Result<Vec<PhysicalSortExpr>> {
    let properties = input.equivalence_properties();
    let (mut sorted, mut ordering) = (Vec::new(), Vec::new());
    for (place, column) in layout.by.iter().enumerate() {
        let mut found = None;
        for (descending, nulls_first) in [(false, false), (false, true), (true, true), (true, false)] {
            let options = SortOptions { descending, nulls_first };
            sorted.push(PhysicalSortExpr::new(column_of(input.schema().as_ref(), *column), options));
            if properties.ordering_satisfy(sorted.iter().cloned())? {
                found = Some(options);
                break;
            }
            sorted.pop();
        }
        let Some(options) = found else { return Ok(ordering) };
        ordering.push(PhysicalSortExpr::new(column_of(schema, place), options));
    }
    let begin = layout.by.len() + layout.aggregates.len();
    ordering.push(PhysicalSortExpr::new(column_of(schema, begin), BY_TIME));
    Ok(ordering)
}

fn column_of(schema: &arrow_schema::Schema, place: usize) -> Arc<dyn PhysicalExpr> {
    Arc::new(Column::new(schema.field(place).name(), place))
}

impl DisplayAs for TemporalAggregateExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = |place: usize| self.schema.field(place).name().as_str();
        let groups = self.layout.by.len();
        let aggregates = self.layout.aggregates.iter().enumerate();
        let aggregates =
            aggregates.map(|(i, aggregate)| format!("{} as {}", aggregate.function, name(groups + i)));
        write!(
            f,
            "TemporalAggregateExec: by=[{}], aggregates=[{}]",
            (0..groups).map(name).collect::<Vec<_>>().join(", "),
            aggregates.collect::<Vec<_>>().join(", "),
        )
    }
}

impl ExecutionPlan for TemporalAggregateExec {
    fn name(&self) -> &'static str {
        "TemporalAggregateExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.input]
    }

    fn input_distribution_requirements(&self) -> InputDistributionRequirements {
        InputDistributionRequirements::new(vec![Distribution::SinglePartition])
    }

    /// Group columns in any direction, as long as a group's rows come together.
    fn required_input_ordering(&self) -> Vec<Option<OrderingRequirements>> {
        let schema = self.input.schema();
        let groups = self
            .layout
            .by
            .iter()
            .map(|column| PhysicalSortRequirement::new(column_of(&schema, *column), None));
        let begin = PhysicalSortRequirement::new(column_of(&schema, self.layout.begin), Some(BY_TIME));
        let requirement = LexRequirement::new(groups.chain([begin]));
        vec![requirement.map(OrderingRequirements::new)]
    }

    fn apply_expressions(
        &self,
        _f: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn replace_children(
        self: Arc<Self>,
        mut children: Vec<Arc<dyn ExecutionPlan>>,
        _options: ReplaceChildrenOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let (Some(input), true) = (children.pop(), children.is_empty()) else {
            return internal_err!("temporal_aggregate: expected one input");
        };
        Ok(Arc::new(Self::new(input, self.layout.clone(), Arc::clone(&self.schema))?))
    }

    fn with_new_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        self.replace_children(children, ReplaceChildrenOptions::new(ChildrenPropertiesMode::Recompute))
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        if partition != 0 {
            return internal_err!("temporal_aggregate: expected partition 0, found {partition}");
        }
        let reservation = MemoryConsumer::new("temporal_aggregate").register(context.memory_pool());
        let rows_per_batch = context.session_config().batch_size();
        let schema = Arc::clone(&self.schema);
        let sweep = Sweep::new(self.layout.clone(), Arc::clone(&schema), rows_per_batch, reservation)?;
        Ok(Box::pin(cooperative(TemporalAggregateStream {
            schema,
            input: self.input.execute(0, context)?,
            rest: None,
            rows_per_batch,
            sweep: Some(sweep),
            metrics: BaselineMetrics::new(&self.metrics, partition),
        })))
    }

    fn metrics(&self) -> Option<MetricsSet> {
        Some(self.metrics.clone_inner())
    }
}

/// Drives a sweep with the batches of an input.
struct TemporalAggregateStream {
    schema: SchemaRef,
    input: SendableRecordBatchStream,
    /// What is left of a batch that is longer than the sweep takes at once.
    rest: Option<RecordBatch>,
    rows_per_batch: usize,
    /// Gone after the last batch and after an error.
    sweep: Option<Sweep>,
    metrics: BaselineMetrics,
}

impl TemporalAggregateStream {
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<RecordBatch>>> {
        let mut steps = STEPS_PER_POLL;
        loop {
            let Some(sweep) = &mut self.sweep else { return Poll::Ready(None) };
            let progress = {
                let _timer = self.metrics.elapsed_compute().timer();
                sweep.run(&mut steps)
            };
            match progress {
                Ok(Progress::Batch(batch)) => return Poll::Ready(Some(Ok(batch))),
                Ok(Progress::Done) => self.sweep = None,
                Ok(Progress::Tired) => {
                    context.waker().wake_by_ref();
                    return Poll::Pending;
                }
                Ok(Progress::Hungry) => {
                    if let Err(error) = ready!(self.poll_feed(context)) {
                        return self.fail(error);
                    }
                }
                Err(error) => return self.fail(error),
            }
        }
    }

    /// Gives the sweep its next rows.
    fn poll_feed(&mut self, context: &mut Context<'_>) -> Poll<Result<()>> {
        let next = match self.rest.take() {
            Some(rest) => Some(rest),
            None => ready!(self.input.poll_next_unpin(context)).transpose()?,
        };
        let Some(sweep) = &mut self.sweep else { return Poll::Ready(Ok(())) };
        let _timer = self.metrics.elapsed_compute().timer();
        let Some(batch) = next else {
            sweep.end();
            return Poll::Ready(Ok(()));
        };
        let rows = batch.num_rows().min(self.rows_per_batch.max(1));
        if rows < batch.num_rows() {
            self.rest = Some(batch.slice(rows, batch.num_rows() - rows));
        }
        Poll::Ready(sweep.feed(&batch.slice(0, rows)))
    }

    fn fail(&mut self, error: datafusion::error::DataFusionError) -> Poll<Option<Result<RecordBatch>>> {
        self.sweep = None;
        Poll::Ready(Some(Err(error)))
    }
}

impl Stream for TemporalAggregateStream {
    type Item = Result<RecordBatch>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let polled = self.poll(context);
        self.metrics.record_poll(polled)
    }
}

impl RecordBatchStream for TemporalAggregateStream {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }
}
