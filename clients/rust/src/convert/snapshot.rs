//! Snapshots.

use calotype_proto::v1;

use super::{Present, text};
use crate::error::Broken;
use crate::snapshot::Snapshot;

impl TryFrom<v1::Snapshot> for Snapshot {
    type Error = Broken;

    fn try_from(snapshot: v1::Snapshot) -> Result<Self, Broken> {
        Ok(Self {
            id: snapshot.id,
            context: snapshot.context,
            kind: snapshot.kind,
            cutoff: snapshot.cutoff.present("snapshot.cutoff")?.try_into()?,
            semantics: snapshot.semantics,
            known_at: snapshot.known_at.present("snapshot.known_at")?.try_into()?,
            revision: snapshot.revision,
            rows: snapshot.rows,
            schema_version: snapshot.schema_version,
            completeness: snapshot.completeness.present("snapshot.completeness")?.into(),
            reconciliation: snapshot.reconciliation,
            parent: text(snapshot.parent),
            content_root: snapshot.content_root,
            lineage: snapshot.lineage,
            commit: snapshot.commit,
            entry: snapshot.entry,
            principal: snapshot.principal,
            reason: text(snapshot.reason),
        })
    }
}
