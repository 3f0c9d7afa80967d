//! Clocks that jump: system time rises strictly or the put is refused, and nothing that
//! was answered for a settled time ever changes.

use calotype_oracle::Seed;
use calotype_storage::SystemTime;
use calotype_storage::error::Error;
use calotype_storage::record::Mode;
use calotype_storage::refusal::Refusal;
use calotype_suite::harness::START;
use calotype_suite::recovered::check;
use calotype_suite::script::{Act, Action, create, delta, full};
use calotype_suite::world::{Outcome, World};

const SECOND: i64 = 1_000_000;
/// How far a clock may lie behind the log.
const BEHIND_MAX: i64 = 5 * SECOND;

/// Puts a delta; the outcome, and what the clock said before and after.
fn put_at(world: &mut World, database: &calotype_storage::database::Database, micros: i64) -> (Outcome, i64) {
    world.clock.set(micros);
    let value = u32::try_from(world.journal.len()).unwrap();
    world.send(database, &[delta(10 + i64::from(value % 7), &[(1, Some(value))])]);
    let outcome = world.journal[world.journal.len() - 1].outcome.clone();
    (outcome, world.clock.micros())
}

#[test]
fn system_time_rises_whatever_the_clock_does() {
    for number in 0..150 {
        let mut seed = Seed::new(number);
        let mut world = World::default();
        let database = world.open().unwrap();
        world.send(&database, &[create("state")]);
        let (mut accepted, mut refused) = (0, 0);
        for _ in 0..20 {
            let newest = database.head().unwrap().newest_time.micros();
            let jump = match seed.below(4) {
                0 => i64::from(seed.below(12)) * SECOND - 9 * SECOND,
                1 => i64::from(seed.below(3)) - 1,
                2 => -BEHIND_MAX,
                _ => i64::from(seed.below(100_000)) * SECOND,
            };
            let clock = newest + jump;
            match put_at(&mut world, &database, clock) {
                (Outcome::Acknowledged(receipt, _), after) => {
                    assert!(receipt.system_time.micros() > newest, "seed {number}: time does not rise");
                    assert!(newest - after <= BEHIND_MAX, "seed {number}: {jump} was accepted");
                    accepted += 1;
                }
                (Outcome::Refused(Error::ClockBehind { clock: said, newest: named }), _) => {
                    assert!(newest - clock > BEHIND_MAX, "seed {number}: {jump} was refused");
                    assert_eq!(named.micros(), newest, "seed {number}");
                    assert!(said.micros() >= clock, "seed {number}");
                    refused += 1;
                }
                (outcome, _) => panic!("seed {number}: {outcome:?}"),
            }
        }
        assert!(accepted > 0, "seed {number}: {accepted} accepted, {refused} refused");
        world.clock.set(database.head().unwrap().newest_time.micros());
        assert_eq!(check(&database, &world.journal), Ok(()), "seed {number}");
        drop(database);
        let reopened = world.open().unwrap();
        assert_eq!(check(&reopened, &world.journal), Ok(()), "seed {number}");
    }
}

#[test]
fn a_clock_behind_is_refused_with_both_times_and_works_again_when_set() {
    let mut world = World::default();
    let database = world.open().unwrap();
    world.send(&database, &[create("state"), full(10, &[(1, 1)])]);
    let newest = database.head().unwrap().newest_time;
    let (outcome, _) = put_at(&mut world, &database, newest.micros() - 3_600 * SECOND);
    let Outcome::Refused(error) = outcome else { panic!("{outcome:?}") };
    let clock = SystemTime::from_micros(newest.micros() - 3_600 * SECOND).unwrap();
    let message = error.to_string();
    assert!(message.contains(&newest.to_string()), "{message}");
    assert!(message.contains(&clock.to_string()), "{message}");
    let (outcome, _) = put_at(&mut world, &database, newest.micros());
    assert!(matches!(outcome, Outcome::Acknowledged(..)), "{outcome:?}");
    assert_eq!(check(&database, &world.journal), Ok(()));
}

#[test]
fn recorded_at_is_in_the_past_and_rises() {
    let mut world = World::default();
    world.clock.set(START);
    let database = world.open().unwrap();
    let mode = Mode::State;
    world.send(&database, &[Action::new("state", Act::Create { mode, import: true })]);
    let mut at = |seconds: Option<i64>| {
        world.send(&database, &[Action { recorded_at: seconds, ..full(10, &[(1, 1)]) }]);
        world.journal[world.journal.len() - 1].outcome.clone()
    };
    let refusal = |outcome: Outcome| match outcome {
        Outcome::Refused(Error::Refused(refusal)) => refusal,
        other @ (Outcome::Acknowledged(..) | Outcome::Refused(_) | Outcome::Unknown(_)) => {
            panic!("{other:?}")
        }
    };
    assert!(matches!(at(Some(-100)), Outcome::Acknowledged(..)));
    assert!(matches!(refusal(at(Some(-100))), Refusal::RecordedAtOrder { .. }));
    assert!(matches!(refusal(at(Some(-101))), Refusal::RecordedAtOrder { .. }));
    assert!(matches!(refusal(at(Some(100_000))), Refusal::RecordedAtFuture { .. }));
    assert!(matches!(refusal(at(None)), Refusal::NoRecordedAt(_)));
    assert!(matches!(at(Some(-99)), Outcome::Acknowledged(..)));
    world.send(&database, &[Action::new("state", Act::GoLive)]);
    world.send(&database, &[Action { recorded_at: Some(-50), ..full(10, &[(1, 1)]) }]);
    let last = world.journal[world.journal.len() - 1].outcome.clone();
    assert!(matches!(refusal(last), Refusal::RecordedAt(_)));
    assert_eq!(check(&database, &world.journal), Ok(()));
}
