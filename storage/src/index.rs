//! The index: what the log says, arranged for looking up, in a redb file.
//!
//! Invariants: the index is a pure function of the log; one transaction takes one
//! record, whole; it knows its store, its format and the hash of the last record
//! taken. It is a cache: on any doubt it is thrown away and made anew.

use std::path::Path;
use std::sync::Arc;

use redb::{Database, Durability, ReadableDatabase, ReadableTable, ReadableTableMetadata, TableDefinition};

use crate::error::Error;
use crate::identity::{ChunkDigest, EntryId, PackDigest, RecordHash, Sequence, SnapshotId, StoreId};
use crate::merkle::Frontier;
use crate::name::{ContextName, IdempotencyKey, Principal};
use crate::pack::{ChunkLine, line_from_bytes, line_to_bytes};
use crate::record::Entry;
use crate::time::SystemTime;

/// Version of the arrangement: another one is rebuilt.
const FORMAT: u32 = 2;
/// Records taken between two commits that reach the disk: what must be replayed after a kill.
const RECORDS_PER_SYNC: u64 = 256;
/// Up to this size the whole file is checked when it is opened.
const CHECK_BYTES_MAX: u64 = 256 << 20;
/// Bytes of redb's own page cache.
const CACHE_BYTES: usize = 64 << 20;

const META: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("meta");
const RECORDS: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("records");
const ENTRIES: TableDefinition<'_, (&str, u64, u32), &[u8]> = TableDefinition::new("entries");
const CONTEXTS: TableDefinition<'_, &str, ()> = TableDefinition::new("contexts");
const KEYS: TableDefinition<'_, (&str, &str, &str), &[u8]> = TableDefinition::new("idempotency_keys");
const CHUNKS: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new("chunks");
const PACKS: TableDefinition<'_, &[u8], u64> = TableDefinition::new("packs");
const SNAPSHOTS: TableDefinition<'_, &[u8], (&str, u64, u32)> = TableDefinition::new("snapshots");

/// Why the index cannot be trusted; it is rebuilt then.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum IndexError {
    /// redb found damage, or could not read or write.
    #[error("the index cannot be used")]
    Redb(#[source] Box<redb::Error>),
    /// A value is not what was written.
    #[error("the index holds a damaged value in '{0}'")]
    Value(&'static str),
    /// Another process has it open.
    #[error("another process has the index open")]
    InUse,
}

impl<E: Into<redb::Error>> From<E> for IndexError {
    fn from(error: E) -> Self {
        Self::Redb(Box::new(error.into()))
    }
}

impl IndexError {
    pub(crate) fn into_error(self, path: &Path) -> Error {
        Error::State { path: path.to_owned(), reason: crate::error::reasons(&self) }
    }
}

/// How far the index has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Applied {
    /// The last record taken.
    pub sequence: Sequence,
    /// Its hash.
    pub hash: RecordHash,
    /// The newest time so far.
    pub newest_time: SystemTime,
    /// The Merkle tree so far.
    pub frontier: Frontier,
}

/// What one record brings to the index.
#[derive(Clone, Debug)]
pub struct Change {
    /// How far it brings the index.
    pub applied: Applied,
    /// Its entries, lists fetched.
    pub entries: Vec<(EntryId, Entry)>,
    /// Packs it adds: name, bytes, chunks.
    pub packs: Vec<(PackDigest, u64, Vec<ChunkLine>)>,
    /// Snapshots it seals.
    pub snapshots: Vec<(SnapshotId, ContextName, EntryId)>,
}

/// An open index.
#[derive(Debug)]
pub struct Index {
    database: Database,
}

