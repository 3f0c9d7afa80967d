//! A question about a context as a table: what differs, or what was told of keys.

use std::fmt;
use std::sync::Arc;

use arrow_schema::{Field, Schema as ArrowSchema, SchemaRef};
use async_trait::async_trait;
use calotype_query::diff::columns as diff_columns;
use calotype_query::history::{Form, columns as history_columns};
use calotype_query::{
    Claim, DiffRequest, HistoryRequest, Keys, Point, QueryError, Rows, TimeRange, diff, history,
};
use calotype_storage::name::ContextName;
use calotype_storage::schema::Schema;
use calotype_storage::{AsOf, SystemTime};
use datafusion::catalog::{Session, TableProvider};
use datafusion::error::Result;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown, TableType};
use datafusion::physical_plan::ExecutionPlan;
use futures::future::BoxFuture;
use futures::{FutureExt, StreamExt, stream};

use crate::claimed::Claimed;
use crate::pushdown::{Narrowing, supported};
use crate::scan::{Picked, ScanExec, Source, rows};
use crate::shared::Shared;

/// What is asked about a context.
#[derive(Clone, Debug)]
pub(super) enum Question {
    /// What differs between two points.
    Diff {
        /// One.
        from: AsOf,
        /// The other.
        to: AsOf,
    },
    /// What was told of keys.
    History {
        /// As facts or rectangles.
        form: Form,
        /// The first system time that is asked about.
        from: SystemTime,
        /// The last; if it lies before the first, nothing is.
        to: SystemTime,
        /// Which keys; `None`: those that predicates let through.
        keys: Option<Keys>,
    },
}

/// A question about a context as a table.
#[derive(Debug)]
pub(crate) struct QuestionTable {
    shared: Arc<Shared>,
    context: ContextName,
    schema: Option<Arc<Schema>>,
    question: Question,
    claims: Vec<Claim>,
    columns: SchemaRef,
}

impl QuestionTable {
    /// The table of a question; claims are those of the points that it reads, and the schema is the one that answers.
    pub(super) fn new(
        shared: &Arc<Shared>,
        context: ContextName,
        schema: Option<Arc<Schema>>,
        question: Question,
        claims: Vec<Claim>,
    ) -> Self {
        let columns = match &question {
            Question::Diff { .. } => diff_columns(schema.as_deref()),
            Question::History { form, .. } => {
                let places: Vec<usize> = (0..declared(schema.as_deref())).collect();
                history_columns(schema.as_deref(), &places, *form)
            }
        };
        Self { shared: Arc::clone(shared), context, schema, question, claims, columns }
    }

    /// The columns that are read for a projection: the declared ones by name, all by field, and where each wanted one
    /// is among them.
    fn picked(&self, projection: Option<&Vec<usize>>) -> (Vec<String>, SchemaRef, Vec<usize>) {
        let all = self.columns.fields().len();
        match self.question {
            // Content is compared in all columns, so all are read.
            Question::Diff { .. } => {
                let picks = projection.cloned().unwrap_or_else(|| (0..all).collect());
                (Vec::new(), Arc::clone(&self.columns), picks)
            }
            Question::History { .. } => {
                let declared = declared(self.schema.as_deref());
                let Picked { read, picks, .. } = Picked::of(projection, all, declared, true);
                let names = read.iter().map(|place| self.columns.field(*place).name().clone()).collect();
                let fields: Vec<Field> = read
                    .into_iter()
                    .chain(declared..all)
                    .map(|place| self.columns.field(place).clone())
                    .collect();
                (names, Arc::new(ArrowSchema::new(fields)), picks)
            }
        }
    }
}

fn declared(schema: Option<&Schema>) -> usize {
    schema.map_or(0, |schema| schema.fields().len())
}

impl Claimed for QuestionTable {
    fn claims(&self) -> &[Claim] {
        &self.claims
    }
}

