//! Tests of the tests: each planted bug is found by a check of the suite, and the same
//! check passes without it.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use arrow_array::{ArrayRef, Float64Array, Int64Array, RecordBatch};
use calotype_oracle::{Key, Seed, StatementShape, statement_history};
use calotype_simulation::{PlantedBugs, Survivors};
use calotype_storage::database::{Access, StateFolder};
use calotype_storage::planted::{Bug, plant};
use calotype_storage::put::{Put, PutKind, PutOptions};
use calotype_storage::record::Mode;
use calotype_suite::cuts::cut_everywhere;
use calotype_suite::golden::Golden;
use calotype_suite::harness::{START, TestClock, memory};
use calotype_suite::histories;
use calotype_suite::recovered::{Wrong, check};
use calotype_suite::replay::{self, apply, state, state_by_key, valid};
use calotype_suite::script::{create, delta, full, name_of};
use calotype_suite::world::{Outcome, World};
use calotype_suite::writers::share;
use futures::executor::block_on;

/// A check passes, and does not with a bug planted.
fn finds(bug: Bug, check: impl Fn() -> Result<(), Wrong>) {
    assert_eq!(check(), Ok(()), "without {bug:?}");
    let _planted = plant(bug);
    let outcome = catch_unwind(AssertUnwindSafe(&check));
    assert!(!matches!(outcome, Ok(Ok(()))), "{bug:?} was not found");
}

/// Undisturbed histories equal the oracle.
fn histories_are_right() -> Result<(), Wrong> {
    for script in histories::all() {
        let mut world = World::default();
        let database = world.run(&script).ok_or("it does not run")?;
        check(&database, &world.journal).map_err(|wrong| format!("{}: {wrong}", script.name))?;
    }
    Ok(())
}

fn writers_agree() -> Result<(), Wrong> {
    (0..60).try_for_each(|seed| share(World::default(), Seed::new(seed), 0))
}

/// What is asked key by key is what is asked at once.
fn keys_agree() -> Result<(), Wrong> {
    let shape = StatementShape { operations: 12, cutoffs: 4, keys: 4, values: 3 };
    for seed in 0..4 {
        let clock = TestClock::new(START);
        let (_, database) = memory(&clock);
        replay::create(&database, Mode::State).map_err(|error| error.to_string())?;
        for operation in statement_history(Seed::new(seed), shape) {
            // Withdrawals of what is not known are refused.
            let known = apply(&database, &operation).unwrap_or_else(|_| clock.micros());
            for valid in [15, 25, 35, 45] {
                let whole = state(&database, valid, known);
                let by_key = state_by_key(&database, (0..6).map(Key), valid, known);
                if !whole.is_empty() && whole != by_key {
                    return Err(format!("at {valid}: {whole:?}, by key {by_key:?}"));
                }
            }
        }
    }
    Ok(())
}

#[test]
fn a_wrong_index_of_keys_is_found() {
    finds(Bug::KeyIndexForgets, keys_agree);
}

#[test]
fn whole_row_groups_under_others_are_found() {
    finds(Bug::WholeGroupsOverlap, keys_agree);
}

#[test]
fn wrong_translations_of_statements_are_found() {
    finds(Bug::DropsUnchangedDelta, histories_are_right);
    finds(Bug::EndsLate, histories_are_right);
    finds(Bug::WithdrawalRetracts, histories_are_right);
    finds(Bug::DeltasBoundNothing, histories_are_right);
}

#[test]
fn wrong_reading_is_found() {
    finds(Bug::KnownIsExclusive, histories_are_right);
    finds(Bug::KeyframeIsEarly, histories_are_right);
    finds(Bug::KeyframeIsPrescient, histories_are_right);
}

#[test]
fn writers_that_do_not_look_are_found() {
    finds(Bug::KeepsOldHead, writers_agree);
    finds(Bug::TakesAnySlot, writers_agree);
}

#[test]
fn forgotten_keys_are_found() {
    finds(Bug::ForgetsKeys, || cut_everywhere(&histories::one_put(), &[Survivors::All]));
}

#[test]
fn acknowledging_what_is_not_durable_is_found() {
    finds(Bug::TrustsUnsyncedSlot, || cut_everywhere(&histories::one_put(), &[Survivors::Cached]));
    finds(Bug::AcknowledgesFailure, || {
        crate::faults::every_sync_fails(&histories::one_put());
        Ok(())
    });
}

#[test]
fn a_checksum_that_is_not_compared_is_found() {
    finds(Bug::SkipsChecksum, || {
        let golden = Golden::new();
        let bits = golden.bits(29, 3).into_iter().filter(|(path, _)| path.starts_with("packs/"));
        bits.into_iter().try_for_each(|(path, bit)| golden.check_bit(&path, bit))
    });
}

