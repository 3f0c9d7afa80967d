//! Facts through the store equal the fact oracle: states, histories on both axes as
//! rectangles and as facts, pieces with their system columns.

use calotype_oracle::{
    EventRow, EventsPut, EventsShape, Fact, FactOracle, Key, OpenEnd, Piece, PutError, Seed, StatementOracle,
    StatementShape, TimeRange, events_history, statement_history,
};
use calotype_storage::SystemTime;
use calotype_storage::backend::Backend;
use calotype_storage::database::Database;
use calotype_storage::error::Error;
use calotype_storage::evaluate::{Deed, Materialise};
use calotype_storage::put::PutOptions;
use calotype_storage::record::Mode;
use calotype_storage::refusal::Refusal;
use calotype_suite::harness::{START, TestClock, memory, options};
use calotype_suite::replay::{apply, apply_events, context, create, state, valid};
use calotype_suite::told::{facts, pieces_at, rectangles};
use futures::executor::block_on;

const SHAPE: EventsShape = EventsShape { puts: 12, rows_max: 5, instants: 9, keys: 3, values: 3 };

/// What was put, and when.
struct Run {
    backend: Backend,
    database: Database,
    oracle: FactOracle<Key, u32>,
    known: Vec<i64>,
}

impl Run {
    /// Puts a history; what the oracle refuses the store refuses too, naming the same row.
    fn new(history: &[EventsPut<Key, u32>]) -> Self {
        let (backend, database) = memory(&TestClock::new(START));
        create(&database, Mode::Events).unwrap();
        let mut run = Self { backend, database, oracle: FactOracle::new(), known: vec![START - 1] };
        for put in history {
            run.put(put);
        }
        run
    }

    fn put(&mut self, put: &EventsPut<Key, u32>) {
        let before = self.database.head().map(|head| head.hash);
        match apply_events(&self.database, put) {
            Ok(system) => {
                let taken = self.oracle.events_put(system.unsigned_abs(), system, put);
                assert_eq!(taken, Ok(()), "{put:?}");
                self.known.push(system);
            }
            Err(error) => {
                let newest = i64::MAX;
                let refused = self.oracle.events_put(newest.unsigned_abs(), newest, put);
                assert_eq!(refusal(&error), refused.unwrap_err(), "{put:?}");
                let after = self.database.head().map(|head| head.hash);
                assert_eq!(before, after, "a refused put leaves no trace");
            }
        }
    }

    fn keyframe(&self, valid_at: i64, known_at: i64) {
        let deed = Deed { context: context(), options: PutOptions::default() };
        let (valid, known) = (valid(valid_at), SystemTime::from_micros(known_at).unwrap());
        let materialise = Materialise { deed, valid, known };
        block_on(self.database.materialise(materialise)).unwrap();
    }

    fn compare(&self, when: &str) {
        for &known in &self.known {
            for valid in -1..=10 {
                let expected = self.oracle.state(valid, known);
                let found = state(&self.database, valid, known);
                assert_eq!(found, expected, "{when}: state at {valid} known {known}");
                let expected = self.oracle.read(TimeRange::At(valid), TimeRange::At(known));
                let found = pieces_at(&self.database, valid, known);
                assert_eq!(found, expected, "{when}: pieces at {valid} known {known}");
            }
        }
    }
}

/// The refusal in the oracle's words.
fn refusal(error: &Error) -> PutError {
    let row = |row: u64| usize::try_from(row).unwrap() - 1;
    if let Error::Refused(Refusal::NoValidTo { row: found }) = error {
        return PutError::EndMissing { row: row(*found) };
    }
    let Error::Refused(Refusal::Period { row: found, .. }) = error else { panic!("{error}") };
    PutError::PeriodEmpty { row: row(*found) }
}

/// Ranges of all kinds over an axis with these instants.
fn ranges(seed: &mut Seed, instants: &[i64]) -> Vec<TimeRange> {
    let mut pick = || instants[seed.below(u32::try_from(instants.len()).unwrap()) as usize];
    let mut ranges = vec![TimeRange::All];
    for _ in 0..3 {
        let (a, b) = (pick(), pick());
        let (from, to) = (a.min(b), a.max(b));
        ranges.push(TimeRange::At(a));
        ranges.push(TimeRange::Between { from, to });
        if from < to {
            ranges.push(TimeRange::FromTo { from, to });
        }
    }
    ranges
}

