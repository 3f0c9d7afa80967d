//! The plan node that reads: rows of a context as they come, sorted by key.

use std::fmt;
use std::sync::Arc;

use arrow_array::{RecordBatch, RecordBatchOptions};
use arrow_schema::{Schema, SchemaRef, SortOptions};
use async_trait::async_trait;
use calotype_query::{Batches, QueryError, Rows, Touched};
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::error::Result;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::expressions::Column;
use datafusion::physical_expr::{
    EquivalenceProperties, LexOrdering, Partitioning, PhysicalExpr, PhysicalSortExpr,
};
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType, SchedulingType};
use datafusion::physical_plan::metrics::{BaselineMetrics, ExecutionPlanMetricsSet, MetricsSet};
use datafusion::physical_plan::stream::{RecordBatchReceiverStream, RecordBatchStreamAdapter};
use datafusion::physical_plan::{
    ChildrenPropertiesMode, DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties,
    ReplaceChildrenOptions,
};
use futures::future::BoxFuture;
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt, stream};

use crate::error::external;

/// Batches that are read ahead of whoever computes with them.
const AHEAD: usize = 2;

/// Where the rows of a scan come from.
pub(crate) trait Source: fmt::Debug + Send + Sync {
    /// The columns that come.
    fn schema(&self) -> &SchemaRef;

    /// The columns by which rows come sorted, ascending, the first first.
    fn order(&self) -> Vec<String>;

    /// Whether so little is read that reading ahead would cost more than it gives.
    fn is_small(&self) -> bool;

    /// Begins to read.
    fn start(&self) -> BoxFuture<'static, Result<Rows, QueryError>>;

    /// What will have to be read, by the manifests alone; `None`: no manifest says it.
    fn touched(&self) -> BoxFuture<'static, Result<Option<Touched>, QueryError>> {
        Box::pin(std::future::ready(Ok(None)))
    }

    /// What is read, for people.
    fn describe(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result;
}

/// Which columns are read of a table whose declared columns come first and whose other columns come together or not
/// at all.
pub(crate) struct Picked {
    /// Places of the declared columns that are read, ascending.
    pub read: Vec<usize>,
    /// For each wanted column its place among those that are read.
    pub picks: Vec<usize>,
    /// Whether the other columns are read.
    pub system: bool,
}

impl Picked {
    /// Reads a projection of a table with so many columns, the declared ones among them; `always`: the other columns
    /// come in any case.
    pub(crate) fn of(projection: Option<&Vec<usize>>, columns: usize, declared: usize, always: bool) -> Self {
        let wanted: Vec<usize> = match projection {
            Some(projection) => projection.clone(),
            None => (0..columns).collect(),
        };
        // In the order of the schema, each once: what is read.
        let mut read: Vec<usize> = wanted.iter().copied().filter(|place| *place < declared).collect();
        read.sort_unstable();
        read.dedup();
        let pick = |place: &usize| {
            if *place < declared {
                read.binary_search(place).unwrap_or_else(|place| place)
            } else {
                read.len() + place - declared
            }
        };
        let picks = wanted.iter().map(pick).collect();
        Self { picks, system: always || wanted.iter().any(|place| *place >= declared), read }
    }
}

/// Rows of a stream of batches.
pub(crate) fn rows(schema: SchemaRef, batches: BoxStream<'static, Result<RecordBatch, QueryError>>) -> Rows {
    Rows::new(schema, Box::new(Streamed(batches)))
}

