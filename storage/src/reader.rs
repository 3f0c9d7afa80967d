//! Reading chunks: where they lie, what guards them, and what is kept in memory.
//!
//! Invariants: no byte of a chunk is used before its checksum was compared; a
//! manifest or list is compared with its name as well. Packs of a commit that is
//! being made are read from memory until the log names them.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::{Arc, RwLock};

use arrow_array::{Array, ArrayRef};
use bytes::Bytes;
use object_store::path::Path;
use quick_cache::Weighter;
use quick_cache::sync::Cache;

use crate::backend::Backend;
use crate::column::{decode, type_of_code};
use crate::error::{Error, reasons};
use crate::identity::{ChunkDigest, PackDigest};
use crate::index::{IndexError, SharedIndex};
use crate::key::EncodedKeys;
use crate::manifest::{Group, Manifest};
use crate::pack::{
    ChunkKind, ChunkLine, HEADER_BYTES, Pack, TRAILER_BYTES, bytes_digest, footer_bytes, read_footer,
    read_header,
};
use crate::planted::{Bug, is_planted};
use crate::scan::{KeyIndexes, Zone, zone};
use crate::schema::{FieldType, Schema};

/// Bytes of decoded columns, keys and manifests that are kept in memory.
pub const CACHE_BYTES: u64 = 192 << 20;
/// Bytes read from a pack's end at first: enough for the footer of most.
const TAIL_BYTES: u64 = 64 << 10;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum CacheKey {
    Column(ChunkDigest, FieldType),
    Keys(ChunkDigest),
    Manifest(ChunkDigest),
    Zone(ChunkDigest, FieldType),
}

#[derive(Clone, Debug)]
enum Cached {
    Column(ArrayRef),
    Keys(Arc<EncodedKeys>),
    Manifest(Arc<Manifest>, u64),
    Zone(Zone),
}

#[derive(Clone, Debug)]
struct Weigh;

impl Weighter<CacheKey, Cached> for Weigh {
    fn weight(&self, _: &CacheKey, value: &Cached) -> u64 {
        let bytes = match value {
            Cached::Column(array) => array.get_buffer_memory_size() as u64,
            Cached::Keys(keys) => keys.memory_bytes() as u64,
            Cached::Manifest(_, bytes) => 2 * bytes,
            Cached::Zone(zone) => {
                zone.as_ref().map_or(0, |(least, greatest)| (least.len() + greatest.len()) as u64)
            }
        };
        bytes + 128
    }
}

/// The object that holds a pack.
pub fn pack_path(pack: PackDigest) -> Path {
    let name = pack.to_string();
    Path::from(format!("packs/{}/{name}", &name[..2]))
}

/// Reads chunks of one store.
#[derive(Debug)]
pub struct ChunkReader {
    backend: Backend,
    index: SharedIndex,
    cache: Cache<CacheKey, Cached, Weigh>,
    staged: RwLock<BTreeMap<ChunkDigest, (ChunkLine, Bytes)>>,
    key_indexes: KeyIndexes,
}

impl ChunkReader {
    /// Makes a reader.
    pub fn new(backend: Backend, index: SharedIndex) -> Self {
        let cache = Cache::with_weighter(16_384, CACHE_BYTES, Weigh);
        Self { backend, index, cache, staged: RwLock::default(), key_indexes: KeyIndexes::default() }
    }

    /// Which entries speak about a key.
    pub(crate) fn key_indexes(&self) -> &KeyIndexes {
        &self.key_indexes
    }

    /// Lets the chunks of packs be read before the log names them.
    ///
    /// # Panics
    /// If a pack in memory is larger than memory.
    pub fn stage(&self, packs: &[Pack]) {
        let mut staged = self.staged.write().unwrap_or_else(std::sync::PoisonError::into_inner);
        for pack in packs {
            for line in &pack.lines {
                let from = usize::try_from(line.offset).expect("a pack in memory");
                let bytes = pack.bytes.slice(from..from + line.length as usize);
                staged.insert(line.digest, (*line, bytes));
            }
        }
    }

    /// Forgets staged packs: the log names them now, or never will.
    pub fn unstage(&self) {
        self.staged.write().unwrap_or_else(std::sync::PoisonError::into_inner).clear();
    }

    fn staged(&self, digest: ChunkDigest) -> Option<(ChunkLine, Bytes)> {
        self.staged.read().unwrap_or_else(std::sync::PoisonError::into_inner).get(&digest).cloned()
    }

