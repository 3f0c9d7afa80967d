//! The history of keys: the facts as they came, or rectangles on both axes; and
//! ranges of either axis.

use std::sync::Arc;

use arrow_array::builder::StringBuilder;
use arrow_array::{ArrayRef, RecordBatch};
use arrow_schema::{DataType, Field, Schema as ArrowSchema, SchemaRef};
use async_trait::async_trait;
use calotype_storage::context::Context;
use calotype_storage::database::Database;
use calotype_storage::identity::Sequence;
use calotype_storage::name::{ContextName, Principal};
use calotype_storage::scan::{RowRef, Scan, ScanRequest, Window};
use calotype_storage::schema::{Schema, SchemaVersion, arrow_field};
use calotype_storage::{SystemTime, ValidTime};

use crate::answer::{Answer, Batches};
use crate::as_of::{Nothing, SystemColumns, look, places, record_batch, schema_for, system_fields};
use crate::claim::Claim;
use crate::error::QueryError;
use crate::keys::Keys;
use crate::policy::Policy;
use crate::times::{Point, ResolvedPoint, TimeRange};

/// How a history is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Every fact as it came, retractions too.
    Facts,
    /// Each fact's valid period, cut where the first later entry that covers it changes.
    Rectangles,
}

/// What is asked.
#[derive(Clone, Debug)]
pub struct HistoryRequest {
    /// Who asks.
    pub principal: Principal,
    /// About which context.
    pub context: ContextName,
    /// Which keys.
    pub keys: Keys,
    /// Facts or rectangles.
    pub form: Form,
    /// Which valid times: what overlaps them, unclipped.
    pub valid: TimeRange<ValidTime>,
    /// Which system times. [`TimeRange::All`] is up to the settled time. Facts are those that became known within a
    /// range, or, at one instant, all that are known at it.
    pub system: TimeRange<SystemTime>,
    /// Which columns; `None`: all.
    pub columns: Option<Vec<String>>,
    /// In which schema version; `None`: the one in force at the end of the range.
    pub schema_version: Option<SchemaVersion>,
    /// The commit that the answer must have seen.
    pub at_least: Option<Sequence>,
}

impl HistoryRequest {
    /// All of the history of some keys, as the local user.
    pub fn new(context: ContextName, keys: Keys, form: Form) -> Self {
        Self {
            principal: Principal::local(),
            context,
            keys,
            form,
            valid: TimeRange::All,
            system: TimeRange::All,
            columns: None,
            schema_version: None,
            at_least: None,
        }
    }
}

/// Answers the history of keys. Rows come by key; facts then in the order of their entries, rectangles by where
/// they begin.
///
/// # Errors
/// [`QueryError`] says what cannot be answered.
pub async fn history(
    database: &Database,
    policy: &dyn Policy,
    request: &HistoryRequest,
) -> Result<Answer, QueryError> {
    let valid = request.valid.bounds()?;
    let system = request.system.bounds()?;
    let point = point(request);
    let (context, [point]) =
        look(database, policy, &request.principal, &request.context, [point], request.at_least).await?;
    let schema = schema_for(&context, &point, request.schema_version)?;
    let claim = Claim::new(database, &context, &point, schema.as_ref().map(|schema| schema.version().get()))?;
    let Some(schema) = schema else {
        return Ok(Answer::new(Arc::new(ArrowSchema::empty()), claim, Box::new(Nothing)));
    };
    let places = places(&context, &schema, request.columns.as_deref())?;
    let scan = scan_request(&context, &schema, &point, request)?;
    let scan = scan.narrowed(&context, database.reader()).await;
    let scan = Scan::start(Arc::clone(database.reader()), scan).await?;
    let answer_schema = columns(Some(&schema), &places, request.form);
    let batches = HistoryBatches {
        scan,
        context,
        schema: SchemaRef::clone(&answer_schema),
        places,
        form: request.form,
        valid,
        system: match (request.form, request.system) {
            (Form::Facts, TimeRange::At(_)) => (i64::MIN, system.1),
            _ => system,
        },
    };
    Ok(Answer::new(answer_schema, claim, Box::new(batches)))
}

/// The point at which a history is known.
pub(crate) fn point(request: &HistoryRequest) -> Point {
    let known_at = match request.system {
        TimeRange::All => None,
        TimeRange::At(at) => Some(at),
        TimeRange::FromTo(_, to) => to.previous(),
        TimeRange::Between(_, to) => Some(to),
    };
    Point { valid_at: None, known_at }
}

