//! The statement oracle: what a `state` context holds, from the list of
//! operations and one sentence.
//!
//! *The state at (V, S) is, for each key, what the newest statement says at the
//! greatest cutoff ≤ V, of those known at S and not withdrawn, at which
//! anything is said about that key; where there is none, the key is absent.*
//!
//! Invariant: system times rise strictly, and a refused withdrawal leaves no
//! trace.

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::fmt;

use crate::operation::Operation;

/// The list of operations of one `state` context, each with its system time.
#[derive(Clone, Debug)]
pub struct StatementOracle<K, V> {
    operations: Vec<(i64, Operation<K, V>)>,
}

/// The keys about which something is said at a cutoff.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SpokenKeys<K> {
    /// A full was sent: every key, known or not.
    Every,
    /// Deltas alone were sent: the keys they name. Empty also where nothing was
    /// sent, or all was withdrawn.
    Only(BTreeSet<K>),
}

/// A withdrawal named a cutoff that is not known, or no longer. Nothing changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownCutoff {
    /// The cutoff named.
    pub cutoff: i64,
}

/// What is said at one cutoff, as known at one system time.
struct Said<K, V> {
    full: bool,
    rows: BTreeMap<K, Option<V>>,
}

impl<K: Ord + Clone, V: Eq + Clone> StatementOracle<K, V> {
    /// A context that was told nothing.
    pub const fn new() -> Self {
        let operations = Vec::new();
        Self { operations }
    }

    /// Commits an operation at this system time.
    ///
    /// A put makes its cutoff known even if it is a delta of no rows, which
    /// says nothing about any key.
    ///
    /// # Errors
    /// A withdrawal of a cutoff that is not known, or was withdrawn since, is
    /// refused and changes nothing. A replacement never is.
    ///
    /// # Panics
    /// If system time does not rise strictly.
    pub fn apply(&mut self, system: i64, operation: Operation<K, V>) -> Result<(), UnknownCutoff> {
        let risen = self.operations.last().is_none_or(|last| last.0 < system);
        assert!(risen, "system time {system} is not after all before it");
        let cutoff = operation.cutoff();
        let withdraws = matches!(operation, Operation::Withdraw { .. });
        if withdraws && self.said(cutoff, system).is_none() {
            return Err(UnknownCutoff { cutoff });
        }
        self.operations.push((system, operation));
        Ok(())
    }

    /// The operations that were not refused, with their system times.
    pub fn operations(&self) -> &[(i64, Operation<K, V>)] {
        &self.operations
    }

    /// The state at a valid time, as known at a system time (inclusive).
    pub fn state(&self, valid: i64, system: i64) -> BTreeMap<K, V> {
        let mut state = BTreeMap::new();
        let said: Vec<Said<K, V>> = self
            .all_cutoffs()
            .into_iter()
            .filter(|cutoff| *cutoff <= valid)
            .filter_map(|cutoff| self.said(cutoff, system))
            .collect();
        for key in said.iter().flat_map(|said| said.rows.keys()) {
            let greatest = said.iter().rfind(|said| said.speaks_about(key));
            if let Some(value) = greatest.and_then(|said| said.value(key)) {
                state.insert(key.clone(), value);
            }
        }
        state
    }

    /// The cutoffs known and not withdrawn, each with whether one of the
    /// extracts sent to it (since it was last withdrawn) is a full.
    pub fn cutoffs(&self, system: i64) -> BTreeMap<i64, bool> {
        self.all_cutoffs()
            .into_iter()
            .filter_map(|cutoff| Some((cutoff, self.said(cutoff, system)?.full)))
            .collect()
    }

    /// The keys about which something is said at the cutoff.
    pub fn spoken_keys(&self, cutoff: i64, system: i64) -> SpokenKeys<K> {
        match self.said(cutoff, system) {
            Some(said) if said.full => SpokenKeys::Every,
            Some(said) => SpokenKeys::Only(said.rows.into_keys().collect()),
            None => SpokenKeys::Only(BTreeSet::new()),
        }
    }

    fn all_cutoffs(&self) -> BTreeSet<i64> {
        let operations = self.operations.iter();
        operations.map(|(_, operation)| operation.cutoff()).collect()
    }

    /// What is said at the cutoff: a full replaces all that was said there, a
    /// delta lies on top, a withdrawal takes all back. `None`: not known, or
    /// withdrawn.
    fn said(&self, cutoff: i64, system: i64) -> Option<Said<K, V>> {
        let mut said = None;
        let known = self.operations.iter().filter(|(at, _)| *at <= system);
        for (_, operation) in known.filter(|(_, operation)| operation.cutoff() == cutoff) {
            said = match operation {
                Operation::Full { rows, .. } | Operation::ReplaceFull { rows, .. } => Some(Said::full(rows)),
                Operation::Delta { rows, .. } => Some(said.unwrap_or_else(Said::nothing).with(rows)),
                Operation::ReplaceDelta { rows, .. } => Some(Said::nothing().with(rows)),
                Operation::Withdraw { .. } => None,
            };
        }
        said
    }
}

