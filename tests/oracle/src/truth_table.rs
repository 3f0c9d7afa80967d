//! The cases on which builders would differ, each with its answer: late fulls,
//! unchanged rows, withdrawals, statements sent again.
//!
//! *k* is [`Key::FIRST`], *j* is [`Key::SECOND`]; C1, C2, C3 are [`CUTOFFS`].

use crate::enumerate::CUTOFFS;
use crate::key::Key;
use crate::operation::Operation;

const K: Key = Key::FIRST;
const J: Key = Key::SECOND;
const C1: i64 = CUTOFFS[0];
const C2: i64 = CUTOFFS[1];
const C3: i64 = CUTOFFS[2];

type Operations = Vec<Operation<Key, u32>>;

/// One row of the table.
#[derive(Clone, Debug)]
pub struct TruthRow {
    /// The row in words: known before | then comes.
    pub says: &'static str,
    /// What was known before.
    pub before: Vec<Operation<Key, u32>>,
    /// What then comes, in records of their own or in one.
    pub then: Vec<Operation<Key, u32>>,
    /// The value of k at C1, C2 and C3 afterwards; `None`: absent.
    pub expected: [Option<u32>; 3],
}

/// Every row of the table, in its order.
pub fn truth_table() -> Vec<TruthRow> {
    let mut rows = late_fulls();
    rows.extend(same_cutoff());
    rows.extend(withdrawals());
    rows.extend(withdrawals_and_puts());
    rows
}

fn late_fulls() -> Vec<TruthRow> {
    vec![
        row(
            "full C1 k=1, full C2 k=1 | full C1 k=9",
            vec![full(C1, &[(K, 1)]), full(C2, &[(K, 1)])],
            vec![full(C1, &[(K, 9)])],
            [Some(9), Some(1), Some(1)],
        ),
        row(
            "full C1 k=1, delta C2 k=1 (no change) | full C1 k=9",
            vec![full(C1, &[(K, 1)]), assert(C2, &[(K, 1)])],
            vec![full(C1, &[(K, 9)])],
            [Some(9), Some(1), Some(1)],
        ),
        row(
            "full C1 k=1, delta C2 without k, delta C3 k=3 | full C1 k=9",
            vec![full(C1, &[(K, 1)]), assert(C2, &[(J, 1)]), assert(C3, &[(K, 3)])],
            vec![full(C1, &[(K, 9)])],
            [Some(9), Some(9), Some(3)],
        ),
        row(
            "full C1 k=1, full C3 k=3 | full C2 (late) without k",
            vec![full(C1, &[(K, 1)]), full(C3, &[(K, 3)])],
            vec![full(C2, &[(J, 1)])],
            [Some(1), None, Some(3)],
        ),
        row(
            "delta C2 k=2, delta C3 k=3 | full C1 (late) k=1",
            vec![assert(C2, &[(K, 2)]), assert(C3, &[(K, 3)])],
            vec![full(C1, &[(K, 1)])],
            [Some(1), Some(2), Some(3)],
        ),
        row(
            "delta C2 retracts k, never known | full C1 (late) k=1",
            vec![Operation::delta(C2, [(K, None)])],
            vec![full(C1, &[(K, 1)])],
            [Some(1), None, None],
        ),
    ]
}

fn same_cutoff() -> Vec<TruthRow> {
    let both = || vec![full(C1, &[(K, 1), (J, 1)]), assert(C2, &[(K, 2), (J, 2)])];
    vec![
        row(
            "full C1 k=1 j=1, delta C2 k=2 j=2 | delta C2 j=3",
            both(),
            vec![assert(C2, &[(J, 3)])],
            [Some(1), Some(2), Some(2)],
        ),
        row(
            "full C1 k=1 j=1, delta C2 k=2 j=2 | withdraw C2, then delta C2 j=3",
            both(),
            vec![Operation::withdraw(C2), assert(C2, &[(J, 3)])],
            [Some(1), Some(1), Some(1)],
        ),
        row(
            "delta C1 k=1 | full C1 without k",
            vec![assert(C1, &[(K, 1)])],
            vec![full(C1, &[(J, 1)])],
            [None, None, None],
        ),
        row(
            "delta C1 k=1, full C1 without k | delta C1 k=2 (also in the same record)",
            vec![assert(C1, &[(K, 1)]), full(C1, &[(J, 1)])],
            vec![assert(C1, &[(K, 2)])],
            [Some(2), Some(2), Some(2)],
        ),
    ]
}

