//! A context as the log makes it: a fold over its entries.
//!
//! Invariants: a context is a pure function of its entries in log order; system
//! times rise strictly from entry to entry; an entry's ordinal is its place among
//! them. Whoever holds a context sees one moment of it.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::cutoffs::{Cutoffs, Deed};
use crate::identity::{ChunkDigest, EntryId, Ordinal, Sequence, SnapshotId};
use crate::name::ContextName;
use crate::planted::{Bug, is_planted};
use crate::record::{Body, CreateEntry, Entry, Listed, Mode, Position, PutEntry, SchemaWire};
use crate::schema::{FieldId, Schema, SchemaVersion};
use crate::time::{SystemTime, ValidTime};

/// An entry that has its place in a context. Lists that were kept apart are in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownEntry {
    /// Its place in the log.
    pub id: EntryId,
    /// Its place in the context.
    pub ordinal: Ordinal,
    /// What it says.
    pub entry: Entry,
    /// The name of the snapshot that it sealed.
    pub snapshot: Option<SnapshotId>,
}

impl KnownEntry {
    /// When the database knows it from.
    pub fn system_time(&self) -> SystemTime {
        self.entry.system_time
    }

    /// The manifest of the facts it brought, if any.
    pub fn facts(&self) -> Option<ChunkDigest> {
        match &self.entry.body {
            Body::Facts(put) | Body::Full(put) | Body::Delta(put) => put.facts,
            Body::Withdraw(withdraw) => withdraw.facts,
            Body::Create(_) | Body::Alter(_) | Body::GoLive(_) | Body::Materialise(_) => None,
        }
    }

    /// The put, if it is one.
    pub fn put(&self) -> Option<&PutEntry> {
        match &self.entry.body {
            Body::Facts(put) | Body::Full(put) | Body::Delta(put) => Some(put),
            Body::Withdraw(_) | Body::Create(_) | Body::Alter(_) | Body::GoLive(_) | Body::Materialise(_) => {
                None
            }
        }
    }

    /// Whether it says something about the business: a put or a withdrawal.
    pub fn is_data(&self) -> bool {
        self.put().is_some() || matches!(self.entry.body, Body::Withdraw(_))
    }

    /// The positions it brought.
    pub fn positions(&self) -> &[Position] {
        let listed = self.put().and_then(|put| put.positions.as_ref()).and_then(Listed::inline);
        listed.map_or(&[], Vec::as_slice)
    }

    /// What kind of deed it is, in a word.
    pub fn kind(&self) -> &'static str {
        match &self.entry.body {
            Body::Create(_) => "create",
            Body::Alter(_) => "alter",
            Body::GoLive(_) => "go_live",
            Body::Facts(_) => "facts",
            Body::Full(_) => "full",
            Body::Delta(_) => "delta",
            Body::Withdraw(_) => "withdraw",
            Body::Materialise(_) => "materialise",
        }
    }
}

/// A keyframe that the log names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keyframe {
    /// It holds the pieces that hold this instant or begin later.
    pub valid: ValidTime,
    /// As known then.
    pub known: SystemTime,
    /// It covers the entries below this ordinal.
    pub covers: Ordinal,
    /// Its manifest; `None` if nothing was known.
    pub manifest: Option<ChunkDigest>,
}

/// Why an entry cannot follow those before it: the log is damaged, or newer than this program.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("entry {id} of context '{context}' cannot follow the entries before it: {what}")]
pub struct ApplyError {
    id: EntryId,
    context: ContextName,
    what: &'static str,
}

/// A context at one moment of the log.
#[derive(Clone, Debug)]
pub struct Context {
    name: ContextName,
    mode: Mode,
    created: CreateEntry,
    key: Vec<String>,
    importing: bool,
    max_retracted_ppm: Option<u32>,
    schemas: Vec<(SystemTime, Arc<Schema>)>,
    entries: Vec<Arc<KnownEntry>>,
    cutoffs: Cutoffs,
    keyframes: Vec<Keyframe>,
    watermark: Option<ValidTime>,
    positions: BTreeMap<(String, String), Position>,
    fields_used: u32,
}

