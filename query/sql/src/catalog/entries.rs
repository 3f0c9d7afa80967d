//! `calotype.entries`: a row for each entry of the log: what was done to which context, when, by whom and why.

use std::sync::Arc;

use calotype_storage::ValidTime;
use calotype_storage::context::KnownEntry;
use calotype_storage::record::{Body, Counts, Listed, SchemaWire};

use super::known::integer;
use super::listing::{Asked, Column, List};

/// The table.
pub(super) static LIST: List<Arc<KnownEntry>> = List {
    columns: &COLUMNS,
    order: &["context", "commit", "entry"],
    rows: |asked: &Asked| asked.of_each_entry(|entry| Some(Arc::clone(entry))),
};

static COLUMNS: [Column<Arc<KnownEntry>>; 18] = [
    Column::text("context", |entry| Some(entry.entry.context.to_string())),
    Column::integer("commit", |entry| integer(entry.id.record.get())),
    // Its place in the record, from 0.
    Column::integer("entry", |entry| Some(entry.id.place.into())),
    Column::text("kind", |entry| Some(entry.kind().to_owned())),
    Column::instant("system_time", |entry| Some(entry.system_time().micros())),
    Column::instant("cutoff", |entry| Some(cutoff(&entry.entry.body)?.micros())),
    Column::instant("watermark", |entry| Some(entry.put()?.watermark?.micros())),
    // Of its rows, or the one that it brings.
    Column::integer("schema_version", |entry| schema_version(&entry.entry.body).map(i64::from)),
    Column::text("snapshot", |entry| Some(entry.snapshot?.to_string())),
    Column::text("principal", |entry| Some(entry.entry.principal.to_string())),
    Column::text("reason", |entry| Some(entry.entry.reason.as_ref()?.to_string())),
    Column::text("idempotency_key", |entry| Some(entry.entry.idempotency_key.as_ref()?.to_string())),
    Column::boolean("replaces", |entry| Some(entry.put()?.replace)),
    Column::integer("rows", |entry| integer(counts(&entry.entry.body)?.rows)),
    Column::integer("asserted", |entry| integer(counts(&entry.entry.body)?.asserted)),
    Column::integer("retracted", |entry| integer(counts(&entry.entry.body)?.retracted)),
    Column::integer("unchanged", |entry| integer(counts(&entry.entry.body)?.unchanged)),
    Column::integer("duplicates", |entry| integer(counts(&entry.entry.body)?.duplicates)),
];

fn cutoff(body: &Body) -> Option<ValidTime> {
    match body {
        Body::Facts(put) | Body::Full(put) | Body::Delta(put) => put.cutoff,
        Body::Withdraw(withdraw) => Some(withdraw.cutoff),
        Body::Create(_) | Body::Alter(_) | Body::GoLive(_) | Body::Materialise(_) => None,
    }
}

fn counts(body: &Body) -> Option<&Counts> {
    match body {
        Body::Facts(put) | Body::Full(put) | Body::Delta(put) => Some(&put.counts),
        Body::Withdraw(withdraw) => Some(&withdraw.counts),
        Body::Create(_) | Body::Alter(_) | Body::GoLive(_) | Body::Materialise(_) => None,
    }
}

fn schema_version(body: &Body) -> Option<u32> {
    let brought =
        |schema: &Option<Listed<SchemaWire>>| Some(schema.as_ref().and_then(Listed::inline)?.version);
    match body {
        Body::Facts(put) | Body::Full(put) | Body::Delta(put) => Some(put.schema_version),
        Body::Withdraw(withdraw) => Some(withdraw.schema_version),
        Body::Materialise(keyframe) => Some(keyframe.schema_version),
        Body::Create(create) => brought(&create.schema),
        Body::Alter(alter) => brought(&alter.schema),
        Body::GoLive(_) => None,
    }
}
