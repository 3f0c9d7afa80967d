//! `where`: the state of a context at a point, of which one predicate lets rows through.
//!
//! The predicate is parsed as an expression to its end and holds no query, so that it can say nothing but which rows of
//! the state come; that state is what an as-of answers, with its keys, columns, offsets and schema version.

use std::fmt;
use std::ops::ControlFlow;
use std::sync::Arc;

use arrow_schema::{DataType, Schema as ArrowSchema, SchemaRef};
use async_trait::async_trait;
use calotype_query::fixed::Moment;
use calotype_query::{AsOfRequest, Claim, Keys, Point, QueryError, Rows, resolve};
use calotype_storage::schema::{Schema, SchemaVersion};
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::tree_node::TreeNode;
use datafusion::common::{Column, TableReference};
use datafusion::datasource::provider_as_source;
use datafusion::error::Result as PlanResult;
use datafusion::logical_expr::{
    Expr, ExprSchemable, LogicalPlanBuilder, TableProviderFilterPushDown, TableType,
};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::stream::EmptyRecordBatchStream;
use datafusion::sql::sqlparser::ast::{Expr as SqlExpr, Query, Visit, Visitor};
use datafusion::sql::sqlparser::parser::Parser;
use datafusion::sql::sqlparser::tokenizer::Token;
use futures::FutureExt;
use futures::future::BoxFuture;

use super::SqlEngine;
use crate::answer::SqlAnswer;
use crate::caught::caught;
use crate::claim::{StatementClaim, names_the_present};
use crate::dialect::TemporalDialect;
use crate::error::SqlError;
use crate::gate::{self, IN_LIST_MAX};
use crate::parameters::Parameters;
use crate::pushdown::{Narrowing, narrows};
use crate::rows;
use crate::scan::{ScanExec, Source};
use crate::script::{DEPTH_MAX, tokens};
use crate::shared::Shared;
use crate::system_columns;

impl SqlEngine {
    /// Answers the rows of a state for which a predicate holds, sorted by key. The claim has one reading: that of the state.
    ///
    /// # Errors
    /// [`SqlError`] says what is wrong with the predicate, or with the question.
    pub fn filter<'a>(
        &'a self,
        request: &'a AsOfRequest,
        predicate: &'a str,
    ) -> BoxFuture<'a, Result<SqlAnswer, SqlError>> {
        Box::pin(caught(self.filtered(request, predicate)))
    }

    async fn filtered(&self, request: &AsOfRequest, predicate: &str) -> Result<SqlAnswer, SqlError> {
        let (predicate, names_system_columns) = parse(predicate)?;
        // All columns, since the predicate may name those that are not wanted: begun, and dropped before anything is read.
        let mut state = request.clone();
        (state.columns, state.system_columns) = (None, true);
        let begun = resolve(&self.database, self.policy.as_ref(), &state).await?;
        let mut claim = begun.claim().clone();
        let at = claim.at();
        state.point = Point { valid_at: Some(at.valid), known_at: Some(at.system) };
        (state.at_least, state.schema_version) = (None, claim.schema_version.map(SchemaVersion::new));
        let system_columns = request.system_columns || names_system_columns;
        let table = StateTable::new(self, begun.schema(), state, system_columns)?;
        drop(begun);

        if table.declared.is_none() {
            let nothing = EmptyRecordBatchStream::new(Arc::new(ArrowSchema::empty()));
            return Ok(SqlAnswer::new(Box::pin(nothing), of_one(claim)));
        }
        let moment = Moment::of(&self.database);
        let shared = Arc::new(Shared::new(
            Arc::clone(&self.database),
            Arc::clone(&self.policy),
            request.principal.clone(),
            moment,
            Some(at.valid),
            Some(at.system),
            Some(at.system),
        ));
        let (mut session, scope) = self.session(&shared, std::collections::BTreeMap::new())?;
        let wanted = table.wanted(request, &claim)?;
        let name = TableReference::bare(request.context.as_str());
        let scan = LogicalPlanBuilder::scan(name.clone(), provider_as_source(Arc::new(table)), None)?;
        let predicate = scope.expression(predicate, scan.schema())?;
        let is_of_many = |part: &Expr| {
            Ok(matches!(part, Expr::AggregateFunction(_) | Expr::WindowFunction(_) | Expr::Unnest(_)))
        };
        if predicate.exists(is_of_many)? {
            return Err(SqlError::refused("where is about one row: it holds no aggregate, window or unnest"));
        }
        let found = predicate.get_type(scan.schema())?;
        if !matches!(found, DataType::Boolean | DataType::Null) {
            return Err(SqlError::refused(format!("where expects what is true or false; found {found}")));
        }
        let wanted = wanted.into_iter().map(|column| Expr::Column(Column::new(Some(name.clone()), column)));
        let plan = scan.filter(predicate)?.project(wanted.collect::<Vec<_>>())?.build()?;
        claim.settled &= !names_the_present(&plan)?;
        let plan = session.optimize(plan)?;
        let physical = session.physical(&plan).await?;
        Ok(SqlAnswer::new(session.run(physical)?, of_one(claim)))
    }
}

