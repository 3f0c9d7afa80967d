//! Plan nodes that stand between DataFusion's operators and see to it that those keep to a statement's memory.
//!
//! Some operators keep all that they are given and count nothing of it, some give values as large as all their input, and
//! some make many rows of each. What is kept is counted here, what is too large ends the statement, and what can grow is
//! handed on in small pieces.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;

use arrow_array::{ArrayRef, RecordBatch};
use arrow_schema::DataType;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode, TreeNodeRecursion};
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::memory_pool::MemoryConsumer;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_plan::aggregates::AggregateExec;
use datafusion::physical_plan::joins::{CrossJoinExec, HashJoinExec, NestedLoopJoinExec, SortMergeJoinExec};
use datafusion::physical_plan::sorts::sort::SortExec;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::unnest::UnnestExec;
use datafusion::physical_plan::windows::WindowAggExec;
use datafusion::physical_plan::{
    ChildrenPropertiesMode, DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties,
    ReplaceChildrenOptions,
};
use futures::stream::BoxStream;
use futures::{StreamExt, TryStreamExt, stream};

use crate::bounded::{Bounds, largest_row, row_bytes};
use crate::scan::parts;
use crate::temporal_join::TemporalJoinExec;

/// Comparisons of rows before others get a turn.
const COMPARISONS_MAX: usize = 1 << 19;

/// What is done about the rows that go through.
#[derive(Clone, Debug)]
enum Duty {
    /// The operator above keeps them all: they count as memory until it ends.
    Count,
    /// No value is larger than it may be.
    Measure(Bounds),
    /// Others get a turn after each batch, and a statement that nobody wants any more ends there.
    Yield,
    /// The join above keeps these rows: it is counted how many there are.
    Build(Arc<AtomicUsize>),
    /// The join above compares each row with so many: few rows at once, so that others get a turn.
    Probe(Arc<AtomicUsize>),
    /// The operator above makes a row of each element of a list: so few rows at once that what it makes has bounds.
    Divide(Bounds),
}

/// Passes rows on.
#[derive(Debug)]
struct WatchExec {
    input: Arc<dyn ExecutionPlan>,
    duty: Duty,
}

/// Places watches in a plan.
pub(crate) fn watched(plan: Arc<dyn ExecutionPlan>, bounds: Bounds) -> Result<Arc<dyn ExecutionPlan>> {
    plan.transform_up(|node| {
        let below = if node.is::<WindowAggExec>() {
            Some(Duty::Count)
        } else if node.is::<UnnestExec>() {
            Some(Duty::Divide(bounds))
        } else {
            None
        };
        if let Some(duty) = below {
            let inputs = node.children().into_iter().map(|input| watch(input, duty.clone())).collect();
            let node = with_inputs(&node, inputs)?;
            return Ok(Transformed::yes(watch(&node, Duty::Yield)));
        }
        let makes_large = node.is::<AggregateExec>()
            && node.schema().fields().iter().any(|field| can_be_large(field.data_type()));
        if makes_large {
            return Ok(Transformed::yes(watch(&watch(&node, Duty::Measure(bounds)), Duty::Yield)));
        }
        if let Some([build, probe]) = compared(&node) {
            let built = Arc::new(AtomicUsize::new(0));
            let inputs =
                vec![watch(build, Duty::Build(Arc::clone(&built))), watch(probe, Duty::Probe(built))];
            let node = with_inputs(&node, inputs)?;
            return Ok(Transformed::yes(watch(&node, Duty::Yield)));
        }
        if node.children().is_empty() || makes_many(&node) {
            return Ok(Transformed::yes(watch(&node, Duty::Yield)));
        }
        Ok(Transformed::no(node))
    })
    .data()
}

fn with_inputs(
    node: &Arc<dyn ExecutionPlan>,
    inputs: Vec<Arc<dyn ExecutionPlan>>,
) -> Result<Arc<dyn ExecutionPlan>> {
    let options = ReplaceChildrenOptions::new(ChildrenPropertiesMode::Recompute);
    Arc::clone(node).replace_children(inputs, options)
}

/// The sides of a join that compares rows of both and may find none that fit for long.
fn compared(node: &Arc<dyn ExecutionPlan>) -> Option<[&Arc<dyn ExecutionPlan>; 2]> {
    let compares = node.is::<NestedLoopJoinExec>()
        || node.downcast_ref::<HashJoinExec>().is_some_and(|join| join.filter().is_some());
    <[_; 2]>::try_from(node.children()).ok().filter(|_| compares)
}

/// Whether an operator makes many batches of one without asking for the next.
fn makes_many(node: &Arc<dyn ExecutionPlan>) -> bool {
    node.is::<CrossJoinExec>()
        || node.is::<HashJoinExec>()
        || node.is::<NestedLoopJoinExec>()
        || node.is::<SortMergeJoinExec>()
        || node.is::<TemporalJoinExec>()
        || node.is::<SortExec>()
        || node.is::<AggregateExec>()
}

fn can_be_large(data_type: &DataType) -> bool {
    data_type.primitive_width().is_none() && !matches!(data_type, DataType::Boolean | DataType::Null)
}

fn watch(input: &Arc<dyn ExecutionPlan>, duty: Duty) -> Arc<dyn ExecutionPlan> {
    Arc::new(WatchExec { input: Arc::clone(input), duty })
}

fn measure(batch: &RecordBatch, bounds: Bounds) -> Result<()> {
    for (column, field) in batch.columns().iter().zip(batch.schema_ref().fields()) {
        let found = if can_be_large(field.data_type()) { largest_row(column) } else { 0 };
        if found > bounds.value_bytes_max {
            return Err(DataFusionError::ResourcesExhausted(format!(
                "a value of '{}' has {found} bytes, and a value may have {}",
                field.name(),
                bounds.value_bytes_max
            )));
        }
    }
    Ok(())
}