#[test]
fn a_clock_that_is_trusted_is_found() {
    finds(Bug::TrustsClock, || {
        let mut world = World::default();
        let database = world.open().map_err(|error| error.to_string())?;
        world.send(&database, &[create("state")]);
        world.send(&database, &[full(10, &[(1, 1)])]);
        world.clock.set(START);
        world.send(&database, &[delta(20, &[(1, None)])]);
        match &world.journal[2].outcome {
            Outcome::Acknowledged(..) => check(&database, &world.journal),
            other @ (Outcome::Refused(_) | Outcome::Unknown(_)) => Err(format!("{other:?}")),
        }
    });
}

#[test]
fn a_missing_record_that_is_not_noticed_is_found() {
    finds(Bug::SkipsGap, || {
        let mut world = World::default();
        world.run(&histories::everything()).ok_or("it does not run")?;
        // Where the search for the end of the log looks.
        world.store.erase("log/00000000000000000002").map_err(|error| error.to_string())?;
        match world.open_for(Access::Write) {
            Err(_) => Ok(()),
            Ok(database) => check(&database, &world.journal),
        }
    });
}

#[test]
fn a_rollback_that_is_not_noticed_is_found() {
    finds(Bug::SkipsRollback, || {
        let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
        let mut world = World::default();
        world.state = StateFolder::At(folder.path().join("state"));
        world.run(&histories::three_commits()).ok_or("it does not run")?;
        world.store.erase("log/00000000000000000002").map_err(|error| error.to_string())?;
        match world.open_for(Access::Write) {
            Err(_) => Ok(()),
            Ok(_) => Err("a log that was rolled back was opened".into()),
        }
    });
}

#[test]
fn a_pack_that_is_not_compared_is_found() {
    let mut sound = World::default();
    sound.run(&histories::one_put()).unwrap();
    let image = sound.store.image();
    let pack = image.keys().find(|path| path.starts_with("packs/")).unwrap();
    finds(Bug::TrustsPack, || {
        let mut world = World::default();
        world.store.put_back(pack, "rubbish").map_err(|error| error.to_string())?;
        let database = world.run(&histories::one_put()).ok_or("it does not run")?;
        check(&database, &world.journal)
    });
}

/// A full of one key with a float.
fn float(value: f64) -> Put {
    let keys: ArrayRef = Arc::new(Int64Array::from(vec![1]));
    let values: ArrayRef = Arc::new(Float64Array::from(vec![value]));
    let batch = RecordBatch::try_from_iter([("k", keys), ("v", values)]).unwrap();
    Put {
        context: name_of("state"),
        kind: PutKind::Full { cutoff: valid(10) },
        schema: batch.schema(),
        batches: vec![batch],
        options: PutOptions::default(),
    }
}

#[test]
fn the_sign_of_zero_is_found() {
    finds(Bug::KeepsNegativeZero, || {
        let (_, database) = memory(&TestClock::new(START));
        let created = create("state").proposal("creation", calotype_storage::SystemTime::FIRST);
        block_on(database.commit(created)).map_err(|error| error.to_string())?;
        let roots = [0.0, -0.0].map(|zero| {
            let receipt = block_on(database.put(float(zero))).unwrap();
            let (_, entry) = database.snapshot(receipt.snapshot.unwrap()).unwrap();
            let put = entry.put().unwrap();
            (put.snapshot.as_ref().unwrap().content_root.clone(), receipt.counts.unchanged)
        });
        let is_same = roots[0].0 == roots[1].0 && roots[1].1 == 1;
        if is_same { Ok(()) } else { Err(format!("two zeros: {roots:?}")) }
    });
}

/// Bugs of the store itself.
#[test]
fn a_store_that_breaks_its_promises_is_found() {
    let run = |bugs: PlantedBugs| -> Result<(), Wrong> {
        let mut world = World::default();
        world.store.plant(bugs);
        world.open().map_err(|error| error.to_string())?;
        world.run(&histories::three_commits()).ok_or("it does not run")?;
        let mut world = world.restarted(Survivors::None);
        let database = world.open().map_err(|error| error.to_string())?;
        check(&database, &world.journal)
    };
    let sound = PlantedBugs::default();
    assert_eq!(run(sound), Ok(()));
    for bugs in [
        PlantedBugs { skip_directory_sync: true, ..sound },
        PlantedBugs { skip_file_sync: true, ..sound },
        PlantedBugs { create_overwrites: true, ..sound },
    ] {
        assert!(run(bugs).is_err(), "{bugs:?} was not found");
    }
}
