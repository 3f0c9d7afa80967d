//! Shows that each fault fires, through the public interface alone.

mod answers;
mod conformance;
mod crashes;
mod damage;
mod failures;
mod planted;
mod steps;

use std::collections::BTreeMap;

use futures::executor::block_on;
use object_store::path::Path;
use object_store::{Error, ObjectStore, ObjectStoreExt, PutMode, PutResult, Result};

use crate::SimStore;

fn create(store: &SimStore, path: &str, body: &[u8]) -> Result<PutResult> {
    put(store, path, body, PutMode::Create)
}

fn overwrite(store: &SimStore, path: &str, body: &[u8]) -> Result<PutResult> {
    put(store, path, body, PutMode::Overwrite)
}

fn put(store: &SimStore, path: &str, body: &[u8], mode: PutMode) -> Result<PutResult> {
    let payload = body.to_vec().into();
    block_on(store.put_opts(&Path::from(path), payload, mode.into()))
}

fn get(store: &SimStore, path: &str) -> Result<Vec<u8>> {
    block_on(async { Ok(store.get(&Path::from(path)).await?.bytes().await?.to_vec()) })
}

fn delete(store: &SimStore, path: &str) -> Result<()> {
    block_on(store.delete(&Path::from(path)))
}

fn is_absent<T>(answer: &Result<T>) -> bool {
    matches!(answer, Err(Error::NotFound { .. }))
}

fn is_taken<T>(answer: &Result<T>) -> bool {
    matches!(answer, Err(Error::AlreadyExists { .. }))
}

fn image(objects: &[(&str, &[u8])]) -> BTreeMap<String, Vec<u8>> {
    let objects = objects.iter();
    objects.map(|(path, bytes)| ((*path).to_owned(), bytes.to_vec())).collect()
}

/// A store with a record in the log, all durable.
fn with_log() -> SimStore {
    SimStore::from_image(&image(&[("log/0", b"zero")])).unwrap()
}
