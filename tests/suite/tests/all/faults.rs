//! Faults that do not kill: syncs and other steps that fail once or for good, a full
//! disk, answers that are lost, late or doubled. Nothing is half visible, and nothing
//! is acknowledged that could be lost.

use calotype_simulation::{
    AnswerFault, AnswerPlan, Errno, FaultPlan, Repeat, SimStore, Step, StepFault, Survivors, Target,
};
use calotype_storage::database::Database;
use calotype_storage::error::{Code, Error};
use calotype_storage::evaluate::{CreateContext, Deed};
use calotype_storage::put::PutOptions;
use calotype_storage::record::Mode;
use calotype_suite::harness::{START, TestClock, options};
use calotype_suite::histories;
use calotype_suite::recovered::{check, recover, recover_and_go_on};
use calotype_suite::script::{Script, Step as ScriptStep};
use calotype_suite::simulated::bucket;
use calotype_suite::store::{definition, name};
use calotype_suite::world::{Outcome, Place, World};
use futures::executor::block_on;

fn steps(script: &Script) -> Vec<Step> {
    let mut world = World::default();
    assert!(world.run(script).is_some(), "{} does not run", script.name);
    world.store.steps()
}

fn failing(from_step: u64, target: Target, repeat: Repeat, errno: Errno) -> FaultPlan {
    FaultPlan::failing(StepFault { from_step, target, repeat, errno })
}

/// Runs a script under a plan, and checks what the database shows once the plan is over.
fn run(world: &mut World, script: &Script, plan: FaultPlan, story: &str) {
    world.store.set_plan(plan);
    let database = world.run(script);
    world.store.set_plan(FaultPlan::default());
    if let Some(database) = database {
        assert_eq!(check(&database, &world.journal), Ok(()), "{}: {story}", script.name);
    }
}

fn after(world: &World, script: &Script, fates: &[Survivors], story: &str) {
    for survivors in fates {
        let outcome = recover_and_go_on(&mut world.restarted(*survivors), script);
        assert_eq!(outcome, Ok(()), "{}: {story}, {survivors:?}", script.name);
    }
}

/// What a failed sync gave up is in the cache and nowhere else: no later sync tells, so that the machine must not die.
fn after_failed_sync(world: &World, script: &Script, story: &str) {
    let outcome = recover(&mut world.restarted(Survivors::Cached), script);
    assert_eq!(outcome, Ok(()), "{}: {story}", script.name);
}

/// After the first write with an unknown outcome nothing is acknowledged any more.
fn is_poisoned(world: &World, story: &str) {
    let unknown = |sent: &_| matches!(sent, Outcome::Unknown(_));
    let outcomes: Vec<_> = world.journal.iter().map(|sent| &sent.outcome).collect();
    let Some(first) = outcomes.iter().position(|outcome| unknown(outcome)) else {
        return;
    };
    for outcome in &outcomes[first + 1..] {
        let stopped = match outcome {
            Outcome::Unknown(error) => error.as_ref().map(Error::code) == Some(Code::Unavailable),
            Outcome::Refused(_) => true,
            Outcome::Acknowledged(..) => false,
        };
        assert!(stopped, "{story}: {outcome:?} after {:?}", outcomes[first]);
    }
}

/// What failed last may be a read, which could be tried again; the commit could not, since it may be there.
#[test]
fn a_commit_that_a_bucket_never_decided_has_an_unknown_outcome() {
    let store = SimStore::new();
    let database = block_on(Database::open(bucket(&store), options(&TestClock::new(START)))).unwrap();
    store.set_plan(failing(store.step_count(), Target::Every, Repeat::Sticky, Errno::Io));
    let deed = Deed { context: name(), options: PutOptions::default() };
    let create = CreateContext { deed, definition: definition(Mode::State, &["id"]) };
    let error = block_on(database.create_context(create)).unwrap_err();
    assert!(matches!(error, Error::OutcomeUnknown), "{error:?}");
    assert!(database.poison_reason().is_some());
}

/// T5. A process that starts again on the same machine would find the lost entry in the cache and nothing left to
/// sync, so histories that reopen are left out: what a disk has given up it must not show again.
#[test]
fn every_sync_fails_once_and_for_good() {
    let does_not_reopen =
        |script: &Script| !script.steps.iter().any(|step| matches!(step, ScriptStep::Reopen));
    for script in histories::all().into_iter().filter(does_not_reopen) {
        every_sync_fails(&script);
    }
}

