//! Which entries speak about a key: so that a question about few keys reads the entries that
//! concern them, and not every delta since the last keyframe.
//!
//! A cache in memory, grown while it is asked, from entries that the log holds; it is never consulted for
//! what is still being made. It can name an entry too many (hashes collide), never one too few:
//! whatever it has not seen or could not read, or is too large to be kept here, is always looked at.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hasher};
use std::sync::{Arc, Mutex, PoisonError};

use super::{KeyFilter, ScanRequest};
use crate::context::Context;
use crate::error::Error;
use crate::identity::Ordinal;
use crate::key::EncodedKeys;
use crate::name::ContextName;
use crate::planted::{Bug, is_planted};
use crate::reader::ChunkReader;
use crate::schema::Schema;

/// Questions about more keys read every entry: the index would name most of them.
const KEYS_MAX: usize = 64;
/// An entry with more facts is always looked at: the zone maps of its groups serve it well.
const ENTRY_ROWS_MAX: u32 = 1 << 16;
/// Facts that are kept in all, 12 bytes each; beyond, entries are looked at as before.
const ROWS_MAX: usize = 8 << 20;
/// Entries that one question adds at most.
const GROWTH_MAX: usize = 256;
/// Facts after which a question adds no further entry: their keys are held until they are in the index.
const GROWTH_ROWS_MAX: usize = 1 << 18;

/// The indexes of all contexts of a store.
#[derive(Debug, Default)]
pub(crate) struct KeyIndexes {
    contexts: Mutex<BTreeMap<ContextName, KeyIndex>>,
}

/// Which entries of a context speak about a key.
#[derive(Debug, Default)]
struct KeyIndex {
    /// Entries below this ordinal are in the index, or in `always`.
    covered: u32,
    /// Entries that are always looked at.
    always: Vec<u32>,
    /// Each sorted; sizes fall at least by half from one to the next.
    levels: Vec<Vec<Place>>,
}

/// The hash of a key, in two halves, and an entry that speaks about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    high: u32,
    low: u32,
    entry: u32,
}

impl Place {
    fn of(key: &[u8], entry: u32) -> Self {
        let mut hasher = DefaultHasher::new();
        hasher.write(key);
        let hash = hasher.finish();
        let high = u32::try_from(hash >> 32).expect("32 bits");
        let low = u32::try_from(hash & 0xffff_ffff).expect("32 bits");
        Self { high, low, entry }
    }
}

/// What is to be added: an entry, with its keys where they are few enough.
struct Growth {
    entry: u32,
    keys: Option<Vec<Arc<EncodedKeys>>>,
}

impl ScanRequest {
    /// Leaves out entries that say nothing about the keys, where the question is about few. The context must be
    /// one that the log holds, not one that is being made.
    ///
    #[must_use]
    pub async fn narrowed(mut self, context: &Context, reader: &ChunkReader) -> Self {
        let KeyFilter::Set(keys) = &self.keys else {
            return self;
        };
        if keys.len() <= KEYS_MAX && self.entries.len() > 1 {
            let keys = Arc::clone(keys);
            reader.key_indexes().grow(context, reader, &self.schema).await;
            reader.key_indexes().narrow(context.name(), &keys, &mut self);
        }
        self
    }
}

impl KeyIndexes {
    fn covered(&self, context: &ContextName) -> (u32, usize) {
        let contexts = self.contexts.lock().unwrap_or_else(PoisonError::into_inner);
        let rows = contexts.values().map(KeyIndex::rows).sum();
        (contexts.get(context).map_or(0, |index| index.covered), rows)
    }

    /// Adds entries that the index has not seen.
    async fn grow(&self, context: &Context, reader: &ChunkReader, schema: &Schema) {
        let (covered, rows) = self.covered(context.name());
        let unseen = context.entries().get(covered as usize..).unwrap_or_default();
        if unseen.is_empty() || rows > ROWS_MAX {
            return;
        }
        let mut growth = Vec::new();
        let mut gathered = 0;
        for entry in unseen.iter().take(GROWTH_MAX) {
            let keys = match entry.facts() {
                None => Some(Vec::new()),
                Some(digest) => few_keys(reader, schema, digest).await.unwrap_or_default(),
            };
            gathered += keys.iter().flatten().map(|keys| keys.len()).sum::<usize>();
            growth.push(Growth { entry: entry.ordinal.get(), keys });
            if gathered > GROWTH_ROWS_MAX {
                break;
            }
        }
        let mut contexts = self.contexts.lock().unwrap_or_else(PoisonError::into_inner);
        let index = contexts.entry(context.name().clone()).or_default();
        // Another question may have added the same in the meantime.
        for growth in growth.into_iter().filter(|growth| growth.entry >= covered) {
            index.add(growth);
        }
    }

