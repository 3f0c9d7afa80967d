//! Each call takes the steps that the local store takes, and one run is like the other.

use object_store::ObjectStore;

use super::{create, delete, get, overwrite, with_log};
use crate::{AnswerFault, AnswerPlan, FaultPlan, SimStore, SplitMix64, StepKind, Survivors};

#[test]
fn a_create_syncs_the_file_then_links_then_syncs_the_directory() {
    let store = with_log();
    create(&store, "log/1", b"one").unwrap();
    assert_eq!(
        store.trace(),
        [
            "0 stage log/1#1 done",
            "1 write log/1#1 done",
            "2 sync-file log/1#1 done",
            "3 link log/1 done",
            "4 sync-directory log done",
            "5 unlink log/1#1 done",
        ]
    );
}

#[test]
fn an_overwrite_renames() {
    let store = with_log();
    overwrite(&store, "log/0", b"again").unwrap();
    assert_eq!(
        store.trace(),
        [
            "0 stage log/0#1 done",
            "1 write log/0#1 done",
            "2 sync-file log/0#1 done",
            "3 rename log/0 done",
            "4 sync-directory log done",
        ]
    );
}

#[test]
fn a_create_that_comes_second_cleans_up() {
    let store = with_log();
    create(&store, "log/0", b"other").unwrap_err();
    assert_eq!(store.trace()[3..], ["3 link log/0 refused: AlreadyExists", "4 unlink log/0#1 done"]);
    assert_eq!(get(&store, "log/0").unwrap(), b"zero");
}

#[test]
fn new_directories_are_synced_from_below_to_the_one_that_was_there() {
    let store = SimStore::new();
    create(&store, "packs/ab/c", b"body").unwrap();
    assert_eq!(
        store.trace()[..7],
        [
            "0 stage packs/ab/c#1 refused: NotFound",
            "1 make-directory packs done",
            "2 make-directory packs/ab done",
            "3 sync-directory packs/ab done",
            "4 sync-directory packs done",
            "5 sync-directory  done",
            "6 stage packs/ab/c#1 done",
        ]
    );
}

#[test]
fn reads_lists_and_deletes_are_one_step_each() {
    let store = with_log();
    get(&store, "log/0").unwrap();
    futures::executor::block_on(store.list_with_delimiter(None)).unwrap();
    delete(&store, "log/0").unwrap();
    get(&store, "log/0").unwrap_err();
    store.sync_directory(&"log".into()).unwrap();
    assert_eq!(
        store.trace(),
        [
            "0 read log/0 done",
            "1 list  done",
            "2 unlink log/0 done",
            "3 read log/0 refused: NotFound",
            "4 sync-directory log done",
        ]
    );
    let kinds: Vec<_> = store.steps().iter().map(|step| step.kind).collect();
    assert_eq!(kinds[4], StepKind::SyncDirectory);
    assert_eq!(store.step_count(), 5);
}

/// A run of random calls under random faults, with restarts.
fn run(seed: u64, body: &[u8]) -> (Vec<String>, u64) {
    let mut rng = SplitMix64::new(seed);
    let mut store = SimStore::new();
    for _ in 0..20 {
        store.set_plan(FaultPlan {
            crash_at_step: Some(rng.below(40)),
            answers: AnswerPlan {
                seed: rng.draw(),
                per_mille: vec![(AnswerFault::Lost, 200), (AnswerFault::Late, 200)],
                ..AnswerPlan::default()
            },
            ..FaultPlan::default()
        });
        while !store.is_crashed() {
            let path = format!("log/{}", rng.below(30));
            match rng.below(4) {
                0 => drop(overwrite(&store, &path, body)),
                1 => drop(delete(&store, &path)),
                2 => drop(get(&store, &path)),
                _ => drop(create(&store, &path, body)),
            }
        }
        store = store.restart(Survivors::Seed(rng.draw()));
    }
    (store.trace(), store.trace_hash())
}

#[test]
fn one_seed_gives_one_trace() {
    assert_eq!(run(1, b"body"), run(1, b"body"));
    assert_ne!(run(1, b"body").1, run(2, b"body").1);
}

#[test]
fn the_hash_covers_what_was_written() {
    let (trace, hash) = run(1, b"body");
    let (same, other) = run(1, b"bodx");
    assert_eq!(trace, same);
    assert_ne!(hash, other);
}