/// Compares histories over random ranges of both axes.
fn compare_histories(
    database: &Database,
    oracle: &FactOracle<Key, u32>,
    (valid, system): (&[i64], &[i64]),
    seed: &mut Seed,
) {
    for valid in ranges(seed, valid) {
        for system in ranges(seed, system) {
            let expected = oracle.read(valid, system);
            let found = rectangles(database, valid, system);
            assert_eq!(found, expected, "rectangles over {valid:?} known {system:?}");
            let expected = known_facts(oracle, valid, system);
            let found = facts(database, valid, system);
            assert_eq!(found, expected, "facts over {valid:?} known {system:?}");
        }
    }
}

/// The facts that became known within a range of system time, or that are known at an instant of it, by key,
/// then entry, then period.
fn known_facts(oracle: &FactOracle<Key, u32>, valid: TimeRange, system: TimeRange) -> Vec<Fact<Key, u32>> {
    let begins = |instant| match system {
        TimeRange::All | TimeRange::At(_) => true,
        TimeRange::FromTo { from, .. } | TimeRange::Between { from, .. } => from <= instant,
    };
    let asked = |fact: &&Fact<Key, u32>| {
        begins(fact.system) && system.reaches(fact.system) && valid.overlaps(fact.period())
    };
    let mut facts: Vec<_> = oracle.facts().iter().filter(asked).cloned().collect();
    facts.sort_by_key(|fact| (fact.key, fact.system, fact.valid_from));
    facts
}

/// Makes some puts of a history bad: a row without an end that nothing explains, an empty period, an
/// inverted one.
fn with_bad_puts(seed: &mut Seed, mut history: Vec<EventsPut<Key, u32>>) -> Vec<EventsPut<Key, u32>> {
    for put in &mut history {
        if !seed.percent(20) {
            continue;
        }
        let valid_to = [None, Some(4), Some(3)][seed.below(3) as usize];
        if valid_to.is_none() {
            put.open_end = None;
        }
        let place = seed.below(u32::try_from(put.rows.len()).unwrap() + 1) as usize;
        let (key, valid_from, value) = (Key::FIRST, 4, Some(9));
        put.rows.insert(place, EventRow { key, valid_from, valid_to, value });
    }
    history
}

#[test]
fn random_puts_and_refusals_answer_as_the_oracle() {
    for number in 0..60 {
        let mut seed = Seed::new(number);
        let history = with_bad_puts(&mut seed, events_history(Seed::new(number), SHAPE));
        let run = Run::new(&history);
        run.compare("after the puts");
        let valid: Vec<i64> = (-1..=10).collect();
        compare_histories(&run.database, &run.oracle, (&valid, &run.known), &mut seed);
    }
}

#[test]
fn keyframes_and_a_new_index_change_no_answer() {
    for number in 100..120 {
        let mut seed = Seed::new(number);
        let mut first = events_history(Seed::new(number), SHAPE);
        let second = first.split_off(6);
        let mut run = Run::new(&first);
        for _ in 0..2 {
            let known = run.known[1 + seed.below(u32::try_from(run.known.len() - 1).unwrap()) as usize];
            run.keyframe(i64::from(seed.below(10)), known);
        }
        for put in &second {
            run.put(put);
        }
        let newest = run.known[run.known.len() - 1];
        run.keyframe(5, newest);
        run.compare("with keyframes");
        let clock = TestClock::new(newest + 60_000_000);
        let opened = Database::open(run.backend.clone(), options(&clock));
        run.database = block_on(opened).unwrap();
        run.compare("with a new index");
        let valid: Vec<i64> = (-1..=10).collect();
        compare_histories(&run.database, &run.oracle, (&valid, &run.known), &mut seed);
    }
}

/// The facts that the engine makes of statements, as a fact oracle.
fn facts_of(database: &Database) -> FactOracle<Key, u32> {
    let mut oracle = FactOracle::new();
    let mut facts = facts(database, TimeRange::All, TimeRange::All);
    facts.sort_by_key(|fact| (fact.system, fact.key, fact.valid_from));
    for fact in facts {
        oracle.append(fact);
    }
    oracle
}

