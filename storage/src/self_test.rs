//! The self-test of a store: whether it keeps the promises that commits rest on.
//!
//! Some stores accept a conditional create and overwrite all the same; such a store
//! would lose acknowledged commits. It is asked once for each store and program.

use bytes::Bytes;
use futures::future::join_all;
use object_store::path::Path;

use crate::backend::{Backend, Created};
use crate::clock::Entropy;
use crate::error::Error;
use crate::identity::Nonce;

/// Creators that race for one object.
const RACERS: u8 = 8;
/// How often the probe is tried while the store says that it exists and does not find it.
const ATTEMPTS_MAX: u32 = 12;

/// Refuses a store that does not honour create-if-absent, read-after-write and reading by range.
///
/// # Errors
/// [`Error::UnfitStore`] names the promise; [`Error::Store`] if the store did not answer.
pub(crate) async fn self_test(backend: &Backend, entropy: &dyn Entropy) -> Result<(), Error> {
    let name = Nonce::new(entropy.draw());
    let probe = Path::from(format!("meta/probe-{name}"));
    let race = Path::from(format!("meta/race-{name}"));
    let outcome = run(backend, &probe, &race).await;
    for path in [&probe, &race] {
        let removed = backend.remove_probe(path).await;
        if outcome.is_ok() && backend.size(path).await?.is_some() {
            removed?;
        }
    }
    outcome
}

async fn run(backend: &Backend, probe: &Path, race: &Path) -> Result<(), Error> {
    let unfit = |what| Err(Error::UnfitStore { store: backend.name().to_owned(), what });
    if !create_first(backend, probe).await? {
        return unfit("it says that an object exists which nobody made");
    }
    match backend.create(probe, Bytes::from_static(b"second")).await {
        Created::Exists => {}
        Created::Yes => {
            return unfit("it creates an object twice (create-if-absent is not honoured)");
        }
        Created::Unknown(error) => return Err(error),
    }
    if backend.read(probe, 1024).await?.as_deref() != Some(b"first body") {
        return unfit("an object does not read as it was written");
    }
    let range = backend.read_ranges(probe, std::slice::from_ref(&(6..10))).await?;
    if range.as_deref() != Some(&[Bytes::from_static(b"body")]) {
        return unfit("it does not read by range");
    }
    let creators = (0..RACERS).map(|racer| backend.create(race, Bytes::from(vec![racer; 64])));
    let mut winners = Vec::new();
    for (racer, created) in (0..RACERS).zip(join_all(creators).await) {
        match created {
            Created::Yes => winners.push(racer),
            Created::Exists => {}
            Created::Unknown(error) => return Err(error),
        }
    }
    let body = backend.read(race, 1024).await?;
    let Some(body) = body else {
        return Err(unanswered(race));
    };
    // The winner's answer may be "exists": its transport may have repeated a create whose answer was lost.
    let owner = (0..RACERS).find(|racer| body == [*racer; 64].as_slice());
    if owner.is_some() && winners.iter().all(|winner| Some(*winner) == owner) {
        return Ok(());
    }
    unfit("of several creators of one object not exactly one wins")
}

/// Creates the probe. "Exists" may be the answer to a repeated create of our own, or to a conflict that passes;
/// `false` if another's body is there.
async fn create_first(backend: &Backend, probe: &Path) -> Result<bool, Error> {
    const FIRST: &[u8] = b"first body";
    for _ in 0..ATTEMPTS_MAX {
        match backend.create(probe, Bytes::from_static(FIRST)).await {
            Created::Yes => return Ok(true),
            Created::Unknown(error) => return Err(error),
            Created::Exists => {
                if let Some(found) = backend.read(probe, 1024).await? {
                    return Ok(found == FIRST);
                }
            }
        }
    }
    Err(unanswered(probe))
}

fn unanswered(path: &Path) -> Error {
    Error::Store {
        action: "write",
        path: path.to_string(),
        reason: "it says that the object exists, and does not find it".into(),
        full: false,
    }
}
