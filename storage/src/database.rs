//! A store that is open: its head, its contexts, and the doors for writing.
//!
//! Invariants: the index is never ahead of the log; a context that is handed out is
//! one moment of it; after a write that failed in an unknown way no more is
//! written until the store is opened again.

mod apply;
mod open;

pub use open::remove_index;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use futures::lock::Mutex as AsyncMutex;
use object_store::path::Path;

use crate::backend::Backend;
use crate::clock::{Clock, Entropy, MachineClock, MachineEntropy};
use crate::commit::{Committer, Receipt};
use crate::context::{Context, KnownEntry};
use crate::error::Error;
use crate::evaluate::{AlterContext, CreateContext, Deed, Materialise, Proposal, Setting, Withdraw};
use crate::identity::{EntryId, RecordHash, Sequence, SnapshotId, StoreId};
use crate::index::{Applied, Index, IndexError};
use crate::log::{Slot, read_slot};
use crate::merkle::{LogHash, TreeHash};
use crate::name::{ContextName, IdempotencyKey, Principal};
use crate::put::{Put, PutLimits};
use crate::reader::ChunkReader;
use crate::time::SystemTime;

/// Whether a store may be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Read and write; the store is made if there is none.
    Create,
    /// Read and write; there must be a store.
    Write,
    /// Read.
    Read,
}

/// Where the index is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StateFolder {
    /// In this folder.
    At(PathBuf),
    /// In the first numbered folder below this one that no other process holds.
    Under(PathBuf),
    /// In memory: made anew at every opening.
    Memory,
}

/// Slots that a commit loses in a row before it is answered with an error, unless it is said otherwise.
const LOST_SLOTS_MAX: u32 = 10_000;

/// How a store is opened.
#[derive(Clone, Debug)]
pub struct OpenOptions {
    /// Whether it may be written.
    pub access: Access,
    /// Where the index is kept.
    pub state: StateFolder,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// Where nonces come from.
    pub entropy: Arc<dyn Entropy>,
    /// What one put may bring.
    pub limits: PutLimits,
    /// How far the clock may lie behind the newest record, microseconds.
    pub clock_behind_max_micros: i64,
    /// Whether keyframes are made when enough deltas have gathered.
    pub makes_keyframes: bool,
    /// Slots that a commit loses to other writers in a row before it is answered with an error.
    pub lost_slots_max: u32,
}

impl OpenOptions {
    /// The machine's clock and randomness, and the bounds that are safe.
    pub fn new(access: Access, state: StateFolder) -> Self {
        Self {
            access,
            state,
            clock: Arc::new(MachineClock),
            entropy: Arc::new(MachineEntropy),
            limits: PutLimits::default(),
            clock_behind_max_micros: 5_000_000,
            makes_keyframes: true,
            lost_slots_max: LOST_SLOTS_MAX,
        }
    }
}

/// An open store. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Database {
    inner: Arc<Inner>,
}

/// What an open store holds.
#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) backend: Backend,
    pub(crate) index: Arc<Index>,
    pub(crate) reader: Arc<ChunkReader>,
    pub(crate) setting: Setting,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) entropy: Arc<dyn Entropy>,
    pub(crate) limits: PutLimits,
    pub(crate) clock_behind_max_micros: i64,
    pub(crate) makes_keyframes: bool,
    pub(crate) lost_slots_max: u32,
    access: Access,
    state: PathBuf,
    committer: Committer,
    head: RwLock<Option<Applied>>,
    contexts: Mutex<BTreeMap<ContextName, Arc<Context>>>,
    /// Records are applied one at a time.
    applying: AsyncMutex<()>,
    poison: Mutex<Option<String>>,
}

