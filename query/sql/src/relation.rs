//! Plans what stands in `FROM`: contexts with temporal clauses, and functions that give tables.

use std::sync::Arc;

use calotype_query::TimeRange;
use calotype_storage::name::ContextName;
use calotype_storage::time::Instant;
use datafusion::catalog::TableProvider;
use datafusion::common::TableReference;
use datafusion::datasource::{provider_as_source, source_as_provider};
use datafusion::error::Result;
use datafusion::logical_expr::planner::{
    PlannedRelation, RelationPlanner, RelationPlannerContext, RelationPlanning,
};
use datafusion::logical_expr::{LogicalPlan, LogicalPlanBuilder};
use datafusion::sql::sqlparser::ast::{Ident, ObjectName, ObjectNamePart, TableAlias, TableFactor};

use crate::clauses::{Clauses, Times};
use crate::error::SqlError;
use crate::scope::Scope;
use crate::table::{ContextTable, as_context_table};
use crate::table_functions;

/// Plans relations of one query.
#[derive(Debug)]
pub(crate) struct TemporalRelations {
    scope: Scope,
    clauses: Clauses,
}

impl TemporalRelations {
    pub(crate) fn new(scope: Scope, clauses: Clauses) -> Self {
        Self { scope, clauses }
    }

    /// # Errors
    /// A clause was written that no table took.
    pub(crate) fn check_all_taken(&self) -> Result<(), SqlError> {
        self.clauses.check_all_taken()
    }

    fn times<T: Instant>(
        &self,
        times: Option<&Times>,
        context: &mut dyn RelationPlannerContext,
    ) -> Result<Option<TimeRange<T>>> {
        let mut fold = |expression| self.scope.folder.instant::<T>(expression, context);
        Ok(Some(match times {
            None => return Ok(None),
            Some(Times::At(at)) => TimeRange::At(fold(at)?),
            Some(Times::FromTo(from, to)) => TimeRange::FromTo(fold(from)?, fold(to)?),
            Some(Times::Between(first, last)) => TimeRange::Between(fold(first)?, fold(last)?),
            Some(Times::All) => TimeRange::All,
        }))
    }

    /// A context with a clause: planned as without it, so that names are found as always, then read at other instants.
    fn with_clause(
        &self,
        name: &ObjectName,
        alias: Option<TableAlias>,
        context: &mut dyn RelationPlannerContext,
    ) -> Result<PlannedRelation> {
        let clause = self.clauses.take(name).cloned().unwrap_or_default();
        let planned = context.plan(plain_table(name.clone()))?;
        let not_a_context = || {
            SqlError::refused(format!(
                "'{name}' is not a context: only contexts are read FOR VALID_TIME or SYSTEM_TIME, and a query or view \
                 names the times in it"
            ))
        };
        let LogicalPlan::TableScan(scan) = planned else { return Err(not_a_context().into()) };
        let found = source_as_provider(&scan.source)?;
        let table = as_context_table(found.as_ref()).ok_or_else(not_a_context)?;
        let context_name: &ContextName = table.fixed().context.name();
        let valid = self.times(clause.valid.as_ref(), context)?;
        let system = self.times(clause.system.as_ref(), context)?;
        let shared = &self.scope.shared;
        let (fixed, reading) = shared.read(context_name, valid, system)?;
        let known_as = format!("{context_name} ({reading})");
        let table = ContextTable::new(Arc::clone(shared), fixed, reading, self.scope.names_system_columns);
        let reads = distinct_scan(known_as, Arc::new(table), scan.table_name.clone())?;
        Ok(PlannedRelation::new(reads, alias))
    }
}

/// A scan that is told from others by the name that it has below its alias.
///
/// DataFusion compares scans by their names, and not by what they read: it would answer two subqueries once that read one
/// context at two instants. So `known_as` holds all that tells one reading of a name from another.
pub(crate) fn distinct_scan(
    known_as: String,
    table: Arc<dyn TableProvider>,
    alias: TableReference,
) -> Result<LogicalPlan> {
    let name = TableReference::bare(known_as);
    LogicalPlanBuilder::scan(name, provider_as_source(table), None)?.alias(alias)?.build()
}

/// A table's name alone. It stands nowhere in the text, so that no clause is behind it.
fn plain_table(name: ObjectName) -> TableFactor {
    let parts = name.0.into_iter().map(|part| match part {
        ObjectNamePart::Identifier(Ident { value, quote_style, .. }) => {
            let mut identifier = Ident::new(value);
            identifier.quote_style = quote_style;
            ObjectNamePart::Identifier(identifier)
        }
        other @ ObjectNamePart::Function(_) => other,
    });
    TableFactor::Table {
        name: ObjectName(parts.collect()),
        alias: None,
        args: None,
        with_hints: Vec::new(),
        version: None,
        with_ordinality: false,
        partitions: Vec::new(),
        json_path: None,
        sample: None,
        index_hints: Vec::new(),
    }
}

impl RelationPlanner for TemporalRelations {
    fn plan_relation(
        &self,
        relation: TableFactor,
        context: &mut dyn RelationPlannerContext,
    ) -> Result<RelationPlanning> {
        let TableFactor::Table { name, alias, args, .. } = &relation else {
            return Ok(RelationPlanning::Original(Box::new(relation)));
        };
        let planned = match args {
            None if self.clauses.peek(name).is_some() => {
                Some(self.with_clause(name, alias.clone(), context)?)
            }
            None => None,
            Some(arguments) => table_functions::plan(&self.scope, name, &arguments.args, context)?
                .map(|plan| PlannedRelation::new(plan, alias.clone())),
        };
        Ok(match planned {
            Some(planned) => RelationPlanning::Planned(Box::new(planned)),
            None => RelationPlanning::Original(Box::new(relation)),
        })
    }
}
