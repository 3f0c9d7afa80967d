//! Deciding a slot: packs first, then the record, created if absent.
//!
//! Invariants: an answer that got lost means the same bytes at the same slot again,
//! until it is known whose the slot is; on a local disk a failed sync is never
//! retried into success.

use bytes::Bytes;
use futures::stream::{self, TryStreamExt};
use object_store::path::Path;

use crate::backend::Created;
use crate::database::Inner;
use crate::error::Error;
use crate::identity::{Nonce, PackDigest, Sequence};
use crate::log::{read_slot, slot_path};
use crate::pack::Pack;
use crate::planted::{Bug, is_planted};
use crate::reader::pack_path;

/// How often an object with an unknown outcome is tried again before the writer stops.
const ATTEMPTS_MAX: u32 = 12;
/// Packs that are uploaded at the same time: a disk syncs several in hardly more time than one.
const UPLOADS_MAX: usize = 16;

/// Uploads packs. A pack that is there already must be the same.
pub(super) async fn upload(inner: &Inner, packs: &[Pack]) -> Result<(), Error> {
    let packs = stream::iter(packs.iter().map(Ok));
    packs.try_for_each_concurrent(UPLOADS_MAX, |pack| upload_pack(inner, pack)).await
}

async fn upload_pack(inner: &Inner, pack: &Pack) -> Result<(), Error> {
    let path = pack_path(pack.digest);
    let mut last = None;
    for _ in 0..ATTEMPTS_MAX {
        // A disk without room for a staged file would fail the create of a pack that is there already, and nobody
        // could tell whether it was linked before.
        let is_there = inner.backend.has_directories() && inner.backend.size(&path).await?.is_some();
        let created =
            if is_there { Created::Exists } else { inner.backend.create(&path, pack.bytes.clone()).await };
        match created {
            Created::Yes => return Ok(()),
            Created::Exists => match inner.backend.read(&path, crate::pack::BYTES_MAX).await? {
                Some(_) if is_planted(Bug::TrustsPack) => return Ok(()),
                Some(found) if PackDigest::new(blake3::hash(&found).into()) == pack.digest => {
                    return inner.backend.sync_directories_of(&path).inspect_err(|error| inner.poison(error));
                }
                Some(_) => return Err(Error::damaged(&path, "its bytes do not hash to its name")),
                None => {}
            },
            Created::Unknown(error) if inner.backend.has_directories() => {
                return Err(local_failure(inner, &path, error).await);
            }
            Created::Unknown(error) => last = Some(error),
        }
    }
    Err(last.unwrap_or_else(|| Error::damaged(&path, "it exists and does not")))
}

/// Whose a slot is.
pub(super) enum Decision {
    Ours,
    Others,
}

/// Creates a slot, again with the same bytes until it is known whose it is.
pub(super) async fn decide_slot(
    inner: &Inner,
    sequence: Sequence,
    nonce: Nonce,
    bytes: &Bytes,
) -> Result<Decision, Error> {
    let path = slot_path(sequence);
    let mut last = None;
    for _ in 0..ATTEMPTS_MAX {
        let created = inner.backend.create(&path, bytes.clone()).await;
        if let Created::Yes = created {
            return Ok(Decision::Ours);
        }
        if let Created::Unknown(error) = created {
            if inner.backend.has_directories() {
                if is_planted(Bug::AcknowledgesFailure) {
                    return Ok(Decision::Ours);
                }
                return Err(local_failure(inner, &path, error).await);
            }
            last = Some(error);
            continue;
        }
        match read_slot(&inner.backend, sequence).await {
            Ok(Some(_)) if is_planted(Bug::TakesAnySlot) => return Ok(Decision::Ours),
            Ok(Some(slot)) if slot.record.nonce == nonce => {
                inner.sync_or_poison()?;
                return Ok(Decision::Ours);
            }
            Ok(Some(_)) => return Ok(Decision::Others),
            // Another's create was refused before it took effect: the slot is still free.
            Ok(None) => {}
            Err(error @ (Error::Damaged { .. } | Error::Newer { .. })) => return Err(error),
            Err(error) => last = Some(error),
        }
    }
    inner.poison(&last.unwrap_or_else(|| Error::damaged(&path, "it exists and does not")));
    // What failed last may be a read, which could be tried again: the commit could not.
    Err(Error::OutcomeUnknown)
}

/// A local disk that failed: if the object is certainly not there and the disk was only full, nothing has
/// happened; else nobody knows what will be there after a crash, and the writer stops.
async fn local_failure(inner: &Inner, path: &Path, error: Error) -> Error {
    let is_full = matches!(error, Error::Store { full: true, .. });
    let is_free = matches!(inner.backend.size(path).await, Ok(None));
    if !(is_full && is_free) {
        inner.poison(&error);
    }
    error
}
