//! An entry of the log as it is answered.

use calotype_proto::v1;
use calotype_storage::ValidTime;
use calotype_storage::context::KnownEntry;
use calotype_storage::identity::RecordHash;
use calotype_storage::record::{Body, Counts, Listed, SchemaWire};

use crate::grpc::values::{answered_position, timestamp};

/// An entry of a record with the given hash.
pub(super) fn answered(entry: &KnownEntry, record_hash: &RecordHash) -> v1::LogEntry {
    let said = &entry.entry;
    let put = entry.put();
    let text = |text: Option<&dyn std::fmt::Display>| text.map(ToString::to_string).unwrap_or_default();
    v1::LogEntry {
        commit: entry.id.record.get(),
        entry: entry.id.place,
        record_hash: record_hash.to_string(),
        context: said.context.to_string(),
        system_time: Some(timestamp(said.system_time)),
        kind: entry.kind().to_owned(),
        cutoff: cutoff(&said.body).map(timestamp),
        counts: counts(&said.body).map(|counts| v1::EntryCounts {
            rows: counts.rows,
            asserted: counts.asserted,
            retracted: counts.retracted,
            unchanged: counts.unchanged,
            duplicates: counts.duplicates,
        }),
        schema_version: schema_version(&said.body),
        snapshot: entry.snapshot.map(|snapshot| snapshot.to_string()).unwrap_or_default(),
        principal: said.principal.to_string(),
        reason: text(said.reason.as_ref().map(|reason| reason as _)),
        request_id: text(said.idempotency_key.as_ref().map(|key| key as _)),
        positions: entry.positions().iter().map(answered_position).collect(),
        watermark: put.and_then(|put| put.watermark).map(timestamp),
    }
}

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

/// The schema version of an entry's rows, or the one that it brings; 0 where it has none.
fn schema_version(body: &Body) -> u32 {
    let brought = |schema: &Option<Listed<SchemaWire>>| {
        schema.as_ref().and_then(Listed::inline).map_or(0, |schema| schema.version)
    };
    match body {
        Body::Facts(put) | Body::Full(put) | Body::Delta(put) => put.schema_version,
        Body::Withdraw(withdraw) => withdraw.schema_version,
        Body::Materialise(keyframe) => keyframe.schema_version,
        Body::Create(create) => brought(&create.schema),
        Body::Alter(alter) => brought(&alter.schema),
        Body::GoLive(_) => 0,
    }
}
