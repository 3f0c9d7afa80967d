//! Every small history through the pure parts of the engine equals the statement
//! oracle; samples of them go through a store as well.

use calotype_oracle::{
    CUTOFFS, Key, Operation, Seed, StatementOracle, StatementShape, one_key_histories, statement_history,
    two_key_histories,
};
use calotype_suite::pure_engine::PureEngine;

/// Runs a history and compares at each cutoff, and before the first, for every system time so far.
fn check(history: &[Operation<Key, u32>], cutoffs: &[i64]) {
    let mut oracle = StatementOracle::new();
    let mut engine = PureEngine::default();
    let mut system = 0;
    for operation in history {
        let taken = engine.apply(system + 1, operation);
        let expected = oracle.apply(system + 1, operation.clone());
        assert_eq!(taken, expected.is_ok(), "{operation:?} of {history:?}");
        system += i64::from(taken);
    }
    for known in 1..=system {
        for &valid in cutoffs {
            let expected = oracle.state(valid, known);
            let found = engine.state(valid, known);
            assert_eq!(found, expected, "at {valid} known {known}: {history:?}");
        }
    }
}

#[test]
fn every_one_key_history_of_four_operations() {
    let mut count = 0;
    for history in one_key_histories(4) {
        check(&history, &CUTOFFS);
        count += 1;
    }
    assert_eq!(count, 204_204);
}

#[test]
fn every_two_key_history_of_three_operations() {
    let mut count = 0;
    for history in two_key_histories(3) {
        check(&history, &CUTOFFS);
        count += 1;
    }
    assert_eq!(count, 60_879);
}

#[test]
fn larger_histories_with_replacements() {
    let shape = StatementShape { operations: 24, cutoffs: 6, keys: 4, values: 3 };
    for number in 0..400 {
        let history = statement_history(Seed::new(number), shape);
        check(&history, &[9, 10, 19, 20, 30, 39, 40, 50, 60, 61]);
    }
}

#[test]
fn the_piece_at_an_instant_and_the_whole_time_line_say_the_same() {
    for history in one_key_histories(4).step_by(101) {
        let mut engine = PureEngine::default();
        for (system, operation) in (1..).zip(&history) {
            engine.apply(system, operation);
        }
        for known in 0..=5 {
            for valid in [9, 10, 11, 20, 29, 30, 31] {
                let (piece, timeline) = (engine.state(valid, known), engine.state_by_timeline(valid, known));
                assert_eq!(piece, timeline, "at {valid} known {known}: {history:?}");
            }
        }
    }
}
