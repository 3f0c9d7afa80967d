//! `generate_series(start, end, step)`, its end included, and `range(start, end, step)`, its end not: integers, days or
//! instants in one column, `value`.
//!
//! Each value is the start with so many steps added at once, so that months from January 31st on are the ends of the
//! months, and not the 28th or 29th from February on. Values are made as they are read: a series takes no memory.

use std::fmt;
use std::sync::Arc;

use arrow_array::temporal_conversions::MICROSECONDS_IN_DAY;
use arrow_array::timezone::Tz;
use arrow_array::types::{IntervalMonthDayNano, TimestampMicrosecondType};
use arrow_array::{ArrayRef, Date32Array, Int64Array, RecordBatch, TimestampMicrosecondArray};
use arrow_schema::{DataType, Field, Schema as ArrowSchema, SchemaRef};
use async_trait::async_trait;
use calotype_query::{QueryError, Rows};
use calotype_storage::error::Error;
use calotype_storage::schema::timestamp_type;
use datafusion::catalog::{Session, TableProvider};
use datafusion::error::Result;
use datafusion::logical_expr::planner::RelationPlannerContext;
use datafusion::logical_expr::{Expr, TableType};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::scalar::ScalarValue;
use datafusion::sql::sqlparser::ast::{FunctionArg, FunctionArgExpr};
use futures::future::BoxFuture;
use futures::{FutureExt, StreamExt, stream};

use crate::error::SqlError;
use crate::scan::{ScanExec, Source, rows};
use crate::scope::Scope;

/// Values of a batch.
const BATCH_VALUES: usize = 8_192;

/// What is counted, and by which step.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Steps {
    Integers(i64),
    /// Days since the epoch, by steps of whole days.
    Days(IntervalMonthDayNano),
    /// Microseconds.
    Instants(IntervalMonthDayNano),
}

/// A series of values.
#[derive(Clone, Copy, Debug)]
struct Series {
    name: &'static str,
    start: i64,
    end: i64,
    includes_end: bool,
    steps: Steps,
}

/// Plans a call.
pub(super) fn plan(
    scope: &Scope,
    name: &'static str,
    includes_end: bool,
    arguments: &[FunctionArg],
    planner: &mut dyn RelationPlannerContext,
) -> Result<SeriesTable> {
    let mut values = Vec::with_capacity(3);
    for argument in arguments {
        let FunctionArg::Unnamed(FunctionArgExpr::Expr(expression)) = argument else {
            return Err(wrong(name, &format_args!("'{argument}'")).into());
        };
        values.push(scope.folder.constant(expression, planner)?);
    }
    let series = Series::of(name, includes_end, &values).ok_or_else(|| {
        let types: Vec<String> = values.iter().map(|value| value.data_type().to_string()).collect();
        wrong(name, &format_args!("values of the types ({})", types.join(", ")))
    })?;
    if !series.steps.is_one_way() {
        return Err(SqlError::refused(format!(
            "{name} expected a step that leads one way; found {}",
            values[2]
        ))
        .into());
    }
    Ok(SeriesTable { series, columns: series.columns() })
}

fn wrong(name: &str, found: &dyn fmt::Display) -> SqlError {
    SqlError::refused(format!(
        "{name} expected (start, end[, step]) of integers, or (start, end, step) of dates or timestamps and an interval; \
         found {found}"
    ))
}

/// Microseconds of an instant or of a day's first one.
fn micros(value: &ScalarValue) -> Option<i64> {
    #[expect(clippy::wildcard_enum_match_arm, reason = "all others are no instants")]
    match value {
        ScalarValue::TimestampMicrosecond(micros, _) => *micros,
        ScalarValue::TimestampNanosecond(Some(nanos), _) if nanos % 1_000 == 0 => Some(nanos / 1_000),
        ScalarValue::Date32(Some(days)) => i64::from(*days).checked_mul(MICROSECONDS_IN_DAY),
        _ => None,
    }
}

impl Series {
    /// The series of some values; `None` if they are not those of one.
    fn of(name: &'static str, includes_end: bool, values: &[ScalarValue]) -> Option<Self> {
        let (start, end, steps) = match values {
            [ScalarValue::Int64(Some(start)), ScalarValue::Int64(Some(end))] => {
                (*start, *end, Steps::Integers(1))
            }
            [
                ScalarValue::Int64(Some(start)),
                ScalarValue::Int64(Some(end)),
                ScalarValue::Int64(Some(step)),
            ] => (*start, *end, Steps::Integers(*step)),
            [
                ScalarValue::Date32(Some(start)),
                ScalarValue::Date32(Some(end)),
                ScalarValue::IntervalMonthDayNano(Some(step)),
            ] if step.nanoseconds == 0 => ((*start).into(), (*end).into(), Steps::Days(*step)),
            [start, end, ScalarValue::IntervalMonthDayNano(Some(step))] if step.nanoseconds % 1_000 == 0 => {
                (micros(start)?, micros(end)?, Steps::Instants(*step))
            }
            _ => return None,
        };
        Some(Self { name, start, end, includes_end, steps })
    }

