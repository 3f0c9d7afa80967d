//! A table of rows that are made as they are read, a value of each wanted column from each.

use std::fmt;
use std::sync::Arc;

use arrow_array::{
    ArrayRef, BooleanArray, Int64Array, RecordBatch, RecordBatchOptions, StringArray,
    TimestampMicrosecondArray,
};
use arrow_schema::{DataType, Field, Schema as ArrowSchema, SchemaRef};
use async_trait::async_trait;
use calotype_query::{Claim, QueryError, Rows};
use calotype_storage::error::Error;
use calotype_storage::schema::timestamp_type;
use datafusion::catalog::{Session, TableProvider};
use datafusion::error::Result;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown, TableType};
use datafusion::physical_plan::ExecutionPlan;
use futures::future::BoxFuture;
use futures::stream::BoxStream;
use futures::{FutureExt, StreamExt, TryStreamExt};

use crate::claimed::Claimed;
use crate::pushdown::{Narrowing, supported};
use crate::scan::{Picked, ScanExec, Source, rows};
use crate::scope::Scope;

/// Rows of a batch, which are in memory at once.
const BATCH_ROWS: usize = 256;

/// How a column's value comes from a row.
enum Value<T> {
    Text(fn(&T) -> Option<String>),
    Integer(fn(&T) -> Option<i64>),
    /// Microseconds.
    Instant(fn(&T) -> Option<i64>),
    Boolean(fn(&T) -> Option<bool>),
}

/// A column of a list.
pub(super) struct Column<T> {
    name: &'static str,
    value: Value<T>,
}

impl<T> Column<T> {
    pub(super) const fn text(name: &'static str, value: fn(&T) -> Option<String>) -> Self {
        Self { name, value: Value::Text(value) }
    }

    pub(super) const fn integer(name: &'static str, value: fn(&T) -> Option<i64>) -> Self {
        Self { name, value: Value::Integer(value) }
    }

    pub(super) const fn instant(name: &'static str, micros: fn(&T) -> Option<i64>) -> Self {
        Self { name, value: Value::Instant(micros) }
    }

    pub(super) const fn boolean(name: &'static str, value: fn(&T) -> Option<bool>) -> Self {
        Self { name, value: Value::Boolean(value) }
    }

    fn field(&self) -> Field {
        let data_type = match &self.value {
            Value::Text(_) => DataType::Utf8,
            Value::Integer(_) => DataType::Int64,
            Value::Instant(_) => timestamp_type(),
            Value::Boolean(_) => DataType::Boolean,
        };
        Field::new(self.name, data_type, true)
    }

    fn array(&self, rows: &[T]) -> ArrayRef {
        match &self.value {
            Value::Text(value) => Arc::new(rows.iter().map(value).collect::<StringArray>()),
            Value::Integer(value) => Arc::new(rows.iter().map(value).collect::<Int64Array>()),
            Value::Instant(value) => {
                Arc::new(rows.iter().map(value).collect::<TimestampMicrosecondArray>().with_timezone("UTC"))
            }
            Value::Boolean(value) => Arc::new(rows.iter().map(value).collect::<BooleanArray>()),
        }
    }
}

/// What is asked of a list.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    /// Of the statement.
    pub scope: Scope,
    /// The first and the last commit that is asked about, both included; `None`: no bound.
    pub commits: (Option<i64>, Option<i64>),
    /// Names of the contexts that are asked about; `None`: all.
    pub contexts: Option<Vec<String>>,
}

/// Rows of a list as they are made.
pub(super) type Listed<T> = BoxStream<'static, Result<T, QueryError>>;

/// The rows of a table and their columns.
pub(super) struct List<T: 'static> {
    /// The columns.
    pub columns: &'static [Column<T>],
    /// Columns by which rows come sorted.
    pub order: &'static [&'static str],
    /// The rows. More may come than are asked for.
    pub rows: fn(&Asked) -> Listed<T>,
}

/// A list, whatever its rows are.
pub(super) trait Listing: Send + Sync {
    /// All columns.
    fn schema(&self) -> ArrowSchema;

