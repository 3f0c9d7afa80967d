//! What a query with `temporal_aggregate` answers, from its text to its batches.

mod edges;
mod limits;
mod naive;
mod refusals;

use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch, TimestampMicrosecondArray};
use datafusion::arrow::util::display::{ArrayFormatter, FormatOptions};
use datafusion::catalog::Session;
use datafusion::datasource::MemTable;
use datafusion::error::Result;
use datafusion::execution::runtime_env::{RuntimeEnv, RuntimeEnvBuilder};
use datafusion::execution::session_state::SessionStateBuilder;
use datafusion::logical_expr::planner::{
    PlannedRelation, RelationPlanner, RelationPlannerContext, RelationPlanning,
};
use datafusion::logical_expr::{LogicalPlan, SortExpr, col};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_planner::{DefaultPhysicalPlanner, PhysicalPlanner};
use datafusion::prelude::{SessionConfig, SessionContext};
use datafusion::sql::sqlparser::ast::TableFactor;

use super::{TemporalAggregatePlanner, plan};

/// Knows the one relation function.
#[derive(Debug)]
struct Relations;

impl RelationPlanner for Relations {
    fn plan_relation(
        &self,
        relation: TableFactor,
        context: &mut dyn RelationPlannerContext,
    ) -> Result<RelationPlanning> {
        if let TableFactor::Table { name, alias, args: Some(args), .. } = &relation
            && name.to_string() == "temporal_aggregate"
        {
            let plan = plan(&args.args, context)?;
            return Ok(RelationPlanning::Planned(Box::new(PlannedRelation { plan, alias: alias.clone() })));
        }
        Ok(RelationPlanning::Original(Box::new(relation)))
    }
}

#[derive(Debug)]
struct Queries;

#[async_trait::async_trait]
impl datafusion::execution::context::QueryPlanner for Queries {
    async fn create_physical_plan(
        &self,
        logical_plan: &LogicalPlan,
        session: &dyn Session,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let planners: [Arc<dyn datafusion::physical_planner::ExtensionPlanner + Send + Sync>; 1] =
            [Arc::new(TemporalAggregatePlanner)];
        let planner = DefaultPhysicalPlanner::with_extension_planners(planners.into());
        planner.create_physical_plan(logical_plan, session).await
    }
}

/// A session with output batches of so many rows.
fn session(batch_size: usize) -> SessionContext {
    session_in(batch_size, Arc::new(RuntimeEnv::default()))
}

/// A session with a memory budget in bytes.
fn session_of(budget: usize) -> SessionContext {
    let runtime = RuntimeEnvBuilder::new().with_memory_limit(budget, 1.0).build_arc().unwrap();
    session_in(8_192, runtime)
}

fn session_in(batch_size: usize, runtime: Arc<RuntimeEnv>) -> SessionContext {
    let config = SessionConfig::new().with_target_partitions(1).with_batch_size(batch_size);
    let state = SessionStateBuilder::new()
        .with_config(config)
        .with_runtime_env(runtime)
        .with_default_features()
        .with_query_planner(Arc::new(Queries))
        .build();
    let context = SessionContext::new_with_state(state);
    context.register_relation_planner(Arc::new(Relations)).unwrap();
    context
}

/// A table of the batches, said to be sorted by the columns of `sorted` (which the caller sees to).
fn register(context: &SessionContext, name: &str, batches: Vec<RecordBatch>, sorted: &[&str]) {
    let table = MemTable::try_new(batches[0].schema(), vec![batches]).unwrap();
    let order: Vec<SortExpr> = sorted.iter().map(|name| col(*name).sort(true, false)).collect();
    let table = if order.is_empty() { table } else { table.with_sort_order(vec![order]) };
    context.register_table(name, Arc::new(table)).unwrap();
}

/// The rows of an answer, as text (`-` for NULL) in the order in which they came.
async fn rows(context: &SessionContext, sql: &str) -> Result<Vec<Vec<String>>> {
    let batches = context.sql(sql).await?.collect().await?;
    let text = |batch: &RecordBatch, row| {
        let options = FormatOptions::new().with_null("-");
        let value = |column: &ArrayRef| {
            ArrayFormatter::try_new(column.as_ref(), &options).unwrap().value(row).to_string()
        };
        batch.columns().iter().map(value).collect::<Vec<_>>()
    };
    Ok(batches.iter().flat_map(|batch| (0..batch.num_rows()).map(move |row| text(batch, row))).collect())
}

/// The message with which a query is refused.
async fn refusal(context: &SessionContext, sql: &str) -> String {
    match rows(context, sql).await {
        Ok(rows) => panic!("{sql} is answered: {rows:?}"),
        Err(error) => error.to_string(),
    }
}

/// A column of instants in microseconds, without a zone so that they read short.
fn instants(values: impl IntoIterator<Item = Option<i64>>) -> ArrayRef {
    Arc::new(values.into_iter().collect::<TimestampMicrosecondArray>())
}
