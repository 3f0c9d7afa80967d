//! Plans and runs statements, each within its own memory and its own part of the disk.

mod fixing;
mod where_clause;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use calotype_query::fixed::Moment;
use calotype_query::{Policy, as_of};
use calotype_storage::database::Database;
use calotype_storage::identity::{Sequence, SnapshotId};
use calotype_storage::name::Principal;
use calotype_storage::{SystemTime, ValidTime};
use chrono::DateTime;
use datafusion::config::ConfigNonZeroUsize;
use datafusion::execution::SessionStateDefaults;
use datafusion::execution::context::{QueryPlanner, SessionContext};
use datafusion::execution::disk_manager::{DiskManagerBuilder, DiskManagerMode};
use datafusion::execution::runtime_env::{RuntimeEnv, RuntimeEnvBuilder};
use datafusion::execution::{SessionState, SessionStateBuilder};
use datafusion::logical_expr::LogicalPlan;
use datafusion::optimizer::{Analyzer, AnalyzerRule, Optimizer, OptimizerRule};
use datafusion::physical_plan::{ExecutionPlan, displayable, execute_stream};
use datafusion::prelude::SessionConfig;

use crate::answer::SqlAnswer;
use crate::batches::{BATCH_ROWS, Batches, check_patterns};
use crate::bounded::{self, BoundFunctions};
use crate::caught::caught;
use crate::claim::StatementClaim;
use crate::effort::{self, Effort};
use crate::error::SqlError;
use crate::functions;
use crate::instant::{self, Folder};
use crate::memory::StatementMemory;
use crate::names;
use crate::parameters::Parameters;
use crate::planner::Physical;
use crate::result;
use crate::scan;
use crate::scope::Scope;
use crate::script::Script;
use crate::shared::Shared;
use crate::temporal_join::PushDownTemporalJoinFilter;
use crate::watch::watched;

/// Bytes that a sort keeps back for merging.
const SORT_RESERVATION_BYTES: usize = 1 << 20;
/// How many times the memory that operators report a statement takes at most. Measured: see tests/bench/RESULTS.md.
const UNDERCOUNT: usize = 4;

/// What a statement may use.
#[derive(Clone, Debug)]
pub struct Limits {
    /// Bytes of memory of one statement.
    pub memory_bytes_max: usize,
    /// Bytes of temporary files of one statement.
    pub spill_bytes_max: u64,
    /// The folder of temporary files.
    pub spill_folder: PathBuf,
}

/// What is asked.
#[derive(Clone, Debug)]
pub struct SqlRequest {
    /// Who asks.
    pub principal: Principal,
    /// `SET` and `CREATE TEMPORARY VIEW` statements, then one query.
    pub text: String,
    /// Values of placeholders.
    pub parameters: Parameters,
    /// Settings such as `calotype.valid_time`, as `SET` would set them.
    pub settings: BTreeMap<String, String>,
    /// Texts of views, by name.
    pub views: BTreeMap<String, String>,
    /// The commit that the answer must have seen.
    pub at_least: Option<Sequence>,
}

impl SqlRequest {
    /// A text alone, as the local user.
    pub fn new(text: impl Into<String>) -> Self {
        Self {
            principal: Principal::local(),
            text: text.into(),
            parameters: Parameters::default(),
            settings: BTreeMap::new(),
            views: BTreeMap::new(),
            at_least: None,
        }
    }
}

/// Plans and runs statements over one store.
#[derive(Debug)]
pub struct SqlEngine {
    database: Arc<Database>,
    policy: Arc<dyn Policy>,
    limits: Limits,
    /// Options and functions, the same for all statements.
    state: SessionState,
    /// Bytes that statements hold.
    held: Arc<AtomicUsize>,
}

/// A statement as it is planned.
struct Planned {
    plan: LogicalPlan,
    physical: Arc<dyn ExecutionPlan>,
    claim: StatementClaim,
    state: SessionState,
    explain: bool,
}

impl SqlEngine {
    /// Makes an engine.
    pub fn new(database: Arc<Database>, policy: Arc<dyn Policy>, limits: Limits) -> Self {
        Self { database, policy, limits, state: state(), held: Arc::default() }
    }

    /// Bytes that the statements that are worked on have counted as theirs.
    pub fn memory_held(&self) -> usize {
        self.held.load(Ordering::Relaxed)
    }

    /// Adds a function for a test.
    #[cfg(test)]
    pub(crate) fn plant(&mut self, function: datafusion::logical_expr::ScalarUDF) {
        use datafusion::execution::FunctionRegistry;
        self.state.register_udf(Arc::new(function)).unwrap();
    }

