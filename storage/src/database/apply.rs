//! Applying records: to the index first, then to the contexts in memory.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError};

use bytes::Bytes;
use serde::de::DeserializeOwned;

use super::Inner;
use crate::context::Context;
use crate::error::Error;
use crate::identity::{ChunkDigest, EntryId, PackDigest, RecordHash, Sequence};
use crate::index::{Applied, Change};
use crate::log::read_slot;
use crate::merkle::{Frontier, LogHash};
use crate::pack::{ChunkLine, Pack};
use crate::planted::{Bug, is_planted};
use crate::reader::{pack_path, read_pack_lines};
use crate::record::{Body, Entry, Listed, Record};
use crate::time::SystemTime;

/// Records that are read before the directory is synced and they are applied.
const READ_AHEAD: usize = 64;

impl Inner {
    /// Applies records until the first free slot. Returns how many.
    ///
    /// What others linked counts once its directory entry is durable: records are read up to the end, then
    /// the directory is synced, and only then are they applied.
    pub(crate) async fn catch_up(&self) -> Result<u64, Error> {
        let mut applied = 0;
        loop {
            let mut next = self.head().map_or(Sequence::FIRST, |head| head.sequence.next());
            let mut slots = Vec::new();
            while slots.len() < READ_AHEAD
                && let Some(slot) = read_slot(&self.backend, next).await?
            {
                slots.push(slot);
                next = next.next();
            }
            if slots.is_empty() {
                return Ok(applied);
            }
            if !is_planted(Bug::TrustsUnsyncedSlot) {
                self.sync_or_poison()?;
            }
            for slot in slots {
                self.apply(slot.record, slot.hash, &[]).await?;
                applied += 1;
            }
        }
    }

    /// Applies the next record. One that was applied before is left alone.
    pub(crate) async fn apply(&self, record: Record, hash: RecordHash, packs: &[Pack]) -> Result<(), Error> {
        let _one_at_a_time = self.applying.lock().await;
        let head = self.head();
        let (next, prev) = match &head {
            None => (Sequence::FIRST, RecordHash::BEFORE_FIRST),
            Some(head) => (head.sequence.next(), head.hash),
        };
        if record.sequence < next {
            return Ok(());
        }
        let damaged = |what: String| Error::damaged(crate::log::slot_path(record.sequence), what);
        if record.sequence != next || record.prev != prev {
            return Err(damaged(format!(
                "it follows {}, but the record before it hashes to {prev}",
                record.prev
            )));
        }
        if head.as_ref().is_some_and(|head| record.wall_time <= head.newest_time) {
            return Err(damaged("its wall time does not rise".into()));
        }
        let mut frontier = head.map_or_else(Frontier::default, |head| head.frontier);
        frontier.push::<LogHash>(*hash.as_bytes());
        let newest =
            record.entries.iter().map(|entry| entry.system_time).fold(record.wall_time, SystemTime::max);
        let applied = Applied { sequence: record.sequence, hash, newest_time: newest, frontier };
        let change = self.change(applied, record, packs).await?;
        self.take(change)
    }

    /// What a record brings, with the footers of its packs and the lists that it keeps apart.
    async fn change(&self, applied: Applied, record: Record, known: &[Pack]) -> Result<Change, Error> {
        let mut change = Change { applied, entries: Vec::new(), packs: Vec::new(), snapshots: Vec::new() };
        for (place, entry) in (0..).zip(record.entries) {
            let id = EntryId { record: record.sequence, place };
            let mut lines: BTreeMap<ChunkDigest, (PackDigest, ChunkLine)> = BTreeMap::new();
            for pack in &entry.packs {
                let (bytes, pack_lines) = match known.iter().find(|known| known.digest == *pack) {
                    Some(known) => (known.bytes.len() as u64, known.lines.clone()),
                    None => read_pack_lines(&self.backend, *pack).await.map_err(|error| {
                        let Error::MissingPack(pack) = error else { return error };
                        // Either the pack went, or its name in the record is damaged.
                        let what = format!("it names {}, which is missing", pack_path(pack));
                        Error::damaged(crate::log::slot_path(record.sequence), what)
                    })?,
                };
                lines.extend(pack_lines.iter().map(|line| (line.digest, (*pack, *line))));
                change.packs.push((*pack, bytes, pack_lines));
            }
            let mut lists = BTreeMap::new();
            for digest in objects(&entry) {
                let bytes = match lines.get(&digest) {
                    None => self.reader.named_bytes(digest).await?,
                    Some((pack, line)) => match known.iter().find(|known| known.digest == *pack) {
                        Some(known) => {
                            let from = usize::try_from(line.offset).expect("a pack in memory");
                            known.bytes.slice(from..from + line.length as usize)
                        }
                        None => self.reader.named_bytes_at(*pack, line).await?,
                    },
                };
                lists.insert(digest, bytes);
            }
            let entry = hydrate(entry, &lists)?;
            if let Body::Full(put) | Body::Delta(put) = &entry.body
                && let Some(snapshot) = put.snapshot_id()
            {
                change.snapshots.push((snapshot, entry.context.clone(), id));
            }
            change.entries.push((id, entry));
        }
        Ok(change)
    }

