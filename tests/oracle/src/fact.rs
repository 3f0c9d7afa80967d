//! The fact oracle: at (V, S) the fact of the last entry known at S whose
//! period holds V wins; a winning retraction means absent.
//!
//! Invariants: facts stand in the order of their entries, system times rise
//! strictly from entry to entry, and within one entry no two facts of a key
//! overlap.

use std::collections::{BTreeMap, BTreeSet};

use crate::period::{Period, paint};
use crate::range::TimeRange;

/// One assertion or retraction about a key over a period of valid time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fact<K, V> {
    /// The entry that brought it; many facts share one.
    pub entry: u64,
    /// The system time of that entry.
    pub system: i64,
    /// The entity it is about.
    pub key: K,
    /// The first instant at which it holds.
    pub valid_from: i64,
    /// The first instant at which it no longer does; `None`: open.
    pub valid_to: Option<i64>,
    /// The content; `None` retracts.
    pub value: Option<V>,
}

/// A resolved piece: part of the period of one asserted fact. Read over a range
/// of system time it is a rectangle, and may have a `system_to`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece<K, V> {
    /// The entity.
    pub key: K,
    /// The first instant at which it holds.
    pub valid_from: i64,
    /// The first instant at which it no longer does; `None`: open.
    pub valid_to: Option<i64>,
    /// The system time of the entry that brought the fact.
    pub system_from: i64,
    /// The system time of the first later entry that covers the piece, of those
    /// that the asked range of system time knows of.
    pub system_to: Option<i64>,
    /// The entry that brought the fact.
    pub entry: u64,
    /// The content.
    pub value: V,
}

/// The list of facts of one context.
#[derive(Clone, Debug)]
pub struct FactOracle<K, V> {
    facts: Vec<Fact<K, V>>,
}

impl<K: Ord + Clone, V: Eq + Clone> FactOracle<K, V> {
    /// A context without facts.
    pub const fn new() -> Self {
        let facts = Vec::new();
        Self { facts }
    }

    /// Appends a fact as it is.
    ///
    /// # Panics
    /// If its period is empty or inverted, if it comes out of order, or if it
    /// overlaps another fact of its key and entry.
    pub fn append(&mut self, fact: Fact<K, V>) {
        let period = Period::new(fact.valid_from, fact.valid_to);
        let period = period.expect("a fact has a period that is not empty");
        if let Some(last) = self.facts.last() {
            let same = last.entry == fact.entry && last.system == fact.system;
            let later = last.entry < fact.entry && last.system < fact.system;
            assert!(same || later, "entry {} comes out of order", fact.entry);
        }
        let beside = |f: &Fact<K, V>| f.entry == fact.entry && f.period().overlaps(period);
        let overlaps = self.of_key(&fact.key).any(beside);
        assert!(!overlaps, "two facts of entry {} overlap", fact.entry);
        self.facts.push(fact);
    }

    /// All facts, retractions included, in the order of their entries.
    pub fn facts(&self) -> &[Fact<K, V>] {
        &self.facts
    }

    /// The state at a valid time, as known at a system time (inclusive).
    pub fn state(&self, valid: i64, system: i64) -> BTreeMap<K, V> {
        let mut state = BTreeMap::new();
        let known = self.facts.iter().filter(|fact| fact.system <= system);
        for fact in known.filter(|fact| fact.period().holds(valid)) {
            match &fact.value {
                Some(value) => state.insert(fact.key.clone(), value.clone()),
                None => state.remove(&fact.key),
            };
        }
        state
    }

    /// The pieces of a key as known at a system time, in order, unclipped.
    /// Neighbours from different facts stay two pieces, equal or not.
    pub fn pieces(&self, key: &K, system: i64) -> Vec<Piece<K, V>> {
        let known = || self.of_key(key).filter(|fact| fact.system <= system);
        let winner = |valid| known().rfind(|fact| fact.period().holds(valid));
        let of_facts = paint(known().map(Fact::period), |valid| {
            // One fact of a key and entry is told from another by where it begins.
            winner(valid).map(|fact| (fact.entry, fact.valid_from))
        });
        let piece = |(period, _): (Period, _)| winner(period.from())?.piece(period, None);
        of_facts.into_iter().filter_map(piece).collect()
    }

    /// The rectangles of a key over a range of system time, by valid time, then
    /// system time: each asserted fact's period, cut where the first later entry
    /// that covers it changes, of those that the range knows of.
    pub fn rectangles(&self, key: &K, system: TimeRange) -> Vec<Piece<K, V>> {
        let known = || self.of_key(key).filter(|fact| system.reaches(fact.system));
        let mut rectangles = Vec::new();
        for fact in known() {
            let covered = |valid| {
                let mut later = known().filter(|other| other.entry > fact.entry);
                later.find(|other| other.period().holds(valid)).map(|other| other.system)
            };
            let parts =
                paint(known().map(Fact::period), |valid| fact.period().holds(valid).then(|| covered(valid)));
            for (period, system_to) in parts {
                let lived = Period::new(fact.system, system_to);
                if lived.is_some_and(|lived| system.overlaps(lived)) {
                    rectangles.extend(fact.piece(period, system_to));
                }
            }
        }
        rectangles.sort_by_key(|piece| (piece.valid_from, piece.system_from));
        rectangles
    }

    /// The pieces, or rectangles, of every key that overlap both ranges, by key,
    /// valid time, system time, unclipped.
    pub fn read(&self, valid: TimeRange, system: TimeRange) -> Vec<Piece<K, V>> {
        let keys: BTreeSet<&K> = self.facts.iter().map(|fact| &fact.key).collect();
        let all = keys.into_iter().flat_map(|key| self.rectangles(key, system));
        all.filter(|piece| valid.overlaps(piece.period())).collect()
    }

    fn of_key<'a>(&'a self, key: &'a K) -> impl DoubleEndedIterator<Item = &'a Fact<K, V>> {
        self.facts.iter().filter(move |fact| fact.key == *key)
    }
}

impl<K: Ord + Clone, V: Eq + Clone> Default for FactOracle<K, V> {
    fn default() -> Self {
        Self::new()
    }
}

impl<K: Clone, V: Clone> Fact<K, V> {
    /// Its period of valid time.
    ///
    /// # Panics
    /// If that is empty or inverted, which [`FactOracle::append`] refuses.
    pub fn period(&self) -> Period {
        Period::new(self.valid_from, self.valid_to).expect("checked when appended")
    }

    /// The part of an assertion over `period`; `None` of a retraction.
    fn piece(&self, period: Period, system_to: Option<i64>) -> Option<Piece<K, V>> {
        Some(Piece {
            key: self.key.clone(),
            valid_from: period.from(),
            valid_to: period.to(),
            system_from: self.system,
            system_to,
            entry: self.entry,
            value: self.value.clone()?,
        })
    }
}

impl<K, V> Piece<K, V> {
    /// Its period of valid time.
    ///
    /// # Panics
    /// If that is empty or inverted, as none of the oracle's is.
    pub fn period(&self) -> Period {
        Period::new(self.valid_from, self.valid_to).expect("a piece is not empty")
    }
}

#[cfg(test)]
mod tests;