impl Inner {
    /// How far the log has been applied; `None` before the first record.
    pub(crate) fn head(&self) -> Option<Applied> {
        self.head.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether writing is possible.
    pub(crate) fn writable(&self) -> Result<(), Error> {
        if self.access == Access::Read {
            return Err(Error::ReadOnly);
        }
        let poison = self.poison.lock().unwrap_or_else(PoisonError::into_inner);
        poison.as_ref().map_or(Ok(()), |reason| Err(Error::Poisoned(reason.clone())))
    }

    /// Stops writing for good.
    pub(crate) fn poison(&self, error: &Error) {
        let mut poison = self.poison.lock().unwrap_or_else(PoisonError::into_inner);
        poison.get_or_insert_with(|| error.to_string());
    }

    /// Makes the log's directory entries durable; a failed sync is never retried into success.
    pub(crate) fn sync_or_poison(&self) -> Result<(), Error> {
        let poison = self.poison.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(reason) = poison {
            return Err(Error::Poisoned(reason));
        }
        self.backend.sync_directories_of(&Path::from("log/0")).inspect_err(|error| self.poison(error))
    }

    pub(crate) fn index_error(&self, error: IndexError) -> Error {
        error.into_error(&self.state)
    }

    /// A context as it is now; `None` if there is none.
    pub(crate) fn context(&self, name: &ContextName) -> Result<Option<Arc<Context>>, Error> {
        let mut contexts = self.contexts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(context) = contexts.get(name) {
            return Ok(Some(Arc::clone(context)));
        }
        let loaded = self.load_context(name)?.map(Arc::new);
        if let Some(context) = &loaded {
            contexts.insert(name.clone(), Arc::clone(context));
        }
        Ok(loaded)
    }

    fn load_context(&self, name: &ContextName) -> Result<Option<Context>, Error> {
        let mut entries = self.index.entries(name).map_err(|error| self.index_error(error))?.into_iter();
        let damaged = |error| Error::damaged("the index", error);
        let Some((id, entry)) = entries.next() else {
            return Ok(None);
        };
        let mut context = Context::create(id, entry).map_err(damaged)?;
        for (id, entry) in entries {
            context.apply(id, entry).map_err(damaged)?;
        }
        Ok(Some(context))
    }

    pub(crate) fn idempotent(
        &self,
        context: &ContextName,
        principal: &Principal,
        key: &IdempotencyKey,
    ) -> Result<Option<EntryId>, Error> {
        self.index.idempotent(context, principal, key).map_err(|error| self.index_error(error))
    }

    pub(crate) fn record_hash(&self, sequence: Sequence) -> Result<RecordHash, Error> {
        let found = self.index.record_hash(sequence).map_err(|error| self.index_error(error))?;
        found.ok_or_else(|| {
            Error::damaged("the index", format_args!("it lacks the hash of record {sequence}"))
        })
    }
}

impl Drop for Inner {
    /// Lets the next opening find all of it; what does not reach the disk is replayed from the log.
    fn drop(&mut self) {
        self.index.sync().ok();
    }
}

impl Database {
    /// Opens a store: applies what the index has not seen, and, for writing, tests the store once.
    ///
    /// # Errors
    /// [`Error`] says what is missing or damaged, and what to do.
    pub async fn open(backend: Backend, options: OpenOptions) -> Result<Self, Error> {
        let inner = open::open(backend, options).await?;
        Ok(Self { inner: Arc::new(inner) })
    }

    /// The store's id.
    pub fn store_id(&self) -> StoreId {
        self.inner.setting.store
    }

    /// Where it lies, for messages.
    pub fn backend(&self) -> &Backend {
        &self.inner.backend
    }

    /// The state folder.
    pub fn state(&self) -> &std::path::Path {
        &self.inner.state
    }

    /// The clock.
    pub fn now(&self) -> SystemTime {
        self.inner.clock.now()
    }