/// Elements of the longest list of a row.
fn elements(columns: &[ArrayRef], row: usize) -> usize {
    use arrow_array::cast::AsArray;
    #[expect(clippy::wildcard_enum_match_arm, reason = "all others are no lists")]
    let lengths = columns.iter().map(|column| match column.data_type() {
        DataType::List(_) => column.as_list::<i32>().value(row).len(),
        DataType::LargeList(_) => column.as_list::<i64>().value(row).len(),
        _ => 1,
    });
    lengths.max().unwrap_or_default()
}

/// Parts of a batch, each of which gives bounded rows when its lists are taken apart.
fn divide(batch: &RecordBatch, bounds: Bounds) -> Result<Vec<RecordBatch>> {
    let (mut parts, mut from, mut expected) = (Vec::new(), 0, 0_usize);
    for row in 0..batch.num_rows() {
        let of_row = batch.columns().iter().map(|column| row_bytes(column, row)).sum::<usize>();
        let is_list =
            |column: &&ArrayRef| matches!(column.data_type(), DataType::List(_) | DataType::LargeList(_));
        let lists =
            batch.columns().iter().filter(is_list).map(|column| row_bytes(column, row)).sum::<usize>();
        let others = of_row.saturating_sub(lists);
        let next = elements(batch.columns(), row).saturating_mul(others).saturating_add(lists);
        if next > bounds.batch_bytes_max {
            return Err(DataFusionError::ResourcesExhausted(format!(
                "the elements of one row's lists, each with the row's other values, have {next} bytes, and may have {}",
                bounds.batch_bytes_max
            )));
        }
        if row > from && expected.saturating_add(next) > bounds.batch_bytes_max {
            parts.push(batch.slice(from, row - from));
            (from, expected) = (row, 0);
        }
        expected += next;
    }
    parts.push(batch.slice(from, batch.num_rows() - from));
    Ok(parts)
}

/// Passes batches on, and gives others a turn after each.
fn yielding(mut batches: SendableRecordBatchStream) -> BoxStream<'static, Result<RecordBatch>> {
    let mut has_passed = false;
    stream::poll_fn(move |context| {
        if std::mem::take(&mut has_passed) {
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        let batch = batches.poll_next_unpin(context);
        has_passed = batch.is_ready();
        batch
    })
    .boxed()
}

impl DisplayAs for WatchExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter) -> fmt::Result {
        let duty = match self.duty {
            Duty::Count => "count what is kept",
            Duty::Measure(_) => "measure values",
            Duty::Yield => "yield",
            Duty::Build(_) => "count rows",
            Duty::Probe(_) => "few rows at once",
            Duty::Divide(_) => "divide batches",
        };
        write!(f, "WatchExec: {duty}")
    }
}

impl ExecutionPlan for WatchExec {
    fn name(&self) -> &'static str {
        "WatchExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        self.input.properties()
    }

    fn maintains_input_order(&self) -> Vec<bool> {
        vec![true]
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.input]
    }

    fn apply_expressions(
        &self,
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn replace_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
        _: ReplaceChildrenOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let [input] = children.as_slice() else {
            return datafusion::common::internal_err!("WatchExec has one input; found {}", children.len());
        };
        Ok(watch(input, self.duty.clone()))
    }

    fn with_new_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        self.replace_children(children, ReplaceChildrenOptions::new(ChildrenPropertiesMode::Recompute))
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let batches = self.input.execute(partition, Arc::clone(&context))?;
        let schema = self.schema();
        let batches = match &self.duty {
            Duty::Count => {
                let kept = MemoryConsumer::new("rows that a window keeps").register(context.memory_pool());
                batches
                    .map(Some)
                    // What was counted is given back when this stream is dropped, and not at its end.
                    .chain(stream::once(std::future::ready(None)))
                    .map(move |batch| {
                        if let Some(Ok(batch)) = &batch {
                            kept.try_grow(batch.get_array_memory_size())?;
                        }
                        batch.transpose()
                    })
                    .try_filter_map(|batch| std::future::ready(Ok(batch)))
                    .boxed()
            }
            Duty::Measure(bounds) => {
                let bounds = *bounds;
                batches
                    .and_then(move |batch| std::future::ready(measure(&batch, bounds).map(|()| batch)))
                    .boxed()
            }
            Duty::Yield => yielding(batches),
            Duty::Build(built) => {
                let built = Arc::clone(built);
                batches
                    .inspect_ok(move |batch| {
                        built.fetch_add(batch.num_rows(), Ordering::Relaxed);
                    })
                    .boxed()
            }
            Duty::Probe(built) => {
                let built = Arc::clone(built);
                let pieces = batches
                    .map_ok(move |batch| {
                        let rows = COMPARISONS_MAX / built.load(Ordering::Relaxed).max(1);
                        stream::iter(parts(&batch, rows.max(1)).map(Ok))
                    })
                    .try_flatten();
                yielding(Box::pin(RecordBatchStreamAdapter::new(Arc::clone(&schema), pieces)))
            }
            Duty::Divide(bounds) => {
                let bounds = *bounds;
                batches
                    .map(move |batch| divide(&batch?, bounds))
                    .map_ok(|parts| stream::iter(parts.into_iter().map(Ok)))
                    .try_flatten()
                    .boxed()
            }
        };
        Ok(Box::pin(RecordBatchStreamAdapter::new(schema, batches)))
    }
}