    /// Where a chunk lies, by the index.
    ///
    /// # Errors
    /// [`Error::Damaged`] if no live pack holds it.
    pub fn locate(&self, digest: ChunkDigest) -> Result<(PackDigest, ChunkLine), Error> {
        let found = self.index.chunk(digest).map_err(|error| index_error(&error))?;
        found.ok_or_else(|| {
            Error::damaged(format_args!("chunk {digest}"), "no pack that the log names holds it")
        })
    }

    /// Whether the log names a pack with this chunk.
    ///
    /// # Errors
    /// [`Error::State`] if the index is damaged.
    pub fn find(&self, digest: ChunkDigest) -> Result<Option<(PackDigest, ChunkLine)>, Error> {
        self.index.chunk(digest).map_err(|error| index_error(&error))
    }

    /// Reads the stored bytes of chunks, each compared with its checksum.
    async fn bytes_of(&self, digests: &[ChunkDigest]) -> Result<Vec<(ChunkLine, Bytes)>, Error> {
        let mut found: Vec<Option<(ChunkLine, Bytes)>> = vec![None; digests.len()];
        let mut wanted: BTreeMap<PackDigest, Vec<(usize, ChunkLine)>> = BTreeMap::new();
        for (place, digest) in digests.iter().enumerate() {
            if let Some(staged) = self.staged(*digest) {
                found[place] = Some(staged);
            } else {
                let (pack, line) = self.locate(*digest)?;
                wanted.entry(pack).or_default().push((place, line));
            }
        }
        for (pack, mut lines) in wanted {
            lines.sort_unstable_by_key(|(_, line)| line.offset);
            let ranges: Vec<_> =
                lines.iter().map(|(_, line)| line.offset..line.offset + u64::from(line.length)).collect();
            let read = self.read_ranges(pack, &ranges).await?;
            for ((place, line), bytes) in lines.into_iter().zip(read) {
                check(pack, &line, &bytes)?;
                found[place] = Some((line, bytes));
            }
        }
        Ok(found.into_iter().map(|chunk| chunk.expect("every chunk was staged or read")).collect())
    }

    /// Reads stretches of a pack. One that ends outside it is damage, not a store that does not answer.
    async fn read_ranges(&self, pack: PackDigest, ranges: &[Range<u64>]) -> Result<Vec<Bytes>, Error> {
        let path = pack_path(pack);
        let outcome = self.backend.read_ranges(&path, ranges).await;
        if let Err(Error::Store { .. }) = &outcome
            && let Ok(Some(size)) = self.backend.size(&path).await
            && let Some(past) = ranges.iter().map(|range| range.end).find(|end| *end > size)
        {
            return Err(Error::damaged(path, format_args!("it has {size} bytes, a chunk ends at {past}")));
        }
        outcome?.ok_or(Error::MissingPack(pack))
    }

    /// Reads a chunk that is named by its bytes.
    ///
    /// # Errors
    /// [`Error::Damaged`] if the bytes do not hash to the name.
    ///
    /// # Panics
    /// Never: one chunk is asked for and one comes.
    pub async fn named_bytes(&self, digest: ChunkDigest) -> Result<Bytes, Error> {
        let chunks = self.bytes_of(&[digest]).await?;
        let (_, bytes) = chunks.into_iter().next().expect("one was asked for");
        if bytes_digest(&bytes) != digest {
            return Err(Error::damaged(format_args!("chunk {digest}"), "its bytes do not hash to its name"));
        }
        Ok(bytes)
    }

    /// Reads a list or manifest of a pack that the index does not know yet.
    ///
    /// # Errors
    /// [`Error::Damaged`] if the bytes are not what their name says.
    pub async fn named_bytes_at(&self, pack: PackDigest, line: &ChunkLine) -> Result<Bytes, Error> {
        let range = line.offset..line.offset + u64::from(line.length);
        let read =
            self.backend.read_ranges(&pack_path(pack), &[range]).await?.ok_or(Error::MissingPack(pack))?;
        let bytes = read.into_iter().next().ok_or(Error::MissingPack(pack))?;
        check(pack, line, &bytes)?;
        if bytes_digest(&bytes) == line.digest {
            return Ok(bytes);
        }
        Err(Error::damaged(format_args!("chunk {}", line.digest), "its bytes do not hash to its name"))
    }

