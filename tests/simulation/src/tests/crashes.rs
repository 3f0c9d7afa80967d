//! What a crash leaves, at each step and for each choice of survivors.

use std::collections::BTreeSet;

use super::{create, delete, get, image, is_absent, is_taken, overwrite, with_log};
use crate::{FaultPlan, PlantedBugs, SECTOR_BYTES, SimCrash, SimStore, StepKind, Survivors};

/// Runs a put on a store with a log until the machine dies before a step of this kind.
fn cut_before(kind: StepKind, bugs: PlantedBugs, body: &[u8]) -> SimStore {
    let rehearsal = with_log();
    rehearsal.plant(bugs);
    create(&rehearsal, "log/1", body).unwrap();
    let steps = rehearsal.steps();
    let step = steps.iter().find(|step| step.kind == kind).unwrap();

    let store = with_log();
    store.plant(bugs);
    store.set_plan(FaultPlan::crash_at(step.number));
    let error = create(&store, "log/1", body).unwrap_err();
    assert!(SimCrash::is_behind(&error), "{error}");
    store
}

/// Returns every state in which the object may come back.
fn outcomes(store: &SimStore, path: &str) -> BTreeSet<Option<Vec<u8>>> {
    (0..store.survivor_choices())
        .map(|choice| {
            let after = store.restart(Survivors::Choice(choice));
            get(&after, path).ok()
        })
        .collect()
}

#[test]
fn a_crash_ends_every_later_call() {
    let store = with_log();
    store.set_plan(FaultPlan::crash_at(0));
    let error = get(&store, "log/0").unwrap_err();
    assert!(SimCrash::is_behind(&error));
    let other = store.clone();
    assert!(other.is_crashed());
    assert!(SimCrash::is_behind(&create(&other, "log/1", b"one").unwrap_err()));
    assert_eq!(store.trace(), ["0 read log/0 crashed"]);
    let wrapped = std::io::Error::other(error);
    assert!(SimCrash::is_behind(&wrapped));
    assert!(!SimCrash::is_behind(&std::io::Error::other("else")));
}

#[test]
fn a_zombie_from_before_the_restart_cannot_write() {
    let zombie = with_log();
    let store = zombie.restart(Survivors::None);
    let error = create(&zombie, "log/1", b"zombie").unwrap_err();
    assert!(SimCrash::is_behind(&error));
    assert!(is_absent(&get(&store, "log/1")));
    create(&store, "log/1", b"one").unwrap();
}

#[test]
fn a_link_without_its_directory_sync_may_be_lost_or_kept() {
    let store = cut_before(StepKind::SyncDirectory, PlantedBugs::default(), b"one");
    assert!(is_absent(&get(&store.restart(Survivors::None), "log/1")));
    let kept = store.restart(Survivors::All);
    assert_eq!(get(&kept, "log/1").unwrap(), b"one");
    // Whole or absent: the file was synced before the link.
    assert_eq!(outcomes(&store, "log/1"), [None, Some(b"one".to_vec())].into());
    let seeds = (0..32).map(|seed| get(&store.restart(Survivors::Seed(seed)), "log/1").ok());
    assert_eq!(seeds.collect::<BTreeSet<_>>().len(), 2);
}

#[test]
fn a_synced_directory_keeps_the_link_but_perhaps_not_the_clean_up() {
    let store = cut_before(StepKind::Unlink, PlantedBugs::default(), b"one");
    assert_eq!(store.survivor_choices(), 1);
    let after = store.restart(Survivors::None);
    assert_eq!(get(&after, "log/1").unwrap(), b"one");
    // The staging file is there still: the next one takes another number.
    overwrite(&after, "log/1", b"two").unwrap();
    assert!(after.steps().iter().any(|step| step.path == "log/1#2"));
}

