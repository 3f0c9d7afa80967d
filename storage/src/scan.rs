//! Reading facts: entries and keyframes merged by key, a window of complete keys
//! at a time.
//!
//! Invariants: within a window the facts of a key stand in the order of their
//! entries, and all of them are there that the filters let through; windows come
//! in the order of keys; at most one row group of each source is held in memory
//! (more only where one key fills several). Columns are read late, for the rows
//! that are wanted.

mod batch;
mod gather;
mod key_index;
mod merge;
mod whole;

use std::collections::VecDeque;
use std::sync::Arc;

pub use batch::FactBatch;
pub use gather::RowRef;
pub(crate) use key_index::KeyIndexes;
pub(crate) use whole::zone;
pub use whole::{ColumnFilter, Stretch, ValueRange, WholeGroup, Zone};

use crate::context::{Context, Keyframe, KnownEntry};
use crate::error::Error;
use crate::identity::Ordinal;
use crate::key::EncodedKeys;
use crate::manifest::{Group, Manifest, Part};
use crate::pieces::Timeline;
use crate::planted::{Bug, is_planted};
use crate::reader::ChunkReader;
use crate::schema::{FieldId, FieldType, Schema};
use crate::statement::{Op, Winner};
use crate::time::{SystemTime, ValidTime};
use crate::turn::turn;

/// Which keys are wanted.
#[derive(Clone, Debug)]
pub enum KeyFilter {
    /// All of them.
    All,
    /// These, sorted and each once.
    Set(Arc<EncodedKeys>),
    /// Those in a range: from a key on, up to before another.
    Range {
        /// The first key wanted.
        from: Option<Vec<u8>>,
        /// The first key no longer wanted.
        to: Option<Vec<u8>>,
    },
}

impl KeyFilter {
    fn may_match(&self, first: &[u8], last: &[u8]) -> bool {
        match self {
            Self::All => true,
            Self::Set(keys) => {
                let place = keys.lower_bound(first);
                place < keys.len() && keys.get(place) <= last
            }
            Self::Range { from, to } => {
                from.as_deref().is_none_or(|from| from <= last) && to.as_deref().is_none_or(|to| first < to)
            }
        }
    }
}

/// Which valid times are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ValidFilter {
    /// Facts that hold at some instant from the first to the last, both included.
    Holding {
        /// The first instant.
        first: i64,
        /// The last instant.
        last: i64,
    },
    /// All facts.
    All,
}

impl ValidFilter {
    /// Facts that hold at an instant.
    pub fn at(valid: ValidTime) -> Self {
        Self::Holding { first: valid.micros(), last: valid.micros() }
    }

    fn lets_all(self, from_max: i64, to_min: i64) -> bool {
        match self {
            Self::All => true,
            Self::Holding { first, last } => from_max <= last && first < to_min,
        }
    }

    fn lets(self, from: i64, to: i64) -> bool {
        match self {
            Self::All => true,
            Self::Holding { first, last } => from <= last && first < to,
        }
    }
}

/// What to read.
#[derive(Clone, Debug)]
pub struct ScanRequest {
    /// The schema in which columns are answered; its key fields name the keys.
    pub schema: Arc<Schema>,
    /// Entries whose facts are read, in order.
    pub entries: Vec<Arc<KnownEntry>>,
    /// A keyframe that stands for the entries before them.
    pub keyframe: Option<Keyframe>,
    /// Which keys.
    pub keys: KeyFilter,
    /// Which valid times.
    pub valid: ValidFilter,
}

impl ScanRequest {
    /// Everything that a context knows at a system time, without keyframes.
    pub fn of_entries(context: &Context, schema: &Arc<Schema>, known: SystemTime) -> Self {
        Self {
            schema: Arc::clone(schema),
            entries: context.entries_known_at(known).to_vec(),
            keyframe: None,
            keys: KeyFilter::All,
            valid: ValidFilter::All,
        }
    }

    /// The same for valid times from an instant on, with the keyframe that leaves the fewest entries to read.
    /// Retractions that a keyframe covers are not among the facts then.
    pub fn from_valid(context: &Context, schema: &Arc<Schema>, valid: ValidTime, known: SystemTime) -> Self {
        let usable = context.keyframes().iter().filter(|k| {
            (k.valid <= valid || is_planted(Bug::KeyframeIsEarly))
                && (k.known <= known || is_planted(Bug::KeyframeIsPrescient))
        });
        let keyframe = usable.max_by_key(|keyframe| keyframe.covers).cloned();
        let mut request = Self::of_entries(context, schema, known);
        if let Some(keyframe) = &keyframe {
            request.entries.drain(..(keyframe.covers.get() as usize).min(request.entries.len()));
        }
        request.keyframe = keyframe;
        request
    }
}

