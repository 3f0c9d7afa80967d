//! Keyframes, index rebuilds and reopenings never change an answer: statement
//! histories through a store equal the oracle before and after each of them.

use calotype_oracle::{
    Key, Operation, Seed, StatementOracle, StatementShape, one_key_histories, statement_history,
    two_key_histories,
};
use calotype_storage::SystemTime;
use calotype_storage::backend::Backend;
use calotype_storage::database::{Database, OpenOptions};
use calotype_storage::evaluate::{Deed, Materialise};
use calotype_storage::put::PutOptions;
use calotype_storage::record::Mode;
use calotype_suite::harness::{START, TestClock, options};
use calotype_suite::replay::{apply, context, create, state, valid};
use futures::executor::block_on;

/// A history on its way through a store, with the oracle beside it.
struct Run {
    backend: Backend,
    options: OpenOptions,
    database: Database,
    oracle: StatementOracle<Key, u32>,
    /// System times at which something changed, and one before.
    known: Vec<i64>,
    /// Instants of valid time at which something may change, and their neighbours.
    points: Vec<i64>,
    keyframes: u32,
}

impl Run {
    fn new(history: &[Operation<Key, u32>], makes_keyframes: bool) -> Self {
        let clock = TestClock::new(START);
        let backend = Backend::memory();
        let options = OpenOptions { makes_keyframes, ..options(&clock) };
        let database = block_on(Database::open(backend.clone(), options.clone())).unwrap();
        create(&database, Mode::State).unwrap();
        let around = |o: &Operation<Key, u32>| [o.cutoff() - 1, o.cutoff(), o.cutoff() + 1];
        let mut points: Vec<i64> = history.iter().flat_map(around).collect();
        points.sort_unstable();
        points.dedup();
        Self {
            backend,
            options,
            database,
            oracle: StatementOracle::new(),
            known: vec![START - 1],
            points,
            keyframes: 0,
        }
    }

    fn apply(&mut self, operation: &Operation<Key, u32>) {
        let applied = apply(&self.database, operation);
        let newest = self.known[self.known.len() - 1];
        let system = applied.as_ref().copied().unwrap_or(newest + 1);
        let expected = self.oracle.apply(system, operation.clone());
        let agrees = applied.is_ok() == expected.is_ok();
        assert!(agrees, "{operation:?}: {applied:?}");
        if applied.is_ok() {
            self.known.push(system);
        }
    }

    /// Writes a keyframe at a random point.
    fn keyframe(&mut self, seed: &mut Seed) {
        let known = pick(seed, &self.known);
        let materialise = Materialise {
            deed: Deed { context: context(), options: PutOptions::default() },
            valid: valid(pick(seed, &self.points)),
            known: SystemTime::from_micros(known).unwrap(),
        };
        let made = block_on(self.database.materialise(materialise));
        let nothing_yet = self.known.len() == 1;
        assert_eq!(made.is_err(), nothing_yet, "{made:?}");
        self.keyframes += u32::from(made.is_ok());
    }

    /// Opens the same store with an index made anew.
    fn reopen(&mut self) {
        let database = Database::open(self.backend.clone(), self.options.clone());
        self.database = block_on(database).unwrap();
    }

    fn compare(&self, when: &str) {
        for &valid in &self.points {
            for &known in &self.known {
                let expected = self.oracle.state(valid, known);
                let found = state(&self.database, valid, known);
                let history = || self.oracle.operations();
                assert_eq!(found, expected, "{when} at {valid} known {known}: {:?}", history());
            }
        }
    }
}

fn pick(seed: &mut Seed, from: &[i64]) -> i64 {
    from[seed.below(u32::try_from(from.len()).unwrap()) as usize]
}

/// Puts a history with keyframes at random moments, and compares after each kind of maintenance.
fn check(number: u64, history: &[Operation<Key, u32>]) -> u32 {
    let mut seed = Seed::new(number);
    let mut run = Run::new(history, false);
    for operation in history {
        run.apply(operation);
        if seed.percent(25) {
            run.keyframe(&mut seed);
        }
        if seed.percent(10) {
            run.reopen();
        }
    }
    run.compare("with keyframes made on the way");
    for _ in 0..2 {
        run.keyframe(&mut seed);
    }
    run.compare("after more keyframes");
    run.reopen();
    run.compare("after an index rebuild");
    run.keyframes
}

#[test]
fn a_sample_of_the_small_histories() {
    let mut keyframes = 0;
    for (number, history) in (0..).zip(one_key_histories(4).step_by(397)) {
        keyframes += check(number, &history);
    }
    for (number, history) in (0..).zip(two_key_histories(3).step_by(397)) {
        keyframes += check(number, &history);
    }
    assert!(keyframes > 1_000, "{keyframes} keyframes");
}

#[test]
fn larger_random_histories() {
    for number in 0..40 {
        let shape = StatementShape { operations: 14, cutoffs: 5, keys: 5, values: 3 };
        check(number, &statement_history(Seed::new(1_000 + number), shape));
    }
}

#[test]
fn a_history_of_more_than_sixty_four_deltas_makes_its_own_keyframes() {
    let shape = StatementShape { operations: 230, cutoffs: 6, keys: 6, values: 4 };
    for number in 0..2 {
        let history = statement_history(Seed::new(2_000 + number), shape);
        let mut run = Run::new(&history, true);
        for operation in &history {
            run.apply(operation);
        }
        let made = run.database.context(&context()).unwrap().keyframes().len();
        assert!(made >= 2, "{made} keyframes");
        run.compare("with the store's own keyframes");
        run.reopen();
        run.compare("with the store's own keyframes and a new index");
    }
}