impl Index {
    /// Opens or makes an index for a store. `None` if what is there is damaged, of another format or of
    /// an earlier arrangement, and has to be made anew.
    ///
    /// # Errors
    /// [`IndexError::InUse`] if another process has it open. The id found, if it is another store's.
    pub fn open(path: &Path, store: StoreId) -> Result<Result<Option<Self>, String>, IndexError> {
        let is_small = std::fs::metadata(path).is_ok_and(|file| file.len() <= CHECK_BYTES_MAX);
        // A damaged file may make redb panic; the file is a cache, so that is no more than damage.
        let opened = std::panic::catch_unwind(|| -> Result<Database, redb::DatabaseError> {
            let mut database = Database::builder().set_cache_size(CACHE_BYTES).create(path)?;
            if is_small && !database.check_integrity()? {
                return Err(redb::StorageError::Corrupted("repaired".into()).into());
            }
            Ok(database)
        });
        let database = match opened {
            Ok(Ok(database)) => database,
            Ok(Err(redb::DatabaseError::DatabaseAlreadyOpen)) => return Err(IndexError::InUse),
            Ok(Err(redb::DatabaseError::Storage(redb::StorageError::Io(error))))
                if !is_damage(error.kind()) =>
            {
                return Err(redb::StorageError::Io(error).into());
            }
            Ok(Err(_)) | Err(_) => return Ok(Ok(None)),
        };
        let index = Self { database };
        let checked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| index.check(store)));
        match checked {
            // How far it has come must be certain, or it is made anew.
            Ok(Ok(Ok(true))) => Ok(Ok(index.applied().is_ok().then_some(index))),
            Ok(Ok(Err(other))) => Ok(Err(other)),
            Ok(Ok(Ok(false)) | Err(_)) | Err(_) => Ok(Ok(None)),
        }
    }

    /// Makes an index that lives in memory alone.
    ///
    /// # Errors
    /// [`IndexError`] if redb cannot.
    pub fn in_memory(store: StoreId) -> Result<Self, IndexError> {
        let backend = redb::backends::InMemoryBackend::new();
        let database = Database::builder().set_cache_size(CACHE_BYTES).create_with_backend(backend)?;
        let index = Self { database };
        index.check(store)?.ok();
        Ok(index)
    }

    /// Whether the index is of this store and arrangement; a new one is made so.
    fn check(&self, store: StoreId) -> Result<Result<bool, String>, IndexError> {
        let write = self.database.begin_write()?;
        let outcome = {
            let mut meta = write.open_table(META)?;
            let found = meta.get("store")?.map(|value| value.value().to_vec());
            let format = meta.get("format")?.map(|value| value.value().to_vec());
            match (found, format) {
                (None, None) if meta.is_empty()? => {
                    meta.insert("store", store.as_bytes().as_slice())?;
                    meta.insert("format", FORMAT.to_le_bytes().as_slice())?;
                    Ok(true)
                }
                (Some(found), _) if found != store.as_bytes() => {
                    let id: Option<[u8; 16]> = found.try_into().ok();
                    Err(id.map_or_else(|| "unknown".into(), |id| StoreId::new(id).to_string()))
                }
                (Some(_), Some(format)) => Ok(format == FORMAT.to_le_bytes()),
                _ => Ok(false),
            }
        };
        write.open_table(RECORDS)?;
        write.open_table(ENTRIES)?;
        write.open_table(CONTEXTS)?;
        write.open_table(KEYS)?;
        write.open_table(CHUNKS)?;
        write.open_table(PACKS)?;
        write.open_table(SNAPSHOTS)?;
        write.commit()?;
        Ok(outcome)
    }

    /// How far the index has come; `None` before the first record.
    ///
    /// # Errors
    /// [`IndexError`] on damage.
    pub fn applied(&self) -> Result<Option<Applied>, IndexError> {
        let read = self.database.begin_read()?;
        let meta = read.open_table(META)?;
        let Some(value) = meta.get("applied")? else {
            return Ok(None);
        };
        read_applied(unseal(value.value()).ok_or(IndexError::Value("applied"))?)
            .map(Some)
            .ok_or(IndexError::Value("applied"))
    }

    /// Takes a record.
    ///
    /// # Errors
    /// [`IndexError`] if redb cannot; the index is then as it was.
    ///
    /// # Panics
    /// Never: every field has a JSON form.
    pub fn apply(&self, change: &Change) -> Result<(), IndexError> {
        let mut write = self.database.begin_write()?;
        let durable = change.applied.sequence.get() % RECORDS_PER_SYNC == RECORDS_PER_SYNC - 1;
        write.set_durability(if durable { Durability::Immediate } else { Durability::None })?;
        write.set_quick_repair(durable);
        {
            let mut meta = write.open_table(META)?;
            meta.insert("applied", seal(write_applied(&change.applied)).as_slice())?;
            let mut records = write.open_table(RECORDS)?;
            let hash = seal(change.applied.hash.as_bytes().to_vec());
            records.insert(change.applied.sequence.get(), hash.as_slice())?;
            let mut entries = write.open_table(ENTRIES)?;
            let mut contexts = write.open_table(CONTEXTS)?;
            let mut keys = write.open_table(KEYS)?;
            for (id, entry) in &change.entries {
                let place = (id.record.get(), id.place);
                let json = serde_json::to_vec(entry).expect("every field has a JSON form");
                entries.insert((entry.context.as_str(), place.0, place.1), seal(json).as_slice())?;
                contexts.insert(entry.context.as_str(), ())?;
                if let Some(key) = &entry.idempotency_key {
                    let key = (entry.context.as_str(), entry.principal.as_str(), key.as_str());
                    let mut value = place.0.to_le_bytes().to_vec();
                    value.extend_from_slice(&place.1.to_le_bytes());
                    keys.insert(key, seal(value).as_slice())?;
                }
            }
            let mut packs = write.open_table(PACKS)?;
            let mut chunks = write.open_table(CHUNKS)?;
            for (pack, bytes, lines) in &change.packs {
                packs.insert(pack.as_bytes().as_slice(), bytes)?;
                for line in lines {
                    let mut value = pack.as_bytes().to_vec();
                    value.extend_from_slice(&line_to_bytes(line));
                    chunks.insert(line.digest.as_bytes().as_slice(), seal(value).as_slice())?;
                }
            }
            let mut snapshots = write.open_table(SNAPSHOTS)?;
            for (snapshot, context, id) in &change.snapshots {
                let place = (context.as_str(), id.record.get(), id.place);
                snapshots.insert(snapshot.as_bytes().as_slice(), place)?;
            }
        }
        write.commit()?;
        Ok(())
    }

    /// Makes what was taken so far reach the disk.
    ///
    /// # Errors
    /// [`IndexError`] if redb cannot.
    pub fn sync(&self) -> Result<(), IndexError> {
        let mut write = self.database.begin_write()?;
        write.set_quick_repair(true);
        write.commit()?;
        Ok(())
    }

    /// Names of all contexts.
    ///
    /// # Errors
    /// [`IndexError`] on damage.
    pub fn contexts(&self) -> Result<Vec<ContextName>, IndexError> {
        let read = self.database.begin_read()?;
        let table = read.open_table(CONTEXTS)?;
        let mut names = Vec::new();
        for row in table.iter()? {
            let name = ContextName::parse(row?.0.value());
            names.push(name.map_err(|_| IndexError::Value("contexts"))?);
        }
        Ok(names)
    }

    /// All entries of a context, in order.
    ///
    /// # Errors
    /// [`IndexError`] on damage.
    pub fn entries(&self, context: &ContextName) -> Result<Vec<(EntryId, Entry)>, IndexError> {
        let read = self.database.begin_read()?;
        let table = read.open_table(ENTRIES)?;
        let name = context.as_str();
        let mut entries = Vec::new();
        for row in table.range((name, 0, 0)..=(name, u64::MAX, u32::MAX))? {
            let (key, value) = row?;
            let (_, record, place) = key.value();
            let json = unseal(value.value()).ok_or(IndexError::Value("entries"))?;
            let entry = serde_json::from_slice(json).map_err(|_| IndexError::Value("entries"))?;
            entries.push((EntryId { record: Sequence::new(record), place }, entry));
        }
        Ok(entries)
    }

    /// Which entry used an idempotency key.
    ///
    /// # Errors
    /// [`IndexError`] on damage.
    pub fn idempotent(
        &self,
        context: &ContextName,
        principal: &Principal,
        key: &IdempotencyKey,
    ) -> Result<Option<EntryId>, IndexError> {
        let read = self.database.begin_read()?;
        let table = read.open_table(KEYS)?;
        let found = table.get((context.as_str(), principal.as_str(), key.as_str()))?;
        let Some(found) = found else {
            return Ok(None);
        };
        let parse = |bytes: &[u8]| -> Option<EntryId> {
            let (record, place) = unseal(bytes)?.split_first_chunk::<8>()?;
            let record = Sequence::new(u64::from_le_bytes(*record));
            Some(EntryId { record, place: u32::from_le_bytes(place.try_into().ok()?) })
        };
        parse(found.value()).map(Some).ok_or(IndexError::Value("idempotency_keys"))
    }

    /// Where a chunk lies.
    ///
    /// # Errors
    /// [`IndexError`] on damage.
    pub fn chunk(&self, digest: ChunkDigest) -> Result<Option<(PackDigest, ChunkLine)>, IndexError> {
        let read = self.database.begin_read()?;
        let table = read.open_table(CHUNKS)?;
        let Some(value) = table.get(digest.as_bytes().as_slice())? else {
            return Ok(None);
        };
        let parse = |bytes: &[u8]| -> Option<(PackDigest, ChunkLine)> {
            let (pack, line) = unseal(bytes)?.split_first_chunk::<32>()?;
            let line = line_from_bytes(line)?;
            (line.digest == digest).then_some((PackDigest::new(*pack), line))
        };
        parse(value.value()).map(Some).ok_or(IndexError::Value("chunks"))
    }

    /// Every chunk with its pack.
    ///
    /// # Errors
    /// [`IndexError`] on damage.
    pub fn chunk_count(&self) -> Result<u64, IndexError> {
        Ok(self.database.begin_read()?.open_table(CHUNKS)?.len()?)
    }

    /// All packs with their bytes.
    ///
    /// # Errors
    /// [`IndexError`] on damage.
    pub fn packs(&self) -> Result<Vec<(PackDigest, u64)>, IndexError> {
        let read = self.database.begin_read()?;
        let table = read.open_table(PACKS)?;
        let mut packs = Vec::new();
        for row in table.iter()? {
            let (key, bytes) = row?;
            let digest = key.value().try_into().map_err(|_| IndexError::Value("packs"))?;
            packs.push((PackDigest::new(digest), bytes.value()));
        }
        Ok(packs)
    }

    /// Which entry of which context sealed a snapshot.
    ///
    /// # Errors
    /// [`IndexError`] on damage.
    pub fn snapshot(&self, id: SnapshotId) -> Result<Option<(ContextName, EntryId)>, IndexError> {
        let read = self.database.begin_read()?;
        let table = read.open_table(SNAPSHOTS)?;
        let Some(value) = table.get(id.as_bytes().as_slice())? else {
            return Ok(None);
        };
        let (context, record, place) = value.value();
        let context = ContextName::parse(context).map_err(|_| IndexError::Value("snapshots"))?;
        Ok(Some((context, EntryId { record: Sequence::new(record), place })))
    }

    /// The leaf hash of a record.
    ///
    /// # Errors
    /// [`IndexError`] on damage.
    pub fn record_hash(&self, sequence: Sequence) -> Result<Option<RecordHash>, IndexError> {
        let read = self.database.begin_read()?;
        let table = read.open_table(RECORDS)?;
        let Some(value) = table.get(sequence.get())? else {
            return Ok(None);
        };
        let hash = unseal(value.value()).and_then(|hash| hash.try_into().ok());
        let hash = hash.ok_or(IndexError::Value("records"))?;
        Ok(Some(RecordHash::new(hash)))
    }

    /// Whether a note about this program and store was kept, such as a self-test that passed.
    ///
    /// # Errors
    /// [`IndexError`] on damage.
    pub fn has_note(&self, note: &str) -> Result<bool, IndexError> {
        Ok(self.database.begin_read()?.open_table(META)?.get(note)?.is_some())
    }

    /// Keeps a note.
    ///
    /// # Errors
    /// [`IndexError`] if redb cannot.
    pub fn keep_note(&self, note: &str) -> Result<(), IndexError> {
        let write = self.database.begin_write()?;
        write.open_table(META)?.insert(note, [].as_slice())?;
        write.commit()?;
        Ok(())
    }
}