/// One sorted run of facts: a part of an entry or of a keyframe.
#[derive(Debug)]
struct Source {
    /// The entry; of a keyframe, the rows say it.
    entry: Option<Ordinal>,
    manifest: Arc<Manifest>,
    /// Groups still to be read, in order.
    groups: VecDeque<usize>,
    /// Groups that have been read and not been used up.
    batches: VecDeque<Arc<FactBatch>>,
    /// The next row of the first batch, as a place among its rows.
    next: usize,
}

/// Some complete keys with their facts.
#[derive(Debug, Default)]
pub struct Window {
    batches: Vec<Arc<FactBatch>>,
    rows: Vec<RowRef>,
    /// Where the rows of each key begin, and the end of the last.
    starts: Vec<u32>,
}

impl Window {
    /// How many keys there are.
    pub fn len(&self) -> usize {
        self.starts.len().saturating_sub(1)
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The facts of a key, in the order of their entries.
    pub fn facts(&self, key: usize) -> &[RowRef] {
        &self.rows[self.starts[key] as usize..self.starts[key + 1] as usize]
    }

    /// The key at a place.
    pub fn key(&self, key: usize) -> &[u8] {
        let row = self.facts(key)[0];
        self.batches[row.batch as usize].keys().get(row.row as usize)
    }

    /// The batch of a row.
    pub fn batch(&self, row: RowRef) -> &FactBatch {
        &self.batches[row.batch as usize]
    }

    /// The period of a fact, half-open microseconds.
    pub fn period(&self, row: RowRef) -> (i64, i64) {
        self.batch(row).period(row.row)
    }

    /// Whether a fact retracts.
    pub fn is_retraction(&self, row: RowRef) -> bool {
        self.batch(row).is_retraction(row.row)
    }

    /// The entry that brought a fact.
    pub fn entry(&self, row: RowRef) -> Ordinal {
        self.batch(row).entry(row.row)
    }

    /// The last fact of a key that holds an instant.
    pub fn winner(&self, key: usize, valid: i64) -> Option<RowRef> {
        let holds = |row: &&RowRef| {
            let (from, to) = self.period(**row);
            from <= valid && valid < to
        };
        self.facts(key).iter().rev().find(holds).copied()
    }

    /// The facts of a key, laid over each other in the order of their entries.
    pub fn timeline(&self, key: usize) -> Timeline {
        let mut timeline = Timeline::default();
        for (fact, row) in self.facts(key).iter().enumerate() {
            let (from, to) = self.period(*row);
            timeline.lay(fact, from, to);
        }
        timeline
    }

    /// What names a fact and what it does.
    pub fn identify(&self, row: RowRef) -> Winner {
        let op = if self.is_retraction(row) { Op::Retract } else { Op::Assert };
        Winner { entry: self.entry(row), valid_from: self.period(row).0, op }
    }
}

/// Facts being read.
#[derive(Debug)]
pub struct Scan {
    reader: Arc<ChunkReader>,
    schema: Arc<Schema>,
    keys: KeyFilter,
    valid: ValidFilter,
    sources: Vec<Source>,
    /// Whether a window was asked for before.
    begun: bool,
}

impl Scan {
    /// Reads the manifests and prunes what cannot matter.
    ///
    /// # Errors
    /// [`Error`] if a manifest cannot be read.
    pub async fn start(reader: Arc<ChunkReader>, request: ScanRequest) -> Result<Self, Error> {
        let mut scan = Self {
            reader,
            schema: request.schema,
            keys: request.keys,
            valid: request.valid,
            sources: Vec::new(),
            begun: false,
        };
        if let Some(keyframe) = &request.keyframe
            && let Some(digest) = keyframe.manifest
        {
            scan.add_source(None, digest).await?;
            let within = |source: &Source| {
                source
                    .manifest
                    .groups
                    .iter()
                    .all(|group| group.entries.max < i64::from(keyframe.covers.get()))
            };
            if !scan.sources.iter().all(within) {
                return Err(Error::damaged("a keyframe", "it names entries that it does not cover"));
            }
        }
        for entry in &request.entries {
            if let Some(digest) = entry.facts() {
                scan.add_source(Some(entry.ordinal), digest).await?;
            }
        }
        Ok(scan)
    }

