//! Sealing: the header of the snapshot that a full or delta makes.

use serde::Serialize;

use crate::context::Context;
use crate::identity::StoreId;
use crate::put::{Extract, Put, PutKind};
use crate::record::Position;
use crate::snapshot::{Completeness, HEADER_FORMAT, Reconciliation, SnapshotHeader, SnapshotKind};
use crate::time::SystemTime;

/// What a lineage digest is the hash of.
#[derive(Serialize)]
struct Lineage<'a> {
    principal: &'a str,
    positions: &'a [Position],
    schema_version: u32,
    parent: Option<String>,
    put: String,
}

/// The header that a full or delta seals; facts seal none.
pub(super) fn snapshot(
    store: StoreId,
    context: &Context,
    put: &Put,
    extract: &Extract,
    system: SystemTime,
) -> Option<SnapshotHeader> {
    let (cutoff, kind) = match put.kind {
        PutKind::Facts { .. } => return None,
        PutKind::Full { cutoff } => (cutoff, SnapshotKind::Full),
        PutKind::Delta { cutoff } => (cutoff, SnapshotKind::Delta),
    };
    let options = &put.options;
    let was_checked = options.expected_rows.is_some() || !options.totals.is_empty();
    let completeness = match kind {
        SnapshotKind::Full if was_checked => Completeness::Complete,
        SnapshotKind::Full => Completeness::partial("unchecked"),
        SnapshotKind::Delta => Completeness::partial("delta"),
    };
    let parent = options.parent.map(|parent| parent.to_string());
    let lineage = Lineage {
        principal: options.principal.as_str(),
        positions: &options.positions,
        schema_version: extract.schema.version().get(),
        parent: parent.clone(),
        put: extract.digest.to_string(),
    };
    let lineage = serde_json::to_vec(&lineage).expect("every field has a JSON form");
    Some(SnapshotHeader {
        format: HEADER_FORMAT,
        store: store.to_string(),
        context: context.name().to_string(),
        semantics: options.semantics,
        cutoff: cutoff.micros(),
        known_at: system.micros(),
        schema_version: extract.schema.version().get(),
        kind,
        revision: context.cutoffs().revision(cutoff) + 1,
        parent,
        content_root: extract.content_root.to_string(),
        rows: extract.keys.len() as u64,
        completeness,
        reconciliation: Reconciliation::None,
        lineage: blake3::hash(&lineage).to_string(),
    })
}