/// Whether an error in reading the file speaks of what is in it: it says nonsense, or ends too early.
fn is_damage(kind: std::io::ErrorKind) -> bool {
    use std::io::ErrorKind::{InvalidData, InvalidInput, UnexpectedEof};
    matches!(kind, InvalidData | InvalidInput | UnexpectedEof)
}

/// An index shared by readers and the writer.
pub type SharedIndex = Arc<Index>;

/// Adds a checksum: redb does not check what it reads.
fn seal(mut value: Vec<u8>) -> Vec<u8> {
    let checksum = crc32fast::hash(&value);
    value.extend_from_slice(&checksum.to_le_bytes());
    value
}

fn unseal(sealed: &[u8]) -> Option<&[u8]> {
    let (value, checksum) = sealed.split_last_chunk::<4>()?;
    (crc32fast::hash(value) == u32::from_le_bytes(*checksum)).then_some(value)
}

fn write_applied(applied: &Applied) -> Vec<u8> {
    let mut bytes = Vec::new();
    bytes.extend_from_slice(&applied.sequence.get().to_le_bytes());
    bytes.extend_from_slice(&applied.newest_time.micros().to_le_bytes());
    bytes.extend_from_slice(applied.hash.as_bytes());
    bytes.extend_from_slice(&applied.frontier.size().to_le_bytes());
    applied.frontier.peaks().iter().for_each(|peak| bytes.extend_from_slice(peak));
    bytes
}

fn read_applied(bytes: &[u8]) -> Option<Applied> {
    let (sequence, bytes) = bytes.split_first_chunk()?;
    let (newest, bytes) = bytes.split_first_chunk()?;
    let (hash, bytes) = bytes.split_first_chunk()?;
    let (size, bytes) = bytes.split_first_chunk()?;
    let (peaks, rest) = bytes.as_chunks::<32>();
    if !rest.is_empty() {
        return None;
    }
    Some(Applied {
        sequence: Sequence::new(u64::from_le_bytes(*sequence)),
        hash: RecordHash::new(*hash),
        newest_time: SystemTime::from_micros(i64::from_le_bytes(*newest))?,
        frontier: Frontier::from_parts(u64::from_le_bytes(*size), peaks.to_vec())?,
    })
}
