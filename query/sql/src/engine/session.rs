//! What one statement is optimised, planned and run in: its instant, its effort, its memory and its part of the disk.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use datafusion::config::{ConfigNonZeroUsize, ConfigOptions};
use datafusion::execution::runtime_env::RuntimeEnv;
use datafusion::execution::{SendableRecordBatchStream, SessionState, TaskContext};
use datafusion::logical_expr::LogicalPlan;
use datafusion::optimizer::Optimizer;
use datafusion::physical_plan::{ExecutionPlan, execute_stream};
use futures::future::BoxFuture;

use super::{Limits, SqlEngine};
use crate::batches::{Batches, check_patterns};
use crate::bounded;
use crate::effort::{self, Effort};
use crate::error::SqlError;
use crate::memory::StatementMemory;
use crate::spill::SpillFolder;
use crate::unsound;
use crate::watch::watched;

/// How many times the memory that operators report a statement takes at most. Measured: see tests/bench/RESULTS.md.
const UNDERCOUNT: usize = 4;

/// Options, rules and resources of one statement.
pub(super) struct Session {
    state: SessionState,
    optimizer: Optimizer,
    runtime: Arc<RuntimeEnv>,
    memory_bytes_max: usize,
}

impl Session {
    /// A session in which `now` is the present.
    pub(super) fn new(engine: &SqlEngine, now: DateTime<Utc>) -> Result<Self, SqlError> {
        let mut state = engine.state.as_ref().clone();
        let options = Arc::clone(state.config_options());
        let props = state.execution_props_mut();
        props.mark_start_execution(options);
        props.query_execution_start_time = Some(now);
        let optimizer = Optimizer::with_rules(Effort::of_rules(state.optimizers()));
        let memory_bytes_max = engine.limits.memory_bytes_max;
        Ok(Self { state, optimizer, runtime: runtime(engine)?, memory_bytes_max })
    }

    /// Names and functions of a plan in their final form, and as little work as is known to give the same rows.
    pub(super) fn optimize(&self, plan: LogicalPlan) -> Result<LogicalPlan, SqlError> {
        effort::check(&plan)?;
        check_patterns(&plan)?;
        unsound::check(&plan)?;
        let options: &ConfigOptions = self.state.config_options();
        let plan = self.state.analyzer().execute_and_check(plan, options, |_, _| {})?;
        Ok(self.optimizer.optimize(plan, &self.state, |_, _| {})?)
    }

    /// The operators of a plan, with so few rows at once that values of any size that is allowed fit into memory.
    pub(super) fn physical<'a>(
        &'a mut self,
        plan: &'a LogicalPlan,
    ) -> BoxFuture<'a, Result<Arc<dyn ExecutionPlan>, SqlError>> {
        Box::pin(async move {
            let batches = Batches::of(plan, self.memory_bytes_max)?;
            self.state.config_mut().options_mut().execution.batch_size =
                ConfigNonZeroUsize::try_new(batches.rows)?;
            let plan = bounded::bound(plan.clone(), batches.bounds)?;
            let physical = self.state.query_planner().create_physical_plan(&plan, &self.state).await?;
            Ok(watched(physical, batches.bounds)?)
        })
    }

    /// Begins to answer.
    pub(super) fn run(self, plan: Arc<dyn ExecutionPlan>) -> Result<SendableRecordBatchStream, SqlError> {
        // Operators hold their functions: none is looked up by name any more.
        let context = TaskContext::new(
            None,
            self.state.session_id().to_owned(),
            self.state.config().clone(),
            [].into(),
            [].into(),
            [].into(),
            [].into(),
            self.runtime,
        );
        Ok(execute_stream(plan, Arc::new(context))?)
    }
}

/// Memory and temporary files of one statement.
fn runtime(engine: &SqlEngine) -> Result<Arc<RuntimeEnv>, SqlError> {
    let Limits { spill_bytes_max, spill_folder, .. } = &engine.limits;
    let bytes_max = engine.limits.memory_bytes_max / UNDERCOUNT;
    Ok(Arc::new(RuntimeEnv {
        memory_pool: Arc::new(StatementMemory::new(bytes_max, Arc::clone(&engine.held))),
        disk_manager: SpillFolder::manager(spill_folder.clone(), *spill_bytes_max)?,
        ..engine.state.runtime_env().as_ref().clone()
    }))
}
