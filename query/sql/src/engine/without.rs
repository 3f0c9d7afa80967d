//! Engines that leave out a rule of the optimiser, for tests: no rule may change an answer.

use std::sync::Arc;

use datafusion::execution::SessionStateBuilder;

use super::SqlEngine;

impl SqlEngine {
    /// The names of all rules, of logical and of physical plans.
    pub(crate) fn rules(&self) -> Vec<String> {
        let logical = self.state.optimizers().iter().map(|rule| rule.name().to_owned());
        let physical = self.state.physical_optimizers().iter().map(|rule| rule.name().to_owned());
        let mut rules: Vec<String> = logical.chain(physical).collect();
        rules.dedup();
        rules
    }

    /// The same engine without the rules of this name.
    pub(crate) fn without(&self, name: &str) -> Self {
        let mut logical = self.state.optimizers().to_vec();
        logical.retain(|rule| rule.name() != name);
        let mut physical = self.state.physical_optimizers().to_vec();
        physical.retain(|rule| rule.name() != name);
        let state = SessionStateBuilder::new_from_existing(self.state.as_ref().clone())
            .with_optimizer_rules(logical)
            .with_physical_optimizer_rules(physical)
            .build();
        Self {
            database: Arc::clone(&self.database),
            policy: Arc::clone(&self.policy),
            limits: self.limits.clone(),
            state: Arc::new(state),
            held: Arc::clone(&self.held),
        }
    }
}