#[test]
fn an_unsynced_file_is_lost_or_torn_by_sectors() {
    let bugs = PlantedBugs { skip_file_sync: true, ..PlantedBugs::default() };
    let body = [1_u8; SECTOR_BYTES * 2 + 10];
    let store = cut_before(StepKind::Unlink, bugs, &body);
    let lost = store.restart(Survivors::None);
    assert_eq!(get(&lost, "log/1").unwrap(), b"");
    let kept = store.restart(Survivors::All);
    assert_eq!(get(&kept, "log/1").unwrap(), body);

    // Three sectors and the length.
    assert_eq!(store.survivor_choices(), 16);
    let torn = |sectors: [bool; 3], length_bytes: usize| {
        let mut torn = body.to_vec();
        for (index, kept) in sectors.into_iter().enumerate() {
            if !kept {
                let end = torn.len().min((index + 1) * SECTOR_BYTES);
                torn[index * SECTOR_BYTES..end].fill(0);
            }
        }
        torn.truncate(length_bytes);
        Some(torn)
    };
    let found = outcomes(&store, "log/1");
    for sectors in 0..8 {
        let sectors = [0, 1, 2].map(|bit| sectors & (1 << bit) != 0);
        let highest = sectors.iter().rposition(|kept| *kept);
        let end = highest.map_or(0, |index| body.len().min((index + 1) * SECTOR_BYTES));
        assert!(found.contains(&torn(sectors, end)), "{sectors:?} cut off");
        assert!(found.contains(&torn(sectors, body.len())), "{sectors:?} zero filled");
    }
}

#[test]
fn by_lot_a_lost_sector_may_hold_something_older() {
    let bugs = PlantedBugs { skip_file_sync: true, ..PlantedBugs::default() };
    let store = cut_before(StepKind::Unlink, bugs, &[1; SECTOR_BYTES * 8]);
    let stale = (0..64).any(|seed| {
        let body = get(&store.restart(Survivors::Seed(seed)), "log/1").unwrap();
        body.iter().any(|byte| *byte > 1)
    });
    assert!(stale);
}

#[test]
fn a_new_directory_that_was_not_synced_is_lost_with_what_is_in_it() {
    let store = SimStore::new();
    store.plant(PlantedBugs { skip_directory_sync: true, ..PlantedBugs::default() });
    create(&store, "log/0", b"zero").unwrap();
    // The link survives within a directory that does not.
    let found = outcomes(&store, "log/0");
    assert_eq!(found, [None, Some(b"zero".to_vec())].into());
    assert_eq!(store.restart(Survivors::None).image(), image(&[]));
}

#[test]
fn an_overwrite_leaves_the_old_or_the_new_body() {
    let mut seen = BTreeSet::new();
    for step in 0..5 {
        let store = with_log();
        store.set_plan(FaultPlan::crash_at(step));
        overwrite(&store, "log/0", b"new").unwrap_err();
        seen.extend(outcomes(&store, "log/0"));
    }
    assert_eq!(seen, [Some(b"zero".to_vec()), Some(b"new".to_vec())].into());
}

#[test]
fn a_delete_may_come_undone() {
    let store = with_log();
    delete(&store, "log/0").unwrap();
    assert_eq!(outcomes(&store, "log/0"), [None, Some(b"zero".to_vec())].into());
    store.crash();
    let store = store.restart(Survivors::All);
    assert!(is_absent(&get(&store, "log/0")));
}

#[test]
fn a_killed_process_leaves_the_unsynced_readable_and_still_unsynced() {
    let store = cut_before(StepKind::SyncDirectory, PlantedBugs::default(), b"one");
    let killed = store.restart(Survivors::Cached);
    assert_eq!(get(&killed, "log/1").unwrap(), b"one");
    assert!(is_taken(&create(&killed, "log/1", b"other")));
    // Whoever counts on what it reads there, without a sync of its own, loses it.
    assert!(is_absent(&get(&killed.restart(Survivors::None), "log/1")));

    let killed = store.restart(Survivors::Cached);
    killed.sync_directory(&"log".into()).unwrap();
    let after = killed.restart(Survivors::None);
    assert_eq!(get(&after, "log/1").unwrap(), b"one");
}

#[test]
fn a_second_crash_hits_the_recovery() {
    let store = cut_before(StepKind::SyncDirectory, PlantedBugs::default(), b"one");
    let second = store.restart(Survivors::None);
    assert_eq!(second.step_count(), 0);
    second.set_plan(FaultPlan::crash_at(4));
    create(&second, "log/1", b"two").unwrap_err();
    assert_eq!(second.steps().last().unwrap().to_string(), "4 sync-directory log crashed");
    let third = second.restart(Survivors::None);
    assert!(is_absent(&get(&third, "log/1")));
    let third = second.restart(Survivors::All);
    assert_eq!(get(&third, "log/1").unwrap(), b"two");
    let restarts = third.trace();
    let restarts = restarts.iter().filter(|line| line.starts_with("restart"));
    assert_eq!(restarts.count(), 2);
}
