//! What differs between two points: content by key, each row with the entry that
//! caused it.
//!
//! Where both points share their valid time, only keys that entries between the two
//! system times touched are looked at: cost follows the changes, not the state.

use std::cmp::Ordering;
use std::collections::BTreeSet;
use std::sync::Arc;

use arrow_array::builder::{StringBuilder, TimestampMicrosecondBuilder};
use arrow_array::{Array, ArrayRef, RecordBatch, UInt32Array};
use arrow_schema::{DataType, Field, Schema as ArrowSchema, SchemaRef};
use arrow_select::interleave::interleave;
use arrow_select::take::take;
use async_trait::async_trait;
use calotype_storage::column::same_rows;
use calotype_storage::context::Context;
use calotype_storage::database::Database;
use calotype_storage::error::Error;
use calotype_storage::identity::{Ordinal, Sequence};
use calotype_storage::key::EncodedKeys;
use calotype_storage::name::{ContextName, Principal};
use calotype_storage::scan::{KeyFilter, Scan, ScanRequest, ValidFilter};
use calotype_storage::schema::{Schema, SchemaVersion, arrow_field, timestamp_type};
use calotype_storage::statement::Winner;
use calotype_storage::{AsOf, SystemTime};

use crate::answer::{Answer, Batches};
use crate::as_of::{Nothing, look, record_batch, schema_for};
use crate::claim::Claim;
use crate::error::QueryError;
use crate::keys::Keys;
use crate::policy::Policy;
use crate::times::Point;

/// What is asked.
#[derive(Clone, Debug)]
pub struct DiffRequest {
    /// Who asks.
    pub principal: Principal,
    /// About which context.
    pub context: ContextName,
    /// One point.
    pub from: Point,
    /// The other.
    pub to: Point,
    /// Which keys.
    pub keys: Keys,
    /// In which schema version; `None`: the one in force at the later point.
    pub schema_version: Option<SchemaVersion>,
    /// The commit that the answer must have seen.
    pub at_least: Option<Sequence>,
}

/// Answers what differs between two points. The first column, `_change`, is `added`, `removed`, or
/// `changed_from` and `changed_to` in two rows; the last ones, `_entry` and `_system_from`, name the entry that
/// caused the row to differ. The schema is that of the later point, the claim that of `to`.
///
/// # Errors
/// [`QueryError`] says what cannot be answered.
pub async fn diff(
    database: &Database,
    policy: &dyn Policy,
    request: &DiffRequest,
) -> Result<Answer, QueryError> {
    let points = [request.from, request.to];
    let (context, [from, to]) =
        look(database, policy, &request.principal, &request.context, points, request.at_least).await?;
    let later = if from.at.system > to.at.system { &from } else { &to };
    let schema = schema_for(&context, later, request.schema_version)?;
    let claim = Claim::new(database, &context, &to, schema.as_ref().map(|schema| schema.version().get()))?;
    let Some(schema) = schema else {
        return Ok(Answer::new(Arc::new(ArrowSchema::empty()), claim, Box::new(Nothing)));
    };
    let filter = match request.keys.filter(&request.context, &schema)? {
        KeyFilter::All if from.at.valid == to.at.valid => KeyFilter::Set(Arc::new(
            touched(database, &context, &schema, from.at.system, to.at.system).await?,
        )),
        filter @ (KeyFilter::All | KeyFilter::Set(_) | KeyFilter::Range { .. }) => filter,
    };
    let side = async |at: AsOf| -> Result<Side, QueryError> {
        let mut scan = ScanRequest::of_entries(&context, &schema, at.system);
        scan.keys = filter.clone();
        scan.valid = ValidFilter::at(at.valid);
        let scan = Scan::start(Arc::clone(database.reader()), scan).await?;
        Ok(Side { scan, valid: at.valid.micros(), chunk: Chunk::default(), next: 0, ended: false })
    };
    let sides = [side(from.at).await?, side(to.at).await?];
    let answer_schema = columns(Some(&schema));
    let batches = DiffBatches { sides, context, answer: SchemaRef::clone(&answer_schema) };
    Ok(Answer::new(answer_schema, claim, Box::new(batches)))
}

