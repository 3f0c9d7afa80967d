//! The state as of (V, S): the one function that all other questions stand beside.

use std::sync::Arc;

use arrow_array::builder::TimestampMicrosecondBuilder;
use arrow_array::{ArrayRef, RecordBatch, new_empty_array};
use arrow_schema::{Field, Schema as ArrowSchema, SchemaRef};
use async_trait::async_trait;
use calotype_storage::AsOf;
use calotype_storage::context::Context;
use calotype_storage::database::Database;
use calotype_storage::identity::Sequence;
use calotype_storage::manifest::OPEN;
use calotype_storage::name::{ContextName, Principal};
use calotype_storage::pieces::piece_at;
use calotype_storage::refusal::Refusal;
use calotype_storage::scan::{
    ColumnFilter, RowRef, Scan, ScanRequest, Stretch, ValidFilter, ValueRange, Window,
};
use calotype_storage::schema::{Schema, SchemaVersion, arrow_field, timestamp_type};

use crate::answer::{Answer, Batches};
use crate::claim::Claim;
use crate::error::QueryError;
use crate::keys::Keys;
use crate::offsets::{OffsetFilter, OffsetVector};
use crate::policy::Policy;
use crate::times::{Point, ResolvedPoint};

/// What is asked.
#[derive(Clone, Debug)]
pub struct AsOfRequest {
    /// Who asks.
    pub principal: Principal,
    /// About which context.
    pub context: ContextName,
    /// At which point.
    pub point: Point,
    /// Which columns, in which order; `None`: all.
    pub columns: Option<Vec<String>>,
    /// Which keys.
    pub keys: Keys,
    /// Rows that no predicate among these lets through may be left out. All of the others come.
    pub only: Vec<Only>,
    /// Whether the periods and system times of the pieces are wanted as well.
    pub system_columns: bool,
    /// In which schema version; `None`: the one in force at the system time.
    pub schema_version: Option<SchemaVersion>,
    /// Only facts at or below these positions.
    pub offsets: Option<OffsetVector>,
    /// The commit that the answer must have seen.
    pub at_least: Option<Sequence>,
}

impl AsOfRequest {
    /// All columns of all keys, as the local user.
    pub fn new(context: ContextName, point: Point) -> Self {
        Self {
            principal: Principal::local(),
            context,
            point,
            columns: None,
            keys: Keys::All,
            only: Vec::new(),
            system_columns: false,
            schema_version: None,
            offsets: None,
            at_least: None,
        }
    }
}

/// A predicate over a column: its value lies in one of these stretches.
#[derive(Clone, Debug)]
pub struct Only {
    /// The column.
    pub column: String,
    /// Values in the form of [`comparable`](crate::keys::comparable), from the first on, up to before the second.
    pub stretches: Vec<ValueRange>,
}

/// Makes a node see a commit.
///
/// # Errors
/// [`QueryError::Behind`] if it is not in the log yet.
pub async fn see(database: &Database, at_least: Option<Sequence>) -> Result<(), QueryError> {
    let Some(wanted) = at_least else {
        return Ok(());
    };
    let behind = || database.head().is_none_or(|head| head.sequence < wanted);
    if behind() {
        database.catch_up().await?;
    }
    if behind() {
        let found = database.head().map_or("none".into(), |head| head.sequence.to_string());
        return Err(QueryError::Behind { wanted: wanted.get(), found });
    }
    Ok(())
}

/// The context and the points that a question is about, all by one reading of the clock and the head.
pub(crate) async fn look<const N: usize>(
    database: &Database,
    policy: &dyn Policy,
    principal: &Principal,
    name: &ContextName,
    points: [Point; N],
    at_least: Option<Sequence>,
) -> Result<(Arc<Context>, [ResolvedPoint; N]), QueryError> {
    policy.may_read(principal, name)?;
    let now = database.now();
    see(database, at_least).await?;
    // The head first: whatever it covers is in a context that is read after it.
    let newest = database.head().map(|head| head.newest_time);
    let context = database.context(name)?;
    let mut resolved = Vec::with_capacity(N);
    for point in points {
        resolved.push(point.resolve(now, &context, newest)?);
    }
    Ok((context, resolved.try_into().expect("as many as were asked")))
}

