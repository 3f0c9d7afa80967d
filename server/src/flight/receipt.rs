//! What a commit amounted to, as JSON.

use calotype_storage::Receipt;
use serde::Serialize;

/// The result of a put or a withdrawal.
#[derive(Serialize)]
struct PutResult {
    commit: u64,
    entry: u32,
    record_hash: String,
    system_time: String,
    asserted: u64,
    retracted: u64,
    unchanged: u64,
    duplicates: u64,
    schema_version: u32,
    snapshot: Option<String>,
    replayed: bool,
}

/// The result of a put or a withdrawal.
pub(super) fn put_result(receipt: &Receipt) -> Vec<u8> {
    let result = PutResult {
        commit: receipt.id.record.get(),
        entry: receipt.id.place,
        record_hash: receipt.record_hash.to_string(),
        system_time: receipt.system_time.to_string(),
        asserted: receipt.counts.asserted,
        retracted: receipt.counts.retracted,
        unchanged: receipt.counts.unchanged,
        duplicates: receipt.counts.duplicates,
        schema_version: receipt.schema_version,
        snapshot: receipt.snapshot.map(|id| id.to_string()),
        replayed: receipt.replayed,
    };
    json(&result)
}

/// The result of creating a context.
pub(super) fn created(context: &str, receipt: &Receipt) -> Vec<u8> {
    let schema_version = (receipt.schema_version > 0).then_some(receipt.schema_version);
    json(&serde_json::json!({
        "context": context,
        "schema_version": schema_version,
        "created": !receipt.replayed,
    }))
}

/// The result of changing a context.
pub(super) fn changed(context: &str, receipt: &Receipt) -> Vec<u8> {
    json(&serde_json::json!({
        "context": context,
        "commit": receipt.id.record.get(),
        "entry": receipt.id.place,
        "record_hash": receipt.record_hash.to_string(),
        "system_time": receipt.system_time.to_string(),
        "schema_version": receipt.schema_version,
    }))
}

fn json(value: &impl Serialize) -> Vec<u8> {
    serde_json::to_vec(value).expect("every field has a JSON form")
}