#[async_trait]
impl TableProvider for QuestionTable {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.columns)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> Result<Vec<TableProviderFilterPushDown>> {
        let schema = match &self.question {
            Question::History { keys: Some(_), .. } => None,
            Question::Diff { .. } | Question::History { keys: None, .. } => self.schema.as_deref(),
        };
        Ok(supported(filters, schema, |_| false))
    }

    async fn scan(
        &self,
        _: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        _: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let keys = match (&self.question, &self.schema) {
            (Question::History { keys: Some(keys), .. }, _) => keys.clone(),
            (_, Some(schema)) => Narrowing::of(filters).keys(&self.context, schema),
            (_, None) => Keys::All,
        };
        let (names, columns, picks) = self.picked(projection);
        let source = QuestionSource {
            shared: Arc::clone(&self.shared),
            context: self.context.clone(),
            schema: self.schema.clone(),
            question: self.question.clone(),
            keys,
            names,
            columns,
        };
        Ok(Arc::new(ScanExec::new(Arc::new(source), &picks)))
    }
}

/// What is read for a question.
struct QuestionSource {
    shared: Arc<Shared>,
    context: ContextName,
    schema: Option<Arc<Schema>>,
    question: Question,
    keys: Keys,
    /// The declared columns that are read, where not all are.
    names: Vec<String>,
    columns: SchemaRef,
}

impl fmt::Debug for QuestionSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.describe(f)
    }
}

impl Source for QuestionSource {
    fn schema(&self) -> &SchemaRef {
        &self.columns
    }

    fn order(&self) -> Vec<String> {
        let mut order = self.schema.as_ref().map_or_else(Vec::new, |schema| schema.key_names());
        match self.question {
            Question::Diff { .. } => {}
            Question::History { form: Form::Facts, .. } => order.push("_system_from".to_owned()),
            Question::History { form: Form::Rectangles, .. } => order.push("_valid_from".to_owned()),
        }
        order
    }

    fn is_small(&self) -> bool {
        matches!(&self.keys, Keys::These(keys) if keys.len() <= 64)
    }

    fn start(&self) -> BoxFuture<'static, Result<Rows, QueryError>> {
        let Some(schema) = self.schema.as_ref().filter(|_| !self.question.is_empty()) else {
            let nothing = rows(Arc::clone(&self.columns), stream::empty().boxed());
            return std::future::ready(Ok(nothing)).boxed();
        };
        let shared = Arc::clone(&self.shared);
        let (context, keys, version) = (self.context.clone(), self.keys.clone(), schema.version());
        let principal = shared.principal().clone();
        match self.question {
            Question::Diff { from, to } => {
                let point = |at: AsOf| Point { valid_at: Some(at.valid), known_at: Some(at.system) };
                let request = DiffRequest {
                    principal,
                    context,
                    from: point(from),
                    to: point(to),
                    keys,
                    schema_version: Some(version),
                    at_least: None,
                };
                async move { Ok(diff(shared.database(), shared.policy(), &request).await?.into_rows()) }
                    .boxed()
            }
            Question::History { form, from, to, .. } => {
                let mut request = HistoryRequest::new(context, keys, form);
                request.principal = principal;
                request.system = TimeRange::Between(from, to);
                request.columns = Some(self.names.clone());
                request.schema_version = Some(version);
                async move { Ok(history(shared.database(), shared.policy(), &request).await?.into_rows()) }
                    .boxed()
            }
        }
    }

    fn describe(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "context={}, {}, ", self.context, self.question)?;
        match &self.keys {
            Keys::All => f.write_str("keys=all"),
            Keys::These(keys) => write!(f, "keys={} named", keys.len()),
            Keys::Range { .. } => f.write_str("keys=a range"),
        }
    }
}

impl Question {
    /// Whether its range of system time holds nothing.
    fn is_empty(&self) -> bool {
        matches!(self, Self::History { from, to, .. } if from > to)
    }
}

impl fmt::Display for Question {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Diff { from, to } => write!(
                f,
                "diff from valid at {}, known at {} to valid at {}, known at {}",
                from.valid, from.system, to.valid, to.system
            ),
            Self::History { form, from, to, .. } => {
                let form = match form {
                    Form::Facts => "facts",
                    Form::Rectangles => "rectangles",
                };
                if *from == SystemTime::FIRST {
                    write!(f, "{form} known at {to}")
                } else {
                    write!(f, "{form} known from {from} to {to}")
                }
            }
        }
    }
}
