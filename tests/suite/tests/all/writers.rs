//! Two writers on one store: one order, nothing lost, every put once, and settled
//! answers that never change.

use std::sync::Arc;

use calotype_oracle::Seed;
use calotype_suite::recovered::check;
use calotype_suite::script::{create, delta};
use calotype_suite::world::{Place, World};
use calotype_suite::writers::{second, share};
use futures::executor::block_on;

#[test]
fn two_writers_on_a_simulated_disk() {
    for number in 0..250 {
        assert_eq!(share(World::default(), Seed::new(number), 0), Ok(()), "seed {number}");
    }
}

#[test]
fn two_writers_with_clocks_a_minute_apart() {
    for number in 0..150 {
        let mut world = World::default();
        world.place = Place::Bucket;
        assert_eq!(share(world, Seed::new(number), 60), Ok(()), "seed {number}");
    }
}

#[test]
fn two_writers_in_a_real_folder() {
    for number in 0..6 {
        let folder = tempfile::tempdir().unwrap();
        let mut world = World::default();
        world.place = Place::Folder(folder.path().join("store"));
        assert_eq!(share(world, Seed::new(number), 0), Ok(()), "seed {number}");
    }
}

/// Two threads, each with a database of its own, on one folder.
#[test]
fn two_threads_on_one_folder_commit_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let mut world = World::default();
    world.place = Place::Folder(folder.path().join("store"));
    let first = world.open().unwrap();
    world.send(&first, &[create("state")]);
    let second = second(&mut world, 0).unwrap();
    let places: Vec<usize> = (0..40_u32)
        .map(|n| world.prepare(&first, &delta(10 + i64::from(n % 5), &[(n % 4, Some(n))])))
        .collect();
    let proposals: Vec<_> = places.iter().map(|place| world.journal[*place].proposal.clone()).collect();
    let proposals = Arc::new(proposals);
    let work = |database, parity: usize| {
        let proposals = Arc::clone(&proposals);
        move || -> Vec<_> {
            let mine = proposals.iter().skip(parity).step_by(2);
            let database: &calotype_storage::database::Database = database;
            mine.map(|proposal| block_on(database.commit(proposal.clone()))).collect()
        }
    };
    let (even, odd) = std::thread::scope(|scope| {
        let (even, odd) = (scope.spawn(work(&first, 0)), scope.spawn(work(&second, 1)));
        (even.join().unwrap(), odd.join().unwrap())
    });
    let mut answers = Vec::new();
    for pair in even.into_iter().zip(odd) {
        answers.extend(<[_; 2]>::from(pair));
    }
    world.note(&places, answers);
    assert!(world.unanswered().is_empty(), "{:?}", world.journal[world.unanswered()[0]].outcome);
    for database in [&first, &second] {
        block_on(database.catch_up()).unwrap();
        assert_eq!(check(database, &world.journal), Ok(()));
    }
}
