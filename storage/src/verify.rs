//! Verification: what a store says of itself, compared with what it holds. Never
//! repairs.
//!
//! Invariant: it gives way often, so that dropping it ends it soon.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow_array::BooleanArray;

use crate::column::{column_digest, normalise};
use crate::context::{Context, KnownEntry};
use crate::database::Database;
use crate::error::Error;
use crate::evaluate::check_keyframe;
use crate::format;
use crate::identity::{ChunkDigest, ContentRoot, PackDigest, RecordHash, Sequence};
use crate::key::EncodedKeys;
use crate::log::slot_path;
use crate::manifest::{FIRST_SYSTEM_FIELD, Group, Manifest, OP, system_type};
use crate::merkle::{Frontier, LogHash};
use crate::pack::{BYTES_MAX, footer_bytes, read_footer, read_header};
use crate::reader::pack_path;
use crate::record::Body;
use crate::row_group::{FieldColumn, join_columns};
use crate::scan::{Scan, ScanRequest, ValidFilter};
use crate::schema::{FieldId, FieldType, Schema, SchemaVersion};
use crate::snapshot::SnapshotHeader;
use crate::time::ValidTime;
use crate::turn::{content_root, turn};

/// Bytes of a pack that are hashed before others get a turn.
const HASHED_AT_ONCE: usize = 4 << 20;

/// How much is verified; each level does what those below it do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// The format file, the chain of records and the Merkle root.
    Chain,
    /// Every pack is there, with its length.
    Packs,
    /// Every pack's bytes hash to its name.
    Bytes,
    /// Every chunk decodes and hashes to its name; every snapshot's content root and every keyframe is what the
    /// deltas resolve to.
    Content,
}

impl Level {
    /// Reads a level from 1 to 4.
    pub fn from_number(number: u8) -> Option<Self> {
        Some(match number {
            1 => Self::Chain,
            2 => Self::Packs,
            3 => Self::Bytes,
            4 => Self::Content,
            _ => return None,
        })
    }
}

/// Something that is not as it should be.
#[derive(Clone, Debug)]
pub struct Finding {
    /// The object or claim.
    pub object: String,
    /// What is wrong with it.
    pub what: String,
}

/// What a verification looked at and found.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// Records read.
    pub records: u64,
    /// The Merkle root over them.
    pub root: Option<RecordHash>,
    /// Packs looked at.
    pub packs: u64,
    /// Bytes read of them.
    pub bytes: u64,
    /// Chunks decoded.
    pub chunks: u64,
    /// Snapshots whose content root was computed anew.
    pub snapshots: u64,
    /// Keyframes compared with the deltas.
    pub keyframes: u64,
    /// What is not as it should be.
    pub findings: Vec<Finding>,
}

impl Report {
    fn find(&mut self, object: impl std::fmt::Display, what: impl std::fmt::Display) {
        self.findings.push(Finding { object: object.to_string(), what: what.to_string() });
    }

    fn note(&mut self, object: impl std::fmt::Display, outcome: Result<(), Error>) {
        match outcome {
            Ok(()) => {}
            Err(Error::Damaged { object, what }) => self.find(object, what),
            Err(error) => self.find(object, error),
        }
    }
}

/// How far a verification has come: what it is looking at, how much of how much.
pub type Progress<'a> = dyn FnMut(&'static str, u64, u64) + Send + 'a;

/// Verifies a store.
///
/// # Errors
/// [`Error::Store`] if the store does not answer; what is wrong with its content is in the report.
pub async fn verify(database: &Database, level: Level, progress: &mut Progress<'_>) -> Result<Report, Error> {
    let mut report = Report::default();
    verify_format(database, &mut report).await?;
    verify_chain(database, &mut report, progress).await?;
    if level >= Level::Packs {
        let packs = database.index().packs().map_err(|error| Error::damaged("the index", error))?;
        for (place, (pack, bytes)) in (0..).zip(&packs) {
            progress("packs", place, packs.len() as u64);
            turn().await;
            verify_pack(database, *pack, *bytes, level, &mut report).await?;
        }
        progress("packs", packs.len() as u64, packs.len() as u64);
    }
    if level >= Level::Content {
        for name in database.contexts()? {
            let context = database.context(&name)?;
            verify_context(database, &context, &mut report, progress).await;
        }
    }
    Ok(report)
}

/// The format file must still name this store.
async fn verify_format(database: &Database, report: &mut Report) -> Result<(), Error> {
    let (path, expected) = (format::path(), database.store_id());
    match format::read(database.backend()).await {
        Ok(Some(found)) if found == expected => {}
        Ok(Some(found)) => report.find(&path, format_args!("it names store {found}, not {expected}")),
        Ok(None) => report.find(&path, "it is missing"),
        Err(error @ Error::Store { .. }) => return Err(error),
        Err(error) => report.note(&path, Err(error)),
    }
    Ok(())
}