    /// Why nothing is written any more until the store is opened again; `None` while all is well.
    pub fn poison_reason(&self) -> Option<String> {
        self.inner.poison.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// How far the log has been applied; `None` before the first record.
    pub fn head(&self) -> Option<Applied> {
        self.inner.head()
    }

    /// The root of the Merkle tree over all applied records (RFC 9162).
    pub fn root(&self) -> RecordHash {
        RecordHash::new(self.head().map_or_else(LogHash::empty, |head| head.frontier.root::<LogHash>()))
    }

    /// Reads chunks.
    pub fn reader(&self) -> &Arc<ChunkReader> {
        &self.inner.reader
    }

    /// What entries are evaluated with.
    pub fn setting(&self) -> &Setting {
        &self.inner.setting
    }

    /// The hash of a record that has been applied.
    ///
    /// # Errors
    /// [`Error::Damaged`] if the index lacks it.
    pub fn record_hash(&self, sequence: Sequence) -> Result<RecordHash, Error> {
        self.inner.record_hash(sequence)
    }

    /// The index.
    pub fn index(&self) -> &Index {
        &self.inner.index
    }

    /// Names of all contexts.
    ///
    /// # Errors
    /// [`Error::State`] if the index cannot be read.
    pub fn contexts(&self) -> Result<Vec<ContextName>, Error> {
        self.inner.index.contexts().map_err(|error| self.inner.index_error(error))
    }

    /// A context as it is now.
    ///
    /// # Errors
    /// [`Refusal::NoContext`](crate::refusal::Refusal::NoContext) if there is none.
    pub fn context(&self, name: &ContextName) -> Result<Arc<Context>, Error> {
        let found = self.inner.context(name)?;
        found.ok_or_else(|| crate::refusal::Refusal::NoContext(name.clone()).into())
    }

    /// The entry that sealed a snapshot, with its context.
    ///
    /// # Errors
    /// [`Error::NotFound`] if the log names no such snapshot.
    pub fn snapshot(&self, id: SnapshotId) -> Result<(Arc<Context>, Arc<KnownEntry>), Error> {
        let found = self.inner.index.snapshot(id).map_err(|error| self.inner.index_error(error))?;
        let missing = || Error::NotFound { what: "snapshot", name: id.to_string() };
        let (name, place) = found.ok_or_else(missing)?;
        let context = self.context(&name)?;
        let entry = context.entry_at(place).filter(|entry| entry.snapshot == Some(id));
        let entry =
            entry.cloned().ok_or_else(|| Error::damaged("the index", format_args!("of snapshot {id}")))?;
        Ok((context, entry))
    }

    /// A record of the log with its hash; `None` past the end.
    ///
    /// # Errors
    /// [`Error::Damaged`] if the slot holds something else.
    pub async fn record(&self, sequence: Sequence) -> Result<Option<Slot>, Error> {
        read_slot(&self.inner.backend, sequence).await
    }

    /// Applies what others have committed since.
    ///
    /// # Errors
    /// [`Error`] if a record cannot be read or applied.
    pub async fn catch_up(&self) -> Result<u64, Error> {
        self.inner.catch_up().await
    }

    /// Creates a context. The same again is answered with the first receipt.
    ///
    /// # Errors
    /// [`Error::Refused`] if the name is taken or the definition is not one.
    pub async fn create_context(&self, create: CreateContext) -> Result<Receipt, Error> {
        self.commit(Proposal::Create(create)).await
    }

    /// Changes a context.
    ///
    /// # Errors
    /// [`Error::Refused`] if the change is not possible.
    pub async fn alter_context(&self, alter: AlterContext) -> Result<Receipt, Error> {
        self.commit(Proposal::Alter(alter)).await
    }

    /// Ends import for good.
    ///
    /// # Errors
    /// [`Error::Refused`] if the context is live already.
    pub async fn go_live(&self, deed: Deed) -> Result<Receipt, Error> {
        self.commit(Proposal::GoLive(deed)).await
    }

    /// Puts rows. Returns when they are durable and can be read.
    ///
    /// # Errors
    /// [`Error::Refused`] names row and field; nothing is applied then.
    pub async fn put(&self, put: Put) -> Result<Receipt, Error> {
        self.commit(Proposal::Put(Arc::new(put))).await
    }

    /// Takes back all that was said at a cutoff.
    ///
    /// # Errors
    /// [`Error::Refused`] if nothing is known at the cutoff.
    pub async fn withdraw(&self, withdraw: Withdraw) -> Result<Receipt, Error> {
        self.commit(Proposal::Withdraw(withdraw)).await
    }

    /// Writes a keyframe.
    ///
    /// # Errors
    /// [`Error::Damaged`] if it is not what the log says; it is not committed then.
    pub async fn materialise(&self, materialise: Materialise) -> Result<Receipt, Error> {
        self.commit(Proposal::Materialise(materialise)).await
    }

    /// Commits a proposal of any kind.
    ///
    /// # Errors
    /// As the methods above.
    pub async fn commit(&self, proposal: Proposal) -> Result<Receipt, Error> {
        self.inner.writable()?;
        let proposal = Arc::new(proposal);
        let seen = self.inner.head().map(|head| head.sequence);
        let outcome = self.inner.committer.commit(&self.inner, Arc::clone(&proposal)).await;
        if !matches!(outcome, Err(Error::Refused(_))) {
            return outcome;
        }
        // What was refused here may be right after what others have committed since; somebody else may have
        // applied that in the meantime.
        self.inner.catch_up().await?;
        if self.inner.head().map(|head| head.sequence) == seen {
            return outcome;
        }
        self.inner.committer.commit(&self.inner, proposal).await
    }

    /// Makes the index reach the disk, so that the next opening has nothing to replay.
    ///
    /// # Errors
    /// [`Error::State`] if the disk would not.
    pub fn sync_index(&self) -> Result<(), Error> {
        self.inner.index.sync().map_err(|error| self.inner.index_error(error))
    }
}
