//! The claim: what an answer rests on. Every answer carries one.

use calotype_storage::context::{Context, KnownEntry};
use calotype_storage::database::Database;
use calotype_storage::record::{CutoffSemantics, Mode, Position};
use calotype_storage::snapshot::Completeness;
use calotype_storage::{AsOf, SystemTime, ValidTime};
use serde::Serialize;

use crate::error::QueryError;
use crate::offsets::OffsetVector;
use crate::times::ResolvedPoint;

/// Positions that a claim lists; more are counted.
const POSITIONS_MAX: usize = 16;

/// What an answer rests on.
#[derive(Clone, Debug, Serialize)]
pub struct Claim {
    /// The store's id.
    pub store: String,
    /// The context.
    pub context: String,
    /// The valid time answered, RFC 3339.
    pub valid_at: String,
    /// The system time answered, RFC 3339.
    pub known_at: String,
    /// Whether the answer stays the same for ever.
    pub settled: bool,
    /// The system time up to which it does.
    pub settled_to: Option<String>,
    /// Nothing had been committed to the context by then.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub not_yet_known: bool,
    /// The newest commit that the answer has seen.
    pub record: Option<RecordClaim>,
    /// The newest snapshot at or before the valid time, as known then.
    pub snapshot: Option<SnapshotClaim>,
    /// How far each source had been read.
    pub positions: Vec<PositionClaim>,
    /// How many more positions there are than are listed.
    #[serde(skip_serializing_if = "is_zero")]
    pub positions_more: usize,
    /// What is known to be missing.
    pub completeness: CompletenessClaim,
    /// The schema version that answers; `None` before the first.
    pub schema_version: Option<u32>,
    /// How far the newest snapshot or watermark lies behind the valid time, seconds.
    pub behind_seconds: Option<i64>,
    /// Of an answer by offsets: the vector, and what it left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub offsets: Option<OffsetsClaim>,
    #[serde(skip)]
    at: AsOf,
    #[serde(skip)]
    settled_until: Option<SystemTime>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the form that serde calls")]
fn is_zero(count: &usize) -> bool {
    *count == 0
}

/// A commit that a claim names.
#[derive(Clone, Debug, Serialize)]
pub struct RecordClaim {
    /// Its number.
    pub commit: u64,
    /// The entry in it.
    pub entry: u32,
    /// The record's hash.
    pub hash: String,
}

/// A snapshot that a claim names.
#[derive(Clone, Debug, Serialize)]
pub struct SnapshotClaim {
    /// Its id.
    pub id: String,
    /// Its cutoff, RFC 3339.
    pub cutoff: String,
    /// How the cutoff was chosen.
    pub semantics: CutoffSemantics,
    /// Full or delta.
    pub kind: &'static str,
    /// Which revision of the cutoff.
    pub revision: u32,
    /// Whether it was complete.
    pub completeness: CompletenessClaim,
    #[serde(skip)]
    cutoff_at: ValidTime,
}

impl SnapshotClaim {
    /// Its cutoff.
    pub fn cutoff_at(&self) -> ValidTime {
        self.cutoff_at
    }
}

/// How far a partition had been read.
#[derive(Clone, Debug, Serialize)]
pub struct PositionClaim {
    /// The source.
    pub source: String,
    /// The partition.
    pub partition: String,
    /// Counts up when offsets start anew.
    pub epoch: u64,
    /// The last offset read.
    pub to: String,
    #[serde(skip)]
    offset: i64,
}

impl PositionClaim {
    fn new(source: String, partition: String, epoch: u64, offset: i64) -> Self {
        Self { source, partition, epoch, to: offset.to_string(), offset }
    }