    fn narrow(&self, context: &ContextName, keys: &EncodedKeys, request: &mut ScanRequest) {
        let contexts = self.contexts.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(index) = contexts.get(context) else { return };
        let (Some(first), Some(last)) = (request.entries.first(), request.entries.last()) else { return };
        let (first, end) = (first.ordinal.get(), last.ordinal.get() + 1);
        let mut wanted = index.find(keys, first, end.min(index.covered));
        if is_planted(Bug::KeyIndexForgets) {
            wanted.pop();
        }
        wanted.extend(index.covered.max(first)..end.max(index.covered.max(first)));
        // Entries of a context stand side by side, in the order of their ordinals.
        let entries = wanted.iter().filter_map(|ordinal| request.entries.get((ordinal - first) as usize));
        let entries: Vec<_> = entries.cloned().collect();
        debug_assert!(entries.iter().zip(&wanted).all(|(entry, at)| entry.ordinal == Ordinal::new(*at)));
        request.entries = entries;
    }
}

/// The keys of an entry's facts; `None` if they are many.
async fn few_keys(
    reader: &ChunkReader,
    schema: &Schema,
    digest: crate::identity::ChunkDigest,
) -> Result<Option<Vec<Arc<EncodedKeys>>>, Error> {
    let manifest = reader.manifest(digest).await?;
    if manifest.groups.iter().map(|group| group.rows).sum::<u32>() > ENTRY_ROWS_MAX {
        return Ok(None);
    }
    let mut keys = Vec::with_capacity(manifest.groups.len());
    for group in &manifest.groups {
        keys.push(reader.keys(schema, group).await?);
    }
    Ok(Some(keys))
}

impl KeyIndex {
    fn rows(&self) -> usize {
        self.levels.iter().map(Vec::len).sum()
    }

    /// Adds the next entry; one that is not the next is there already.
    fn add(&mut self, growth: Growth) {
        if growth.entry != self.covered {
            return;
        }
        self.covered += 1;
        let Some(keys) = growth.keys else {
            self.always.push(growth.entry);
            return;
        };
        let mut level: Vec<Place> =
            keys.iter().flat_map(|keys| keys.iter().map(|key| Place::of(key, growth.entry))).collect();
        if level.is_empty() {
            return;
        }
        level.sort_unstable();
        level.dedup();
        // Levels of like size become one, so that there are few of them.
        while let Some(below) = self.levels.pop_if(|below| below.len() < 2 * level.len()) {
            level = merged(&below, &level);
        }
        self.levels.push(level);
    }

    /// Entries from `first` to before `end` that may speak about the keys, in order, each once.
    fn find(&self, keys: &EncodedKeys, first: u32, end: u32) -> Vec<u32> {
        let within = |entry: &u32| (first..end).contains(entry);
        let mut found: Vec<u32> = self.always.iter().copied().filter(within).collect();
        for key in keys.iter() {
            let wanted = Place::of(key, 0);
            for level in &self.levels {
                let from = level.partition_point(|place| *place < wanted);
                let same = level[from..]
                    .iter()
                    .take_while(|place| (place.high, place.low) == (wanted.high, wanted.low));
                found.extend(same.map(|place| place.entry).filter(within));
            }
        }
        found.sort_unstable();
        found.dedup();
        found
    }
}

fn merged(one: &[Place], other: &[Place]) -> Vec<Place> {
    let mut merged = Vec::with_capacity(one.len() + other.len());
    let (mut one, mut other) = (one.iter().peekable(), other.iter().peekable());
    loop {
        let next = match (one.peek(), other.peek()) {
            (Some(a), Some(b)) if a <= b => one.next(),
            (_, Some(_)) => other.next(),
            (Some(_), None) => one.next(),
            (None, None) => return merged,
        };
        merged.extend(next);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keys(keys: &[u32]) -> Arc<EncodedKeys> {
        let bytes: Vec<[u8; 4]> = keys.iter().map(|key| key.to_be_bytes()).collect();
        Arc::new(EncodedKeys::from_keys(bytes.iter().map(<[u8; 4]>::as_slice)))
    }

    #[test]
    fn every_entry_that_speaks_about_a_key_is_found() {
        let mut index = KeyIndex::default();
        let speaks = |entry: u32, key: u32| (entry * 7 + key * 13).is_multiple_of(5);
        for entry in 0..200 {
            let said: Vec<u32> = (0..40).filter(|key| speaks(entry, *key)).collect();
            // Some are too large, some say nothing.
            let keys = if entry % 50 == 3 { None } else { Some(vec![keys(&said)]) };
            index.add(Growth { entry, keys });
            index.add(Growth { entry, keys: Some(Vec::new()) });
        }
        assert!(index.levels.len() < 14, "{} levels", index.levels.len());
        for key in 0..40 {
            for (first, end) in [(0, 200), (17, 18), (60, 150), (199, 200), (5, 5)] {
                let found = index.find(&keys(&[key]), first, end);
                let expected: Vec<u32> =
                    (first..end).filter(|entry| entry % 50 == 3 || speaks(*entry, key)).collect();
                assert_eq!(found, expected, "key {key} from {first} to {end}");
            }
        }
        let both = index.find(&keys(&[1, 2]), 0, 20);
        let expected: Vec<u32> = (0..20).filter(|e| *e == 3 || speaks(*e, 1) || speaks(*e, 2)).collect();
        assert_eq!(both, expected);
    }
}
