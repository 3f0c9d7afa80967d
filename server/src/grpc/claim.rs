//! Claims and ends of answers as `calotype.v1` carries them.

use calotype_proto::v1;
use calotype_query::claim::{CompletenessClaim, OffsetsClaim, PositionClaim, RecordClaim, SnapshotClaim};
use calotype_query::{Claim, End};
#[cfg(feature = "sql")]
use calotype_sql::StatementClaim;
#[cfg(feature = "sql")]
use calotype_storage::SystemTime;
use calotype_storage::record::CutoffSemantics;
#[cfg(feature = "sql")]
use tonic::Status;

use super::values::timestamp;
#[cfg(feature = "sql")]
use crate::status;

/// What an answer rests on.
pub fn claim(claim: &Claim) -> v1::Claim {
    let at = claim.at();
    v1::Claim {
        store: claim.store.clone(),
        context: claim.context.clone(),
        valid_at: Some(timestamp(at.valid)),
        known_at: Some(timestamp(at.system)),
        settled: claim.settled,
        settled_to: claim.settled_until().map(timestamp),
        not_yet_known: claim.not_yet_known,
        record: claim.record.as_ref().map(record),
        snapshot: claim.snapshot.as_ref().map(snapshot),
        positions: claim.positions.iter().map(position).collect(),
        positions_more: more(claim.positions_more),
        completeness: Some(completeness(&claim.completeness)),
        schema_version: claim.schema_version,
        behind_seconds: claim.behind_seconds,
        offsets: claim.offsets.as_ref().map(offsets),
    }
}

/// What the answer to a statement rests on.
///
/// # Errors
/// A fault of our own: its time is none.
#[cfg(feature = "sql")]
pub fn statement_claim(claimed: &StatementClaim) -> Result<v1::StatementClaim, Status> {
    let settled_to: Option<SystemTime> =
        claimed.settled_to.as_deref().map(SystemTime::parse).transpose().map_err(status::internal)?;
    Ok(v1::StatementClaim {
        store: claimed.store.clone(),
        settled: claimed.settled,
        settled_to: settled_to.map(timestamp),
        reads: claimed.reads.iter().map(claim).collect(),
        reads_more: more(claimed.reads_more),
    })
}

/// What an answer ends with.
pub fn end(end: &End) -> v1::AnswerEnd {
    v1::AnswerEnd { rows: end.rows, result_hash: end.result_hash.to_string() }
}

/// What is known to be missing.
pub fn completeness(completeness: &CompletenessClaim) -> v1::Completeness {
    v1::Completeness {
        status: completeness.status.to_owned(),
        reason: completeness.reason.clone().unwrap_or_default(),
    }
}

/// How a cutoff was chosen, in a word.
pub const fn semantics(semantics: CutoffSemantics) -> &'static str {
    match semantics {
        CutoffSemantics::EventTime => "event_time",
        CutoffSemantics::ProcessingTime => "processing_time",
        CutoffSemantics::BusinessEffective => "business_effective",
        CutoffSemantics::Offset => "offset",
    }
}

fn record(record: &RecordClaim) -> v1::RecordClaim {
    v1::RecordClaim { commit: record.commit, entry: record.entry, hash: record.hash.clone() }
}

fn snapshot(snapshot: &SnapshotClaim) -> v1::SnapshotClaim {
    v1::SnapshotClaim {
        id: snapshot.id.clone(),
        cutoff: Some(timestamp(snapshot.cutoff_at())),
        semantics: semantics(snapshot.semantics).to_owned(),
        kind: snapshot.kind.to_owned(),
        revision: snapshot.revision,
        completeness: Some(completeness(&snapshot.completeness)),
    }
}

fn position(position: &PositionClaim) -> v1::Position {
    v1::Position {
        source: position.source.clone(),
        partition: position.partition.clone(),
        epoch: position.epoch,
        from: 0,
        to: position.offset(),
    }
}

fn offsets(offsets: &OffsetsClaim) -> v1::OffsetsClaim {
    v1::OffsetsClaim {
        vector: offsets.vector.iter().map(position).collect(),
        vector_more: more(offsets.vector_more),
        facts_without_position: offsets.facts_without_position,
    }
}

fn more(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}
