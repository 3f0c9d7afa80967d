//! Cutting scripted histories short: at a step, again while what is left reopens, with
//! everything that may survive.

use calotype_oracle::Seed;
use calotype_simulation::{FaultPlan, StepKind, Survivors};

use crate::ensure;
use crate::recovered::{Wrong, check, recover_and_go_on};
use crate::script::Script;
use crate::world::World;

/// Subsets of survivors that are all tried; of more, some.
const CHOICES_MAX: u64 = 64;

/// A world in which the script ran until the machine died before a step.
///
/// # Errors
/// If the script takes no such step.
pub fn cut(script: &Script, step: u64) -> Result<World, Wrong> {
    let mut world = World::default();
    world.store.set_plan(FaultPlan::crash_at(step));
    let database = world.run(script);
    ensure!(database.is_none() && world.store.is_crashed(), "{} has no step {step}", script.name);
    Ok(world)
}

/// How many steps an undisturbed run takes, and which of them change the disk: a crash elsewhere leaves what one of
/// these leaves.
///
/// # Errors
/// If the script does not run.
pub fn steps(script: &Script) -> Result<(u64, Vec<u64>), Wrong> {
    let mut world = World::default();
    ensure!(world.run(script).is_some(), "{} does not run", script.name);
    Ok((world.store.step_count(), changing(&world)))
}

fn changing(world: &World) -> Vec<u64> {
    let steps = world.store.steps().into_iter();
    let changes = |kind| !matches!(kind, StepKind::Read | StepKind::Head | StepKind::List);
    steps.filter(|step| changes(step.kind)).map(|step| step.number).collect()
}

/// What may survive when the machine has died: all subsets if they are few, else some.
pub fn fates(world: &World, seed: &mut Seed) -> Vec<Survivors> {
    let choices = world.store.survivor_choices();
    if choices <= CHOICES_MAX {
        return (0..choices).map(Survivors::Choice).chain([Survivors::Cached]).collect();
    }
    let lots = (0..16).map(|_| Survivors::Seed(seed.bits()));
    [Survivors::None, Survivors::All, Survivors::Cached].into_iter().chain(lots).collect()
}

/// One of the fates.
pub fn one_fate(seed: &mut Seed) -> Survivors {
    match seed.below(4) {
        0 => Survivors::None,
        1 => Survivors::All,
        2 => Survivors::Cached,
        _ => Survivors::Seed(seed.bits()),
    }
}

/// Cuts a script before every step and recovers with some survivors.
///
/// # Errors
/// What is wrong, and where it was cut.
pub fn cut_everywhere(script: &Script, survivors: &[Survivors]) -> Result<(), Wrong> {
    for step in 0..steps(script)?.0 {
        let world = cut(script, step)?;
        for fate in survivors {
            recover_and_go_on(&mut world.restarted(*fate), script)
                .map_err(|wrong| format!("{} cut at {step}, {fate:?}: {wrong}", script.name))?;
        }
    }
    Ok(())
}

/// Lets the machine die again while it reopens; `None` if reopening takes no such step.
///
/// # Errors
/// If it fails for another reason.
pub fn cut_again(world: &World, survivors: Survivors, step: u64) -> Result<Option<World>, Wrong> {
    let mut again = world.restarted(survivors);
    again.store.set_plan(FaultPlan::crash_at(step));
    let opened = again.open();
    ensure!(opened.is_err() == again.store.is_crashed(), "reopening: {opened:?}");
    Ok(opened.is_err().then_some(again))
}

/// The steps of reopening that change the disk.
///
/// # Errors
/// If it does not reopen.
pub fn reopening(world: &World, survivors: Survivors) -> Result<Vec<u64>, Wrong> {
    let mut again = world.restarted(survivors);
    again.open().map_err(|error| format!("{survivors:?}: {error}"))?;
    Ok(changing(&again))
}

/// Opens, checks, and goes on to the end of the script.
///
/// # Errors
/// What is wrong.
pub fn recovers(mut world: World, script: &Script) -> Result<(), Wrong> {
    let database = world.open().map_err(|error| error.to_string())?;
    check(&database, &world.journal)?;
    drop(database);
    recover_and_go_on(&mut world, script)
}

/// One crash by lot, and some second and third ones while what it left reopens. How many.
///
/// # Errors
/// What is wrong, and the story.
pub fn pairs_by_lot(script: &Script, seed: &mut Seed, pairs: u32) -> Result<u32, Wrong> {
    let pick = |steps: &[u64], seed: &mut Seed| {
        let count = u32::try_from(steps.len()).unwrap_or(u32::MAX);
        steps[seed.below(count) as usize]
    };
    let first = pick(&steps(script)?.1, seed);
    let fate = one_fate(seed);
    let world = cut(script, first)?;
    let steps = reopening(&world, fate)?;
    for _ in 0..pairs {
        let second = pick(&steps, seed);
        let mut again = cut_again(&world, fate, second)?.ok_or("reopening takes fewer steps")?;
        let after = one_fate(seed);
        let mut story = format!("{} cut at {first}, {fate:?}, at {second}, {after:?}", script.name);
        if seed.percent(30)
            && let Some(third) = cut_again(&again, after, u64::from(seed.below(90)))?
        {
            story.push_str(", and once more");
            again = third;
        }
        recovers(again.restarted(after), script).map_err(|wrong| format!("{story}: {wrong}"))?;
    }
    Ok(pairs)
}