    /// Reads a manifest.
    ///
    /// # Errors
    /// [`Error::Damaged`] if it is not one.
    pub async fn manifest(&self, digest: ChunkDigest) -> Result<Arc<Manifest>, Error> {
        let key = CacheKey::Manifest(digest);
        if let Some(Cached::Manifest(manifest, _)) = self.cache.get(&key) {
            return Ok(manifest);
        }
        let bytes = self.named_bytes(digest).await?;
        let manifest = Manifest::from_bytes(&bytes)
            .map_err(|error| Error::damaged(format_args!("manifest {digest}"), error))?;
        let manifest = Arc::new(manifest);
        self.cache.insert(key, Cached::Manifest(Arc::clone(&manifest), bytes.len() as u64));
        Ok(manifest)
    }

    /// Reads columns, each as the type it was stored in, at most as wide as the type asked for.
    ///
    /// # Errors
    /// [`Error::Damaged`] names the chunk that is not what it should be.
    ///
    /// # Panics
    /// Never: every column is found or read.
    pub async fn columns(
        &self,
        wanted: &[(ChunkDigest, FieldType)],
        rows: u32,
    ) -> Result<Vec<ArrayRef>, Error> {
        let mut columns: Vec<Option<ArrayRef>> = wanted
            .iter()
            .map(|(digest, field)| match self.cache.get(&CacheKey::Column(*digest, *field)) {
                Some(Cached::Column(array)) => Some(array),
                _ => None,
            })
            .collect();
        let missing: Vec<usize> = (0..wanted.len()).filter(|place| columns[*place].is_none()).collect();
        if !missing.is_empty() {
            let digests: Vec<_> = missing.iter().map(|place| wanted[*place].0).collect();
            for (place, (line, bytes)) in missing.into_iter().zip(self.bytes_of(&digests).await?) {
                let (digest, field) = wanted[place];
                let array = decode_column(digest, field, rows, &line, &bytes)?;
                self.cache.insert(CacheKey::Column(digest, field), Cached::Column(Arc::clone(&array)));
                columns[place] = Some(array);
            }
        }
        Ok(columns.into_iter().map(|column| column.expect("filled above")).collect())
    }

    /// The least and greatest value of a column of a key's type.
    ///
    /// # Errors
    /// As [`Self::columns`].
    pub async fn zone(&self, digest: ChunkDigest, field_type: FieldType, rows: u32) -> Result<Zone, Error> {
        if let Some(Cached::Zone(zone)) = self.cache.get(&CacheKey::Zone(digest, field_type)) {
            return Ok(zone);
        }
        let columns = self.columns(&[(digest, field_type)], rows).await?;
        let found = match columns.first() {
            Some(column) => zone(field_type, column)?,
            None => None,
        };
        self.cache.insert(CacheKey::Zone(digest, field_type), Cached::Zone(found.clone()));
        Ok(found)
    }

    /// The same, read from the store even if they are in memory.
    ///
    /// # Errors
    /// As [`Self::columns`].
    pub async fn columns_afresh(
        &self,
        wanted: &[(ChunkDigest, FieldType)],
        rows: u32,
    ) -> Result<Vec<ArrayRef>, Error> {
        let digests: Vec<_> = wanted.iter().map(|(digest, _)| *digest).collect();
        let chunks = self.bytes_of(&digests).await?;
        let decoded = wanted.iter().zip(&chunks);
        decoded
            .map(|((digest, field), (line, bytes))| decode_column(*digest, *field, rows, line, bytes))
            .collect()
    }

