//! Crashes: every step of scripted histories cut, once, twice and three times, and
//! everything that may survive. Acknowledged ⊆ recovered ⊆ sent, and all answers equal
//! the oracle's.

use calotype_oracle::Seed;
use calotype_simulation::{FaultPlan, StepKind, Survivors};
use calotype_suite::histories;
use calotype_suite::recovered::{check, recover_and_go_on};
use calotype_suite::script::Script;
use calotype_suite::world::World;

/// Fates that a crash point is tried with, where there are more subsets than this.
const CHOICES_MAX: u64 = 64;

/// A world in which the script ran until the machine died before a step.
fn cut(script: &Script, step: u64) -> World {
    let mut world = World::default();
    world.store.set_plan(FaultPlan::crash_at(step));
    let database = world.run(script);
    assert!(database.is_none() && world.store.is_crashed(), "{} has no step {step}", script.name);
    world
}

/// The steps of an undisturbed run that change the disk: a crash elsewhere leaves what one of these leaves.
fn changes(script: &Script) -> (u64, Vec<u64>) {
    let mut world = World::default();
    assert!(world.run(script).is_some(), "{} does not run", script.name);
    (world.store.step_count(), changing(&world))
}

fn changing(world: &World) -> Vec<u64> {
    let steps = world.store.steps().into_iter();
    steps.filter(|step| changes_the_disk(step.kind)).map(|step| step.number).collect()
}

fn changes_the_disk(kind: StepKind) -> bool {
    !matches!(kind, StepKind::Read | StepKind::Head | StepKind::List)
}

/// What may survive when the machine has died: all subsets if they are few, else some.
fn fates(world: &World, seed: &mut Seed) -> Vec<Survivors> {
    let choices = world.store.survivor_choices();
    if choices <= CHOICES_MAX {
        return (0..choices).map(Survivors::Choice).chain([Survivors::Cached]).collect();
    }
    let lots = (0..16).map(|_| Survivors::Seed(seed.bits()));
    [Survivors::None, Survivors::All, Survivors::Cached].into_iter().chain(lots).collect()
}

fn one_fate(seed: &mut Seed) -> Survivors {
    match seed.below(4) {
        0 => Survivors::None,
        1 => Survivors::All,
        2 => Survivors::Cached,
        _ => Survivors::Seed(seed.bits()),
    }
}

fn cut_everywhere(scripts: Vec<Script>) {
    for script in scripts {
        let (steps, _) = changes(&script);
        for step in 0..steps {
            let world = cut(&script, step);
            for survivors in [Survivors::None, Survivors::All, Survivors::Cached] {
                let outcome = recover_and_go_on(&mut world.restarted(survivors), &script);
                assert_eq!(outcome, Ok(()), "{} cut at {step}, {survivors:?}", script.name);
            }
        }
    }
}

#[test]
fn every_step_of_the_first_histories_is_cut() {
    cut_everywhere(histories::all().drain(..6).collect());
}

#[test]
fn every_step_of_the_other_histories_is_cut() {
    cut_everywhere(histories::all().drain(6..).collect());
}

/// T3, T4: sectors, lengths and directory entries lost in every combination.
#[test]
fn every_subset_of_what_was_not_synced_may_survive() {
    let mut seed = Seed::new(3);
    for script in [histories::one_put(), histories::three_commits()] {
        for step in changes(&script).1 {
            let world = cut(&script, step);
            for survivors in fates(&world, &mut seed) {
                let outcome = recover_and_go_on(&mut world.restarted(survivors), &script);
                assert_eq!(outcome, Ok(()), "{} cut at {step}, {survivors:?}", script.name);
            }
        }
    }
}

#[test]
fn unsynced_things_of_long_histories_survive_by_lot() {
    for script in histories::all() {
        let mut seed = Seed::new(4);
        for step in changes(&script).1 {
            let world = cut(&script, step);
            for _ in 0..2 {
                let survivors = Survivors::Seed(seed.bits());
                let outcome = recover_and_go_on(&mut world.restarted(survivors), &script);
                assert_eq!(outcome, Ok(()), "{} cut at {step}, {survivors:?}", script.name);
            }
        }
    }
}

/// Lets the machine die again while it reopens; `None` if the reopening takes no such step.
fn cut_again(world: &World, survivors: Survivors, step: u64) -> Option<World> {
    let mut again = world.restarted(survivors);
    again.store.set_plan(FaultPlan::crash_at(step));
    let opened = again.open();
    assert_eq!(opened.is_err(), again.store.is_crashed(), "{opened:?}");
    opened.is_err().then_some(again)
}

/// The steps of reopening that change the disk.
fn reopening(world: &World, survivors: Survivors) -> Vec<u64> {
    let mut again = world.restarted(survivors);
    let opened = again.open();
    assert!(opened.is_ok(), "{opened:?}");
    changing(&again)
}

fn recovers(mut world: World, script: &Script, story: &str) {
    let database = world.open();
    let database = database.unwrap_or_else(|error| panic!("{}: {story}: {error}", script.name));
    assert_eq!(check(&database, &world.journal), Ok(()), "{}: {story}", script.name);
    drop(database);
    let outcome = recover_and_go_on(&mut world, script);
    assert_eq!(outcome, Ok(()), "{}: {story}", script.name);
}

/// T2: all pairs of a short history, with the fates of both crashes by lot.
#[test]
fn every_pair_of_crashes_of_a_short_history() {
    let script = histories::one_put();
    let mut seed = Seed::new(5);
    for first in changes(&script).1 {
        let world = cut(&script, first);
        let fate = one_fate(&mut seed);
        for second in reopening(&world, fate) {
            let again = cut_again(&world, fate, second).expect("the reopening takes that step");
            let after = one_fate(&mut seed);
            let story = format!("cut at {first}, {fate:?}, then at {second}, {after:?}");
            recovers(again.restarted(after), &script, &story);
        }
    }
}

/// T2: a sample of the pairs of the other histories, and triples.
#[test]
fn pairs_and_triples_of_crashes_by_lot() {
    let scripts = histories::all();
    for number in 0..1_250 {
        let mut seed = Seed::new(number);
        let script = &scripts[seed.below(12) as usize];
        let steps = changes(script).1;
        let first = steps[seed.below(u32::try_from(steps.len()).unwrap()) as usize];
        let fate = one_fate(&mut seed);
        let world = cut(script, first);
        let steps = reopening(&world, fate);
        for _ in 0..4 {
            let second = steps[seed.below(u32::try_from(steps.len()).unwrap()) as usize];
            let mut again = cut_again(&world, fate, second).expect("the reopening takes that step");
            let mut story = format!("seed {number}: cut at {first}, {fate:?}, then at {second}");
            let after = one_fate(&mut seed);
            if seed.percent(30)
                && let Some(third) = cut_again(&again, after, u64::from(seed.below(90)))
            {
                story.push_str(", and once more");
                again = third;
            }
            recovers(again.restarted(after), script, &format!("{story}, {after:?}"));
        }
    }
}

/// T24: one seed, one history.
#[test]
fn one_seed_gives_one_trace() {
    for (number, script) in (0..).zip(histories::all()) {
        let run = || {
            let mut seed = Seed::new(number);
            let steps = changes(&script).0;
            let world = cut(&script, u64::from(seed.below(u32::try_from(steps).unwrap())));
            let mut world = world.restarted(Survivors::Seed(seed.bits()));
            let outcome = recover_and_go_on(&mut world, &script);
            assert_eq!(outcome, Ok(()), "seed {number}");
            (world.store.trace_hash(), world.store.trace())
        };
        assert_eq!(run(), run(), "seed {number}");
    }
}
