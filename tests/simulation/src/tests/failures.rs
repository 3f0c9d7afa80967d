//! Steps that fail, syncs that fail, and space that runs out.

use std::error::Error;
use std::io;

use super::{create, delete, get, is_absent, is_taken, overwrite, with_log};
use crate::{
    Errno, FaultPlan, Outcome, Repeat, SECTOR_BYTES, SimStore, StepError, StepFault, StepKind, Survivors,
    Target,
};

fn fault(from_step: u64, target: Target, repeat: Repeat) -> FaultPlan {
    FaultPlan::failing(StepFault { from_step, target, repeat, errno: Errno::Io })
}

/// Returns the operating system's error behind an answer.
fn io_error(error: &object_store::Error) -> &io::Error {
    let step = error.source().unwrap().downcast_ref::<StepError>().unwrap();
    step.source().unwrap().downcast_ref().unwrap()
}

#[test]
fn each_step_of_a_put_can_fail_once() {
    for step in 0..6 {
        let store = with_log();
        store.set_plan(fault(step, Target::Every, Repeat::Once));
        let answer = create(&store, "log/1", b"one");
        let failed = store.steps()[usize::try_from(step).unwrap()].clone();
        assert_eq!(failed.outcome, Outcome::Failed(Errno::Io));
        // The local store does not look whether the clean-up succeeds.
        assert_eq!(answer.is_ok(), failed.kind == StepKind::Unlink);
        if let Err(error) = answer {
            assert_eq!(io_error(&error).raw_os_error(), Some(5));
            assert!(matches!(error, object_store::Error::Generic { .. }));
        }
        // A link whose directory could not be synced stays visible.
        let linked = matches!(failed.kind, StepKind::SyncDirectory | StepKind::Unlink);
        assert_eq!(get(&store, "log/1").is_ok(), linked, "{failed}");
        assert_eq!(is_taken(&create(&store, "log/1", b"one")), linked);
    }
}

#[test]
fn a_sticky_failure_lasts_until_the_plan_ends() {
    let store = with_log();
    store.set_plan(fault(1, Target::Every, Repeat::Sticky));
    create(&store, "log/1", b"one").unwrap_err();
    get(&store, "log/0").unwrap_err();
    // The clean-up failed too, so that the staging file is still there.
    store.set_plan(FaultPlan::default());
    create(&store, "log/1", b"one").unwrap();
    assert!(store.steps().iter().any(|step| step.path == "log/1#2"));
}

#[test]
fn a_failure_can_be_about_one_kind_of_step() {
    let store = with_log();
    let target = Target::Only(StepKind::Read);
    store.set_plan(FaultPlan::failing(StepFault {
        from_step: 0,
        target,
        repeat: Repeat::Sticky,
        errno: Errno::TooManyFiles,
    }));
    create(&store, "log/1", b"one").unwrap();
    let error = get(&store, "log/1").unwrap_err();
    assert_eq!(io_error(&error).raw_os_error(), Some(24));
}

#[test]
fn a_restart_ends_the_plan() {
    let store = with_log();
    store.set_plan(fault(0, Target::Every, Repeat::Sticky));
    get(&store, "log/0").unwrap_err();
    get(&store.restart(Survivors::None), "log/0").unwrap();
}

#[test]
fn after_a_failed_directory_sync_a_second_one_saves_nothing() {
    let store = with_log();
    store.set_plan(fault(0, Target::Only(StepKind::SyncDirectory), Repeat::Once));
    create(&store, "log/1", b"one").unwrap_err();
    assert_eq!(get(&store, "log/1").unwrap(), b"one");
    // This one succeeds, and a database that believes it is wrong.
    store.sync_directory(&"log".into()).unwrap();
    create(&store, "log/2", b"two").unwrap();
    for survivors in [Survivors::None, Survivors::All] {
        let after = store.restart(survivors);
        assert!(is_absent(&get(&after, "log/1")));
        assert_eq!(get(&after, "log/2").unwrap(), b"two");
    }
    // The device may have written it all the same.
    let kept = (0..store.survivor_choices())
        .filter(|choice| get(&store.restart(Survivors::Choice(*choice)), "log/1").is_ok());
    assert!(kept.count() > 0);
}

#[test]
fn a_failed_change_does_not_overtake_a_later_one() {
    let store = with_log();
    store.set_plan(fault(0, Target::Only(StepKind::SyncDirectory), Repeat::Once));
    delete(&store, "log/0").unwrap();
    store.sync_directory(&"log".into()).unwrap_err();
    create(&store, "log/0", b"new").unwrap();
    for choice in 0..store.survivor_choices() {
        let after = store.restart(Survivors::Choice(choice));
        assert_eq!(get(&after, "log/0").unwrap(), b"new");
    }
}

#[test]
fn a_failed_file_sync_publishes_nothing() {
    for repeat in [Repeat::Once, Repeat::Sticky] {
        let store = with_log();
        store.set_plan(fault(0, Target::Syncs, repeat));
        create(&store, "log/1", b"one").unwrap_err();
        assert!(is_absent(&get(&store, "log/1")));
        let second = create(&store, "log/1", b"one");
        assert_eq!(second.is_ok(), repeat == Repeat::Once);
    }
}

#[test]
fn a_full_disk_refuses_writes_until_there_is_space() {
    let store = with_log();
    store.set_space_bytes_max(Some(4 + 700));
    create(&store, "log/1", &[1; 600]).unwrap();
    let error = create(&store, "log/2", &[2; 600]).unwrap_err();
    assert_eq!(io_error(&error).kind(), io::ErrorKind::StorageFull);
    assert!(is_absent(&get(&store, "log/2")));
    // The part that was written is gone again.
    assert_eq!(store.used_bytes(), 604);
    create(&store, "log/3", &[3; 100]).unwrap();
    delete(&store, "log/1").unwrap();
    create(&store, "log/2", &[2; 600]).unwrap();

    let store = store.restart(Survivors::All);
    create(&store, "log/4", &[4; 600]).unwrap_err();
    store.set_space_bytes_max(None);
    create(&store, "log/4", &[4; 600]).unwrap();
}

#[test]
fn a_full_disk_takes_the_sectors_that_fit() {
    let store = SimStore::new();
    store.set_space_bytes_max(Some(700));
    // The clean-up after the write fails, too, so that the part can be seen.
    store.set_plan(fault(0, Target::Only(StepKind::Unlink), Repeat::Once));
    overwrite(&store, "pack", &[1; 3_000]).unwrap_err();
    assert_eq!(store.used_bytes(), SECTOR_BYTES as u64);
}
