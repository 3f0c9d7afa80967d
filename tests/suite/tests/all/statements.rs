//! Statements through the store equal the statement oracle, at every point.

use calotype_oracle::{
    Key, Operation, Seed, StatementOracle, StatementShape, statement_history, truth_table,
};
use calotype_storage::database::Database;
use calotype_storage::record::Mode;
use calotype_suite::harness::{START, TestClock, memory};
use calotype_suite::replay::{apply, create, state, state_by_key};

/// Puts a history and compares the whole grid of points.
fn check(history: &[Operation<Key, u32>]) -> (Database, Vec<i64>) {
    let clock = TestClock::new(START);
    let (_, database) = memory(&clock);
    create(&database, Mode::State).unwrap();
    let mut oracle = StatementOracle::new();
    let mut known = vec![START - 1];
    for operation in history {
        let applied = apply(&database, operation);
        let system = applied.as_ref().copied().unwrap_or(known[known.len() - 1] + 1);
        let expected = oracle.apply(system, operation.clone());
        assert_eq!(applied.is_ok(), expected.is_ok(), "{operation:?}: {applied:?}");
        if applied.is_ok() {
            known.push(system);
        }
    }
    compare(&database, &oracle, &known, history);
    (database, known)
}

fn compare(
    database: &Database,
    oracle: &StatementOracle<Key, u32>,
    known: &[i64],
    history: &[Operation<Key, u32>],
) {
    let mut points: Vec<i64> =
        history.iter().flat_map(|o| [o.cutoff() - 1, o.cutoff(), o.cutoff() + 1]).collect();
    points.sort_unstable();
    points.dedup();
    for &valid in &points {
        for &system in known {
            let expected = oracle.state(valid, system);
            assert_eq!(state(database, valid, system), expected, "at {valid} known {system}: {history:?}");
            let known_schema = system >= known[known.len().min(2) - 1];
            let by_key =
                if known_schema { state_by_key(database, keys(), valid, system) } else { expected.clone() };
            assert_eq!(by_key, expected, "by key, at {valid} known {system}: {history:?}");
        }
    }
}

/// More keys than histories have.
fn keys() -> impl Iterator<Item = Key> {
    (0..6).map(Key)
}

#[test]
fn every_row_of_the_truth_table() {
    let rows = truth_table();
    assert_eq!(rows.len(), 17);
    for row in rows {
        let history: Vec<_> = row.before.iter().chain(&row.then).cloned().collect();
        let (database, known) = check(&history);
        let newest = known[known.len() - 1];
        for (cutoff, expected) in calotype_oracle::CUTOFFS.iter().zip(row.expected) {
            assert_eq!(state(&database, *cutoff, newest).get(&Key::FIRST).copied(), expected, "{}", row.says);
        }
    }
}

#[test]
fn random_histories() {
    for seed in 0..60 {
        let shape = StatementShape { operations: 12, cutoffs: 5, keys: 4, values: 3 };
        check(&statement_history(Seed::new(seed), shape));
    }
}
