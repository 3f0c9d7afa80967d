//! Every small history there is: what holds for all of these holds.
//!
//! Shorter histories come first, so that the first failure is a shortest one.
//! Some withdraw what is not known; the caller takes that refusal as no
//! operation at all.

use crate::key::Key;
use crate::operation::Operation;

/// The cutoffs of enumerated histories and of the truth table: C1, C2, C3.
pub const CUTOFFS: [i64; 3] = [10, 20, 30];

/// Every history of 1 up to `operations_max` operations on [`Key::FIRST`], of
/// which there are 21 each time: at each cutoff a full (absent, 1, 2), a delta
/// (1, 2, retracted) or a withdrawal.
pub fn one_key_histories(operations_max: u32) -> impl Iterator<Item = Vec<Operation<Key, u32>>> {
    histories((0..operations_max).map(|_| one_key_operations()).collect())
}

/// Every history of 1 up to `operations_max` operations on [`Key::FIRST`] and
/// [`Key::SECOND`], of which there are 39 each time: at each cutoff a full (each
/// key absent or there), a delta (each key silent, asserted or retracted, not
/// both silent) or a withdrawal. Every value is the number of its operation,
/// from 1, so that each brings new content.
pub fn two_key_histories(operations_max: u32) -> impl Iterator<Item = Vec<Operation<Key, u32>>> {
    histories((1..=operations_max).map(two_key_operations).collect())
}

/// Every history that takes one operation from each of the first lists, up to
/// all of them.
fn histories<T: Clone>(steps: Vec<Vec<T>>) -> impl Iterator<Item = Vec<T>> {
    (1..=steps.len()).flat_map(move |length| {
        let steps = steps[..length].to_vec();
        let count: usize = steps.iter().map(Vec::len).product();
        (0..count).map(move |number| history(&steps, number))
    })
}

/// The history of this number, read as one digit for each step.
fn history<T: Clone>(steps: &[Vec<T>], mut number: usize) -> Vec<T> {
    let mut history = Vec::with_capacity(steps.len());
    for choices in steps {
        history.push(choices[number % choices.len()].clone());
        number /= choices.len();
    }
    history
}

fn one_key_operations() -> Vec<Operation<Key, u32>> {
    let k = Key::FIRST;
    let at = |cutoff| {
        [
            Operation::full(cutoff, []),
            Operation::full(cutoff, [(k, 1)]),
            Operation::full(cutoff, [(k, 2)]),
            Operation::delta(cutoff, [(k, Some(1))]),
            Operation::delta(cutoff, [(k, Some(2))]),
            Operation::delta(cutoff, [(k, None)]),
            Operation::withdraw(cutoff),
        ]
    };
    CUTOFFS.into_iter().flat_map(at).collect()
}

fn two_key_operations(value: u32) -> Vec<Operation<Key, u32>> {
    let mut operations = Vec::new();
    for cutoff in CUTOFFS {
        for first in [None, Some((Key::FIRST, value))] {
            for second in [None, Some((Key::SECOND, value))] {
                operations.push(Operation::full(cutoff, first.into_iter().chain(second)));
            }
        }
        let said = |key| [None, Some((key, Some(value))), Some((key, None))];
        for first in said(Key::FIRST) {
            for second in said(Key::SECOND) {
                if first.is_some() || second.is_some() {
                    operations.push(Operation::delta(cutoff, first.into_iter().chain(second)));
                }
            }
        }
        operations.push(Operation::withdraw(cutoff));
    }
    operations
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn all_histories_are_there() {
        assert_eq!(one_key_operations().len(), 21);
        assert_eq!(two_key_operations(1).len(), 39);
        assert_eq!(one_key_histories(4).count(), 204_204);
        assert_eq!(two_key_histories(3).count(), 60_879);
        assert_eq!(one_key_histories(0).count(), 0);
    }

    #[test]
    fn no_history_comes_twice_and_shorter_ones_come_first() {
        let seen: BTreeSet<String> = one_key_histories(2).map(|h| format!("{h:?}")).collect();
        assert_eq!(seen.len(), 21 + 21 * 21);
        let seen: BTreeSet<String> = two_key_histories(2).map(|h| format!("{h:?}")).collect();
        assert_eq!(seen.len(), 39 + 39 * 39);
        let lengths: Vec<usize> = one_key_histories(3).map(|h| h.len()).collect();
        assert!(lengths.is_sorted());
    }
}