    /// Columns by which rows come sorted.
    fn order(&self) -> &'static [&'static str];

    /// Batches with the columns at these places.
    fn batches(
        &self,
        asked: Asked,
        places: Vec<usize>,
        schema: SchemaRef,
    ) -> BoxStream<'static, Result<RecordBatch, QueryError>>;
}

impl<T: Send + 'static> Listing for List<T> {
    fn schema(&self) -> ArrowSchema {
        ArrowSchema::new(self.columns.iter().map(Column::field).collect::<Vec<_>>())
    }

    fn order(&self) -> &'static [&'static str] {
        self.order
    }

    fn batches(
        &self,
        asked: Asked,
        places: Vec<usize>,
        schema: SchemaRef,
    ) -> BoxStream<'static, Result<RecordBatch, QueryError>> {
        let columns = self.columns;
        (self.rows)(&asked)
            .try_chunks(BATCH_ROWS)
            .map(move |rows| {
                let rows = rows.map_err(|error| error.1)?;
                let arrays = places.iter().map(|place| columns[*place].array(&rows)).collect();
                let options = RecordBatchOptions::new().with_row_count(Some(rows.len()));
                RecordBatch::try_new_with_options(Arc::clone(&schema), arrays, &options).map_err(|error| {
                    Error::Damaged { object: "a catalog table".into(), what: error.to_string() }.into()
                })
            })
            .boxed()
    }
}

/// A list as a table of a statement.
pub(crate) struct CatalogTable {
    scope: Scope,
    name: &'static str,
    list: &'static dyn Listing,
    schema: SchemaRef,
}

impl CatalogTable {
    pub(super) fn new(scope: Scope, name: &'static str, list: &'static dyn Listing) -> Self {
        let schema = Arc::new(list.schema());
        Self { scope, name, list, schema }
    }
}

impl fmt::Debug for CatalogTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CatalogTable").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Claimed for CatalogTable {
    fn claims(&self) -> &[Claim] {
        &[]
    }

    fn is_of_the_moment(&self) -> bool {
        true
    }
}

#[async_trait]
impl TableProvider for CatalogTable {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> Result<Vec<TableProviderFilterPushDown>> {
        Ok(supported(filters, None, |name| matches!(name, "commit" | "context")))
    }

    async fn scan(
        &self,
        _: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        _: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let narrowing = Narrowing::of(filters);
        let all = self.schema.fields().len();
        let Picked { read, picks, .. } = Picked::of(projection, all, all, false);
        let fields: Vec<Field> = read.iter().map(|place| self.schema.field(*place).clone()).collect();
        let source = CatalogSource {
            name: self.name,
            list: self.list,
            asked: Asked {
                scope: self.scope.clone(),
                commits: narrowing.integers("commit"),
                contexts: narrowing.texts("context"),
            },
            read,
            schema: Arc::new(ArrowSchema::new(fields)),
        };
        Ok(Arc::new(ScanExec::new(Arc::new(source), &picks)))
    }
}

struct CatalogSource {
    name: &'static str,
    list: &'static dyn Listing,
    asked: Asked,
    read: Vec<usize>,
    schema: SchemaRef,
}

impl fmt::Debug for CatalogSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.describe(f)
    }
}

impl Source for CatalogSource {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn order(&self) -> Vec<String> {
        self.list.order().iter().map(|name| (*name).to_owned()).collect()
    }

    fn is_small(&self) -> bool {
        false
    }

    fn start(&self) -> BoxFuture<'static, Result<Rows, QueryError>> {
        let batches = self.list.batches(self.asked.clone(), self.read.clone(), Arc::clone(&self.schema));
        std::future::ready(Ok(rows(Arc::clone(&self.schema), batches))).boxed()
    }

    fn describe(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "catalog table={}", self.name)?;
        match self.asked.commits {
            (None, None) => {}
            (first, last) => {
                let shown = |bound: Option<i64>| bound.map_or(String::new(), |bound| bound.to_string());
                write!(f, ", commits={}..={}", shown(first), shown(last))?;
            }
        }
        match &self.asked.contexts {
            None => Ok(()),
            Some(contexts) => write!(f, ", contexts={}", contexts.len()),
        }
    }
}
