//! A context as it is answered.

use calotype_proto::v1;
use calotype_query::times::settled_time;
use calotype_storage::SystemTime;
use calotype_storage::context::Context;
use calotype_storage::record::{Body, Mode};

use crate::grpc::values;

/// A context as it is now; `newest` is the newest time of the log, read before it.
pub(super) fn answered(context: &Context, newest: Option<SystemTime>) -> v1::Context {
    let mode = match context.mode() {
        Mode::State => v1::CaptureMode::State,
        Mode::Events => v1::CaptureMode::Events,
    };
    let version = |(since, schema): &(SystemTime, std::sync::Arc<calotype_storage::schema::Schema>)| {
        v1::SchemaVersion {
            version: schema.version().get(),
            since: Some(values::timestamp(*since)),
            columns: values::schema_columns(schema),
        }
    };
    let entries = context.entries();
    let puts = entries.iter().filter(|entry| entry.put().is_some()).count();
    let withdrawals = entries.iter().filter(|entry| matches!(entry.entry.body, Body::Withdraw(_))).count();
    v1::Context {
        name: context.name().to_string(),
        key: context.key_names().to_vec(),
        mode: mode.into(),
        import: context.created().import,
        importing: context.is_importing(),
        max_retracted_ppm: context.max_retracted_ppm(),
        schema_versions: context.schemas().iter().map(version).collect(),
        settled_to: settled_time(context, newest).map(values::timestamp),
        entries: entries.len() as u64,
        puts: puts as u64,
        withdrawals: withdrawals as u64,
        cutoffs: context.cutoffs().iter().count() as u64,
        keyframes: context.keyframes().len() as u64,
        newest_commit: context.newest_record().map(calotype_storage::identity::Sequence::get),
    }
}
