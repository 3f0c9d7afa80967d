//! A context as a table of a statement: at a point, or over ranges of either axis.

use std::any::Any;
use std::fmt;
use std::sync::Arc;

use arrow_schema::{Field, Schema as ArrowSchema, SchemaRef};
use async_trait::async_trait;
use calotype_query::as_of::Only;
use calotype_query::history::Form;
use calotype_query::{
    AsOfRequest, Claim, Fixed, HistoryRequest, Keys, Point, QueryError, Rows, TimeRange, Touched, history,
    resolve, touched_by_as_of, touched_by_history,
};
use calotype_storage::schema::{arrow_field, timestamp_type};
use calotype_storage::{SystemTime, ValidTime};
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::Constraints;
use datafusion::error::Result;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown, TableType};
use datafusion::physical_plan::ExecutionPlan;
use futures::FutureExt;
use futures::future::BoxFuture;

use crate::claimed::Claimed;
use crate::pushdown::{Narrowing, supported};
use crate::reading::Reading;
use crate::scan::{Picked, ScanExec, Source};
use crate::shared::Shared;
use crate::system_columns;

/// A context as a table.
#[derive(Debug)]
pub(crate) struct ContextTable {
    shared: Arc<Shared>,
    fixed: Fixed,
    reading: Reading,
    schema: SchemaRef,
}

impl ContextTable {
    /// The table that a context is over some instants. System columns are there over a range, and at a point where the
    /// statement names them.
    pub(crate) fn new(
        shared: Arc<Shared>,
        fixed: Fixed,
        reading: Reading,
        names_system_columns: bool,
    ) -> Self {
        let mut fields: Vec<Field> = match &fixed.schema {
            None => Vec::new(),
            Some(schema) => schema.fields().iter().map(arrow_field).collect(),
        };
        if fixed.schema.is_some() && (reading.point().is_none() || names_system_columns) {
            fields.extend(
                system_columns::NAMES.map(|name| {
                    Field::new(name, timestamp_type(), matches!(name, "_valid_to" | "_system_to"))
                }),
            );
        }
        Self { shared, fixed, reading, schema: Arc::new(ArrowSchema::new(fields)) }
    }

    /// The context at its point.
    pub(crate) fn fixed(&self) -> &Fixed {
        &self.fixed
    }

    /// Narrows the instants by what predicates say of the system columns.
    fn narrowed(&self, narrowing: &Narrowing) -> Reading {
        let mut reading = self.reading;
        if self.reading.point().is_none() {
            reading.valid = overlap(reading.valid, narrowing.instants("_valid_from", "_valid_to"));
            // What is known at one instant stays so; and `_system_to` depends on the end of the range: only its start moves.
            if let TimeRange::Between(first, last) = reading.system {
                let (from, _) = narrowing.instants::<SystemTime>("_system_from", "_system_to");
                reading.system =
                    TimeRange::Between(from.map_or(first, |from| from.max(first)).min(last), last);
            }
        }
        reading
    }
}

/// The part of a range that lies within bounds, both included. Where nothing does, the range stays: the predicates let no
/// row through.
fn overlap(
    range: TimeRange<ValidTime>,
    (first, last): (Option<ValidTime>, Option<ValidTime>),
) -> TimeRange<ValidTime> {
    if matches!(range, TimeRange::At(_)) || (first.is_none() && last.is_none()) {
        return range;
    }
    let Ok((range_first, range_last)) = range.bounds() else { return range };
    let first = first.map_or(range_first, |first| first.micros().max(range_first));
    let last = last.map_or(range_last, |last| last.micros().min(range_last));
    match (
        ValidTime::from_micros(first.max(ValidTime::FIRST.micros())),
        ValidTime::from_micros(last.min(ValidTime::LAST.micros())),
    ) {
        (Some(first), Some(last)) if first <= last => TimeRange::Between(first, last),
        _ => range,
    }
}

#[async_trait]
impl TableProvider for ContextTable {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn constraints(&self) -> Option<&Constraints> {
        None
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> Result<Vec<TableProviderFilterPushDown>> {
        let at_point = self.reading.point().is_some();
        let schema = self.fixed.schema.as_deref();
        Ok(supported(filters, schema, |name| {
            match schema.and_then(|schema| Some((schema, schema.place_of(name)?))) {
                // At a point zones of columns narrow what is read.
                Some((schema, place)) => at_point && schema.fields()[place].field_type.is_key_type(),
                None => !at_point && system_columns::NAMES.contains(&name),
            }
        }))
    }