impl Context {
    /// Makes a context from the entry that creates it.
    ///
    /// # Errors
    /// [`ApplyError`] if the entry does not create one.
    pub fn create(id: EntryId, entry: Entry) -> Result<Self, ApplyError> {
        let name = entry.context.clone();
        let Body::Create(created) = &entry.body else {
            return Err(ApplyError { id, context: name, what: "the context was not created" });
        };
        let created = created.clone();
        let mut context = Self {
            name,
            mode: created.mode,
            key: created.key.clone(),
            importing: created.import,
            max_retracted_ppm: created.max_retracted_ppm,
            created: created.clone(),
            schemas: Vec::new(),
            entries: Vec::new(),
            cutoffs: Cutoffs::default(),
            keyframes: Vec::new(),
            watermark: None,
            positions: BTreeMap::new(),
            fields_used: 0,
        };
        context.adopt(id, entry.system_time, created.schema.as_ref())?;
        context.push(id, entry);
        Ok(context)
    }

    /// Whether an entry can come next.
    ///
    /// # Errors
    /// [`ApplyError`] says why not.
    pub fn check(&self, id: EntryId, entry: &Entry) -> Result<(), ApplyError> {
        let wrong = |what| Err(ApplyError { id, context: entry.context.clone(), what });
        let keeps_time = matches!(entry.body, Body::Materialise(_));
        if let Some(last) = self.entries.last() {
            if last.id >= id {
                return wrong("it comes after an entry that stands later in the log");
            }
            // A keyframe says nothing new, so it may share the time of the entry before it.
            if last.system_time() > entry.system_time
                || (last.system_time() == entry.system_time && !keeps_time)
            {
                return wrong("its system time does not rise");
            }
        }
        match &entry.body {
            Body::Create(_) => wrong("the context was created before"),
            Body::Full(put) | Body::Delta(put) if put.cutoff.is_none() => wrong("it has no cutoff"),
            Body::Materialise(keyframe) if keyframe.covers > self.next_ordinal().get() => {
                wrong("it covers entries that do not exist")
            }
            Body::Alter(_)
            | Body::GoLive(_)
            | Body::Facts(_)
            | Body::Full(_)
            | Body::Delta(_)
            | Body::Withdraw(_)
            | Body::Materialise(_) => Ok(()),
        }
    }

    /// Takes the next entry.
    ///
    /// # Errors
    /// [`ApplyError`] if the entry cannot follow; the context is then as it was.
    ///
    /// # Panics
    /// Never: an entry is checked first.
    pub fn apply(&mut self, id: EntryId, entry: Entry) -> Result<(), ApplyError> {
        self.check(id, &entry)?;
        let system = entry.system_time;
        let ordinal = self.next_ordinal();
        match &entry.body {
            Body::Create(_) => {}
            Body::Alter(alter) => {
                self.adopt(id, system, alter.schema.as_ref())?;
                self.max_retracted_ppm = alter.max_retracted_ppm.or(self.max_retracted_ppm);
            }
            Body::GoLive(_) => self.importing = false,
            Body::Facts(put) => self.adopt(id, system, put.schema.as_ref())?,
            Body::Full(put) | Body::Delta(put) => {
                let cutoff = put.cutoff.expect("the check demands a cutoff");
                self.adopt(id, system, put.schema.as_ref())?;
                if put.replace {
                    self.cutoffs.apply(cutoff, ordinal, system, Deed::Withdraw);
                }
                let deed = if matches!(entry.body, Body::Full(_)) { Deed::Full } else { Deed::Delta };
                self.cutoffs.apply(cutoff, ordinal, system, deed);
            }
            Body::Withdraw(withdraw) => {
                self.cutoffs.apply(withdraw.cutoff, ordinal, system, Deed::Withdraw);
            }
            Body::Materialise(keyframe) => {
                self.keyframes.push(Keyframe {
                    valid: keyframe.valid_at,
                    known: keyframe.known_at,
                    covers: Ordinal::new(keyframe.covers),
                    manifest: keyframe.manifest,
                });
            }
        }
        if let Body::Facts(put) | Body::Full(put) | Body::Delta(put) = &entry.body {
            self.watermark = self.watermark.max(put.watermark);
            for position in put.positions.as_ref().and_then(Listed::inline).into_iter().flatten() {
                reach(&mut self.positions, position);
            }
        }
        self.push(id, entry);
        Ok(())
    }