/// The schema that answers; `None` if the context has none yet.
pub(crate) fn schema_for(
    context: &Context,
    point: &ResolvedPoint,
    version: Option<SchemaVersion>,
) -> Result<Option<Arc<Schema>>, QueryError> {
    let Some(version) = version else {
        return Ok(context.schema_at(point.at.system).cloned());
    };
    let context_name = context.name().clone();
    let schema =
        context.schema_version(version).ok_or(Refusal::NoSchemaVersion { context: context_name, version })?;
    Ok(Some(Arc::clone(schema)))
}

/// Places of the wanted columns in a schema.
pub(crate) fn places(
    context: &Context,
    schema: &Schema,
    columns: Option<&[String]>,
) -> Result<Vec<usize>, QueryError> {
    let Some(columns) = columns else {
        return Ok((0..schema.fields().len()).collect());
    };
    let place = |column: &String| {
        schema.place_of(column).ok_or_else(|| QueryError::NoColumn {
            context: context.name().clone(),
            column: column.chars().take(128).collect(),
            version: schema.version().get(),
        })
    };
    columns.iter().map(place).collect()
}

/// Answers the state as of a point.
///
/// # Errors
/// [`QueryError`] says what cannot be answered. A system time in the future is refused.
pub async fn resolve(
    database: &Database,
    policy: &dyn Policy,
    request: &AsOfRequest,
) -> Result<Answer, QueryError> {
    let points = [request.point];
    let (context, [point]) =
        look(database, policy, &request.principal, &request.context, points, request.at_least).await?;
    let schema = schema_for(&context, &point, request.schema_version)?;
    let version = schema.as_ref().map(|schema| schema.version().get());
    let mut claim = Claim::new(database, &context, &point, version)?;
    let Some(schema) = schema else {
        return Ok(Answer::new(Arc::new(ArrowSchema::empty()), claim, Box::new(Nothing)));
    };
    let places = places(&context, &schema, request.columns.as_deref())?;
    let offsets = match &request.offsets {
        None => None,
        Some(vector) => Some(OffsetFilter::new(&context, vector)?),
    };
    let valid = point.at.valid;
    let scan = scan_request(&context, &schema, &point, request)?;
    if let (Some(filter), Some(vector)) = (&offsets, &request.offsets) {
        let scan = Scan::start(Arc::clone(database.reader()), scan.clone()).await?;
        claim.by_offsets(vector, filter.count_without_position(scan).await?);
    }
    let scan = scan.narrowed(&context, database.reader()).await;
    let scan = Scan::start(Arc::clone(database.reader()), scan).await?;
    let answer_schema = answer_schema(&schema, &places, request.system_columns);
    let filters = request.only.iter().filter_map(|only| {
        let place = schema.place_of(&only.column)?;
        Some(ColumnFilter { place, stretches: only.stretches.clone() })
    });
    let batches = AsOfBatches {
        scan,
        filters: filters.collect(),
        context,
        schema: SchemaRef::clone(&answer_schema),
        places,
        valid: valid.micros(),
        system_columns: request.system_columns,
        offsets,
    };
    Ok(Answer::new(answer_schema, claim, Box::new(batches)))
}

/// What is read for the state as of a point.
pub(crate) fn scan_request(
    context: &Context,
    schema: &Arc<Schema>,
    point: &ResolvedPoint,
    request: &AsOfRequest,
) -> Result<ScanRequest, QueryError> {
    let AsOf { valid, system } = point.at;
    let mut scan = if request.offsets.is_some() {
        ScanRequest::of_entries(context, schema, system)
    } else {
        ScanRequest::from_valid(context, schema, valid, system)
    };
    scan.keys = request.keys.filter(&request.context, schema)?;
    scan.valid = if request.system_columns { ValidFilter::All } else { ValidFilter::at(valid) };
    Ok(scan)
}

/// An answer without rows.
pub(crate) struct Nothing;

#[async_trait]
impl Batches for Nothing {
    async fn next(&mut self) -> Result<Option<RecordBatch>, QueryError> {
        Ok(None)
    }
}

/// The columns of an answer: declared ones, then the system columns if they are wanted.
pub(crate) fn answer_schema(schema: &Schema, places: &[usize], system_columns: bool) -> SchemaRef {
    let mut fields: Vec<Field> = places.iter().map(|place| arrow_field(&schema.fields()[*place])).collect();
    if system_columns {
        fields.extend(system_fields());
    }
    Arc::new(ArrowSchema::new(fields))
}