    /// Reads the keys of a row group in their comparable form.
    ///
    /// # Errors
    /// [`Error::Damaged`] if a key column is missing or damaged, or the keys are not sorted.
    pub async fn keys(&self, schema: &Schema, group: &Group) -> Result<Arc<EncodedKeys>, Error> {
        let damaged = |what: &str| Error::damaged("a row group", what);
        let mut wanted = Vec::with_capacity(schema.key_places().len());
        for field in schema.key_fields() {
            let digest = group.column(field.id).ok_or_else(|| damaged("it has no key column"))?;
            wanted.push((digest, field.field_type));
        }
        // The name of a set of key columns: that of the only one, or a hash over all.
        let name = match wanted.as_slice() {
            [(digest, _)] => *digest,
            several => {
                let mut hasher = blake3::Hasher::new();
                for (digest, _) in several {
                    hasher.update(digest.as_bytes());
                }
                ChunkDigest::new(hasher.finalize().into())
            }
        };
        if let Some(Cached::Keys(keys)) = self.cache.get(&CacheKey::Keys(name)) {
            return Ok(keys);
        }
        let columns = self.columns(&wanted, group.rows).await?;
        let mut typed = Vec::with_capacity(columns.len());
        for ((_, field), column) in wanted.iter().zip(columns) {
            if column.null_count() > 0 {
                return Err(damaged("a key is null"));
            }
            let stored = FieldType::from_arrow(column.data_type()).unwrap_or(*field);
            typed.push((stored, column));
        }
        let keys = EncodedKeys::encode(&typed);
        let ends = (keys.get(0), keys.get(keys.len() - 1));
        if !keys.is_sorted() || ends != (&group.first_key, &group.last_key) {
            return Err(damaged("its keys are not what its manifest says"));
        }
        let keys = Arc::new(keys);
        self.cache.insert(CacheKey::Keys(name), Cached::Keys(Arc::clone(&keys)));
        Ok(keys)
    }
}

fn index_error(error: &IndexError) -> Error {
    Error::State { path: "index.redb".into(), reason: reasons(error) }
}

fn check(pack: PackDigest, line: &ChunkLine, bytes: &Bytes) -> Result<(), Error> {
    let found = crc32fast::hash(bytes);
    let is_right = found == line.checksum || is_planted(Bug::SkipsChecksum);
    if bytes.len() == line.length as usize && is_right {
        return Ok(());
    }
    let what = format!(
        "chunk {} at byte {} has {} bytes with checksum {found:08x}, expected {} with {:08x}",
        line.digest,
        line.offset,
        bytes.len(),
        line.length,
        line.checksum
    );
    Err(Error::damaged(pack_path(pack), what))
}

/// Decodes a stored column and compares its shape with what is expected of it.
///
/// # Errors
/// [`Error::Damaged`] names the chunk.
pub fn decode_column(
    digest: ChunkDigest,
    field: FieldType,
    rows_expected: u32,
    line: &ChunkLine,
    bytes: &Bytes,
) -> Result<ArrayRef, Error> {
    let damaged = |what: String| Error::damaged(format_args!("chunk {digest}"), what);
    let ChunkKind::Column { type_code, rows, nulls, buffers } = line.kind else {
        return Err(damaged("it is not a column".into()));
    };
    let stored = type_of_code(type_code, field).ok_or_else(|| damaged(format!("type code {type_code}")))?;
    if !stored.widens_to(field) && !field.widens_to(stored) {
        return Err(damaged(format!("it is of type {stored}, expected {field}")));
    }
    if rows != rows_expected || nulls > rows {
        return Err(damaged(format!("it has {rows} rows, expected {rows_expected}")));
    }
    decode(stored, rows, nulls, buffers, bytes).map_err(|error| damaged(reasons(&error)))
}

/// Reads the footer of a pack: its chunks, and its size.
///
/// # Errors
/// [`Error::MissingPack`] or [`Error::Damaged`].
pub async fn read_pack_lines(backend: &Backend, pack: PackDigest) -> Result<(u64, Vec<ChunkLine>), Error> {
    let path = pack_path(pack);
    let damaged = |error: crate::pack::ReadPackError| Error::damaged(&path, error);
    let (mut tail, size) = backend.read_tail(&path, TAIL_BYTES).await?.ok_or(Error::MissingPack(pack))?;
    let bytes = footer_bytes(&tail, size).map_err(damaged)?;
    if bytes > tail.len() as u64 {
        (tail, _) = backend.read_tail(&path, bytes).await?.ok_or(Error::MissingPack(pack))?;
    }
    let from = tail.len().saturating_sub(usize::try_from(bytes).unwrap_or(usize::MAX));
    debug_assert!(bytes >= TRAILER_BYTES as u64);
    let lines = read_footer(&tail[from..], size).map_err(damaged)?;
    let header = backend.read_ranges(&path, std::slice::from_ref(&(0..HEADER_BYTES as u64))).await?;
    let header = header.and_then(|header| header.into_iter().next()).ok_or(Error::MissingPack(pack))?;
    read_header(&header).map_err(damaged)?;
    Ok((size, lines))
}
