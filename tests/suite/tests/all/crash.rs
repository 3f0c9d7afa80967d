//! Crashes: every step of scripted histories cut, once and twice, and everything
//! that may survive. Acknowledged ⊆ recovered ⊆ sent, and all answers equal the oracle's.

use calotype_simulation::{FaultPlan, Survivors};
use calotype_suite::histories;
use calotype_suite::recovered::recover_and_go_on;
use calotype_suite::script::Script;
use calotype_suite::world::World;

/// A world in which the script ran until the machine died before a step.
fn cut(script: &Script, step: u64) -> World {
    let mut world = World::default();
    world.store.set_plan(FaultPlan::crash_at(step));
    let database = world.run(script);
    assert!(database.is_none() && world.store.is_crashed(), "no step {step}");
    world
}

fn steps(script: &Script) -> u64 {
    let mut world = World::default();
    assert!(world.run(script).is_some(), "{} does not run", script.name);
    world.store.step_count()
}

#[test]
fn every_step_of_every_history_is_cut() {
    for script in histories::all() {
        let steps = steps(&script);
        let t = std::time::Instant::now();
        for step in 0..steps {
            let world = cut(&script, step);
            for survivors in [Survivors::None, Survivors::All, Survivors::Cached] {
                let outcome = recover_and_go_on(&mut world.restarted(survivors), &script);
                assert_eq!(outcome, Ok(()), "{} cut at {step}, {survivors:?}", script.name);
            }
        }
        eprintln!("{} {steps} {:?}", script.name, t.elapsed());
    }
}