/// The claim of what has read one state.
fn of_one(claim: Claim) -> StatementClaim {
    StatementClaim {
        store: claim.store.clone(),
        settled: claim.settled,
        settled_to: claim.settled_until().map(|settled| settled.to_string()),
        reads: vec![claim],
        reads_more: 0,
    }
}

/// Reads a predicate, and whether it names a system column.
fn parse(text: &str) -> Result<(SqlExpr, bool), SqlError> {
    let tokens = tokens(text)?;
    let names_system_columns = tokens.iter().any(|token| system_columns::is_one(&token.token));
    let mut parser =
        Parser::new(&TemporalDialect).with_tokens_with_locations(tokens).with_recursion_limit(DEPTH_MAX);
    let mut expression = parser.parse_expr().map_err(|error| SqlError::syntax(&error))?;
    let rest = parser.peek_token();
    if rest.token != Token::EOF {
        return Err(SqlError::clause(
            rest.span.start,
            "the end of the predicate",
            format!("'{}'", rest.token),
        ));
    }
    if let ControlFlow::Break(error) = expression.visit(&mut Gate) {
        return Err(error);
    }
    rows::take_apart(&mut expression);
    gate::check_expression(&expression)?;
    Parameters::default().bind(&mut expression)?;
    Ok((expression, names_system_columns))
}

/// What a predicate may hold.
struct Gate;

impl Visitor for Gate {
    type Break = SqlError;

    fn pre_visit_query(&mut self, _: &Query) -> ControlFlow<SqlError> {
        ControlFlow::Break(SqlError::refused("where holds no query: ask it as a statement, with sql"))
    }

    fn pre_visit_expr(&mut self, expression: &SqlExpr) -> ControlFlow<SqlError> {
        #[expect(clippy::wildcard_enum_match_arm, reason = "the planner decides about all others")]
        let what = match expression {
            SqlExpr::InList { list, .. } if list.len() > IN_LIST_MAX => "an IN list of so many elements",
            SqlExpr::Function(function) if function.over.is_some() => "a window",
            _ => return ControlFlow::Continue(()),
        };
        ControlFlow::Break(SqlError::refused(format!("{what} is not answered in where: leave it out")))
    }
}

/// A state as a table.
struct StateTable {
    source: StateSource,
    /// The schema of the context that answers; `None` before the first.
    declared: Option<Arc<Schema>>,
    /// Declared columns, then the system columns if they are wanted.
    schema: SchemaRef,
}

impl fmt::Debug for StateTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.source.describe(f)
    }
}

impl StateTable {
    fn new(
        engine: &SqlEngine,
        all: &SchemaRef,
        request: AsOfRequest,
        system_columns: bool,
    ) -> Result<Self, SqlError> {
        let context = engine.database.context(&request.context)?;
        let declared = request.schema_version.and_then(|version| context.schema_version(version)).cloned();
        let width = match &declared {
            Some(schema) if !system_columns => schema.fields().len(),
            _ => all.fields().len(),
        };
        let schema: SchemaRef = Arc::new(ArrowSchema::new(all.fields()[..width].to_vec()));
        let source = StateSource {
            database: Arc::clone(&engine.database),
            policy: Arc::clone(&engine.policy),
            key: declared.as_ref().map_or_else(Vec::new, |schema| schema.key_names()),
            request,
            schema: Arc::clone(&schema),
        };
        Ok(Self { source, declared, schema })
    }

