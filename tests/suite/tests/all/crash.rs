//! Crashes: every step of scripted histories cut, once, twice and three times, and
//! everything that may survive. Acknowledged ⊆ recovered ⊆ sent, and all answers equal
//! the oracle's.

use calotype_oracle::Seed;
use calotype_simulation::Survivors;
use calotype_suite::cuts::{
    cut, cut_again, cut_everywhere, fates, one_fate, pairs_by_lot, recovers, reopening, steps,
};
use calotype_suite::histories;
use calotype_suite::recovered::recover_and_go_on;
use calotype_suite::script::Script;

const ALL_OR_NOTHING: [Survivors; 3] = [Survivors::None, Survivors::All, Survivors::Cached];

fn check_all(scripts: &[Script]) {
    for script in scripts {
        assert_eq!(cut_everywhere(script, &ALL_OR_NOTHING), Ok(()));
    }
}

/// T1.
#[test]
fn every_step_of_the_first_histories_is_cut() {
    check_all(&histories::all()[..6]);
}

/// T1.
#[test]
fn every_step_of_the_other_histories_is_cut() {
    check_all(&histories::all()[6..]);
}

/// T3, T4: sectors, lengths and directory entries lost in every combination.
#[test]
fn every_subset_of_what_was_not_synced_may_survive() {
    let mut seed = Seed::new(3);
    for script in [histories::one_put(), histories::three_commits()] {
        for step in steps(&script).unwrap().1 {
            let world = cut(&script, step).unwrap();
            for survivors in fates(&world, &mut seed) {
                let outcome = recover_and_go_on(&mut world.restarted(survivors), &script);
                assert_eq!(outcome, Ok(()), "{} cut at {step}, {survivors:?}", script.name);
            }
        }
    }
}

/// T3, T4.
#[test]
fn unsynced_things_of_long_histories_survive_by_lot() {
    for script in histories::all() {
        let mut seed = Seed::new(4);
        for step in steps(&script).unwrap().1 {
            let world = cut(&script, step).unwrap();
            let survivors = Survivors::Seed(seed.bits());
            let outcome = recover_and_go_on(&mut world.restarted(survivors), &script);
            assert_eq!(outcome, Ok(()), "{} cut at {step}, {survivors:?}", script.name);
        }
    }
}

/// T2: all pairs of a short history, with the fates of both crashes by lot.
#[test]
fn every_pair_of_crashes_of_a_short_history() {
    let script = histories::one_put();
    let mut seed = Seed::new(5);
    for first in steps(&script).unwrap().1 {
        let world = cut(&script, first).unwrap();
        let fate = one_fate(&mut seed);
        for second in reopening(&world, fate).unwrap() {
            let again = cut_again(&world, fate, second).unwrap().unwrap();
            let after = one_fate(&mut seed);
            let outcome = recovers(again.restarted(after), &script);
            assert_eq!(outcome, Ok(()), "cut at {first}, {fate:?}, then at {second}, {after:?}");
        }
    }
}

/// T2: a sample of the pairs of the other histories, and triples.
#[test]
fn pairs_and_triples_of_crashes_by_lot() {
    let scripts = histories::all();
    for number in 0..500 {
        let mut seed = Seed::new(number);
        let script = &scripts[seed.below(12) as usize];
        assert_eq!(pairs_by_lot(script, &mut seed, 4), Ok(4), "seed {number}");
    }
}

/// T24: one seed, one history.
#[test]
fn one_seed_gives_one_trace() {
    for (number, script) in (0..).zip(histories::all()) {
        let run = || {
            let mut seed = Seed::new(number);
            let steps = steps(&script).unwrap().1;
            let place = seed.below(u32::try_from(steps.len()).unwrap()) as usize;
            let world = cut(&script, steps[place]).unwrap();
            let mut world = world.restarted(Survivors::Seed(seed.bits()));
            let outcome = recover_and_go_on(&mut world, &script);
            assert_eq!(outcome, Ok(()), "seed {number}");
            (world.store.trace_hash(), world.store.trace())
        };
        assert_eq!(run(), run(), "seed {number}");
    }
}