/// The columns of an answer over a schema.
pub fn columns(schema: Option<&Schema>) -> SchemaRef {
    let mut fields = vec![Field::new("_change", DataType::Utf8, false)];
    fields.extend(schema.into_iter().flat_map(Schema::fields).map(arrow_field));
    fields.push(Field::new("_entry", DataType::Utf8, false));
    fields.push(Field::new("_system_from", timestamp_type(), false));
    Arc::new(ArrowSchema::new(fields))
}

/// Keys that entries between two system times touched.
async fn touched(
    database: &Database,
    context: &Context,
    schema: &Schema,
    a: SystemTime,
    b: SystemTime,
) -> Result<EncodedKeys, QueryError> {
    let known = |at| context.entries_known_at(at).len();
    let between = known(a.min(b))..known(a.max(b));
    let mut keys: BTreeSet<Vec<u8>> = BTreeSet::new();
    for entry in &context.entries()[between] {
        let Some(facts) = entry.facts() else { continue };
        let manifest = database.reader().manifest(facts).await?;
        for group in &manifest.groups {
            let group_keys = database.reader().keys(schema, group).await?;
            keys.extend(group_keys.iter().map(<[u8]>::to_vec));
        }
    }
    Ok(EncodedKeys::from_keys(keys.iter().map(Vec::as_slice)))
}

/// Some keys of one side with what wins there, whether it asserts or retracts.
#[derive(Default)]
struct Chunk {
    keys: Vec<Vec<u8>>,
    winners: Vec<Winner>,
    columns: Vec<ArrayRef>,
}

/// One of the two points, read along its keys.
struct Side {
    scan: Scan,
    valid: i64,
    chunk: Chunk,
    next: usize,
    ended: bool,
}

impl Side {
    /// Reads on if all keys of the chunk are used up. The end has no key.
    async fn fill(&mut self) -> Result<(), QueryError> {
        while self.next == self.chunk.keys.len() && !self.ended {
            let Some(window) = self.scan.next().await? else {
                self.ended = true;
                self.chunk = Chunk::default();
                self.next = 0;
                return Ok(());
            };
            let mut chunk = Chunk::default();
            let mut rows = Vec::new();
            for place in 0..window.len() {
                if let Some(row) = window.winner(place, self.valid) {
                    chunk.keys.push(window.key(place).to_vec());
                    chunk.winners.push(window.identify(row));
                    rows.push(row);
                }
            }
            let places: Vec<usize> = (0..self.scan.schema().fields().len()).collect();
            chunk.columns = self.scan.columns(&window, &rows, &places).await?;
            (self.chunk, self.next) = (chunk, 0);
        }
        Ok(())
    }

    fn key(&self) -> Option<&[u8]> {
        self.chunk.keys.get(self.next).map(Vec::as_slice)
    }

    fn winner(&self) -> Winner {
        self.chunk.winners[self.next]
    }
}

/// What happened to a key: rows of the two chunks, and the entry that caused it.
enum Change {
    Added { to: usize, cause: Ordinal },
    Removed { from: usize, cause: Ordinal },
    Both { from: usize, to: usize, cause: Ordinal },
}

struct DiffBatches {
    sides: [Side; 2],
    context: Arc<Context>,
    answer: SchemaRef,
}

impl DiffBatches {
    /// Walks along both chunks until one is used up.
    fn walk(&mut self) -> Vec<Change> {
        let [from, to] = &mut self.sides;
        let mut changes = Vec::new();
        loop {
            let order = match (from.key(), to.key()) {
                (Some(a), Some(b)) => a.cmp(b),
                (Some(_), None) if to.ended => Ordering::Less,
                (None, Some(_)) if from.ended => Ordering::Greater,
                _ => return changes,
            };
            let (was, is) = match order {
                Ordering::Less => (Some(from.winner()), None),
                Ordering::Greater => (None, Some(to.winner())),
                Ordering::Equal => (Some(from.winner()), Some(to.winner())),
            };
            // The fact that holds at `to` is the cause; where none does, the one whose period ended is.
            let cause = is.or(was).expect("one side has the key").entry;
            match (Winner::is_present(was), Winner::is_present(is)) {
                (false, true) => changes.push(Change::Added { to: to.next, cause }),
                (true, false) => changes.push(Change::Removed { from: from.next, cause }),
                (true, true) if was != is => {
                    changes.push(Change::Both { from: from.next, to: to.next, cause });
                }
                _ => {}
            }
            from.next += usize::from(order != Ordering::Greater);
            to.next += usize::from(order != Ordering::Less);
        }
    }