    /// The names of the columns that are wanted.
    fn wanted(&self, request: &AsOfRequest, claim: &Claim) -> Result<Vec<String>, SqlError> {
        let Some(schema) = &self.declared else { return Ok(Vec::new()) };
        let declared = || schema.fields().iter().map(|field| field.name.to_string());
        let mut wanted: Vec<String> = request.columns.clone().unwrap_or_else(|| declared().collect());
        if let Some(unknown) = wanted.iter().find(|name| !declared().any(|declared| declared == **name)) {
            return Err(SqlError::Query(QueryError::NoColumn {
                context: request.context.clone(),
                column: unknown.chars().take(128).collect(),
                version: claim.schema_version.unwrap_or_default(),
            }));
        }
        if request.system_columns {
            wanted.extend(system_columns::NAMES.map(str::to_owned));
        }
        Ok(wanted)
    }
}

#[async_trait]
impl TableProvider for StateTable {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> PlanResult<Vec<TableProviderFilterPushDown>> {
        let is_key = |name: &str| self.source.key.iter().any(|key| key == name);
        let support = |filter: &&Expr| {
            if narrows(filter, is_key) {
                TableProviderFilterPushDown::Inexact
            } else {
                TableProviderFilterPushDown::Unsupported
            }
        };
        Ok(filters.iter().map(support).collect())
    }

    async fn scan(
        &self,
        _: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        _: Option<usize>,
    ) -> PlanResult<Arc<dyn ExecutionPlan>> {
        let mut request = self.source.request.clone();
        if let (Keys::All, Some(schema)) = (&request.keys, &self.declared) {
            request.keys = Narrowing::of(filters).keys(&request.context, schema);
        }
        let wanted = projection.cloned().unwrap_or_else(|| (0..self.schema.fields().len()).collect());
        let declared = self.declared.as_ref().map_or(0, |schema| schema.fields().len());
        // What is read: of the declared columns those that are wanted, and the system columns all or none.
        let system = wanted.iter().any(|place| *place >= declared);
        let read: Vec<usize> = wanted.iter().copied().filter(|place| *place < declared).collect();
        let behind = declared..if system { self.schema.fields().len() } else { declared };
        let fields: Vec<_> = read
            .iter()
            .copied()
            .chain(behind)
            .map(|place| Arc::clone(&self.schema.fields()[place]))
            .collect();
        let mut next = 0..read.len();
        let pick = |place: &usize| {
            if *place < declared { next.next().unwrap_or_default() } else { read.len() + place - declared }
        };
        let picks: Vec<usize> = wanted.iter().map(pick).collect();
        request.columns = Some(read.iter().map(|place| self.schema.field(*place).name().clone()).collect());
        request.system_columns = system;
        let source =
            StateSource { request, schema: Arc::new(ArrowSchema::new(fields)), ..self.source.clone() };
        Ok(Arc::new(ScanExec::new(Arc::new(source), &picks)))
    }
}

/// What is read of a state.
#[derive(Clone)]
struct StateSource {
    database: Arc<calotype_storage::database::Database>,
    policy: Arc<dyn calotype_query::Policy>,
    request: AsOfRequest,
    key: Vec<String>,
    schema: SchemaRef,
}

impl fmt::Debug for StateSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.describe(f)
    }
}

impl Source for StateSource {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn order(&self) -> Vec<String> {
        self.key.clone()
    }

    fn is_small(&self) -> bool {
        matches!(&self.request.keys, Keys::These(keys) if keys.len() <= 64)
    }

    fn start(&self) -> BoxFuture<'static, Result<Rows, QueryError>> {
        let Self { database, policy, request, .. } = self.clone();
        async move { Ok(resolve(&database, policy.as_ref(), &request).await?.into_rows()) }.boxed()
    }

    fn describe(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "state of context={}", self.request.context)
    }
}