    fn push(&mut self, id: EntryId, entry: Entry) {
        let ordinal = self.next_ordinal();
        let snapshot = match &entry.body {
            Body::Full(put) | Body::Delta(put) => put.snapshot_id(),
            Body::Create(_)
            | Body::Alter(_)
            | Body::GoLive(_)
            | Body::Facts(_)
            | Body::Withdraw(_)
            | Body::Materialise(_) => None,
        };
        self.entries.push(Arc::new(KnownEntry { id, ordinal, entry, snapshot }));
    }

    fn adopt(
        &mut self,
        id: EntryId,
        system: SystemTime,
        listed: Option<&Listed<SchemaWire>>,
    ) -> Result<(), ApplyError> {
        let Some(listed) = listed else { return Ok(()) };
        let schema = listed.inline().and_then(SchemaWire::to_schema);
        let schema = schema.ok_or_else(|| ApplyError {
            id,
            context: self.name.clone(),
            what: "its schema is not one, or was not fetched",
        })?;
        self.key = schema.key_names();
        let highest = schema.fields().iter().map(|field| field.id.get()).max();
        self.fields_used = self.fields_used.max(highest.unwrap_or(0));
        self.schemas.push((system, Arc::new(schema)));
        Ok(())
    }

    /// The context's name.
    pub fn name(&self) -> &ContextName {
        &self.name
    }

    /// How state reaches it.
    pub fn mode(&self) -> Mode {
        self.mode
    }

    /// What it was created with.
    pub fn created(&self) -> &CreateEntry {
        &self.created
    }

    /// Names of the key columns now.
    pub fn key_names(&self) -> &[String] {
        &self.key
    }

    /// Whether it is open for import.
    pub fn is_importing(&self) -> bool {
        self.importing
    }

    /// The greatest share of known keys that a full may retract, in millionths.
    pub fn max_retracted_ppm(&self) -> Option<u32> {
        self.max_retracted_ppm
    }

    /// The schema in force now; `None` before the first.
    pub fn schema(&self) -> Option<&Arc<Schema>> {
        self.schemas.last().map(|(_, schema)| schema)
    }

    /// The schema in force at a system time; before the first put, the first.
    pub fn schema_at(&self, known: SystemTime) -> Option<&Arc<Schema>> {
        let newest = self.schemas.iter().rev().find(|(since, _)| *since <= known);
        newest.or(self.schemas.first()).map(|(_, schema)| schema)
    }

    /// A schema by its version.
    pub fn schema_version(&self, version: SchemaVersion) -> Option<&Arc<Schema>> {
        self.schemas.iter().map(|(_, schema)| schema).find(|schema| schema.version() == version)
    }

    /// All schemas with the system time since which each is in force.
    pub fn schemas(&self) -> &[(SystemTime, Arc<Schema>)] {
        &self.schemas
    }

    /// The context with the schemas alone that were in force before a system time: a put that was committed then
    /// is prepared on it once more when it is sent again.
    pub(crate) fn with_schemas_before(&self, system: SystemTime) -> Self {
        let mut context = self.clone();
        context.schemas.retain(|(since, _)| *since < system);
        context.key = context.schema().map_or_else(|| self.created.key.clone(), |schema| schema.key_names());
        let fields = context.schemas.iter().flat_map(|(_, schema)| schema.fields());
        context.fields_used = fields.map(|field| field.id.get()).max().unwrap_or(0);
        context
    }

