//! What names in a statement stand for: contexts, views, catalog tables, functions and types.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use arrow_schema::{DataType, SchemaRef, TimeUnit};
use calotype_storage::name::ContextName;
use calotype_storage::schema::timestamp_type;
use datafusion::catalog::TableProvider;
use datafusion::catalog::cte_worktable::CteWorkTable;
use datafusion::common::{DFSchema, TableReference, plan_datafusion_err, plan_err};
use datafusion::config::ConfigOptions;
use datafusion::datasource::{ViewTable, provider_as_source};
use datafusion::error::Result;
use datafusion::execution::SessionState;
use datafusion::logical_expr::planner::{ContextProvider, ExprPlanner, RelationPlanner, TypePlanner};
use datafusion::logical_expr::{
    AggregateUDF, Expr, HigherOrderUDF, LogicalPlan, ScalarUDF, TableSource, WindowUDF,
};
use datafusion::sql::planner::{PlannerContext, SqlToRel};
use datafusion::sql::sqlparser::ast::{DataType as SqlType, Expr as SqlExpr, ObjectName, TimezoneInfo};

use crate::catalog;
use crate::error::SqlError;
use crate::expansion::{self, RELATIONS_MAX};
use crate::instant::Folder;
use crate::nearest::suggest;
use crate::relation::TemporalRelations;
use crate::script::Query;
use crate::shared::Shared;
use crate::system_columns;
use crate::table::ContextTable;
use crate::table_functions;

/// The schema of contexts.
pub(crate) const CONTEXTS: &str = "public";
/// How deeply views may stand on views.
const VIEW_DEPTH_MAX: usize = 16;

/// What names stand for in one query, and what belongs to all queries of a statement.
#[derive(Debug, Clone)]
pub(crate) struct Scope {
    /// Store, principal and defaults.
    pub shared: Arc<Shared>,
    /// Options and functions.
    pub state: Arc<SessionState>,
    /// Texts of views, by name.
    pub views: Arc<BTreeMap<String, String>>,
    /// Folds constants.
    pub folder: Folder,
    /// Whether the query names system columns.
    pub names_system_columns: bool,
    view_depth: usize,
    /// Views that the statement has planned so far.
    views_planned: Arc<AtomicUsize>,
}

/// A scope that plans: with the clauses of its query.
#[derive(Debug)]
pub(crate) struct Planning {
    scope: Scope,
    relations: Vec<Arc<dyn RelationPlanner>>,
}

impl Scope {
    pub(crate) fn new(
        shared: Arc<Shared>,
        state: Arc<SessionState>,
        views: Arc<BTreeMap<String, String>>,
        folder: Folder,
    ) -> Self {
        Self {
            shared,
            state,
            views,
            folder,
            names_system_columns: false,
            view_depth: 0,
            views_planned: Arc::default(),
        }
    }

    /// Plans a query: names are found, instants folded, and every temporal clause is taken by a table.
    ///
    /// # Errors
    /// Something is not what the query needs.
    pub(crate) fn plan(&self, query: Query) -> Result<LogicalPlan> {
        let Query { mut statement, clauses, names_system_columns } = query;
        if names_system_columns {
            system_columns::hide(&mut statement, |name| {
                let is_range = clauses.peek(name).is_some_and(crate::clauses::Clause::is_range);
                !is_range && self.context_of(name).is_some()
            });
        }
        let scope = Self { names_system_columns, ..self.clone() };
        let relations = Arc::new(TemporalRelations::new(scope.clone(), clauses));
        let planning =
            Planning { scope, relations: vec![Arc::clone(&relations) as Arc<dyn RelationPlanner>] };
        let plan = SqlToRel::new(&planning).sql_statement_to_plan(statement)?;
        relations.check_all_taken()?;
        Ok(plan)
    }

    /// Plans an expression over some columns.
    ///
    /// # Errors
    /// It names something else, or its types do not fit.
    pub(crate) fn expression(&self, expression: SqlExpr, columns: &DFSchema) -> Result<Expr> {
        let planning = Planning { scope: self.clone(), relations: Vec::new() };
        SqlToRel::new(&planning).sql_to_expr(expression, columns, &mut PlannerContext::new())
    }

    /// The context that a name stands for, if it is one.
    pub(crate) fn context_of(&self, name: &ObjectName) -> Option<ContextName> {
        let parts: Option<Vec<String>> = name
            .0
            .iter()
            .map(|part| {
                let part = part.as_ident()?;
                Some(if part.quote_style.is_some() { part.value.clone() } else { part.value.to_lowercase() })
            })
            .collect();
        let parts = parts?;
        let table = match parts.as_slice() {
            [table] => table,
            [schema, table] if schema == CONTEXTS => table,
            [catalog, schema, table] if catalog == catalog::CATALOG && schema == CONTEXTS => table,
            _ => return None,
        };
        if self.views.contains_key(table) {
            return None;
        }
        let name = ContextName::parse(table).ok()?;
        self.shared.database().context(&name).ok().map(|_| name)
    }

