//! What can go wrong with a store, sorted by what its user can do about it.

mod reason;

use std::path::PathBuf;

use crate::identity::{PackDigest, RecordHash, Sequence, StoreId};
use crate::refusal::Refusal;
use crate::time::SystemTime;

/// What a caller can do; the words are those of gRPC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Code {
    /// Mend the request.
    InvalidArgument,
    /// Name something that exists.
    NotFound,
    /// Choose another name or key.
    AlreadyExists,
    /// Bring the context into another state first.
    FailedPrecondition,
    /// Ask about a time that has come.
    OutOfRange,
    /// Ask for less, or free some room.
    ResourceExhausted,
    /// Try again: another was faster.
    Aborted,
    /// Restore the named object from another copy.
    DataLoss,
    /// Try again later, or start again.
    Unavailable,
}

/// Why an operation on a store did not succeed.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// What was handed over is refused; nothing of it was applied.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// An object is not what its name or the log says. Restore it from another copy.
    #[error("{object} is damaged: {what}")]
    Damaged {
        /// The object's path or name.
        object: String,
        /// What is wrong with it.
        what: String,
    },
    /// A record is missing below others. Restore it from another copy; nothing is written until then.
    #[error(
        "record {missing} is missing although record {found} exists: restore log/{missing:020} from another copy"
    )]
    MissingRecord {
        /// The empty slot.
        missing: u64,
        /// A slot above it.
        found: u64,
    },
    /// The log no longer holds what the local index has seen: the store was rolled back or replaced.
    #[error(
        "the local index in {state} has seen record {seen} with hash {expected}, but the store has {found}: the store was rolled back or damaged; if a rollback was intended, remove the state folder"
    )]
    RolledBack {
        /// The state folder.
        state: PathBuf,
        /// The record.
        seen: Sequence,
        /// Its hash as the index knows it.
        expected: RecordHash,
        /// What the store holds there.
        found: String,
    },
    /// The local index is of another store.
    #[error(
        "the state folder {state} belongs to store {found}, not to store {expected}: name another with --state, or remove it"
    )]
    OtherStore {
        /// The state folder.
        state: PathBuf,
        /// This store.
        expected: StoreId,
        /// The store it belongs to.
        found: String,
    },
    /// There is no store there, and none was to be made.
    #[error("there is no store at {0}")]
    NoStore(String),
    /// A store of a newer format.
    #[error(
        "{object} is of format {found}, newer than this program, which reads format {known}: use a newer program"
    )]
    Newer {
        /// The object.
        object: String,
        /// Its format.
        found: u32,
        /// What this program reads.
        known: u32,
    },
    /// The store does not keep a promise that commits rest on.
    #[error("the store at {store} cannot be used: {what}")]
    UnfitStore {
        /// The store.
        store: String,
        /// The promise it broke.
        what: &'static str,
    },
    /// The store did not do what it was asked. May succeed when tried again.
    #[error("the store could not {action} {path}: {reason}")]
    Store {
        /// What it was asked to do.
        action: &'static str,
        /// With which object.
        path: String,
        /// Why not, in the words of the store.
        reason: String,
        /// Whether it is full.
        full: bool,
    },
    /// The local state folder could not be used.
    #[error("the state folder {path} cannot be used: {reason}")]
    State {
        /// The folder or a file in it.
        path: PathBuf,
        /// Why not.
        reason: String,
    },
    /// A write had an unknown outcome; nothing more is written until the store is opened again.
    #[error(
        "this writer stopped after a failed write ({0}); open the store again: puts with an idempotency key can safely be repeated"
    )]
    Poisoned(String),
    /// Whoever was committing stopped before this commit was decided.
    #[error("the outcome of this commit is not known: repeat it with the same idempotency key")]
    OutcomeUnknown,
    /// Other writers took every slot that this commit tried. Nothing was committed; try again.
    #[error(
        "other writers took all of the {attempts} slots that were tried; nothing was committed: try again"
    )]
    Overtaken {
        /// How many were tried.
        attempts: u32,
    },
    /// This server's clock lies behind the log.
    #[error("this server's clock says {clock}, but the newest record is of {newest}: set the clock")]
    ClockBehind {
        /// The clock.
        clock: SystemTime,
        /// The newest record's time.
        newest: SystemTime,
    },
    /// The time asked about has not come.
    #[error("known_at {asked} is in the future; the time is {now}")]
    Future {
        /// As asked.
        asked: SystemTime,
        /// The server's clock.
        now: SystemTime,
    },
    /// A pack that the log names is not there.
    #[error("pack {0} is missing: restore it from another copy")]
    MissingPack(PackDigest),
    /// There is no such thing.
    #[error("there is no {what} {name}")]
    NotFound {
        /// The kind of thing.
        what: &'static str,
        /// Its name.
        name: String,
    },
    /// The store was opened for reading.
    #[error("the store was opened for reading only")]
    ReadOnly,
}

impl Error {
    /// What the caller can do.
    pub fn code(&self) -> Code {
        match self {
            Self::Refused(refusal) => refusal.code(),
            Self::Damaged { .. }
            | Self::MissingRecord { .. }
            | Self::RolledBack { .. }
            | Self::MissingPack(_) => Code::DataLoss,
            Self::OtherStore { .. } | Self::Newer { .. } | Self::UnfitStore { .. } | Self::ReadOnly => {
                Code::FailedPrecondition
            }
            Self::NoStore(_) | Self::NotFound { .. } => Code::NotFound,
            Self::Store { full: true, .. } => Code::ResourceExhausted,
            Self::Store { .. }
            | Self::State { .. }
            | Self::Poisoned(_)
            | Self::OutcomeUnknown
            | Self::ClockBehind { .. } => Code::Unavailable,
            Self::Overtaken { .. } => Code::Aborted,
            Self::Future { .. } => Code::OutOfRange,
        }
    }

    pub(crate) fn damaged(object: impl std::fmt::Display, what: impl std::fmt::Display) -> Self {
        Self::Damaged { object: object.to_string(), what: what.to_string() }
    }

    pub(crate) fn store(
        action: &'static str,
        path: impl std::fmt::Display,
        error: &object_store::Error,
    ) -> Self {
        Self::Store { action, path: path.to_string(), reason: reasons(error), full: is_full(error) }
    }
}

/// An error with its sources, each once.
pub fn reasons(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        let next = error.to_string();
        if !text.contains(&next) {
            text.push_str(": ");
            text.push_str(&next);
        }
        source = error.source();
    }
    text
}

fn is_full(error: &object_store::Error) -> bool {
    let mut source: Option<&dyn std::error::Error> = Some(error);
    while let Some(error) = source {
        if let Some(io) = error.downcast_ref::<std::io::Error>()
            && matches!(io.kind(), std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded)
        {
            return true;
        }
        source = error.source();
    }
    false
}