    /// Drops pairs with the same content.
    fn drop_equal(&self, changes: Vec<Change>) -> Result<Vec<Change>, QueryError> {
        let (mut from_rows, mut to_rows) = (Vec::new(), Vec::new());
        for change in &changes {
            if let Change::Both { from, to, .. } = change {
                from_rows.push(u32::try_from(*from).expect("windows are bounded"));
                to_rows.push(u32::try_from(*to).expect("windows are bounded"));
            }
        }
        let pick = |side: &Side, rows: &[u32]| -> Vec<ArrayRef> {
            let places = UInt32Array::from(rows.to_vec());
            let one = |column: &ArrayRef| take(column, &places, None).expect("rows lie within the chunk");
            side.chunk.columns.iter().map(one).collect()
        };
        let same = if from_rows.is_empty() {
            Vec::new()
        } else {
            let (left, right) = (pick(&self.sides[0], &from_rows), pick(&self.sides[1], &to_rows));
            same_rows(&left, &right, from_rows.len()).map_err(|error| damaged(&error))?
        };
        let mut same = same.into_iter();
        let differs = |change: &Change| !matches!(change, Change::Both { .. }) || same.next() == Some(false);
        let mut differs = differs;
        Ok(changes.into_iter().filter(|change| differs(change)).collect())
    }

    fn batch(&self, changes: &[Change]) -> Result<RecordBatch, QueryError> {
        let mut words = StringBuilder::new();
        let mut entries = StringBuilder::new();
        let mut times = TimestampMicrosecondBuilder::new();
        let mut picks: Vec<(usize, usize)> = Vec::new();
        for change in changes {
            let (rows, cause): (&[(&str, usize, usize)], Ordinal) = match change {
                Change::Added { to, cause } => (&[("added", 1, *to)], *cause),
                Change::Removed { from, cause } => (&[("removed", 0, *from)], *cause),
                Change::Both { from, to, cause } => {
                    (&[("changed_from", 0, *from), ("changed_to", 1, *to)], *cause)
                }
            };
            let entry = self.context.entry(cause).expect("facts name entries of the context");
            for (word, side, row) in rows {
                words.append_value(word);
                picks.push((*side, *row));
                entries.append_value(entry.id.to_string());
                times.append_value(entry.system_time().micros());
            }
        }
        let mut columns: Vec<ArrayRef> = vec![Arc::new(words.finish())];
        let [from, to] = &self.sides;
        for place in 0..self.answer.fields().len() - 3 {
            let of = |side: &Side| side.chunk.columns.get(place).cloned();
            let empty = || arrow_array::new_empty_array(self.answer.field(place + 1).data_type());
            let (left, right) = (of(from).unwrap_or_else(empty), of(to).unwrap_or_else(empty));
            let sources: [&dyn Array; 2] = [left.as_ref(), right.as_ref()];
            columns.push(interleave(&sources, &picks).map_err(|error| damaged(&error))?);
        }
        columns.push(Arc::new(entries.finish()));
        columns.push(Arc::new(times.finish().with_timezone("UTC")));
        record_batch(&self.answer, columns, picks.len())
    }
}

fn damaged(error: &arrow_schema::ArrowError) -> QueryError {
    Error::Damaged { object: "a row group".into(), what: error.to_string() }.into()
}

#[async_trait]
impl Batches for DiffBatches {
    async fn next(&mut self) -> Result<Option<RecordBatch>, QueryError> {
        for side in &mut self.sides {
            side.fill().await?;
        }
        if self.sides.iter().all(|side| side.ended) {
            return Ok(None);
        }
        let changes = self.walk();
        let changes = self.drop_equal(changes)?;
        self.batch(&changes).map(Some)
    }
}