    /// The table that a name stands for.
    fn table(&self, reference: &TableReference) -> Result<Arc<dyn TableProvider>> {
        let schema = reference.schema().unwrap_or(CONTEXTS);
        if reference.catalog().is_some_and(|name| name != catalog::CATALOG) {
            return plan_err!(
                "there is no catalog '{}': leave it out",
                reference.catalog().unwrap_or_default()
            );
        }
        if schema != CONTEXTS {
            return catalog::table(self, schema, reference.table());
        }
        let name = reference.table();
        if let Some(text) = self.views.get(name) {
            return self.view(name, text);
        }
        let name = ContextName::parse(name)
            .map_err(|error| plan_datafusion_err!("'{name}' is neither a context nor a view: {error}"))?;
        let fixed = self.shared.read(&name, None, None);
        let (fixed, reading) = fixed.map_err(|error| suggest(self, error, name.as_str()))?;
        Ok(Arc::new(ContextTable::new(Arc::clone(&self.shared), fixed, reading, self.names_system_columns)))
    }

    /// A view: its text is planned again in every statement, so that `now()` in it is the statement's.
    pub(crate) fn view(&self, name: &str, text: &str) -> Result<Arc<dyn TableProvider>> {
        if self.view_depth == VIEW_DEPTH_MAX {
            return plan_err!("view '{name}' stands on more than {VIEW_DEPTH_MAX} views, or on itself");
        }
        if self.views_planned.fetch_add(1, Ordering::Relaxed) >= RELATIONS_MAX {
            return Err(expansion::too_many().into());
        }
        let scope = Self { view_depth: self.view_depth + 1, ..self.clone() };
        let query =
            Query::read(text).map_err(|error| SqlError::refused(format!("view '{name}': {error}")))?;
        Ok(Arc::new(ViewTable::new(scope.plan(query)?, Some(text.to_owned()))))
    }
}

impl ContextProvider for Planning {
    fn get_table_source(&self, name: TableReference) -> Result<Arc<dyn TableSource>> {
        Ok(provider_as_source(self.scope.table(&name)?))
    }

    fn get_table_function_source(&self, name: &str, _: Vec<Expr>) -> Result<Arc<dyn TableSource>> {
        // All that there are have been planned before.
        Err(table_functions::unknown(name).into())
    }

    fn create_cte_work_table(&self, name: &str, schema: SchemaRef) -> Result<Arc<dyn TableSource>> {
        Ok(provider_as_source(Arc::new(CteWorkTable::new(name, schema))))
    }

    fn get_expr_planners(&self) -> &[Arc<dyn ExprPlanner>] {
        self.scope.state.expr_planners()
    }

    fn get_relation_planners(&self) -> &[Arc<dyn RelationPlanner>] {
        &self.relations
    }

    fn get_type_planner(&self) -> Option<Arc<dyn TypePlanner>> {
        Some(Arc::new(Types))
    }

    fn get_function_meta(&self, name: &str) -> Option<Arc<ScalarUDF>> {
        self.scope.state.scalar_functions().get(name).cloned()
    }

    fn get_higher_order_meta(&self, _: &str) -> Option<Arc<HigherOrderUDF>> {
        None
    }

    fn get_aggregate_meta(&self, name: &str) -> Option<Arc<AggregateUDF>> {
        self.scope.state.aggregate_functions().get(name).cloned()
    }

    fn get_window_meta(&self, name: &str) -> Option<Arc<WindowUDF>> {
        self.scope.state.window_functions().get(name).cloned()
    }

    fn get_variable_type(&self, _: &[String]) -> Option<DataType> {
        None
    }

    fn options(&self) -> &ConfigOptions {
        self.scope.state.config_options()
    }

    fn udf_names(&self) -> Vec<String> {
        self.scope.state.scalar_functions().keys().cloned().collect()
    }

    fn higher_order_function_names(&self) -> Vec<String> {
        Vec::new()
    }

    fn udaf_names(&self) -> Vec<String> {
        self.scope.state.aggregate_functions().keys().cloned().collect()
    }

    fn udwf_names(&self) -> Vec<String> {
        self.scope.state.window_functions().keys().cloned().collect()
    }
}

/// Every timestamp is microseconds, UTC: the one kind that Calotype keeps, and the only one that reaches 9999-12-31.
#[derive(Debug)]
struct Types;

impl TypePlanner for Types {
    fn plan_type_field(&self, sql_type: &SqlType) -> Result<Option<arrow_schema::FieldRef>> {
        #[expect(clippy::wildcard_enum_match_arm, reason = "all other types are planned as they are")]
        let data_type = match sql_type {
            SqlType::Timestamp(
                None | Some(6),
                TimezoneInfo::None
                | TimezoneInfo::WithoutTimeZone
                | TimezoneInfo::WithTimeZone
                | TimezoneInfo::Tz,
            )
            | SqlType::Datetime(None | Some(6)) => timestamp_type(),
            SqlType::Timestamp(..) | SqlType::Datetime(_) => {
                return plan_err!("'{sql_type}' is not a type here: timestamps have microseconds");
            }
            SqlType::Time(..) => DataType::Time64(TimeUnit::Microsecond),
            _ => return Ok(None),
        };
        Ok(Some(Arc::new(arrow_schema::Field::new("", data_type, true))))
    }
}
