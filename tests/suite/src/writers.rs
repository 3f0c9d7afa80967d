//! Two writers on one store, each with a head of its own: they meet at slots, and
//! what comes of it is one order that both agree on.

use std::sync::Arc;

use calotype_oracle::{Key, Operation, Seed, StatementShape, statement_history};
use calotype_query::times::settled_time;
use calotype_storage::SystemTime;
use calotype_storage::database::Database;
use futures::executor::block_on;

use crate::ensure;
use crate::harness::TestClock;
use crate::oracle_rows::answer;
use crate::recovered::{Wrong, check};
use crate::script::{Act, Action, create, name_of};
use crate::world::{Outcome, World};

/// What two writers do.
const SHAPE: StatementShape = StatementShape { operations: 14, cutoffs: 4, keys: 3, values: 3 };

/// Answers that were settled when they were given: where, when, and their hash.
type Settled = Vec<(i64, i64, String)>;

/// Opens a second database: with the same clock, or with one of its own that is some seconds ahead.
///
/// # Errors
/// If it does not open.
pub fn second(world: &mut World, seconds_ahead: i64) -> Result<Database, Wrong> {
    let clock = Arc::clone(&world.clock);
    if seconds_ahead > 0 {
        world.clock = TestClock::new(clock.micros() + seconds_ahead * 1_000_000);
    }
    let opened = world.open().map_err(|error| format!("the second writer: {error}"));
    world.clock = clock;
    opened
}

/// Lets two writers share a random history: one after the other, at once, and the same put to both.
///
/// # Errors
/// What is wrong.
pub fn share(mut world: World, mut seed: Seed, seconds_ahead: i64) -> Result<(), Wrong> {
    world.clock_behind_max_micros = (5 + 2 * seconds_ahead) * 1_000_000;
    let first = world.open().map_err(|error| error.to_string())?;
    let second = second(&mut world, seconds_ahead)?;
    world.send(&first, &[create("state")]);
    block_on(second.catch_up()).map_err(|error| error.to_string())?;
    let operations = statement_history(Seed::new(seed.bits()), SHAPE);
    let writers = [&first, &second];
    let mut settled = Settled::new();
    let mut rest = operations.as_slice();
    while !rest.is_empty() {
        let (now, later) = rest.split_at(rest.len().min(1 + seed.below(4) as usize));
        rest = later;
        let place = |operation: &Operation<Key, u32>, seed: &mut Seed, world: &mut World| {
            let writer = writers[seed.below(2) as usize];
            let action = Action::new("state", Act::State(operation.clone()));
            (writer, world.prepare(writer, &action))
        };
        let mut each: Vec<_> = now.iter().map(|one| place(one, &mut seed, &mut world)).collect();
        if seed.percent(20) {
            both(&mut world, writers, each[0].1)?;
            each.remove(0);
        }
        world.send_each(&each);
        remember(&first, &mut settled)?;
    }
    ensure!(world.unanswered().is_empty(), "no answer: {:?}", world.journal[world.unanswered()[0]]);
    agree(&mut world, writers, &settled)
}

/// One put sent to both at once is committed once.
fn both(world: &mut World, writers: [&Database; 2], place: usize) -> Result<(), Wrong> {
    world.send_each(&[(writers[0], place), (writers[1], place)]);
    let second = world.journal[place].outcome.clone();
    world.send_again(writers[0], &[place]);
    match (second, &world.journal[place].outcome) {
        (Outcome::Acknowledged(one, _), Outcome::Acknowledged(other, _)) => {
            ensure!(one.id == other.id && other.replayed, "op-{place} twice: {one:?} and {other:?}");
        }
        (Outcome::Refused(_), Outcome::Refused(_)) => {}
        (one, other) => return Err(format!("op-{place}: {one:?}, then {other:?}")),
    }
    Ok(())
}

fn remember(database: &Database, settled: &mut Settled) -> Result<(), Wrong> {
    let context = database.context(&name_of("state")).map_err(|error| error.to_string())?;
    let newest = database.head().map(|head| head.newest_time);
    let Some(known) = settled_time(&context, newest).map(SystemTime::micros) else {
        return Ok(());
    };
    for valid in [10, 25, 40] {
        let (_, end) =
            answer(database, &name_of("state"), valid, known).map_err(|error| error.to_string())?;
        settled.push((valid, known, end.result_hash.to_string()));
    }
    Ok(())
}

/// Both writers and a newcomer see the same, and it is right.
fn agree(world: &mut World, writers: [&Database; 2], settled: &Settled) -> Result<(), Wrong> {
    let newcomer = world.open().map_err(|error| error.to_string())?;
    for database in [writers[0], writers[1], &newcomer] {
        block_on(database.catch_up()).map_err(|error| error.to_string())?;
        check(database, &world.journal)?;
        ensure!(database.root() == newcomer.root(), "two roots of one log");
        for (valid, known, hash) in settled {
            let (_, end) =
                answer(database, &name_of("state"), *valid, *known).map_err(|error| error.to_string())?;
            ensure!(
                end.result_hash.to_string() == *hash,
                "the settled answer at {valid} known {known} was {hash}, is {}",
                end.result_hash
            );
        }
    }
    Ok(())
}