    /// Answers a statement; `EXPLAIN` is answered with its plan.
    ///
    /// # Errors
    /// [`SqlError`] says what is not answered.
    pub async fn query(&self, request: &SqlRequest) -> Result<SqlAnswer, SqlError> {
        let planned = caught(self.plan(request)).await?;
        if planned.explain {
            let text = planned.explained().await?;
            return Ok(SqlAnswer::of_text(planned.claim, &text));
        }
        let context = SessionContext::new_with_state(planned.state).task_ctx();
        let rows = execute_stream(planned.physical, context)?;
        SqlAnswer::new(rows, planned.claim)
    }

    /// How a statement would be answered: what is pushed down, and what is read of each context.
    ///
    /// # Errors
    /// As [`Self::query`].
    pub async fn explain(&self, request: &SqlRequest) -> Result<String, SqlError> {
        caught(async { self.plan(request).await?.explained().await }).await
    }

    async fn plan(&self, request: &SqlRequest) -> Result<Planned, SqlError> {
        let script = Script::read(&request.text, &request.parameters)?;
        as_of::see(&self.database, request.at_least).await?;
        let moment = Moment::of(&self.database);
        let mut views = request.views.clone();
        for (name, text) in script.views {
            views.insert(name, text);
        }
        let settings =
            request.settings.iter().map(|(name, value)| (name.to_ascii_lowercase(), value.clone()));
        let defaults = Defaults::read(&self.database, settings.chain(script.settings))?;
        let known = match defaults.known {
            Some(known) => Some(known),
            None => names::settled(&self.database, moment, &script.query, &views)?,
        };
        let shared = Arc::new(Shared::new(
            Arc::clone(&self.database),
            Arc::clone(&self.policy),
            request.principal.clone(),
            moment,
            defaults.valid,
            known,
            defaults.known,
        ));
        let (mut state, scope) = self.session(&shared, views)?;
        let plan = scope.plan(script.query)?;
        effort::check(&plan)?;
        check_patterns(&plan)?;
        let plan = state.optimize(&result::kept(plan)?)?;
        let claim = StatementClaim::of(&shared, &plan)?;
        let physical = self.physical(&mut state, &plan).await?;
        Ok(Planned { plan, physical, claim, state, explain: script.explain })
    }

    /// What one statement runs in, and what names in it stand for.
    fn session(
        &self,
        shared: &Arc<Shared>,
        views: BTreeMap<String, String>,
    ) -> Result<(SessionState, Scope), SqlError> {
        let now = DateTime::from_timestamp_micros(shared.moment().now.micros())
            .ok_or_else(|| SqlError::Internal("the clock shows a time that no calendar has".into()))?;
        let mut state = SessionStateBuilder::new_from_existing(self.state.clone())
            .with_runtime_env(self.runtime()?)
            .with_query_planner(Arc::new(Physical))
            .with_optimizer_rules(Effort::of_rules(optimizer_rules()))
            .build();
        let options = Arc::clone(state.config_options());
        {
            let props = state.execution_props_mut();
            props.mark_start_execution(Arc::clone(&options));
            props.query_execution_start_time = Some(now);
        }
        let scope = Scope::new(
            Arc::clone(shared),
            Arc::new(state.clone()),
            Arc::new(views),
            Folder::new(now, options),
        );
        Ok((state, scope))
    }

    /// The operators of a plan, with so few rows at once that values of any size that is allowed fit into memory.
    async fn physical(
        &self,
        state: &mut SessionState,
        plan: &LogicalPlan,
    ) -> Result<Arc<dyn ExecutionPlan>, SqlError> {
        let batches = Batches::of(plan, self.limits.memory_bytes_max)?;
        state.config_mut().options_mut().execution.batch_size = ConfigNonZeroUsize::try_new(batches.rows)?;
        let plan = bounded::bound(plan.clone(), batches.bounds)?;
        let planner = Arc::clone(state.query_planner());
        Ok(watched(made_physical(&planner, state, &plan).await?, batches.bounds)?)
    }

    /// Memory and temporary files of one statement.
    fn runtime(&self) -> Result<Arc<RuntimeEnv>, SqlError> {
        let disk = DiskManagerBuilder::default()
            .with_mode(DiskManagerMode::Directories(vec![self.limits.spill_folder.clone()]))
            .with_max_temp_directory_size(self.limits.spill_bytes_max);
        let bytes_max = self.limits.memory_bytes_max / UNDERCOUNT;
        let pool = StatementMemory::new(bytes_max, Arc::clone(&self.held));
        Ok(RuntimeEnvBuilder::new()
            .with_memory_pool(Arc::new(pool))
            .with_disk_manager_builder(disk)
            .build_arc()?)
    }
}