async fn verify_chain(
    database: &Database,
    report: &mut Report,
    progress: &mut Progress<'_>,
) -> Result<(), Error> {
    let Some(head) = database.head() else {
        return Ok(());
    };
    let total = head.sequence.get() + 1;
    let mut frontier = Frontier::default();
    let mut prev = RecordHash::BEFORE_FIRST;
    let mut newest = None;
    for number in 0..total {
        progress("records", number, total);
        turn().await;
        let sequence = Sequence::new(number);
        let path = slot_path(sequence);
        match database.record(sequence).await {
            Ok(Some(slot)) => {
                if slot.record.prev != prev {
                    report.find(&path, format_args!("it follows {}, expected {prev}", slot.record.prev));
                }
                if newest.is_some_and(|newest| slot.record.wall_time <= newest) {
                    report.find(&path, "its wall time does not rise");
                }
                if database.index().record_hash(sequence).ok().flatten() != Some(slot.hash) {
                    report.find(&path, format_args!("it hashes to {}, not to what was applied", slot.hash));
                }
                let times = slot.record.entries.iter().map(|entry| entry.system_time);
                newest = newest.max(times.max()).max(Some(slot.record.wall_time));
                frontier.push::<LogHash>(*slot.hash.as_bytes());
                prev = slot.hash;
                report.records += 1;
            }
            Ok(None) => report.find(&path, "the record is missing"),
            Err(error @ Error::Store { .. }) => return Err(error),
            Err(error) => report.note(&path, Err(error)),
        }
    }
    progress("records", total, total);
    let found = RecordHash::new(frontier.root::<LogHash>());
    report.root = Some(found);
    if found != database.root() {
        report.find("the Merkle root", format_args!("the log has {found}, the index {}", database.root()));
    }
    Ok(())
}

async fn verify_pack(
    database: &Database,
    pack: PackDigest,
    bytes: u64,
    level: Level,
    report: &mut Report,
) -> Result<(), Error> {
    let path = pack_path(pack);
    report.packs += 1;
    if level < Level::Bytes {
        match database.backend().size(&path).await? {
            Some(found) if found == bytes => {}
            Some(found) => report.find(&path, format_args!("it has {found} bytes, expected {bytes}")),
            None => report.find(&path, "it is missing"),
        }
        return Ok(());
    }
    let content = match database.backend().read(&path, BYTES_MAX).await {
        Ok(Some(content)) => content,
        Ok(None) => {
            report.find(&path, "it is missing");
            return Ok(());
        }
        Err(error @ Error::Store { .. }) => return Err(error),
        Err(error) => {
            report.note(&path, Err(error));
            return Ok(());
        }
    };
    report.bytes += content.len() as u64;
    let mut hasher = blake3::Hasher::new();
    for slice in content.chunks(HASHED_AT_ONCE) {
        hasher.update(slice);
        turn().await;
    }
    let found = PackDigest::new(hasher.finalize().into());
    if found != pack {
        report.find(&path, format_args!("its bytes hash to {found}"));
        return Ok(());
    }
    let size = content.len() as u64;
    let footer = read_header(&content).and_then(|_| footer_bytes(&content, size)).and_then(|footer| {
        let from = content.len() - usize::try_from(footer).unwrap_or(content.len());
        read_footer(&content[from..], size)
    });
    if let Err(error) = footer {
        report.find(&path, error);
    }
    Ok(())
}

/// Decodes everything that a context's entries and keyframes name, and hashes every snapshot's rows anew.
async fn verify_context(
    database: &Database,
    context: &Context,
    report: &mut Report,
    progress: &mut Progress<'_>,
) {
    let total = context.entries().len() as u64;
    let mut seen = BTreeSet::new();
    for (place, entry) in (0..).zip(context.entries()) {
        progress("entries", place, total);
        turn().await;
        let object = format!("entry {} of context {}", entry.id, context.name());
        if let Some(facts) = entry.facts() {
            let checked = verify_manifest(database, context, facts, &mut seen, report).await;
            report.note(&object, checked);
        }
        if let Body::Full(put) | Body::Delta(put) = &entry.entry.body
            && let (Some(header), Some(cutoff)) = (&put.snapshot, put.cutoff)
        {
            report.snapshots += 1;
            let checked = verify_snapshot(database, context, header, cutoff, entry).await;
            report.note(&object, checked);
        }
    }
    for keyframe in context.keyframes() {
        report.keyframes += 1;
        turn().await;
        let object = format!("a keyframe of context {}", context.name());
        if let Some(manifest) = keyframe.manifest {
            let checked = verify_manifest(database, context, manifest, &mut seen, report).await;
            report.note(&object, checked);
        }
        let checked = check_keyframe(database.setting(), context, keyframe).await;
        report.note(&object, checked);
    }
    progress("entries", total, total);
}