    async fn scan(
        &self,
        _: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        _: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let narrowing = Narrowing::of(filters);
        let keys = match &self.fixed.schema {
            Some(schema) => narrowing.keys(self.fixed.context.name(), schema),
            None => Keys::All,
        };
        let only = self.fixed.schema.as_ref().map_or_else(Vec::new, |schema| narrowing.only(schema));
        let declared = self.fixed.schema.as_ref().map_or(0, |schema| schema.fields().len());
        let reading = self.narrowed(&narrowing);
        // Over a range all four come anyway.
        let Picked { read, picks, system } =
            Picked::of(projection, self.schema.fields().len(), declared, reading.point().is_none());
        let rest = if system { declared..self.schema.fields().len() } else { 0..0 };
        let fields: Vec<Field> =
            read.iter().copied().chain(rest).map(|place| self.schema.field(place).clone()).collect();
        let schema: SchemaRef = Arc::new(ArrowSchema::new(fields));
        let source = ContextSource {
            shared: Arc::clone(&self.shared),
            columns: read.iter().map(|place| self.schema.field(*place).name().clone()).collect(),
            fixed: self.fixed.clone(),
            reading,
            keys,
            only,
            system,
            schema,
        };
        Ok(Arc::new(ScanExec::new(Arc::new(source), &picks)))
    }
}

/// What is asked of a context.
enum Question {
    AsOf(AsOfRequest),
    Range(HistoryRequest),
}

/// What is read of a context.
pub(crate) struct ContextSource {
    shared: Arc<Shared>,
    fixed: Fixed,
    reading: Reading,
    keys: Keys,
    only: Vec<Only>,
    columns: Vec<String>,
    system: bool,
    schema: SchemaRef,
}

impl fmt::Debug for ContextSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.describe(f)
    }
}

impl Claimed for ContextTable {
    fn claims(&self) -> &[Claim] {
        std::slice::from_ref(&self.fixed.claim)
    }
}

impl ContextSource {
    fn question(&self) -> Question {
        let context = self.fixed.context.name().clone();
        let principal = self.shared.principal().clone();
        let schema_version = self.fixed.schema.as_ref().map(|schema| schema.version());
        if let Some((valid, known)) = self.reading.point() {
            let point = Point { valid_at: Some(valid), known_at: Some(known) };
            return Question::AsOf(AsOfRequest {
                principal,
                keys: self.keys.clone(),
                only: self.only.clone(),
                columns: Some(self.columns.clone()),
                system_columns: self.system,
                schema_version,
                ..AsOfRequest::new(context, point)
            });
        }
        Question::Range(HistoryRequest {
            principal,
            valid: self.reading.valid,
            system: self.reading.system,
            columns: Some(self.columns.clone()),
            schema_version,
            ..HistoryRequest::new(context, self.keys.clone(), Form::Rectangles)
        })
    }
}

impl Source for ContextSource {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn order(&self) -> Vec<String> {
        let mut order = self.fixed.schema.as_ref().map_or_else(Vec::new, |schema| schema.key_names());
        if self.reading.point().is_none() {
            order.push("_valid_from".to_owned());
        }
        order
    }

    fn is_small(&self) -> bool {
        matches!(&self.keys, Keys::These(keys) if keys.len() <= 64)
    }

    fn start(&self) -> BoxFuture<'static, Result<Rows, QueryError>> {
        let (shared, question) = (Arc::clone(&self.shared), self.question());
        async move {
            let (database, policy) = (shared.database(), shared.policy());
            Ok(match question {
                Question::AsOf(request) => resolve(database, policy, &request).await?,
                Question::Range(request) => history(database, policy, &request).await?,
            }
            .into_rows())
        }
        .boxed()
    }

    fn touched(&self) -> BoxFuture<'static, Result<Option<Touched>, QueryError>> {
        let (shared, question) = (Arc::clone(&self.shared), self.question());
        async move {
            let (database, policy) = (shared.database(), shared.policy());
            Ok(Some(match question {
                Question::AsOf(request) => touched_by_as_of(database, policy, &request).await?,
                Question::Range(request) => touched_by_history(database, policy, &request).await?,
            }))
        }
        .boxed()
    }

    fn describe(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "context={}, {}, ", self.fixed.context.name(), self.reading)?;
        if !self.only.is_empty() {
            let columns: Vec<&str> = self.only.iter().map(|only| only.column.as_str()).collect();
            write!(f, "zones of [{}], ", columns.join(", "))?;
        }
        match &self.keys {
            Keys::All => f.write_str("keys=all"),
            Keys::These(keys) => write!(f, "keys={} named", keys.len()),
            Keys::Range { .. } => f.write_str("keys=a range"),
        }
    }
}

/// The context table behind a provider, if it is one.
pub(crate) fn as_context_table(provider: &dyn TableProvider) -> Option<&ContextTable> {
    (provider as &dyn Any).downcast_ref()
}
