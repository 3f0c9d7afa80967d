//! What every store must do that holds a database: one suite for the simulated store, the store in
//! memory and the local one, so that the simulation cannot drift from what it stands for.

use std::collections::BTreeSet;

use bytes::Bytes;
use futures::TryStreamExt;
use object_store::path::Path;
use object_store::{Error, GetOptions, GetRange, ObjectStore, ObjectStoreExt, PutMode};

/// Checks a store. It needs the prefix `conformance` for itself, and leaves it without objects.
///
/// # Panics
/// At the first thing that a database could not rely on.
pub async fn check(store: &dyn ObjectStore) {
    create_if_absent(store).await;
    overwrite(store).await;
    ranges(store).await;
    absence(store).await;
    listing(store).await;
    deletion(store).await;
}

fn at(name: &str) -> Path {
    Path::from(format!("conformance/{name}"))
}

async fn put(store: &dyn ObjectStore, path: &Path, body: &Bytes, mode: PutMode) {
    let answer = store.put_opts(path, body.clone().into(), mode.into()).await.expect("a put succeeds");
    let meta = store.head(path).await.expect("what was put has metadata");
    assert_eq!(meta.location, *path);
    assert_eq!(meta.size, body.len() as u64, "{path} has another size");
    assert_eq!(meta.e_tag, answer.e_tag, "{path} has another tag than its put");
    assert_eq!(read(store, path).await, *body, "{path} was not read back");
}

async fn read(store: &dyn ObjectStore, path: &Path) -> Bytes {
    let answer = store.get(path).await.expect("what was put is found");
    assert_eq!(answer.range, 0..answer.meta.size);
    answer.bytes().await.expect("what is found can be read")
}

/// Bytes that differ from sector to sector.
fn body(length_bytes: usize) -> Bytes {
    (0_u8..251).cycle().take(length_bytes).collect()
}

async fn create_if_absent(store: &dyn ObjectStore) {
    for (name, length_bytes) in [("log/empty", 0), ("log/small", 7), ("packs/ab/big", 70_001)] {
        let path = at(name);
        let first = body(length_bytes);
        put(store, &path, &first, PutMode::Create).await;
        for later in [body(12), first.clone()] {
            let answer = store.put_opts(&path, later.into(), PutMode::Create.into()).await;
            assert!(
                matches!(answer, Err(Error::AlreadyExists { .. })),
                "{path} was created twice: {answer:?}"
            );
            assert_eq!(read(store, &path).await, first, "{path} changed");
        }
    }
}

async fn overwrite(store: &dyn ObjectStore) {
    let path = at("overwritten");
    for length_bytes in [1_024, 3, 2_000] {
        put(store, &path, &body(length_bytes), PutMode::Overwrite).await;
    }
    let answer = store.put_opts(&path, body(1).into(), PutMode::Create.into()).await;
    assert!(matches!(answer, Err(Error::AlreadyExists { .. })), "{answer:?}");
}

async fn ranges(store: &dyn ObjectStore) {
    let path = at("ranges");
    let whole = body(1_500);
    put(store, &path, &whole, PutMode::Create).await;
    for (range, expected) in [
        (GetRange::Bounded(0..1), 0..1),
        (GetRange::Bounded(500..1_030), 500..1_030),
        (GetRange::Bounded(1_400..9_000), 1_400..1_500),
        (GetRange::Offset(1_499), 1_499..1_500),
        (GetRange::Suffix(4), 1_496..1_500),
        (GetRange::Suffix(9_000), 0..1_500),
    ] {
        let options = GetOptions::new().with_range(Some(range.clone()));
        let answer = store.get_opts(&path, options).await.expect("a range");
        assert_eq!(answer.meta.size, 1_500, "{range:?}");
        let (from, to) = (expected.start as u64, expected.end as u64);
        assert_eq!(answer.range, from..to, "{range:?}");
        let bytes = answer.bytes().await.expect("a range can be read");
        assert_eq!(bytes, whole.slice(expected), "{range:?}");
    }
    for range in [GetRange::Bounded(1_500..1_501), GetRange::Bounded(3..3), GetRange::Offset(1_500)] {
        let options = GetOptions::new().with_range(Some(range.clone()));
        let answer = store.get_opts(&path, options).await;
        assert!(answer.is_err(), "{range:?} was answered");
    }
    let wanted = [7..9, 1_000..1_500, 8..600, 0..1];
    let bodies = store.get_ranges(&path, &wanted).await.expect("ranges");
    let expected = [7..9, 1_000..1_500, 8..600, 0..1].map(|range| whole.slice(range));
    assert_eq!(bodies, expected);
    let beyond = store.get_ranges(&path, std::slice::from_ref(&(1_500..1_501))).await;
    assert!(beyond.is_err(), "a range beyond the end was answered");
}