pub(crate) fn every_sync_fails(script: &Script) {
    for step in steps(script).into_iter().filter(|step| step.kind.is_sync()) {
        for repeat in [Repeat::Once, Repeat::Sticky] {
            let story = format!("sync {} {repeat:?}", step.number);
            let mut world = World::default();
            let plan = failing(step.number, Target::Syncs, repeat, Errno::Io);
            run(&mut world, script, plan, &story);
            is_poisoned(&world, &story);
            let lot = Survivors::Seed(step.number);
            after(&world, script, &[Survivors::None, Survivors::All, lot], &story);
            after_failed_sync(&world, script, &story);
        }
    }
}

/// T6: every step of every history fails, once and for good.
#[test]
fn every_step_fails_once_and_for_good() {
    for script in histories::all() {
        for step in steps(&script) {
            let errno = if step.number % 2 == 0 { Errno::Io } else { Errno::TooManyFiles };
            for repeat in [Repeat::Once, Repeat::Sticky] {
                let story = format!("step {step} {repeat:?} {errno:?}");
                let mut world = World::default();
                world.is_patient = true;
                run(&mut world, &script, failing(step.number, Target::Every, repeat, errno), &story);
                if step.kind.is_sync() {
                    after_failed_sync(&world, &script, &story);
                } else {
                    after(&world, &script, &[Survivors::Cached, Survivors::None], &story);
                }
            }
        }
    }
}

/// T7: a put that does not fit is refused whole; reading goes on; writing resumes when there is room again.
#[test]
fn a_full_disk_refuses_and_resumes_by_itself() {
    for script in histories::all() {
        let mut world = World::default();
        assert!(world.run(&script).is_some());
        let used = world.store.used_bytes();
        for level in 0..40 {
            let story = format!("full at {level}/40 of {used} bytes");
            full_at(&script, used * level / 40, &story);
        }
    }
}

fn full_at(script: &Script, bytes: u64, story: &str) {
    let mut world = World::default();
    world.store.set_space_bytes_max(Some(bytes));
    let database = world.run(script);
    if let Some(database) = database {
        for sent in &world.journal {
            if let Outcome::Unknown(error) = &sent.outcome {
                let code = error.as_ref().map(Error::code);
                assert_eq!(code, Some(Code::ResourceExhausted), "{}: {story}: {error:?}", script.name);
            }
        }
        assert_eq!(check(&database, &world.journal), Ok(()), "{}: {story}", script.name);
        world.store.set_space_bytes_max(None);
        let unanswered = world.unanswered();
        world.send_again(&database, &unanswered);
        assert!(world.unanswered().is_empty(), "{}: {story}: writing does not resume", script.name);
        assert_eq!(check(&database, &world.journal), Ok(()), "{}: {story}", script.name);
    } else {
        world.store.set_space_bytes_max(None);
    }
    after(&world, script, &[Survivors::None, Survivors::Cached], story);
}

/// T11: answers of a network are lost, late, doubled, wrong; each put is committed exactly once.
#[test]
fn wrong_answers_commit_exactly_once() {
    let scripts = histories::all();
    for seed in 0..2_000_u64 {
        let script = &scripts[usize::try_from(seed % 12).unwrap()];
        let rate = u16::try_from(1 + seed / 12 % 10).unwrap() * 8;
        let faults = [
            AnswerFault::Refused,
            AnswerFault::Lost,
            AnswerFault::Doubled,
            AnswerFault::Conflict,
            AnswerFault::Late,
            AnswerFault::Repeated,
        ];
        let answers = AnswerPlan {
            prefix: ["log/", "packs/", ""][usize::try_from(seed % 3).unwrap()].into(),
            seed,
            per_mille: faults.map(|fault| (fault, rate)).into(),
            late_calls: seed % 5,
            ..AnswerPlan::default()
        };
        let mut world = World::default();
        world.place = Place::Bucket;
        let story = format!("seed {seed}");
        run(&mut world, script, FaultPlan::answering(answers), &story);
        after(&world, script, &[Survivors::Cached], &story);
    }
}

/// A store whose answers are wrong at times is asked again; it keeps its promises, so it is not called unfit.
#[test]
fn wrong_answers_to_the_self_test_do_not_make_a_store_unfit() {
    let mut opened = 0;
    for seed in 0..300 {
        let faults = [AnswerFault::Lost, AnswerFault::Doubled, AnswerFault::Conflict, AnswerFault::Repeated];
        let mut world = World::default();
        world.place = Place::Bucket;
        world.store.set_plan(FaultPlan::answering(AnswerPlan {
            prefix: "meta/".into(),
            seed,
            per_mille: faults.into_iter().zip([5, 150, 150, 50]).collect(),
            ..AnswerPlan::default()
        }));
        match world.open() {
            Ok(_) => opened += 1,
            Err(Error::Store { .. }) => {}
            Err(error) => panic!("seed {seed}: {error}"),
        }
    }
    assert!(opened > 200, "{opened} of 300 opened");
}