async fn verify_snapshot(
    database: &Database,
    context: &Context,
    header: &SnapshotHeader,
    cutoff: ValidTime,
    entry: &Arc<KnownEntry>,
) -> Result<(), Error> {
    let damaged = |what: String| Error::damaged(format_args!("the snapshot of entry {}", entry.id), what);
    let version = SchemaVersion::new(header.schema_version);
    let schema = context.schema_version(version);
    let schema = schema.ok_or_else(|| damaged(format!("there is no schema version {version}")))?;
    let (found, rows) = content_root_of(database, context, schema, cutoff, entry).await?;
    let said = (&header.store, header.context.as_str(), header.cutoff, header.known_at, header.rows);
    let store = database.store_id().to_string();
    let is = (&store, context.name().as_str(), cutoff.micros(), entry.system_time().micros(), rows);
    if said != is {
        return Err(damaged(format!("its header says {said:?}, its entry {is:?}")));
    }
    if found.to_string() == header.content_root {
        return Ok(());
    }
    Err(damaged(format!("its rows hash to {found}, its header says {}", header.content_root)))
}

/// The content root of what a put said: of a full, the state at its cutoff as known right after it; of a delta,
/// its own rows with `_op`; and how many rows that are.
async fn content_root_of(
    database: &Database,
    context: &Context,
    schema: &Arc<Schema>,
    cutoff: ValidTime,
    entry: &Arc<KnownEntry>,
) -> Result<(ContentRoot, u64), Error> {
    let is_full = matches!(entry.entry.body, Body::Full(_));
    let mut request = ScanRequest::from_valid(context, schema, cutoff, entry.system_time());
    if is_full {
        request.valid = ValidFilter::at(cutoff);
    } else {
        (request.keyframe, request.entries) = (None, vec![Arc::clone(entry)]);
    }
    let mut scan = Scan::start(Arc::clone(database.reader()), request).await?;
    if !is_full {
        scan = scan.stated_only();
    }
    let places: Vec<usize> = (0..schema.fields().len()).collect();
    let (mut keys, mut parts, mut retract) = (Vec::new(), Vec::new(), Vec::new());
    while let Some(window) = scan.next().await? {
        let mut rows = Vec::new();
        for key in 0..window.len() {
            let said =
                window.winner(key, cutoff.micros()).filter(|row| !is_full || !window.is_retraction(*row));
            if let Some(row) = said {
                keys.push(window.key(key).to_vec());
                retract.push(window.is_retraction(row));
                rows.push(row);
            }
        }
        if !rows.is_empty() {
            parts.push(scan.columns(&window, &rows, &places).await?);
        }
    }
    let keys = EncodedKeys::from_keys(keys.iter().map(Vec::as_slice));
    let columns = join_columns(schema, &parts)?;
    let op =
        FieldColumn { field: OP, field_type: FieldType::Bool, values: Arc::new(BooleanArray::from(retract)) };
    let also = if is_full { Vec::new() } else { vec![op] };
    Ok((content_root(&keys, &columns, &also).await, keys.len() as u64))
}

async fn verify_manifest(
    database: &Database,
    context: &Context,
    digest: ChunkDigest,
    seen: &mut BTreeSet<(ChunkDigest, FieldId)>,
    report: &mut Report,
) -> Result<(), Error> {
    let bytes = database.reader().named_bytes(digest).await?;
    let manifest = Manifest::from_bytes(&bytes)
        .map_err(|error| Error::damaged(format_args!("manifest {digest}"), error))?;
    for group in &manifest.groups {
        for (field, chunk) in &group.columns {
            if seen.insert((*chunk, *field)) {
                report.chunks += 1;
                turn().await;
                let checked = verify_column(database, context, group, *field, *chunk).await;
                report.note(format_args!("chunk {chunk}"), checked);
            }
        }
    }
    Ok(())
}

/// The newest type of a field, which every stored type widens to.
fn newest_type(context: &Context, field: FieldId) -> Option<FieldType> {
    if field >= FIRST_SYSTEM_FIELD {
        return system_type(field);
    }
    let schema = context.schema()?;
    schema.fields().iter().find(|other| other.id == field).map(|field| field.field_type)
}

async fn verify_column(
    database: &Database,
    context: &Context,
    group: &Group,
    field: FieldId,
    chunk: ChunkDigest,
) -> Result<(), Error> {
    let damaged = |what: String| Error::damaged(format_args!("chunk {chunk}"), what);
    let field_type = newest_type(context, field).ok_or_else(|| damaged("its field does not exist".into()))?;
    let columns = database.reader().columns_afresh(&[(chunk, field_type)], group.rows).await?;
    let stored = FieldType::from_arrow(columns[0].data_type())
        .ok_or_else(|| damaged("its type is not kept".into()))?;
    let found = column_digest(stored, &normalise(stored, &columns[0]));
    if found == chunk { Ok(()) } else { Err(damaged(format!("its content hashes to {found}"))) }
}
