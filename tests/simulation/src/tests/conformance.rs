//! The simulated store, the one in memory and the local one pass one suite.

use futures::TryStreamExt;
use futures::executor::block_on;
use object_store::local::LocalFileSystem;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};

use super::{create, get, overwrite};
use crate::conformance::check;
use crate::{FaultPlan, SimStore, Survivors};

#[test]
fn the_simulated_store_conforms() {
    block_on(check(&SimStore::new()));
}

#[test]
fn the_simulated_store_conforms_after_restarts() {
    let mut store = SimStore::new();
    for survivors in [Survivors::Cached, Survivors::All, Survivors::All] {
        block_on(check(&store));
        store = store.restart(survivors);
    }
    block_on(check(&store));
}

#[test]
fn the_memory_store_conforms() {
    block_on(check(&InMemory::new()));
}

#[test]
fn the_local_store_conforms() {
    let directory = tempfile::tempdir().unwrap();
    let store = LocalFileSystem::new_with_prefix(directory.path()).unwrap();
    block_on(check(&store.with_fsync(true)));
}

/// What the suite cannot say of every store: staging files are hidden and cannot be addressed, and
/// the next staging file takes the next number.
#[test]
fn a_staging_file_left_behind_is_hidden_like_the_local_store_hides_it() {
    let directory = tempfile::tempdir().unwrap();
    let local = LocalFileSystem::new_with_prefix(directory.path()).unwrap();
    let local = local.with_fsync(true);
    std::fs::create_dir(directory.path().join("log")).unwrap();
    std::fs::write(directory.path().join("log/0#1"), b"rest").unwrap();

    let crashed = SimStore::new();
    crashed.set_plan(FaultPlan::crash_at(5));
    create(&crashed, "log/0", b"rest").unwrap_err();
    assert!(crashed.trace()[5].starts_with("5 write log/0#1"), "{:?}", crashed.trace());
    let simulated = crashed.restart(Survivors::All);

    for store in [&local as &dyn ObjectStore, &simulated] {
        block_on(async {
            let found: Vec<_> = store.list(None).try_collect().await.unwrap();
            assert!(found.is_empty(), "{found:?}");
            let level = store.list_with_delimiter(Some(&Path::from("log"))).await;
            assert!(level.unwrap().objects.is_empty());
            let staging = Path::parse("log/0#1").unwrap_or_default();
            let answer = store.get(&staging).await;
            assert!(matches!(answer, Err(object_store::Error::Generic { .. })), "{answer:?}");
            let slot = Path::from("log/0");
            store.put(&slot, "whole".into()).await.unwrap();
            let body = store.get(&slot).await.unwrap().bytes().await.unwrap();
            assert_eq!(body.as_ref(), b"whole");
        });
    }
    assert!(directory.path().join("log/0#1").exists());
    assert!(simulated.trace().iter().any(|line| line.contains("stage log/0#2 done")));
}

#[test]
fn a_list_is_sorted_by_path() {
    let store = SimStore::new();
    for path in ["a/b", "a-b", "a/b.c", "b", "a/a/z"] {
        overwrite(&store, path, b"body").unwrap();
    }
    let found: Vec<_> = block_on(store.list(None).try_collect()).unwrap();
    let found: Vec<_> = found.iter().map(|meta| meta.location.to_string()).collect();
    assert_eq!(found, ["a-b", "a/a/z", "a/b", "a/b.c", "b"]);
}

#[test]
fn a_path_through_an_object_is_refused_like_on_a_disk() {
    let store = SimStore::new();
    create(&store, "a", b"body").unwrap();
    let answer = create(&store, "a/b", b"body");
    assert!(matches!(answer, Err(object_store::Error::Generic { .. })));
    assert!(get(&store, "a/b").is_err());
    assert_eq!(get(&store, "a").unwrap(), b"body");
}

#[test]
fn what_is_not_simulated_says_so() {
    let store = SimStore::new();
    create(&store, "a", b"body").unwrap();
    let (from, to) = (Path::from("a"), Path::from("b"));
    let copied = block_on(store.copy(&from, &to));
    assert!(matches!(copied, Err(object_store::Error::NotSupported { .. })));
    let upload = block_on(store.put_multipart(&from));
    assert!(matches!(upload, Err(object_store::Error::NotSupported { .. })));
}