/// Makes the future apart, where nothing has to be proved about it.
fn made_physical<'a>(
    planner: &'a Arc<dyn QueryPlanner + Send + Sync>,
    state: &'a SessionState,
    plan: &'a LogicalPlan,
) -> futures::future::BoxFuture<'a, Result<Arc<dyn ExecutionPlan>, SqlError>> {
    Box::pin(async move { Ok(planner.create_physical_plan(plan, state).await?) })
}

impl Planned {
    /// The plan for people: what is worked out, what is pushed down, and what will have to be read.
    async fn explained(&self) -> Result<String, SqlError> {
        let reads = scan::touched(&self.physical).await?;
        let plan = displayable(self.physical.as_ref()).indent(false);
        Ok(format!(
            "Plan\n{}\nOperators\n{plan}\nReads\n{}\n\nClaim\n{}",
            self.plan.display_indent(),
            reads.join("\n"),
            self.claim.to_text()
        ))
    }
}

/// What DataFusion does with plans before they are optimised, and then the bounds of functions.
fn analyzer_rules() -> Vec<Arc<dyn AnalyzerRule + Send + Sync>> {
    let mut rules = Analyzer::new().rules;
    rules.push(Arc::new(BoundFunctions));
    rules
}

/// What DataFusion does with plans, and then what has to be done with temporal operators.
fn optimizer_rules() -> Vec<Arc<dyn OptimizerRule + Send + Sync>> {
    let mut rules = Optimizer::new().rules;
    rules.push(Arc::new(PushDownTemporalJoinFilter));
    rules
}

/// Options and functions that all statements share.
fn state() -> SessionState {
    let mut config = SessionConfig::new()
        .with_target_partitions(1)
        .with_batch_size(BATCH_ROWS)
        .with_information_schema(false)
        .with_create_default_catalog_and_schema(false);
    let options = config.options_mut();
    // Money is decimal from end to end.
    options.sql_parser.parse_float_as_decimal = true;
    options.sql_parser.map_string_types_to_utf8view = false;
    // One order of rows for one statement: nothing depends on who was first.
    options.optimizer.enable_round_robin_repartition = false;
    // What a sort keeps back to merge what it spilled: small, for statements with little memory.
    options.execution.sort_spill_reservation_bytes = SORT_RESERVATION_BYTES;
    options.execution.time_zone = Some("UTC".into());
    SessionStateBuilder::new()
        .with_config(config)
        .with_analyzer_rules(analyzer_rules())
        .with_expr_planners(SessionStateDefaults::default_expr_planners())
        .with_scalar_functions(functions::scalar())
        .with_aggregate_functions(functions::aggregate())
        .with_window_functions(functions::window())
        .build()
}

/// The instants that hold where a statement names none.
struct Defaults {
    valid: Option<ValidTime>,
    known: Option<SystemTime>,
}

impl Defaults {
    fn read(database: &Database, settings: impl Iterator<Item = (String, String)>) -> Result<Self, SqlError> {
        let mut values: BTreeMap<String, String> = BTreeMap::new();
        for (name, value) in settings {
            if !["calotype.valid_time", "calotype.system_time", "calotype.snapshot"].contains(&name.as_str())
            {
                return Err(SqlError::refused(format!(
                    "there is no setting '{}': expected calotype.valid_time, calotype.system_time or calotype.snapshot",
                    name.chars().take(80).collect::<String>()
                )));
            }
            if value.is_empty() {
                values.remove(&name);
            } else {
                values.insert(name, value);
            }
        }
        let mut defaults = Self { valid: None, known: None };
        if let Some(id) = values.get("calotype.snapshot") {
            if values.len() > 1 {
                return Err(SqlError::refused(
                    "calotype.snapshot fixes both times: leave calotype.valid_time and calotype.system_time out",
                ));
            }
            let id: SnapshotId = id.parse().map_err(|_| {
                SqlError::refused("calotype.snapshot expects a snapshot's id, 64 hexadecimal digits")
            })?;
            let (_, entry) = database.snapshot(id)?;
            defaults.valid = entry.put().and_then(|put| put.cutoff);
            defaults.known = Some(entry.system_time());
        }
        if let Some(text) = values.get("calotype.valid_time") {
            defaults.valid = Some(instant::parse(text)?);
        }
        if let Some(text) = values.get("calotype.system_time") {
            defaults.known = Some(instant::parse(text)?);
        }
        Ok(defaults)
    }
}
