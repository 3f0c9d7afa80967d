//! Tables of facts, a session that knows the join, and its answers as plain values.

mod edges;
mod limits;
mod plans;
mod random;
mod refusals;

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Int64Type, TimestampMicrosecondType};
use arrow_array::{Array, ArrayRef, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use async_trait::async_trait;
use datafusion::catalog::Session;
use datafusion::datasource::MemTable;
use datafusion::execution::SessionStateBuilder;
use datafusion::execution::context::QueryPlanner;
use datafusion::execution::runtime_env::RuntimeEnv;
use datafusion::logical_expr::planner::{PlannedRelation, RelationPlanner, RelationPlanning};
use datafusion::logical_expr::{SortExpr, col};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_planner::{DefaultPhysicalPlanner, PhysicalPlanner};
use datafusion::prelude::{SessionConfig, SessionContext};
use datafusion::sql::sqlparser::ast::TableFactor;

use super::*;

/// A period: its begin, and its end unless it is open.
type Bounds = (i64, Option<i64>);

/// A row of a side. Its number is its place in the table.
#[derive(Clone, Copy, Debug)]
struct Fact {
    k: Option<i64>,
    g: Option<&'static str>,
    valid: Bounds,
    system: Bounds,
}

/// A fact that is known for ever.
fn fact(k: impl Into<Option<i64>>, from: i64, to: impl Into<Option<i64>>) -> Fact {
    Fact { k: k.into(), g: Some(""), valid: (from, to.into()), system: (0, None) }
}

/// A row of the result: the numbers of its rows instead of their columns.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Row {
    k: Option<i64>,
    g: Option<String>,
    l: i64,
    r: Option<i64>,
    periods: Vec<Bounds>,
}

#[derive(Debug)]
struct Relations;

impl RelationPlanner for Relations {
    fn plan_relation(
        &self,
        relation: TableFactor,
        context: &mut dyn RelationPlannerContext,
    ) -> Result<RelationPlanning> {
        if let TableFactor::Table { name, args: Some(args), alias, .. } = &relation
            && name.to_string() == NAME
        {
            let planned = PlannedRelation::new(plan(&args.args, context)?, alias.clone());
            return Ok(RelationPlanning::Planned(Box::new(planned)));
        }
        Ok(RelationPlanning::Original(Box::new(relation)))
    }
}

#[derive(Debug)]
struct Queries;

#[async_trait]
impl QueryPlanner for Queries {
    async fn create_physical_plan(
        &self,
        plan: &LogicalPlan,
        state: &dyn Session,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let planner = DefaultPhysicalPlanner::with_extension_planners(vec![Arc::new(TemporalJoinPlanner)]);
        planner.create_physical_plan(plan, state).await
    }
}

/// A session without tables.
fn session(config: SessionConfig, runtime: Arc<RuntimeEnv>) -> SessionContext {
    let state = SessionStateBuilder::new()
        .with_config(config.with_target_partitions(1))
        .with_runtime_env(runtime)
        .with_default_features()
        .with_relation_planners(vec![Arc::new(Relations)])
        .with_query_planner(Arc::new(Queries))
        .with_optimizer_rule(Arc::new(PushDownTemporalJoinFilter))
        .build();
    SessionContext::new_with_state(state)
}

/// A session with the tables `l` and `r` and batches of this many rows.
fn session_of(left: &[Fact], right: &[Fact], batch_rows: usize) -> SessionContext {
    let context = session(SessionConfig::new().with_batch_size(batch_rows), Arc::default());
    context.register_table("l", Arc::new(table("l", left, batch_rows))).unwrap();
    context.register_table("r", Arc::new(table("r", right, batch_rows))).unwrap();
    context
}

fn batch(number: &str, facts: &[Fact], first: i64) -> RecordBatch {
    let instants = |bound: &dyn Fn(&Fact) -> Option<i64>| -> ArrayRef {
        Arc::new(facts.iter().map(bound).collect::<TimestampMicrosecondArray>().with_timezone("UTC"))
    };
    let columns: [(&str, ArrayRef); 7] = [
        ("k", Arc::new(facts.iter().map(|fact| fact.k).collect::<Int64Array>())),
        ("g", Arc::new(facts.iter().map(|fact| fact.g).collect::<StringArray>())),
        (number, Arc::new((first..).take(facts.len()).collect::<Int64Array>())),
        ("_valid_from", instants(&|fact| Some(fact.valid.0))),
        ("_valid_to", instants(&|fact| fact.valid.1)),
        ("_system_from", instants(&|fact| Some(fact.system.0))),
        ("_system_to", instants(&|fact| fact.system.1)),
    ];
    RecordBatch::try_from_iter_with_nullable(columns.map(|(name, column)| (name, column, true))).unwrap()
}

/// The facts with their numbers under this name, in batches of this many rows.
fn table(number: &str, facts: &[Fact], batch_rows: usize) -> MemTable {
    let firsts = (0i64..).step_by(batch_rows);
    let batches: Vec<RecordBatch> =
        facts.chunks(batch_rows).zip(firsts).map(|(facts, first)| batch(number, facts, first)).collect();
    MemTable::try_new(batch(number, &[], 0).schema(), vec![batches]).unwrap()
}

/// What the join asks its inputs to be sorted by, for valid time.
fn by_key_and_begin() -> Vec<Vec<SortExpr>> {
    vec![["k", "g", "_valid_from"].map(|name| col(name).sort(true, false)).to_vec()]
}

fn sql(axes: Axes, kind: Kind) -> String {
    format!(
        "SELECT * FROM temporal_join((SELECT * FROM l), (SELECT * FROM r), on => ['k', 'g'], \
         period => '{axes}', kind => '{kind}')"
    )
}

async fn batches(context: &SessionContext, sql: &str) -> Result<Vec<RecordBatch>> {
    context.sql(sql).await?.collect().await
}

/// The rows of an answer that has the columns k, g, l, r and periods, as they come.
async fn rows(context: &SessionContext, sql: &str) -> Vec<Row> {
    let mut rows = Vec::new();
    for batch in batches(context, sql).await.unwrap() {
        let instants = |at: usize| batch.column(at).as_primitive::<TimestampMicrosecondType>();
        let number = |name: &str| batch.column_by_name(name).unwrap().as_primitive::<Int64Type>();
        let texts = batch.column_by_name("g").unwrap().as_string::<i32>();
        for row in 0..batch.num_rows() {
            let value = |column: &Int64Array| column.is_valid(row).then(|| column.value(row));
            let bounds = |at: usize| {
                let to = instants(at + 1);
                (instants(at).value(row), to.is_valid(row).then(|| to.value(row)))
            };
            rows.push(Row {
                k: value(number("k")),
                g: texts.is_valid(row).then(|| texts.value(row).to_owned()),
                l: value(number("l")).unwrap(),
                r: value(number("r")),
                periods: (4..batch.num_columns()).step_by(2).map(bounds).collect(),
            });
        }
    }
    rows
}

/// The physical plan of a query, a line an operator.
async fn physical(context: &SessionContext, sql: &str) -> String {
    let plan = context.sql(sql).await.unwrap().create_physical_plan().await.unwrap();
    datafusion::physical_plan::displayable(plan.as_ref()).indent(false).to_string()
}