    /// Reads one manifest as an entry's, without asking the log: for checking what is being made.
    pub(crate) async fn of_manifest(
        reader: Arc<ChunkReader>,
        schema: Arc<Schema>,
        entry: Option<Ordinal>,
        digest: crate::identity::ChunkDigest,
    ) -> Result<Self, Error> {
        let mut scan = Self {
            reader,
            schema,
            keys: KeyFilter::All,
            valid: ValidFilter::All,
            sources: Vec::new(),
            begun: false,
        };
        scan.add_source(entry, digest).await?;
        Ok(scan)
    }

    async fn add_source(
        &mut self,
        entry: Option<Ordinal>,
        digest: crate::identity::ChunkDigest,
    ) -> Result<(), Error> {
        let manifest = self.reader.manifest(digest).await?;
        for part in [Part::Stated, Part::Withdrawn, Part::At, Part::After] {
            let groups: VecDeque<usize> = (0..manifest.groups.len())
                .filter(|&group| {
                    let group = &manifest.groups[group];
                    group.part == part
                        && self.keys.may_match(&group.first_key, &group.last_key)
                        && self.valid.lets(group.valid_from.min, group.valid_to.max)
                })
                .collect();
            if !groups.is_empty() {
                let manifest = Arc::clone(&manifest);
                self.sources.push(Source { entry, manifest, groups, batches: VecDeque::new(), next: 0 });
            }
        }
        Ok(())
    }

    /// Leaves out what withdrawals wrote.
    #[must_use]
    pub fn stated_only(mut self) -> Self {
        self.sources.retain(|source| {
            source.groups.iter().all(|group| source.manifest.groups[*group].part != Part::Withdrawn)
        });
        self
    }

    /// The schema in which columns are answered.
    pub fn schema(&self) -> &Arc<Schema> {
        &self.schema
    }

    /// A field by its place in the schema.
    fn field(&self, place: usize) -> (FieldId, FieldType) {
        let field = &self.schema.fields()[place];
        (field.id, field.field_type)
    }

    /// The row groups that are still to be read, source by source: what a scan costs before it begins.
    pub fn groups(&self) -> impl Iterator<Item = &Group> {
        self.sources
            .iter()
            .flat_map(|source| source.groups.iter().map(|group| &source.manifest.groups[*group]))
    }

    /// The next keys; `None` at the end.
    ///
    /// # Errors
    /// [`Error`] if a chunk cannot be read.
    pub async fn next(&mut self) -> Result<Option<Window>, Error> {
        loop {
            self.fill().await?;
            if self.sources.is_empty() {
                return Ok(None);
            }
            // What is in memory is read without a pause; a look-up of one key needs no second turn.
            if std::mem::replace(&mut self.begun, true) {
                turn().await;
            }
            // Rows below the first key of any group still to be read are complete.
            let bound = self.sources.iter().filter_map(Source::next_group_key).min().map(<[u8]>::to_vec);
            let window = merge::merge(&mut self.sources, bound.as_deref());
            if !window.is_empty() {
                return Ok(Some(window));
            }
            // One key fills the groups read so far: read on.
            let Some(bound) = bound else { return Ok(None) };
            self.extend(&bound).await?;
        }
    }

    /// Reads a group for each source that has none, and drops sources that are used up.
    async fn fill(&mut self) -> Result<(), Error> {
        for source in &mut self.sources {
            while source.batches.is_empty()
                && let Some(group) = source.groups.pop_front()
            {
                source.read(&self.reader, &self.schema, &self.keys, self.valid, group).await?;
            }
        }
        self.sources.retain(|source| !source.batches.is_empty());
        Ok(())
    }

    async fn extend(&mut self, bound: &[u8]) -> Result<(), Error> {
        for source in &mut self.sources {
            if source.next_group_key() == Some(bound)
                && let Some(group) = source.groups.pop_front()
            {
                source.read(&self.reader, &self.schema, &self.keys, self.valid, group).await?;
            }
        }
        Ok(())
    }
}

impl Source {
    fn next_group_key(&self) -> Option<&[u8]> {
        let group = *self.groups.front()?;
        Some(&self.manifest.groups[group].first_key)
    }

    async fn read(
        &mut self,
        reader: &ChunkReader,
        schema: &Schema,
        keys: &KeyFilter,
        valid: ValidFilter,
        group: usize,
    ) -> Result<(), Error> {
        let batch = FactBatch::read(reader, schema, &self.manifest, group, self.entry, keys, valid).await?;
        if !batch.rows().is_empty() {
            self.batches.push_back(Arc::new(batch));
        }
        Ok(())
    }
}
