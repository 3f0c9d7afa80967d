//! From logical plans to physical ones, with the temporal operators among them.

use std::sync::Arc;

use async_trait::async_trait;
use datafusion::catalog::Session;
use datafusion::error::Result;
use datafusion::execution::context::QueryPlanner;
use datafusion::logical_expr::LogicalPlan;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_planner::{DefaultPhysicalPlanner, ExtensionPlanner, PhysicalPlanner};

use crate::temporal_aggregate::TemporalAggregatePlanner;
use crate::temporal_join::TemporalJoinPlanner;

/// Plans what DataFusion knows and the temporal operators.
#[derive(Debug)]
pub(crate) struct Physical;

fn extensions() -> Vec<Arc<dyn ExtensionPlanner + Send + Sync>> {
    vec![Arc::new(TemporalAggregatePlanner), Arc::new(TemporalJoinPlanner)]
}

#[async_trait]
impl QueryPlanner for Physical {
    async fn create_physical_plan(
        &self,
        plan: &LogicalPlan,
        session: &dyn Session,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        DefaultPhysicalPlanner::with_extension_planners(extensions())
            .create_physical_plan(plan, session)
            .await
    }
}
