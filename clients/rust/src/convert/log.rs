//! The log: its head, records, entries, and messages of a watch.

use calotype_proto::v1;

use super::{Present, each, maybe, text};
use crate::error::Broken;
use crate::log::{EntryCounts, Head, LogEntry, LogRecord, WatchEvent};

impl TryFrom<v1::GetHeadResponse> for Head {
    type Error = Broken;

    fn try_from(head: v1::GetHeadResponse) -> Result<Self, Broken> {
        Ok(Self {
            store: head.store,
            store_id: head.store_id,
            records: head.records,
            newest_commit: head.newest_commit,
            newest_time: maybe(head.newest_time)?,
            newest_record_hash: head.newest_record_hash,
            root: head.root,
            contexts: head.contexts,
            packs: head.packs,
            pack_bytes: head.pack_bytes,
            chunks: head.chunks,
            index: head.index,
            server_version: head.server_version,
        })
    }
}

impl TryFrom<v1::LogRecord> for LogRecord {
    type Error = Broken;

    fn try_from(record: v1::LogRecord) -> Result<Self, Broken> {
        Ok(Self {
            commit: record.commit,
            hash: record.hash,
            wall_time: record.wall_time.present("record.wall_time")?.try_into()?,
            bytes: record.bytes,
            entries: each(record.entries)?,
        })
    }
}

impl TryFrom<v1::LogEntry> for LogEntry {
    type Error = Broken;

    fn try_from(entry: v1::LogEntry) -> Result<Self, Broken> {
        Ok(Self {
            commit: entry.commit,
            entry: entry.entry,
            record_hash: entry.record_hash,
            context: entry.context,
            system_time: entry.system_time.present("entry.system_time")?.try_into()?,
            kind: entry.kind,
            cutoff: maybe(entry.cutoff)?,
            counts: entry.counts.map(Into::into),
            schema_version: Some(entry.schema_version).filter(|version| *version != 0),
            snapshot: text(entry.snapshot),
            principal: entry.principal,
            reason: text(entry.reason),
            request_id: text(entry.request_id),
            positions: each(entry.positions)?,
            watermark: maybe(entry.watermark)?,
        })
    }
}

impl From<v1::EntryCounts> for EntryCounts {
    fn from(counts: v1::EntryCounts) -> Self {
        let v1::EntryCounts { rows, asserted, retracted, unchanged, duplicates } = counts;
        Self { rows, asserted, retracted, unchanged, duplicates }
    }
}

impl TryFrom<v1::WatchContextResponse> for WatchEvent {
    type Error = Broken;

    fn try_from(message: v1::WatchContextResponse) -> Result<Self, Broken> {
        let token = text(message.resume_token).present("resume_token")?;
        Ok(Self { entry: maybe(message.entry)?, commit: message.commit, resume_token: token })
    }
}