    /// The first field id that was never used.
    pub fn next_field_id(&self) -> FieldId {
        FieldId::new(self.fields_used + 1)
    }

    /// All entries in order.
    pub fn entries(&self) -> &[Arc<KnownEntry>] {
        &self.entries
    }

    /// The entries known at a system time.
    pub fn entries_known_at(&self, known: SystemTime) -> &[Arc<KnownEntry>] {
        let known = if is_planted(Bug::KnownIsExclusive) { known.previous().unwrap_or(known) } else { known };
        let count = self.entries.partition_point(|entry| entry.system_time() <= known);
        &self.entries[..count]
    }

    /// An entry by its place in the context.
    pub fn entry(&self, ordinal: Ordinal) -> Option<&Arc<KnownEntry>> {
        self.entries.get(ordinal.get() as usize)
    }

    /// The place that the next entry will have.
    ///
    /// # Panics
    /// After 2^32 entries in one context.
    pub fn next_ordinal(&self) -> Ordinal {
        Ordinal::new(u32::try_from(self.entries.len()).expect("fewer than 2^32 entries"))
    }

    /// The system time of the newest entry.
    pub fn newest_system_time(&self) -> Option<SystemTime> {
        self.entries.last().map(|entry| entry.system_time())
    }

    /// The record that holds the newest entry, keyframes aside: they change nothing that a client sees.
    pub fn newest_record(&self) -> Option<Sequence> {
        let mut entries = self.entries.iter().rev();
        let newest = entries.find(|entry| !matches!(entry.entry.body, Body::Materialise(_)));
        newest.map(|entry| entry.id.record)
    }

    /// An entry by its place in the log.
    pub fn entry_at(&self, id: EntryId) -> Option<&Arc<KnownEntry>> {
        let place = self.entries.binary_search_by_key(&id, |entry| entry.id).ok()?;
        Some(&self.entries[place])
    }

    /// The ledger of its cutoffs.
    pub fn cutoffs(&self) -> &Cutoffs {
        &self.cutoffs
    }

    /// The keyframes that the log names.
    pub fn keyframes(&self) -> &[Keyframe] {
        &self.keyframes
    }

    /// How far each partition of each source has been read, as known at a system time.
    pub fn positions_at(&self, known: SystemTime) -> Vec<Position> {
        if self.newest_system_time().is_some_and(|newest| newest <= known) || self.positions.is_empty() {
            return self.positions.values().cloned().collect();
        }
        let mut positions = BTreeMap::new();
        for entry in self.entries_known_at(known) {
            entry.positions().iter().for_each(|position| reach(&mut positions, position));
        }
        positions.into_values().collect()
    }

    /// The greatest watermark promised, as known at a system time.
    pub fn watermark_at(&self, known: SystemTime) -> Option<ValidTime> {
        if self.newest_system_time().is_some_and(|newest| newest <= known) {
            return self.watermark;
        }
        let entries = self.entries_known_at(known).iter();
        entries.filter_map(|entry| entry.put().and_then(|put| put.watermark)).max()
    }

    /// How many entries with facts came after the newest keyframe.
    pub fn deltas_since_keyframe(&self) -> usize {
        let covered = self.keyframes.iter().map(|keyframe| keyframe.covers.get() as usize).max();
        self.entries[covered.unwrap_or(0)..].iter().filter(|entry| entry.facts().is_some()).count()
    }
}

/// Takes a position if it is further than the one known: a later epoch, or a later offset in the same.
fn reach(positions: &mut BTreeMap<(String, String), Position>, position: &Position) {
    let slot = positions.entry((position.source.clone(), position.partition.clone()));
    let known = slot.or_insert_with(|| position.clone());
    if (position.epoch, position.to) > (known.epoch, known.to) {
        *known = position.clone();
    }
}