#[test]
fn facts_made_of_statements_resolve_to_what_the_statements_say() {
    let shape = StatementShape { operations: 14, cutoffs: 5, keys: 3, values: 3 };
    for number in 0..60 {
        let (_, database) = memory(&TestClock::new(START));
        create(&database, Mode::State).unwrap();
        let mut statements = StatementOracle::new();
        let mut known = vec![START - 1];
        for operation in statement_history(Seed::new(number), shape) {
            if let Ok(system) = apply(&database, &operation) {
                statements.apply(system, operation).unwrap();
                known.push(system);
            }
        }
        let oracle = facts_of(&database);
        for &system in &known {
            for valid in [9, 10, 19, 20, 30, 40, 49, 50, 51] {
                let expected = statements.state(valid, system);
                assert_eq!(oracle.state(valid, system), expected, "seed {number}");
            }
        }
        let mut seed = Seed::new(number);
        let valid = [9, 10, 11, 20, 29, 30, 40, 50, 51];
        compare_histories(&database, &oracle, (&valid, &known), &mut seed);
        check_law(&database, &known);
    }
}

/// The law of rectangles: they are disjoint; cut at a system time, with neighbours of one fact
/// joined, they are the pieces as known then.
fn check_law(database: &Database, known: &[i64]) {
    let all = rectangles(database, TimeRange::All, TimeRange::All);
    for (place, one) in all.iter().enumerate() {
        let apart = |other: &Piece<Key, u32>| {
            let lived =
                |a: &Piece<Key, u32>, b: &Piece<Key, u32>| a.system_to.is_some_and(|to| to <= b.system_from);
            !one.period().overlaps(other.period()) || lived(one, other) || lived(other, one)
        };
        let mut others = all[place + 1..].iter().filter(|other| other.key == one.key);
        assert!(others.all(apart), "{one:?} overlaps another rectangle");
    }
    for &system in known {
        let lives = |piece: &&Piece<Key, u32>| {
            piece.system_from <= system && piece.system_to.is_none_or(|to| system < to)
        };
        let mut cut: Vec<Piece<Key, u32>> = Vec::new();
        for piece in all.iter().filter(lives) {
            let one_fact = |a: &Piece<Key, u32>| {
                (a.key, a.entry, a.valid_to) == (piece.key, piece.entry, Some(piece.valid_from))
            };
            match cut.last_mut().filter(|last| one_fact(last)) {
                Some(last) => last.valid_to = piece.valid_to,
                None => cut.push(piece.clone()),
            }
        }
        for piece in &mut cut {
            piece.system_to = None;
        }
        let pieces = rectangles(database, TimeRange::All, TimeRange::At(system));
        assert_eq!(cut, pieces, "known {system}");
    }
}

#[test]
fn ends_left_open_mean_what_the_put_says() {
    let row =
        |valid_from, valid_to, value| EventRow { key: Key::FIRST, valid_from, valid_to, value: Some(value) };
    let put = |row: EventRow<Key, u32>, open_end| EventsPut { rows: vec![row], open_end };
    let known = put(row(20, Some(30), 1), None);
    let check = |open_end, from, expected: &[(i64, Option<i64>, u32)]| {
        let run = Run::new(&[known.clone(), put(row(from, None, 2), Some(open_end))]);
        let system = TimeRange::At(run.known[2]);
        let pieces = rectangles(&run.database, TimeRange::All, system);
        let found: Vec<_> =
            pieces.iter().map(|piece| (piece.valid_from, piece.valid_to, piece.value)).collect();
        assert_eq!(found, expected, "{open_end:?} from {from}");
    };
    check(OpenEnd::Open, 10, &[(10, None, 2)]);
    check(OpenEnd::UntilNext, 10, &[(10, Some(20), 2), (20, Some(30), 1)]);
    check(OpenEnd::UntilNext, 25, &[(20, Some(25), 1), (25, Some(30), 2)]);
    check(OpenEnd::UntilNext, 30, &[(20, Some(30), 1), (30, None, 2)]);
}
