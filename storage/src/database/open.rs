//! Opening a store: which one it is, its index, and what the index has not seen.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, RwLock};

use futures::lock::Mutex as AsyncMutex;
use object_store::path::Path as ObjectPath;

use super::{Access, Inner, OpenOptions, StateFolder};
use crate::backend::Backend;
use crate::commit::Committer;
use crate::error::Error;
use crate::evaluate::Setting;
use crate::identity::{Sequence, StoreId};
use crate::index::{Applied, Index, IndexError};
use crate::log::{count_records, read_slot};
use crate::planted::{Bug, is_planted};
use crate::reader::ChunkReader;
use crate::{format, self_test};

/// Numbered state folders that are tried.
const STATE_FOLDERS_MAX: u32 = 64;
/// The index's file in the state folder.
const INDEX_FILE: &str = "index.redb";
/// The note that the self-test passed; it changes when the test does.
const SELF_TEST_NOTE: &str = "self-test 1";

pub(super) async fn open(backend: Backend, options: OpenOptions) -> Result<Inner, Error> {
    let store = match format::read(&backend).await? {
        Some(store) => store,
        None if options.access == Access::Create => {
            refuse_lost_format(&backend).await?;
            format::create(&backend, &*options.clock, &*options.entropy).await?
        }
        None => return Err(Error::NoStore(backend.name().to_owned())),
    };
    backend.sync_directories_of(&format::path())?;
    let (index, state) = open_index(&options.state, store)?;
    let index = Arc::new(index);
    let reader = Arc::new(ChunkReader::new(backend.clone(), Arc::clone(&index)));
    let applied = index.applied().map_err(|error| error.into_error(&state))?;
    if let Some(applied) = &applied {
        refuse_rollback(&backend, applied, &state).await?;
    }
    if options.access != Access::Read {
        test_store(&backend, &options, &index, &state).await?;
    }
    let seen = applied.as_ref().map_or(0, |applied| applied.sequence.get() + 1);
    let inner = Inner {
        setting: Setting { reader: Arc::clone(&reader), store },
        backend,
        index,
        reader,
        clock: options.clock,
        entropy: options.entropy,
        limits: options.limits,
        clock_behind_max_micros: options.clock_behind_max_micros,
        makes_keyframes: options.makes_keyframes,
        lost_slots_max: options.lost_slots_max,
        access: options.access,
        state,
        committer: Committer::default(),
        head: RwLock::new(applied),
        contexts: Mutex::new(BTreeMap::new()),
        applying: AsyncMutex::new(()),
        poison: Mutex::new(None),
    };
    let records = count_records(&inner.backend, seen).await?;
    inner.catch_up().await?;
    // Probing for the end steps over slots that it takes for granted; reading does not.
    let read = inner.head().map_or(0, |head| head.sequence.get() + 1);
    if read < records {
        return Err(Error::MissingRecord { missing: read, found: records - 1 });
    }
    Ok(inner)
}

/// A store whose format file is gone must not become a new store on top of the old log.
async fn refuse_lost_format(backend: &Backend) -> Result<(), Error> {
    let log = backend.list_after(&ObjectPath::from("log"), &ObjectPath::from("log/")).await?;
    if log.is_empty() {
        return Ok(());
    }
    Err(Error::damaged(
        format::path(),
        "it is missing although the log has records: restore it from another copy",
    ))
}

async fn test_store(
    backend: &Backend,
    options: &OpenOptions,
    index: &Index,
    state: &Path,
) -> Result<(), Error> {
    let failed = |error: IndexError| error.into_error(state);
    if index.has_note(SELF_TEST_NOTE).map_err(failed)? {
        return Ok(());
    }
    self_test::self_test(backend, &*options.entropy).await?;
    index.keep_note(SELF_TEST_NOTE).map_err(failed)
}

/// The log must still hold what the index has seen.
async fn refuse_rollback(backend: &Backend, applied: &Applied, state: &Path) -> Result<(), Error> {
    if is_planted(Bug::SkipsRollback) {
        return Ok(());
    }
    let rolled_back = |found: String| Error::RolledBack {
        state: state.to_owned(),
        seen: applied.sequence,
        expected: applied.hash,
        found,
    };
    match read_slot(backend, applied.sequence).await? {
        Some(slot) if slot.hash == applied.hash => Ok(()),
        Some(slot) => Err(rolled_back(format!("hash {}", slot.hash))),
        None => {
            // A single lost slot is named as such; a log that ends earlier was rolled back.
            let records = count_records(backend, 0).await?;
            let newest = records.checked_sub(1).map(Sequence::new);
            Err(rolled_back(newest.map_or("no record".into(), |newest| format!("no record after {newest}"))))
        }
    }
}

fn open_index(folder: &StateFolder, store: StoreId) -> Result<(Index, PathBuf), Error> {
    match folder {
        StateFolder::Memory => {
            let state = PathBuf::from("memory");
            let index = Index::in_memory(store).map_err(|error| error.into_error(&state))?;
            Ok((index, state))
        }
        StateFolder::At(folder) => match open_in(folder, store)? {
            Some(index) => Ok((index, folder.clone())),
            None => Err(IndexError::InUse.into_error(folder)),
        },
        StateFolder::Under(parent) => {
            for number in 0..STATE_FOLDERS_MAX {
                let folder = parent.join(number.to_string());
                if let Some(index) = open_in(&folder, store)? {
                    return Ok((index, folder));
                }
            }
            Err(IndexError::InUse.into_error(parent))
        }
    }
}

/// Opens the index of a folder; what is damaged is thrown away. `None` if another process holds it.
fn open_in(folder: &Path, store: StoreId) -> Result<Option<Index>, Error> {
    let failed = |error: std::io::Error| Error::State { path: folder.to_owned(), reason: error.to_string() };
    std::fs::create_dir_all(folder).map_err(failed)?;
    let file = folder.join(INDEX_FILE);
    for _ in 0..2 {
        match Index::open(&file, store) {
            Ok(Ok(Some(index))) => return Ok(Some(index)),
            Ok(Ok(None)) => std::fs::remove_file(&file).map_err(failed)?,
            Ok(Err(found)) => {
                return Err(Error::OtherStore { state: folder.to_owned(), expected: store, found });
            }
            Err(IndexError::InUse) => return Ok(None),
            Err(error) => return Err(error.into_error(&file)),
        }
    }
    Err(Error::State { path: file, reason: "the index is damaged and could not be made anew".into() })
}

/// Throws the index in a folder away, so that the next opening makes it anew.
///
/// # Errors
/// [`Error::State`] if the file cannot be removed.
pub fn remove_index(folder: &Path) -> Result<(), Error> {
    match std::fs::remove_file(folder.join(INDEX_FILE)) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(Error::State { path: folder.to_owned(), reason: error.to_string() })
        }
        _ => Ok(()),
    }
}