fn withdrawals() -> Vec<TruthRow> {
    let three = || vec![full(C1, &[(K, 1)]), full(C2, &[(K, 2)]), full(C3, &[(K, 3)])];
    let mut two_left = three();
    two_left.push(Operation::withdraw(C2));
    vec![
        row(
            "full C1 k=1, full C2 k=2, full C3 k=3 | withdraw C2",
            three(),
            vec![Operation::withdraw(C2)],
            [Some(1), Some(1), Some(3)],
        ),
        row(
            "full C1 k=1, full C2 k=2, full C3 k=3, withdraw C2 | full C1 k=9",
            two_left,
            vec![full(C1, &[(K, 9)])],
            [Some(9), Some(9), Some(3)],
        ),
        row(
            "full C1 k=1, full C2 k=2, full C1 k=9 | withdraw C2",
            vec![full(C1, &[(K, 1)]), full(C2, &[(K, 2)]), full(C1, &[(K, 9)])],
            vec![Operation::withdraw(C2)],
            [Some(9), Some(9), Some(9)],
        ),
        row(
            "full C1 k=1, full C2 k=1 | withdraw C1",
            vec![full(C1, &[(K, 1)]), full(C2, &[(K, 1)])],
            vec![Operation::withdraw(C1)],
            [None, Some(1), Some(1)],
        ),
    ]
}

fn withdrawals_and_puts() -> Vec<TruthRow> {
    vec![
        row(
            "full C1 k=1, delta C2 k=2, withdraw C2 | delta C1 k=9",
            vec![full(C1, &[(K, 1)]), assert(C2, &[(K, 2)]), Operation::withdraw(C2)],
            vec![assert(C1, &[(K, 9)])],
            [Some(9), Some(9), Some(9)],
        ),
        row(
            "full C1 k=1, full C2 k=2, delta C2 k=3 | withdraw C2",
            vec![full(C1, &[(K, 1)]), full(C2, &[(K, 2)]), assert(C2, &[(K, 3)])],
            vec![Operation::withdraw(C2)],
            [Some(1), Some(1), Some(1)],
        ),
        row(
            "full C1 k=1, full C2 k=2, withdraw C2 | full C2 k=2",
            vec![full(C1, &[(K, 1)]), full(C2, &[(K, 2)]), Operation::withdraw(C2)],
            vec![full(C2, &[(K, 2)])],
            [Some(1), Some(2), Some(2)],
        ),
    ]
}

fn row(says: &'static str, before: Operations, then: Operations, expected: [Option<u32>; 3]) -> TruthRow {
    TruthRow { says, before, then, expected }
}

fn full(cutoff: i64, rows: &[(Key, u32)]) -> Operation<Key, u32> {
    Operation::full(cutoff, rows.iter().copied())
}

fn assert(cutoff: i64, rows: &[(Key, u32)]) -> Operation<Key, u32> {
    Operation::delta(cutoff, rows.iter().map(|&(key, value)| (key, Some(value))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::statement::StatementOracle;

    #[test]
    fn the_statement_oracle_answers_every_row() {
        let table = truth_table();
        assert_eq!(table.len(), 17);
        for row in table {
            let mut oracle = StatementOracle::new();
            let mut system = 0;
            for operation in row.before.iter().chain(&row.then) {
                system += 1;
                oracle.apply(system, operation.clone()).unwrap();
            }
            let found = CUTOFFS.map(|cutoff| oracle.state(cutoff, system).get(&K).copied());
            assert_eq!(found, row.expected, "{}", row.says);
        }
    }
}