async fn absence(store: &dyn ObjectStore) {
    put(store, &at("directory/object"), &body(1), PutMode::Create).await;
    for name in ["absent", "no/such/directory", "directory"] {
        let path = at(name);
        let found = store.get(&path).await;
        assert!(matches!(found, Err(Error::NotFound { .. })), "{path}: {found:?}");
        let found = store.head(&path).await;
        assert!(matches!(found, Err(Error::NotFound { .. })), "{path}: {found:?}");
        // Of a directory, the local store says something else here.
        let found = store.get_ranges(&path, std::slice::from_ref(&(0..1))).await;
        assert!(found.is_err(), "{path} has ranges");
    }
}

async fn listed(store: &dyn ObjectStore, prefix: &str) -> Vec<String> {
    let prefix = Path::from(prefix);
    let found: Vec<_> = store.list(Some(&prefix)).try_collect().await.expect("a list succeeds");
    // No store promises an order; what each gives, sorted, must be the same.
    let names: BTreeSet<_> = found.iter().map(|meta| meta.location.to_string()).collect();
    assert_eq!(names.len(), found.len(), "an object was listed twice");
    names.into_iter().collect()
}

async fn listing(store: &dyn ObjectStore) {
    let all = [
        "conformance/directory/object",
        "conformance/log/empty",
        "conformance/log/small",
        "conformance/overwritten",
        "conformance/packs/ab/big",
        "conformance/ranges",
    ];
    // Had a staging file been left or shown, it would be here.
    assert_eq!(listed(store, "conformance").await, all);
    assert_eq!(listed(store, "conformance/log").await, all[1..3]);
    assert_eq!(listed(store, "conformance/packs").await, all[4..5]);
    for prefix in ["conformance/lo", "conformance/log/small", "conformance/nothing"] {
        assert!(listed(store, prefix).await.is_empty(), "{prefix} is no directory");
    }

    let prefix = Path::from("conformance");
    let after: Vec<_> =
        store.list_with_offset(Some(&prefix), &at("log/small")).try_collect().await.expect("a list succeeds");
    let after: BTreeSet<_> = after.iter().map(|meta| meta.location.to_string()).collect();
    assert!(after.iter().map(String::as_str).eq(all[3..].iter().copied()));

    let level = store.list_with_delimiter(Some(&prefix)).await.expect("a list succeeds");
    let prefixes: BTreeSet<_> = level.common_prefixes.into_iter().collect();
    let expected = ["directory", "log", "packs"].map(at);
    assert!(prefixes.iter().eq(expected.iter()), "{prefixes:?}");
    let objects: BTreeSet<_> = level.objects.into_iter().map(|m| m.location).collect();
    let expected = ["overwritten", "ranges"].map(at);
    assert!(objects.iter().eq(expected.iter()), "{objects:?}");
}

async fn deletion(store: &dyn ObjectStore) {
    for name in listed(store, "conformance").await {
        let path = Path::from(name);
        store.delete(&path).await.expect("a delete succeeds");
        let found = store.get(&path).await;
        assert!(matches!(found, Err(Error::NotFound { .. })), "{path}: {found:?}");
    }
    assert!(listed(store, "conformance").await.is_empty());
    // What was deleted may be created again.
    let path = at("log/small");
    put(store, &path, &body(9), PutMode::Create).await;
    store.delete(&path).await.expect("a delete succeeds");
}