    fn columns(&self) -> SchemaRef {
        let data_type = match self.steps {
            Steps::Integers(_) => DataType::Int64,
            Steps::Days(_) => DataType::Date32,
            Steps::Instants(_) => timestamp_type(),
        };
        Arc::new(ArrowSchema::new(vec![Field::new("value", data_type, false)]))
    }

    /// The value after so many steps; `None` past the end.
    fn value(&self, steps: i64) -> Option<i64> {
        let value = match self.steps {
            Steps::Integers(step) => self.start.checked_add(step.checked_mul(steps)?)?,
            Steps::Days(step) => {
                let midnight = self.start.checked_mul(MICROSECONDS_IN_DAY)?;
                add(midnight, step, steps)?.div_euclid(MICROSECONDS_IN_DAY)
            }
            Steps::Instants(step) => add(self.start, step, steps)?,
        };
        let ahead = if self.steps.rises() { value.cmp(&self.end) } else { self.end.cmp(&value) };
        (ahead.is_lt() || (ahead.is_eq() && self.includes_end)).then_some(value)
    }

    fn array(&self, values: Vec<i64>) -> Result<ArrayRef, QueryError> {
        Ok(match self.steps {
            Steps::Integers(_) => Arc::new(Int64Array::from(values)),
            Steps::Days(_) => {
                let days: Result<Vec<i32>, _> = values.into_iter().map(i32::try_from).collect();
                Arc::new(Date32Array::from(days.map_err(|error| damaged(&error))?))
            }
            Steps::Instants(_) => Arc::new(TimestampMicrosecondArray::from(values).with_timezone("UTC")),
        })
    }

    /// Batches from a number of steps on, with the number behind the last value.
    fn batch(&self, columns: &SchemaRef, from: i64) -> Option<Result<(RecordBatch, i64), QueryError>> {
        let values: Vec<i64> =
            (from..i64::MAX).take(BATCH_VALUES).map_while(|steps| self.value(steps)).collect();
        let next = from.saturating_add(i64::try_from(values.len()).unwrap_or(i64::MAX));
        if values.is_empty() {
            return None;
        }
        let batch = self.array(values).and_then(|array| {
            RecordBatch::try_new(Arc::clone(columns), vec![array]).map_err(|error| damaged(&error))
        });
        Some(batch.map(|batch| (batch, next)))
    }
}

fn damaged(error: &dyn fmt::Display) -> QueryError {
    Error::Damaged { object: "a series".into(), what: error.to_string() }.into()
}

/// An instant with a step added so many times, at once.
fn add(micros: i64, step: IntervalMonthDayNano, steps: i64) -> Option<i64> {
    let times = i32::try_from(steps);
    let scaled = |part: i32| {
        if part == 0 { Some(0) } else { part.checked_mul(*times.as_ref().ok()?) }
    };
    let calendar = IntervalMonthDayNano::new(scaled(step.months)?, scaled(step.days)?, 0);
    let clock = (step.nanoseconds / 1_000).checked_mul(steps)?;
    let utc: Tz = "+00:00".parse().ok()?;
    TimestampMicrosecondType::add_month_day_nano(micros, calendar, utc)?.checked_add(clock)
}

impl Steps {
    /// Whether values rise.
    fn rises(self) -> bool {
        match self {
            Self::Integers(step) => step > 0,
            Self::Days(step) | Self::Instants(step) => {
                step.months > 0 || step.days > 0 || step.nanoseconds > 0
            }
        }
    }

    /// Whether values rise or fall, and never both.
    fn is_one_way(self) -> bool {
        match self {
            Self::Integers(step) => step != 0,
            Self::Days(step) | Self::Instants(step) => {
                let falls = step.months < 0 || step.days < 0 || step.nanoseconds < 0;
                falls != self.rises()
            }
        }
    }
}

/// A series as a table.
#[derive(Debug)]
pub(super) struct SeriesTable {
    series: Series,
    columns: SchemaRef,
}

#[async_trait]
impl TableProvider for SeriesTable {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.columns)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    async fn scan(
        &self,
        _: &dyn Session,
        projection: Option<&Vec<usize>>,
        _: &[Expr],
        _: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let source = SeriesSource { series: self.series, columns: Arc::clone(&self.columns) };
        Ok(Arc::new(ScanExec::new(Arc::new(source), projection.map_or(&[0], Vec::as_slice))))
    }
}

#[derive(Debug)]
struct SeriesSource {
    series: Series,
    columns: SchemaRef,
}

impl Source for SeriesSource {
    fn schema(&self) -> &SchemaRef {
        &self.columns
    }

    fn order(&self) -> Vec<String> {
        if self.series.steps.rises() { vec!["value".to_owned()] } else { Vec::new() }
    }

    fn is_small(&self) -> bool {
        false
    }

    fn start(&self) -> BoxFuture<'static, Result<Rows, QueryError>> {
        let (series, columns) = (self.series, Arc::clone(&self.columns));
        let schema = Arc::clone(&columns);
        let batches =
            stream::try_unfold(0, move |from| std::future::ready(series.batch(&columns, from).transpose()));
        std::future::ready(Ok(rows(schema, batches.boxed()))).boxed()
    }

    fn describe(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Series { name, start, end, .. } = self.series;
        write!(f, "{name} from {start} to {end}")
    }
}
