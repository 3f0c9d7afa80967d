//! `calotype.snapshots`: a row for each sealed snapshot, with what its header claims.

use std::sync::Arc;

use calotype_storage::context::KnownEntry;
use calotype_storage::record::CutoffSemantics;
use calotype_storage::snapshot::{Reconciliation, SnapshotHeader};

use super::known::integer;
use super::listing::{Asked, Column, List};

/// The table.
pub(super) static LIST: List<Arc<KnownEntry>> = List {
    columns: &COLUMNS,
    order: &["context", "commit", "entry"],
    rows: |asked: &Asked| asked.of_each_entry(|entry| header(entry).map(|_| Arc::clone(entry))),
};

static COLUMNS: [Column<Arc<KnownEntry>>; 16] = [
    Column::text("snapshot", |entry| Some(entry.snapshot?.to_string())),
    Column::text("context", |entry| Some(entry.entry.context.to_string())),
    // Its valid time.
    Column::instant("cutoff", |entry| Some(header(entry)?.cutoff)),
    // Its system time.
    Column::instant("known_at", |entry| Some(entry.system_time().micros())),
    Column::text("semantics", |entry| {
        Some(match header(entry)?.semantics {
            CutoffSemantics::EventTime => "event_time".to_owned(),
            CutoffSemantics::ProcessingTime => "processing_time".to_owned(),
            CutoffSemantics::BusinessEffective => "business_effective".to_owned(),
            CutoffSemantics::Offset => "offset".to_owned(),
        })
    }),
    Column::text("kind", |entry| Some(header(entry)?.kind.as_str().to_owned())),
    // Counts per context and cutoff, from 1.
    Column::integer("revision", |entry| Some(header(entry)?.revision.into())),
    Column::integer("schema_version", |entry| Some(header(entry)?.schema_version.into())),
    Column::integer("rows", |entry| integer(header(entry)?.rows)),
    // `complete`, or the word and the reason.
    Column::text("completeness", |entry| Some(header(entry)?.completeness.to_string())),
    Column::text("reconciliation", |entry| {
        Some(match header(entry)?.reconciliation {
            Reconciliation::None => "none".to_owned(),
        })
    }),
    Column::text("content_root", |entry| Some(header(entry)?.content_root.clone())),
    Column::text("lineage", |entry| Some(header(entry)?.lineage.clone())),
    Column::text("parent", |entry| header(entry)?.parent.clone()),
    Column::integer("commit", |entry| integer(entry.id.record.get())),
    Column::integer("entry", |entry| Some(entry.id.place.into())),
];

fn header(entry: &KnownEntry) -> Option<&SnapshotHeader> {
    entry.put()?.snapshot.as_ref()
}