/// The four system columns.
pub(crate) fn system_fields() -> [Field; 4] {
    let field = |name: &str, nullable| Field::new(name, timestamp_type(), nullable);
    [
        field("_valid_from", false),
        field("_valid_to", true),
        field("_system_from", false),
        field("_system_to", true),
    ]
}

/// The four system columns, row by row.
#[derive(Default)]
pub(crate) struct SystemColumns {
    columns: [TimestampMicrosecondBuilder; 4],
}

impl SystemColumns {
    /// Adds a row; an open end is [`OPEN`].
    pub(crate) fn push(&mut self, valid: (i64, i64), system_from: i64, system_to: Option<i64>) {
        let [from, to, known_from, known_to] = &mut self.columns;
        from.append_value(valid.0);
        to.append_option((valid.1 != OPEN).then_some(valid.1));
        known_from.append_value(system_from);
        known_to.append_option(system_to);
    }

    /// The columns.
    pub(crate) fn finish(mut self) -> Vec<ArrayRef> {
        let utc = |column: &mut TimestampMicrosecondBuilder| -> ArrayRef {
            Arc::new(column.finish().with_timezone("UTC"))
        };
        self.columns.iter_mut().map(utc).collect()
    }
}

struct AsOfBatches {
    scan: Scan,
    filters: Vec<ColumnFilter>,
    context: Arc<Context>,
    schema: SchemaRef,
    places: Vec<usize>,
    valid: i64,
    system_columns: bool,
    offsets: Option<OffsetFilter>,
}

impl AsOfBatches {
    /// The winner of each key that is present, with the period of its piece if that is wanted.
    fn winners(&self, window: &Window, included: Option<&[Vec<RowRef>]>) -> (Vec<RowRef>, Vec<(i64, i64)>) {
        let mut winners = Vec::with_capacity(window.len());
        let mut periods = Vec::new();
        for key in 0..window.len() {
            let facts = included.map_or_else(|| window.facts(key), |included| &included[key]);
            let winner = if self.system_columns {
                piece_at(facts.iter().map(|row| window.period(*row)), self.valid)
                    .map(|piece| (facts[piece.fact], Some((piece.from, piece.to))))
            } else {
                // The scan lets only facts through that hold the instant: the last one wins.
                facts.last().map(|row| (*row, None))
            };
            if let Some((row, period)) = winner.filter(|(row, _)| !window.is_retraction(*row)) {
                winners.push(row);
                periods.extend(period);
            }
        }
        (winners, periods)
    }
}

#[async_trait]
impl Batches for AsOfBatches {
    async fn next(&mut self) -> Result<Option<RecordBatch>, QueryError> {
        let stretch = if self.system_columns || self.offsets.is_some() {
            self.scan.next().await?.map(Stretch::Window)
        } else {
            self.scan.next_stretch(&self.filters).await?
        };
        let window = match stretch {
            None => return Ok(None),
            Some(Stretch::Window(window)) => window,
            Some(Stretch::Whole(whole)) => {
                let columns = self.scan.whole_columns(&whole, &self.places).await?;
                return record_batch(&self.schema, columns, whole.rows()).map(Some);
            }
        };
        let included = match &self.offsets {
            None => None,
            Some(filter) => Some(filter.included(&self.scan, &window).await?.0),
        };
        let (winners, periods) = self.winners(&window, included.as_deref());
        let mut columns = self.scan.columns(&window, &winners, &self.places).await?;
        if self.system_columns {
            let mut system = SystemColumns::default();
            for (row, period) in winners.iter().zip(periods) {
                let entry =
                    self.context.entry(window.entry(*row)).expect("facts name entries of the context");
                system.push(period, entry.system_time().micros(), None);
            }
            columns.extend(system.finish());
        }
        record_batch(&self.schema, columns, winners.len()).map(Some)
    }
}

/// A batch of columns that were read with the schema's types.
pub(crate) fn record_batch(
    schema: &SchemaRef,
    columns: Vec<ArrayRef>,
    rows: usize,
) -> Result<RecordBatch, QueryError> {
    let columns = if rows == 0 {
        schema.fields().iter().map(|field| new_empty_array(field.data_type())).collect()
    } else {
        columns
    };
    let options = arrow_array::RecordBatchOptions::new().with_row_count(Some(rows));
    RecordBatch::try_new_with_options(SchemaRef::clone(schema), columns, &options).map_err(|error| {
        calotype_storage::error::Error::Damaged { object: "an answer".into(), what: error.to_string() }.into()
    })
}