    /// Takes a change: all of it or, on an error, nothing that a reader could see.
    fn take(&self, change: Change) -> Result<(), Error> {
        let mut contexts = self.contexts.lock().unwrap_or_else(PoisonError::into_inner);
        let mut changed: BTreeMap<_, Arc<Context>> = BTreeMap::new();
        for (id, entry) in &change.entries {
            let name = entry.context.clone();
            let before = match changed.remove(&name).or_else(|| contexts.remove(&name)) {
                Some(context) => Some(context),
                None => self.load_context(&name)?.map(Arc::new),
            };
            let damaged = |error| Error::damaged(crate::log::slot_path(id.record), error);
            let after = match before {
                None => Arc::new(Context::create(*id, entry.clone()).map_err(damaged)?),
                Some(mut context) => {
                    Arc::make_mut(&mut context).apply(*id, entry.clone()).map_err(damaged)?;
                    context
                }
            };
            changed.insert(name, after);
        }
        self.index.apply(&change).map_err(|error| self.index_error(error))?;
        contexts.append(&mut changed);
        *self.head.write().unwrap_or_else(PoisonError::into_inner) = Some(change.applied);
        Ok(())
    }

    /// Brings the lists of an entry in the making back into it, from staged packs.
    pub(crate) async fn hydrate_staged(&self, entry: Entry, packs: &[Pack]) -> Result<Entry, Error> {
        let mut lists = BTreeMap::new();
        for digest in objects(&entry) {
            let staged = packs.iter().find_map(|pack| {
                let line = pack.lines.iter().find(|line| line.digest == digest)?;
                let from = usize::try_from(line.offset).ok()?;
                Some(pack.bytes.slice(from..from + line.length as usize))
            });
            let bytes = match staged {
                Some(bytes) => bytes,
                None => self.reader.named_bytes(digest).await?,
            };
            lists.insert(digest, bytes);
        }
        hydrate(entry, &lists)
    }
}

fn object<T>(listed: Option<&Listed<T>>) -> Option<ChunkDigest> {
    match listed {
        Some(Listed::Object(digest)) => Some(*digest),
        Some(Listed::Inline(_)) | None => None,
    }
}

/// The lists that an entry keeps apart.
fn objects(entry: &Entry) -> Vec<ChunkDigest> {
    let found = match &entry.body {
        Body::Create(create) => [object(create.schema.as_ref()), None],
        Body::Alter(alter) => [object(alter.schema.as_ref()), None],
        Body::Facts(put) | Body::Full(put) | Body::Delta(put) => {
            [object(put.schema.as_ref()), object(put.positions.as_ref())]
        }
        Body::Materialise(keyframe) => [object(keyframe.relies_on.as_ref()), None],
        Body::GoLive(_) | Body::Withdraw(_) => [None, None],
    };
    found.into_iter().flatten().collect()
}

fn fill<T: DeserializeOwned>(
    listed: &mut Option<Listed<T>>,
    lists: &BTreeMap<ChunkDigest, Bytes>,
) -> Result<(), Error> {
    let Some(digest) = object(listed.as_ref()) else {
        return Ok(());
    };
    let damaged = |what: String| Error::damaged(format_args!("list {digest}"), what);
    let bytes = lists.get(&digest).ok_or_else(|| damaged("it was not fetched".into()))?;
    let list = serde_json::from_slice(bytes).map_err(|error| damaged(error.to_string()))?;
    *listed = Some(Listed::Inline(list));
    Ok(())
}

/// An entry with its lists within.
fn hydrate(mut entry: Entry, lists: &BTreeMap<ChunkDigest, Bytes>) -> Result<Entry, Error> {
    match &mut entry.body {
        Body::Create(create) => fill(&mut create.schema, lists)?,
        Body::Alter(alter) => fill(&mut alter.schema, lists)?,
        Body::Facts(put) | Body::Full(put) | Body::Delta(put) => {
            fill(&mut put.schema, lists)?;
            fill(&mut put.positions, lists)?;
        }
        Body::Materialise(keyframe) => fill(&mut keyframe.relies_on, lists)?,
        Body::GoLive(_) | Body::Withdraw(_) => {}
    }
    Ok(entry)
}