impl<K: Ord + Clone, V: Eq + Clone> Default for StatementOracle<K, V> {
    fn default() -> Self {
        Self::new()
    }
}

impl<K: Ord> SpokenKeys<K> {
    /// Whether something is said about the key.
    pub fn contains(&self, key: &K) -> bool {
        match self {
            Self::Every => true,
            Self::Only(keys) => keys.contains(key),
        }
    }
}

impl fmt::Display for UnknownCutoff {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cutoff {} is not known", self.cutoff)
    }
}

impl Error for UnknownCutoff {}

impl<K: Ord + Clone, V: Clone> Said<K, V> {
    const fn nothing() -> Self {
        let rows = BTreeMap::new();
        Self { full: false, rows }
    }

    fn full(rows: &BTreeMap<K, V>) -> Self {
        let assert = |(key, value): (&K, &V)| (key.clone(), Some(value.clone()));
        let rows = rows.iter().map(assert).collect();
        Self { full: true, rows }
    }

    fn with(mut self, rows: &BTreeMap<K, Option<V>>) -> Self {
        self.rows.extend(rows.clone());
        self
    }

    fn speaks_about(&self, key: &K) -> bool {
        self.full || self.rows.contains_key(key)
    }

    /// What the newest statement about the key says; `None`: absent.
    fn value(&self, key: &K) -> Option<V> {
        self.rows.get(key).cloned().flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn oracle(operations: &[Operation<char, u32>]) -> StatementOracle<char, u32> {
        let mut oracle = StatementOracle::new();
        for (system, operation) in (1..).zip(operations) {
            oracle.apply(system, operation.clone()).unwrap();
        }
        oracle
    }

    #[test]
    fn withdrawing_what_is_not_known_is_refused_and_leaves_no_trace() {
        let mut oracle = oracle(&[Operation::full(10, [('k', 1)])]);
        let unknown = Err(UnknownCutoff { cutoff: 20 });
        assert_eq!(oracle.apply(2, Operation::withdraw(20)), unknown);
        assert_eq!(oracle.operations().len(), 1);
        assert_eq!(oracle.apply(2, Operation::withdraw(10)), Ok(()));
        let again = Err(UnknownCutoff { cutoff: 10 });
        assert_eq!(oracle.apply(3, Operation::withdraw(10)), again);
        assert_eq!(oracle.state(10, 1), BTreeMap::from([('k', 1)]));
        assert_eq!(oracle.state(10, 2), BTreeMap::new());
    }

    #[test]
    fn a_delta_of_no_rows_makes_a_cutoff_known_and_says_nothing() {
        let mut oracle = oracle(&[Operation::full(10, [('k', 1)]), Operation::delta(20, [])]);
        assert_eq!(oracle.state(20, 2), BTreeMap::from([('k', 1)]));
        assert_eq!(oracle.cutoffs(2), BTreeMap::from([(10, true), (20, false)]));
        assert_eq!(oracle.apply(3, Operation::withdraw(20)), Ok(()));
        assert_eq!(oracle.cutoffs(3), BTreeMap::from([(10, true)]));
    }

    #[test]
    fn replacing_forgets_the_keys_no_longer_named() {
        let delta = Operation::delta(20, [('k', Some(2)), ('j', None)]);
        let rows = BTreeMap::from([('j', Some(3))]);
        let replace = Operation::ReplaceDelta { cutoff: 20, rows };
        let oracle = oracle(&[Operation::full(10, [('k', 1)]), delta, replace]);
        assert_eq!(oracle.state(20, 2), BTreeMap::from([('k', 2)]));
        assert_eq!(oracle.state(20, 3), BTreeMap::from([('j', 3), ('k', 1)]));
        let spoken = SpokenKeys::Only(BTreeSet::from(['j']));
        assert_eq!(oracle.spoken_keys(20, 3), spoken);
        assert!(oracle.spoken_keys(20, 2).contains(&'k'));
        assert!(!oracle.spoken_keys(20, 1).contains(&'k'));
    }

    #[test]
    fn a_full_speaks_about_every_key_until_replaced_by_a_delta() {
        let rows = BTreeMap::from([('k', 2)]);
        let full = Operation::ReplaceFull { cutoff: 20, rows };
        let delta = Operation::delta(20, [('j', Some(5))]);
        let oracle = oracle(&[Operation::full(10, [('j', 1)]), full, delta]);
        assert_eq!(oracle.spoken_keys(20, 3), SpokenKeys::Every);
        assert_eq!(oracle.state(20, 2), BTreeMap::from([('k', 2)]));
        assert_eq!(oracle.state(20, 3), BTreeMap::from([('j', 5), ('k', 2)]));
    }
}
