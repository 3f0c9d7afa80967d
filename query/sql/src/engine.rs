//! Plans and runs statements, each within its own memory and its own part of the disk.

mod fixing;
mod session;
mod where_clause;
#[cfg(test)]
mod without;

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
use datafusion::execution::SessionStateDefaults;
use datafusion::execution::{SessionState, SessionStateBuilder};
use datafusion::logical_expr::LogicalPlan;
use datafusion::logical_expr::planner::ExprPlanner;
use datafusion::optimizer::{Analyzer, AnalyzerRule, Optimizer, OptimizerRule};
use datafusion::physical_plan::{ExecutionPlan, displayable};
use datafusion::prelude::SessionConfig;
use futures::future::BoxFuture;

use self::session::Session;

use crate::answer::SqlAnswer;
use crate::batches::BATCH_ROWS;
use crate::bounded::BoundFunctions;
use crate::caught::caught;
use crate::claim::{StatementClaim, names_the_present};
use crate::dates::DatesWithIntervals;
use crate::error::SqlError;
use crate::exact::{ExactExpressions, OneKind};
use crate::functions;
use crate::instant::{self, Folder};
use crate::names;
use crate::parameters::Parameters;
use crate::planner::Physical;
use crate::result;
use crate::scan;
use crate::scope::Scope;
use crate::script::Script;
use crate::shared::Shared;
use crate::temporal_join::PushDownTemporalJoinFilter;

/// Bytes that a sort keeps back for merging.
const SORT_RESERVATION_BYTES: usize = 1 << 20;

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
    /// Options, functions and rules, the same for all statements.
    state: Arc<SessionState>,
    /// Bytes that statements hold.
    held: Arc<AtomicUsize>,
}

/// A statement as it is planned.
struct Planned {
    plan: LogicalPlan,
    physical: Arc<dyn ExecutionPlan>,
    claim: StatementClaim,
    session: Session,
    explain: bool,
}

impl SqlEngine {
    /// Makes an engine.
    pub fn new(database: Arc<Database>, policy: Arc<dyn Policy>, limits: Limits) -> Self {
        Self { database, policy, limits, state: Arc::new(state()), held: Arc::default() }
    }

    /// Bytes that the statements that are worked on have counted as theirs.
    pub fn memory_held(&self) -> usize {
        self.held.load(Ordering::Relaxed)
    }

    /// Adds a function for a test.
    #[cfg(test)]
    pub(crate) fn plant(&mut self, function: datafusion::logical_expr::ScalarUDF) {
        use datafusion::execution::FunctionRegistry;
        Arc::make_mut(&mut self.state).register_udf(Arc::new(function)).unwrap();
    }

    /// Answers a statement; `EXPLAIN` is answered with its plan.
    ///
    /// # Errors
    /// [`SqlError`] says what is not answered.
    // Boxed: what is proved of a plan's future is proved here, and not again wherever it is awaited.
    pub fn query<'a>(&'a self, request: &'a SqlRequest) -> BoxFuture<'a, Result<SqlAnswer, SqlError>> {
        let answered = async {
            let planned = self.plan(request).await?;
            if planned.explain {
                let text = planned.explained().await?;
                return Ok(SqlAnswer::of_text(planned.claim, &text));
            }
            Ok(SqlAnswer::new(planned.session.run(planned.physical)?, planned.claim))
        };
        Box::pin(caught(answered))
    }

    /// How a statement would be answered: what is pushed down, and what is read of each context.
    ///
    /// # Errors
    /// As [`Self::query`].
    pub fn explain<'a>(&'a self, request: &'a SqlRequest) -> BoxFuture<'a, Result<String, SqlError>> {
        Box::pin(caught(async { self.plan(request).await?.explained().await }))
    }

    async fn plan(&self, request: &SqlRequest) -> Result<Planned, SqlError> {
        let script = Script::read(&request.text, &request.parameters)?;
        as_of::see(&self.database, request.at_least).await?;
        let moment = Moment::of(&self.database);
        let mut views = request.views.clone();
        for (name, text) in script.views {
            views.insert(name, text);
        }
        let defaults = Defaults::read(&self.database, &request.settings, script.settings)?;
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
        let (mut session, scope) = self.session(&shared, views)?;
        let plan = result::kept(scope.plan(script.query)?)?;
        let names_the_present = names_the_present(&plan)?;
        let plan = session.optimize(plan)?;
        let claim = StatementClaim::of(&shared, &plan, names_the_present)?;
        let physical = session.physical(&plan).await?;
        Ok(Planned { plan, physical, claim, session, explain: script.explain })
    }

    /// What one statement runs in, and what names in it stand for.
    fn session(
        &self,
        shared: &Arc<Shared>,
        views: BTreeMap<String, String>,
    ) -> Result<(Session, Scope), SqlError> {
        let now = DateTime::from_timestamp_micros(shared.moment().now.micros())
            .ok_or_else(|| SqlError::Internal("the clock shows a time that no calendar has".into()))?;
        let folder = Folder::new(now, Arc::clone(self.state.config_options()));
        let scope = Scope::new(Arc::clone(shared), Arc::clone(&self.state), Arc::new(views), folder);
        Ok((Session::new(self, now)?, scope))
    }
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

/// What DataFusion does with plans before they are optimised, and then what makes expressions exact and bounded.
fn analyzer_rules() -> Vec<Arc<dyn AnalyzerRule + Send + Sync>> {
    let mut rules = Analyzer::new().rules;
    rules.insert(0, Arc::new(OneKind));
    rules.push(Arc::new(ExactExpressions));
    rules.push(Arc::new(BoundFunctions));
    rules
}

/// How DataFusion plans expressions, behind what is planned otherwise here.
fn expr_planners() -> Vec<Arc<dyn ExprPlanner>> {
    let mut planners: Vec<Arc<dyn ExprPlanner>> = vec![Arc::new(DatesWithIntervals)];
    planners.extend(SessionStateDefaults::default_expr_planners());
    planners
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
        .with_optimizer_rules(optimizer_rules())
        .with_query_planner(Arc::new(Physical))
        .with_expr_planners(expr_planners())
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
    /// Those of a request, and behind them those of its text: what a text sets to `DEFAULT` is the request's again.
    fn read(
        database: &Database,
        request: &BTreeMap<String, String>,
        text: Vec<(String, String)>,
    ) -> Result<Self, SqlError> {
        let of_request: BTreeMap<String, String> =
            request.iter().map(|(name, value)| (name.to_ascii_lowercase(), value.clone())).collect();
        let mut values: BTreeMap<String, String> = BTreeMap::new();
        let settings = of_request.clone().into_iter().chain(text.into_iter().map(|(name, value)| {
            let value =
                if value.is_empty() { of_request.get(&name).cloned().unwrap_or_default() } else { value };
            (name, value)
        }));
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