/// What is read for a history. Pieces as they are known at one instant, from a valid time on, may begin at a keyframe: it
/// holds whatever ends later.
pub(crate) fn scan_request(
    context: &Context,
    schema: &Arc<Schema>,
    point: &ResolvedPoint,
    request: &HistoryRequest,
) -> Result<ScanRequest, QueryError> {
    let known = point.at.system;
    let first = ValidTime::from_micros(request.valid.bounds()?.0);
    let mut scan = match (request.form, request.system, first) {
        (Form::Rectangles, TimeRange::At(_), Some(first)) => {
            ScanRequest::from_valid(context, schema, first, known)
        }
        _ => ScanRequest::of_entries(context, schema, known),
    };
    scan.keys = request.keys.filter(&request.context, schema)?;
    Ok(scan)
}

/// The columns of an answer with those at some places of a schema.
pub fn columns(schema: Option<&Schema>, places: &[usize], form: Form) -> SchemaRef {
    let mut fields = Vec::new();
    for (schema, place) in schema.iter().flat_map(|schema| places.iter().map(move |place| (schema, *place))) {
        let field = arrow_field(&schema.fields()[place]);
        // A retraction has its key alone.
        let nullable = field.is_nullable() || (form == Form::Facts && !schema.is_key(place));
        fields.push(field.with_nullable(nullable));
    }
    fields.extend(system_fields());
    if form == Form::Facts {
        fields.push(Field::new("_op", DataType::Utf8, false));
    }
    fields.push(Field::new("_entry", DataType::Utf8, false));
    Arc::new(ArrowSchema::new(fields))
}

struct HistoryBatches {
    scan: Scan,
    context: Arc<Context>,
    schema: SchemaRef,
    places: Vec<usize>,
    form: Form,
    valid: (i64, i64),
    system: (i64, i64),
}

/// One row of a history.
struct Told {
    row: RowRef,
    valid: (i64, i64),
    system_to: Option<i64>,
}

impl HistoryBatches {
    fn system_from(&self, window: &Window, row: RowRef) -> i64 {
        let entry = self.context.entry(window.entry(row)).expect("facts name entries of the context");
        entry.system_time().micros()
    }

    fn in_valid_range(&self, (from, to): (i64, i64)) -> bool {
        from <= self.valid.1 && self.valid.0 < to
    }

    fn facts(&self, window: &Window, key: usize, told: &mut Vec<Told>) {
        for row in window.facts(key) {
            let valid = window.period(*row);
            if self.in_valid_range(valid) && self.system_from(window, *row) >= self.system.0 {
                told.push(Told { row: *row, valid, system_to: None });
            }
        }
    }

    fn rectangles(&self, window: &Window, key: usize, told: &mut Vec<Told>) {
        let facts = window.facts(key);
        let timeline = window.timeline(key);
        let entry = |fact: Option<usize>| fact.map(|fact| window.entry(facts[fact]));
        for rectangle in timeline.rectangles(|a, b| entry(a) == entry(b)) {
            let row = facts[rectangle.piece.fact];
            let valid = (rectangle.piece.from, rectangle.piece.to);
            let system_to = rectangle.covered_by.map(|by| self.system_from(window, facts[by]));
            let was_known = system_to.is_none_or(|to| to > self.system.0);
            if !window.is_retraction(row) && self.in_valid_range(valid) && was_known {
                told.push(Told { row, valid, system_to });
            }
        }
    }
}

#[async_trait]
impl Batches for HistoryBatches {
    async fn next(&mut self) -> Result<Option<RecordBatch>, QueryError> {
        let Some(window) = self.scan.next().await? else {
            return Ok(None);
        };
        let mut told = Vec::new();
        for key in 0..window.len() {
            match self.form {
                Form::Facts => self.facts(&window, key, &mut told),
                Form::Rectangles => self.rectangles(&window, key, &mut told),
            }
        }
        let rows: Vec<RowRef> = told.iter().map(|told| told.row).collect();
        let mut columns = self.scan.columns(&window, &rows, &self.places).await?;
        let mut system = SystemColumns::default();
        let (mut ops, mut entries) = (StringBuilder::new(), StringBuilder::new());
        for told in &told {
            system.push(told.valid, self.system_from(&window, told.row), told.system_to);
            ops.append_value(if window.is_retraction(told.row) { "retract" } else { "assert" });
            let entry =
                self.context.entry(window.entry(told.row)).expect("facts name entries of the context");
            entries.append_value(entry.id.to_string());
        }
        columns.extend(system.finish());
        if self.form == Form::Facts {
            columns.push(Arc::new(ops.finish()) as ArrayRef);
        }
        columns.push(Arc::new(entries.finish()));
        record_batch(&self.schema, columns, rows.len()).map(Some)
    }
}