struct Streamed(BoxStream<'static, Result<RecordBatch, QueryError>>);

#[async_trait]
impl Batches for Streamed {
    async fn next(&mut self) -> Result<Option<RecordBatch>, QueryError> {
        self.0.next().await.transpose()
    }
}

/// Reads a source, and of what comes the columns that are wanted.
#[derive(Debug, Clone)]
pub(crate) struct ScanExec {
    source: Arc<dyn Source>,
    /// Places in the source's columns.
    picks: Arc<[usize]>,
    properties: Arc<PlanProperties>,
    metrics: ExecutionPlanMetricsSet,
}

impl ScanExec {
    /// Reads some columns of a source, in this order.
    pub(crate) fn new(source: Arc<dyn Source>, picks: &[usize]) -> Self {
        let schema: SchemaRef = Arc::new(Schema::new(
            picks.iter().map(|place| source.schema().field(*place).clone()).collect::<Vec<_>>(),
        ));
        let mut equivalence = EquivalenceProperties::new(Arc::clone(&schema));
        let order = source.order();
        // Sorted as far as the columns are among those that come.
        let sorted = order.iter().map_while(|name| {
            let place = schema.index_of(name).ok()?;
            let options = SortOptions { descending: false, nulls_first: false };
            Some(PhysicalSortExpr::new(Arc::new(Column::new(name, place)), options))
        });
        if let Some(ordering) = LexOrdering::new(sorted) {
            equivalence.add_ordering(ordering);
        }
        let properties = PlanProperties::new(
            equivalence,
            Partitioning::UnknownPartitioning(1),
            EmissionType::Incremental,
            Boundedness::Bounded,
        )
        .with_scheduling_type(SchedulingType::Cooperative);
        Self {
            source,
            picks: picks.into(),
            properties: Arc::new(properties),
            metrics: ExecutionPlanMetricsSet::new(),
        }
    }
}

/// What each scan of a plan will have to read, a line each.
pub(crate) async fn touched(plan: &Arc<dyn ExecutionPlan>) -> Result<Vec<String>, QueryError> {
    let mut lines = Vec::new();
    let mut waiting = vec![Arc::clone(plan)];
    while let Some(node) = waiting.pop() {
        if let Some(scan) = node.downcast_ref::<ScanExec>() {
            lines.extend(scan.source.touched().await?.map(|touched| touched.to_string()));
        }
        waiting.extend(node.children().into_iter().rev().cloned());
    }
    Ok(lines)
}

impl DisplayAs for ScanExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "ScanExec: ")?;
        self.source.describe(f)?;
        let names: Vec<_> = self
            .properties
            .eq_properties
            .schema()
            .fields()
            .iter()
            .map(|field| field.name().as_str())
            .collect();
        write!(f, ", columns=[{}]", names.join(", "))
    }
}

impl ExecutionPlan for ScanExec {
    fn name(&self) -> &'static str {
        "ScanExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        Vec::new()
    }

    fn apply_expressions(
        &self,
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn with_new_children(self: Arc<Self>, _: Vec<Arc<dyn ExecutionPlan>>) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(self)
    }

    fn replace_children(
        self: Arc<Self>,
        _: Vec<Arc<dyn ExecutionPlan>>,
        options: ReplaceChildrenOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        match options.children_properties {
            ChildrenPropertiesMode::Keep | ChildrenPropertiesMode::Recompute => Ok(self),
        }
    }

    fn metrics(&self) -> Option<MetricsSet> {
        Some(self.metrics.clone_inner())
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let schema = self.schema();
        let metrics = BaselineMetrics::new(&self.metrics, partition);
        let picks = Arc::clone(&self.picks);
        let rows_max = context.session_config().batch_size().max(1);
        let wanted = Arc::clone(&schema);
        let start = self.source.start();
        let batches = stream::once(async move { start.await.map_err(external) })
            .map_ok(|rows| {
                stream::try_unfold(rows, |mut rows| async move {
                    let batch = rows.next().await.map_err(external)?;
                    Ok(batch.map(|batch| (batch, rows)))
                })
            })
            .try_flatten()
            .and_then(move |batch: RecordBatch| std::future::ready(pick(&batch, &picks, &wanted)))
            .map_ok(move |batch| stream::iter(parts(&batch, rows_max).map(Ok)))
            .try_flatten()
            .inspect_ok(move |batch| {
                metrics.record_output(batch.num_rows());
            });
        if self.source.is_small() {
            return Ok(Box::pin(RecordBatchStreamAdapter::new(schema, batches)));
        }
        // Reading goes on while others compute; dropping the stream ends it.
        let mut builder = RecordBatchReceiverStream::builder(schema, AHEAD);
        let sender = builder.tx();
        builder.spawn(async move {
            let mut batches = std::pin::pin!(batches);
            while let Some(batch) = batches.next().await {
                let failed = batch.is_err();
                if sender.send(batch).await.is_err() || failed {
                    break;
                }
            }
            Ok(())
        });
        Ok(builder.build())
    }
}

/// Parts of a batch with at most so many rows.
pub(crate) fn parts(batch: &RecordBatch, rows_max: usize) -> impl Iterator<Item = RecordBatch> + use<> {
    let batch = batch.clone();
    let rows = batch.num_rows();
    (0..rows).step_by(rows_max).map(move |from| batch.slice(from, rows_max.min(rows - from)))
}

fn pick(batch: &RecordBatch, picks: &[usize], schema: &SchemaRef) -> Result<RecordBatch> {
    let columns = picks.iter().map(|place| Arc::clone(batch.column(*place))).collect();
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    Ok(RecordBatch::try_new_with_options(Arc::clone(schema), columns, &options)?)
}
