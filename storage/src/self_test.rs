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
    match backend.create(probe, Bytes::from_static(b"first body")).await {
        Created::Yes => {}
        Created::Exists => return unfit("it says that an object exists which nobody made"),
        Created::Unknown(error) => return Err(error),
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
    match winners.as_slice() {
        [winner] if body.as_deref() == Some(&[*winner; 64]) => Ok(()),
        _ => unfit("of several creators of one object not exactly one wins"),
    }
}