    /// The last offset read.
    pub fn offset(&self) -> i64 {
        self.offset
    }
}

impl From<Position> for PositionClaim {
    fn from(position: Position) -> Self {
        let Position { source, partition, epoch, to, .. } = position;
        Self::new(source, partition, epoch, to)
    }
}

/// The vector of an answer by offsets.
#[derive(Clone, Debug, Serialize)]
pub struct OffsetsClaim {
    /// How far each partition counts.
    pub vector: Vec<PositionClaim>,
    /// How many more partitions there are than are listed.
    #[serde(skip_serializing_if = "is_zero")]
    pub vector_more: usize,
    /// Facts that had no position and were left out.
    pub facts_without_position: u64,
}

/// What is known to be missing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CompletenessClaim {
    /// `complete`, `partial` or `exception-bearing`.
    pub status: &'static str,
    /// Why it is not complete.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

impl From<Completeness> for CompletenessClaim {
    fn from(completeness: Completeness) -> Self {
        match completeness {
            Completeness::Complete => Self { status: "complete", reason: None },
            Completeness::Partial(reason) => Self { status: "partial", reason: Some(reason) },
            Completeness::ExceptionBearing(reason) => {
                Self { status: "exception-bearing", reason: Some(reason) }
            }
        }
    }
}

impl Claim {
    /// The claim of an answer at a point.
    ///
    /// # Errors
    /// [`QueryError`] if the index lacks a record.
    pub fn new(
        database: &Database,
        context: &Context,
        point: &ResolvedPoint,
        schema_version: Option<u32>,
    ) -> Result<Self, QueryError> {
        let known = point.at.system;
        let newest = context.entries_known_at(known).iter().rev().find(|entry| entry.is_data());
        let sealed = sealed(context, point);
        let positions = context.positions_at(known);
        let watermark = context.watermark_at(known);
        let reached = match context.mode() {
            Mode::State => sealed.and_then(|entry| entry.put()?.cutoff),
            Mode::Events => watermark,
        };
        let behind = |reached: ValidTime| {
            (point.at.valid.micros().saturating_sub(reached.micros())).max(0) / 1_000_000
        };
        Ok(Self {
            store: database.store_id().to_string(),
            context: context.name().to_string(),
            valid_at: point.at.valid.to_string(),
            known_at: known.to_string(),
            settled: point.is_settled(),
            settled_to: point.settled_to.map(|settled| settled.to_string()),
            not_yet_known: !point.is_known,
            record: newest.map(|entry| record(database, entry)).transpose()?,
            snapshot: sealed.and_then(snapshot),
            positions_more: positions.len().saturating_sub(POSITIONS_MAX),
            positions: positions.into_iter().take(POSITIONS_MAX).map(Into::into).collect(),
            completeness: completeness(context, point, sealed, watermark).into(),
            schema_version,
            behind_seconds: reached.map(behind),
            offsets: None,
            at: point.at,
            settled_until: point.settled_to,
        })
    }

    /// The point that is answered.
    pub fn at(&self) -> AsOf {
        self.at
    }

    /// The system time up to which the answer stays the same for ever.
    pub fn settled_until(&self) -> Option<SystemTime> {
        self.settled_until
    }

    /// Says that the answer is one by offsets: whatever lies beyond the vector is missing.
    pub(crate) fn by_offsets(&mut self, vector: &OffsetVector, facts_without_position: u64) {
        let claim = |((source, partition), (epoch, to)): (&(String, String), &(u64, i64))| {
            PositionClaim::new(source.clone(), partition.clone(), *epoch, *to)
        };
        self.completeness = Completeness::partial("offsets").into();
        self.offsets = Some(OffsetsClaim {
            vector: vector.iter().take(POSITIONS_MAX).map(claim).collect(),
            vector_more: vector.len().saturating_sub(POSITIONS_MAX),
            facts_without_position,
        });
    }

    /// The claim as JSON.
    ///
    /// # Panics
    /// Never: every field has a JSON form.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).expect("every field has a JSON form")
    }
}

fn record(database: &Database, entry: &KnownEntry) -> Result<RecordClaim, QueryError> {
    let hash = database.record_hash(entry.id.record)?.to_string();
    Ok(RecordClaim { commit: entry.id.record.get(), entry: entry.id.place, hash })
}

/// The newest entry that sealed a snapshot at the greatest cutoff at or before the valid time.
fn sealed<'a>(context: &'a Context, point: &ResolvedPoint) -> Option<&'a KnownEntry> {
    let (cutoff, _) = context.cutoffs().newest_at(point.at.valid, point.at.system)?;
    context
        .cutoffs()
        .newest_sealed(cutoff, point.at.system)
        .and_then(|ordinal| context.entry(ordinal))
        .map(AsRef::as_ref)
}

fn snapshot(entry: &KnownEntry) -> Option<SnapshotClaim> {
    let put = entry.put()?;
    let header = put.snapshot.as_ref()?;
    let cutoff = put.cutoff?;
    Some(SnapshotClaim {
        id: entry.snapshot?.to_string(),
        cutoff: cutoff.to_string(),
        cutoff_at: cutoff,
        semantics: header.semantics,
        kind: header.kind.as_str(),
        revision: header.revision,
        completeness: header.completeness.clone().into(),
    })
}

fn completeness(
    context: &Context,
    point: &ResolvedPoint,
    sealed: Option<&KnownEntry>,
    watermark: Option<ValidTime>,
) -> Completeness {
    match context.mode() {
        Mode::Events if watermark.is_some_and(|watermark| point.at.valid <= watermark) => {
            Completeness::Complete
        }
        Mode::Events => Completeness::partial("no watermark"),
        Mode::State if !context.cutoffs().has_full_at(point.at.valid, point.at.system) => {
            Completeness::partial("no full")
        }
        Mode::State => {
            let header = sealed.and_then(|entry| entry.put()?.snapshot.as_ref());
            header.map_or_else(|| Completeness::partial("no full"), |header| header.completeness.clone())
        }
    }
}
