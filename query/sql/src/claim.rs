//! The claim of a statement: what it read, and whether its answer stays the same for ever.

use calotype_query::Claim;
use calotype_storage::SystemTime;
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::datasource::source_as_provider;
use datafusion::logical_expr::{Expr, LogicalPlan, Volatility};
use serde::Serialize;

use crate::claimed::as_claimed;
use crate::error::SqlError;
use crate::shared::Shared;

/// Readings that a claim lists; more are counted.
const READS_MAX: usize = 8;

/// What the answer to a statement rests on.
#[derive(Clone, Debug, Serialize)]
pub struct StatementClaim {
    /// The store's id.
    pub store: String,
    /// Whether the answer stays the same for ever: all that it reads is settled, it reads no table about the store, and
    /// `now()` and its like stand in temporal clauses alone, whose instants are in the claim.
    pub settled: bool,
    /// The least system time up to which what it reads is settled; `None` if it reads nothing that is known.
    pub settled_to: Option<String>,
    /// The claim of each table, in the order in which they stand in the plan; the same reading stands once.
    pub reads: Vec<Claim>,
    /// How many more readings there are than are listed.
    #[serde(skip_serializing_if = "is_zero")]
    pub reads_more: usize,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the form that serde calls")]
fn is_zero(count: &usize) -> bool {
    *count == 0
}

/// Whether what a plan works out depends on when it is asked.
pub(crate) fn names_the_present(plan: &LogicalPlan) -> Result<bool, SqlError> {
    let mut found = false;
    plan.apply_with_subqueries(|node| {
        node.apply_expressions(|expression| {
            found |= expression.exists(|part| {
                Ok(matches!(part, Expr::ScalarFunction(call)
                    if call.func.signature().volatility != Volatility::Immutable))
            })?;
            Ok(TreeNodeRecursion::Continue)
        })
    })?;
    Ok(found)
}

impl StatementClaim {
    /// The claim of a plan: of all points of contexts that it reads.
    pub(crate) fn of(shared: &Shared, plan: &LogicalPlan, names_the_present: bool) -> Result<Self, SqlError> {
        let mut reads: Vec<Claim> = Vec::new();
        let mut is_of_the_moment = names_the_present;
        plan.apply_with_subqueries(|node| {
            if let LogicalPlan::TableScan(scan) = node
                && let Some(table) = as_claimed(source_as_provider(&scan.source)?.as_ref())
            {
                is_of_the_moment |= table.is_of_the_moment();
                for claim in table.claims() {
                    if !reads.iter().any(|read| (&read.context, read.at()) == (&claim.context, claim.at())) {
                        reads.push(claim.clone());
                    }
                }
            }
            Ok(TreeNodeRecursion::Continue)
        })?;
        let settled_to: Option<SystemTime> = reads.iter().filter_map(Claim::settled_until).min();
        Ok(Self {
            store: shared.database().store_id().to_string(),
            settled: !is_of_the_moment && reads.iter().all(|read| read.settled),
            settled_to: settled_to.map(|settled| settled.to_string()),
            reads_more: reads.len().saturating_sub(READS_MAX),
            reads: reads.into_iter().take(READS_MAX).collect(),
        })
    }

    /// The claim as JSON.
    ///
    /// # Panics
    /// Never: every field has a JSON form.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("every field has a JSON form")
    }

    /// The claim for people, a line for each context.
    pub(crate) fn to_text(&self) -> String {
        let mut lines = Vec::new();
        for read in &self.reads {
            let settled = if read.settled { "settled" } else { "not settled" };
            let Claim { context, valid_at, known_at, completeness, .. } = read;
            lines.push(format!(
                "{context}: true at {valid_at}, known at {known_at} ({settled}), {}",
                completeness.status
            ));
        }
        lines.join("\n")
    }
}
