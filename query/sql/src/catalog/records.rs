//! `calotype.records`: a row for each record of the log, read from the store as it is asked for, a few at a time.
//!
//! Predicates over `commit` narrow what is read. Each record is an object of its own: all of a long log takes as many reads.

use std::sync::Arc;

use calotype_query::QueryError;
use calotype_storage::SystemTime;
use calotype_storage::error::Error;
use calotype_storage::identity::{RecordHash, Sequence};
use calotype_storage::log::Slot;
use futures::{StreamExt, TryStreamExt, stream};

use super::known::integer;
use super::listing::{Asked, Column, List, Listed};
use crate::shared::Shared;

/// Records that are read at once.
const READ_AHEAD: usize = 8;

/// A record.
pub(super) struct RecordRow {
    commit: Sequence,
    wall_time: SystemTime,
    hash: RecordHash,
    previous: RecordHash,
    /// Entries of contexts that may be read.
    entries: u64,
    /// Those contexts, each once.
    contexts: Vec<String>,
}

/// The table.
pub(super) static LIST: List<RecordRow> = List { columns: &COLUMNS, order: &["commit"], rows: records };

static COLUMNS: [Column<RecordRow>; 6] = [
    Column::integer("commit", |record| integer(record.commit.get())),
    // When it was written. Entries of contexts in import have system times of their own.
    Column::instant("wall_time", |record| Some(record.wall_time.micros())),
    Column::text("hash", |record| Some(record.hash.to_string())),
    // Of the record before.
    Column::text("previous_hash", |record| Some(record.previous.to_string())),
    Column::integer("entries", |record| integer(record.entries)),
    Column::text("contexts", |record| Some(record.contexts.join(", "))),
];

fn records(asked: &Asked) -> Listed<RecordRow> {
    let shared = Arc::clone(&asked.scope.shared);
    let end = shared.newest_commit().map_or(0, |newest| newest.get() + 1);
    let first = asked.commits.0.map_or(0, |first| u64::try_from(first).unwrap_or(0));
    let last =
        asked.commits.1.map_or(u64::MAX, |last| u64::try_from(last).map_or(0, |last| last.saturating_add(1)));
    let known = shared.set_known();
    stream::iter(first..last.min(end))
        .map(move |commit| read(Arc::clone(&shared), Sequence::new(commit)))
        .buffered(READ_AHEAD)
        // Wall times rise.
        .try_take_while(move |record| {
            std::future::ready(Ok(known.is_none_or(|known| record.wall_time <= known)))
        })
        .boxed()
}

async fn read(shared: Arc<Shared>, commit: Sequence) -> Result<RecordRow, QueryError> {
    let slot = shared.database().record(commit).await?;
    let missing = || Error::NotFound { what: "record", name: commit.to_string() };
    let Slot { record, hash } = slot.ok_or_else(missing)?;
    let mut contexts: Vec<String> = Vec::new();
    let mut entries = 0;
    for entry in record.entries.iter().filter(|entry| shared.may_read(&entry.context)) {
        entries += 1;
        if !contexts.iter().any(|context| context == entry.context.as_str()) {
            contexts.push(entry.context.to_string());
        }
    }
    Ok(RecordRow { commit, wall_time: record.wall_time, hash, previous: record.prev, entries, contexts })
}
