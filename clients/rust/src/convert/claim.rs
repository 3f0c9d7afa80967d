//! Claims, and what answers end with.

use calotype_proto::v1;

use super::{Present, each, maybe, text};
use crate::answer::AnswerEnd;
use crate::claim::{
    Claim, Completeness, OffsetsClaim, PositionClaim, RecordClaim, SnapshotClaim, StatementClaim,
};
use crate::error::Broken;

impl TryFrom<v1::Claim> for Claim {
    type Error = Broken;

    fn try_from(claim: v1::Claim) -> Result<Self, Broken> {
        Ok(Self {
            store: claim.store,
            context: claim.context,
            valid_at: claim.valid_at.present("claim.valid_at")?.try_into()?,
            known_at: claim.known_at.present("claim.known_at")?.try_into()?,
            settled: claim.settled,
            settled_to: maybe(claim.settled_to)?,
            not_yet_known: claim.not_yet_known,
            record: maybe(claim.record)?,
            snapshot: maybe(claim.snapshot)?,
            positions: each(claim.positions)?,
            positions_more: claim.positions_more,
            completeness: claim.completeness.present("claim.completeness")?.into(),
            schema_version: claim.schema_version,
            behind_seconds: claim.behind_seconds,
            offsets: maybe(claim.offsets)?,
        })
    }
}

impl TryFrom<v1::StatementClaim> for StatementClaim {
    type Error = Broken;

    fn try_from(claim: v1::StatementClaim) -> Result<Self, Broken> {
        let v1::StatementClaim { store, settled, settled_to, reads, reads_more } = claim;
        Ok(Self { store, settled, settled_to: maybe(settled_to)?, reads: each(reads)?, reads_more })
    }
}

impl From<v1::RecordClaim> for RecordClaim {
    fn from(record: v1::RecordClaim) -> Self {
        let v1::RecordClaim { commit, entry, hash } = record;
        Self { commit, entry, hash }
    }
}

impl TryFrom<v1::SnapshotClaim> for SnapshotClaim {
    type Error = Broken;

    fn try_from(snapshot: v1::SnapshotClaim) -> Result<Self, Broken> {
        Ok(Self {
            id: snapshot.id,
            cutoff: snapshot.cutoff.present("claim.snapshot.cutoff")?.try_into()?,
            semantics: snapshot.semantics,
            kind: snapshot.kind,
            revision: snapshot.revision,
            completeness: snapshot.completeness.present("claim.snapshot.completeness")?.into(),
        })
    }
}

impl From<v1::Position> for PositionClaim {
    fn from(position: v1::Position) -> Self {
        let v1::Position { source, partition, epoch, to, .. } = position;
        Self { source, partition, epoch, to }
    }
}

impl TryFrom<v1::OffsetsClaim> for OffsetsClaim {
    type Error = Broken;

    fn try_from(offsets: v1::OffsetsClaim) -> Result<Self, Broken> {
        Ok(Self {
            vector: each(offsets.vector)?,
            vector_more: offsets.vector_more,
            facts_without_position: offsets.facts_without_position,
        })
    }
}

impl From<v1::Completeness> for Completeness {
    fn from(completeness: v1::Completeness) -> Self {
        Self { status: completeness.status, reason: text(completeness.reason) }
    }
}

impl From<v1::AnswerEnd> for AnswerEnd {
    fn from(end: v1::AnswerEnd) -> Self {
        let v1::AnswerEnd { rows, result_hash } = end;
        Self { rows, result_hash }
    }
}
