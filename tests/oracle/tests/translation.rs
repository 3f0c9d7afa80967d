//! Statements may be kept as facts: a naive translation of one into the other,
//! checked against what the statements say, over every small history.
//!
//! *Law:* after every put and withdrawal the facts resolve to exactly what the
//! statements say, at every valid time, for every system time so far.
//!
//! Three tempting simplifications are planted, and each is caught.

use std::collections::{BTreeMap, BTreeSet};

use calotype_oracle::{
    CUTOFFS, Fact, FactOracle, Key, Operation, Seed, StatementOracle, StatementShape, one_key_histories,
    statement_history, truth_table, two_key_histories,
};

/// A simplification that looks harmless.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mistake {
    /// A row of a delta that changes nothing is not kept.
    DropsUnchangedDeltaRows,
    /// A withdrawal retracts, instead of restoring what held before the cutoff.
    RetractsInsteadOfWithdrawing,
    /// Only fulls bound a fact.
    IgnoresDeltasAsBounds,
}

/// What was sent to a cutoff since it was last withdrawn.
#[derive(Clone, Debug, Default)]
struct Boundary {
    full: bool,
    named: BTreeSet<Key>,
}

/// Turns statements into facts as they come.
struct Translator {
    mistake: Option<Mistake>,
    boundaries: BTreeMap<i64, Boundary>,
    facts: FactOracle<Key, u32>,
}

impl Translator {
    fn new(mistake: Option<Mistake>) -> Self {
        let boundaries = BTreeMap::new();
        let facts = FactOracle::new();
        Self { mistake, boundaries, facts }
    }

    /// Writes what the operation means as the facts of one entry.
    fn apply(&mut self, system: i64, operation: &Operation<Key, u32>) {
        let cutoff = operation.cutoff();
        let written = match operation {
            Operation::Withdraw { .. } => self.withdraw(cutoff),
            // A full decides about every key that a withdrawal would write.
            Operation::Full { rows, .. } | Operation::ReplaceFull { rows, .. } => self.put_full(cutoff, rows),
            Operation::Delta { rows, .. } => self.put_delta(cutoff, rows),
            Operation::ReplaceDelta { rows, .. } => {
                let mut written = self.withdraw(cutoff);
                written.extend(self.put_delta(cutoff, rows));
                written
            }
        };
        for (key, value) in written {
            let valid_to = self.next_bound(key, cutoff);
            let entry = system.unsigned_abs();
            let valid_from = cutoff;
            self.facts.append(Fact { entry, system, key, valid_from, valid_to, value });
        }
    }

    /// Speaks about every key, and keeps what differs from the state known.
    fn put_full(&mut self, cutoff: i64, rows: &BTreeMap<Key, u32>) -> BTreeMap<Key, Option<u32>> {
        let known = self.facts.state(cutoff, i64::MAX);
        let keys = self.keys().into_iter().chain(rows.keys().copied());
        let differing = keys.filter(|key| known.get(key) != rows.get(key));
        let written = differing.map(|key| (key, rows.get(&key).copied())).collect();
        let named = BTreeSet::new();
        self.boundaries.insert(cutoff, Boundary { full: true, named });
        written
    }

    /// Keeps every row, changed or not.
    fn put_delta(&mut self, cutoff: i64, rows: &BTreeMap<Key, Option<u32>>) -> BTreeMap<Key, Option<u32>> {
        let mut written = rows.clone();
        if self.mistake == Some(Mistake::DropsUnchangedDeltaRows) {
            let known = self.facts.state(cutoff, i64::MAX);
            written.retain(|key, value| known.get(key) != value.as_ref());
        }
        let boundary = self.boundaries.entry(cutoff).or_default();
        boundary.named.extend(written.keys());
        written
    }

    /// Restores what holds just before the cutoff, for each key spoken about.
    fn withdraw(&mut self, cutoff: i64) -> BTreeMap<Key, Option<u32>> {
        let mut before = self.facts.state(cutoff - 1, i64::MAX);
        if self.mistake == Some(Mistake::RetractsInsteadOfWithdrawing) {
            before.clear();
        }
        let keys = match self.boundaries.remove(&cutoff) {
            Some(boundary) if boundary.full => self.keys(),
            Some(boundary) => boundary.named,
            None => BTreeSet::new(),
        };
        let restored = keys.into_iter().map(|key| (key, before.get(&key).copied()));
        restored.collect()
    }

    /// The next cutoff that is full, or whose delta names the key.
    fn next_bound(&self, key: Key, cutoff: i64) -> Option<i64> {
        let deltas_bound = self.mistake != Some(Mistake::IgnoresDeltasAsBounds);
        let mut later = self.boundaries.range(cutoff + 1..);
        let bounds = |b: &Boundary| b.full || (deltas_bound && b.named.contains(&key));
        let next = later.find(|(_, boundary)| bounds(boundary));
        next.map(|(cutoff, _)| *cutoff)
    }

    fn keys(&self) -> BTreeSet<Key> {
        self.facts.facts().iter().map(|fact| fact.key).collect()
    }
}

/// Whether facts and statements agree at every cutoff, between, before and
/// after, for every system time so far.
fn agrees(history: &[Operation<Key, u32>], mistake: Option<Mistake>) -> bool {
    let mut statements = StatementOracle::new();
    let mut translator = Translator::new(mistake);
    let mut system = 0;
    let mut cutoffs = BTreeSet::new();
    for operation in history {
        cutoffs.insert(operation.cutoff());
        if statements.apply(system + 1, operation.clone()).is_ok() {
            system += 1;
            translator.apply(system, operation);
        }
    }
    let instants = cutoffs.iter().flat_map(|cutoff| [cutoff - 1, *cutoff]);
    let instants: Vec<i64> = instants.chain([i64::MAX]).collect();
    (0..=system).all(|known| {
        let same = |&valid: &i64| statements.state(valid, known) == translator.facts.state(valid, known);
        instants.iter().all(same)
    })
}

#[test]
fn every_one_key_history_of_four_operations_translates() {
    for history in one_key_histories(4) {
        assert!(agrees(&history, None), "{history:?}");
    }
}

#[test]
fn every_two_key_history_of_three_operations_translates() {
    for history in two_key_histories(3) {
        assert!(agrees(&history, None), "{history:?}");
    }
}

#[test]
fn random_histories_with_replacements_translate() {
    let shape = StatementShape { operations: 16, cutoffs: 5, keys: 3, values: 3 };
    for number in 0..1_000 {
        let history = statement_history(Seed::new(number), shape);
        assert!(agrees(&history, None), "seed {number}: {history:#?}");
    }
}

#[test]
fn the_facts_answer_every_row_of_the_truth_table() {
    for row in truth_table() {
        let mut translator = Translator::new(None);
        for (system, operation) in (1..).zip(row.before.iter().chain(&row.then)) {
            translator.apply(system, operation);
        }
        let at = |cutoff| translator.facts.state(cutoff, i64::MAX).get(&Key::FIRST).copied();
        assert_eq!(CUTOFFS.map(at), row.expected, "{}", row.says);
    }
}

/// A planted mistake shows in thousands of histories; `shortest` is the first.
fn check_caught(mistake: Mistake, shortest: &str) {
    let wrong = || one_key_histories(4).filter(|history| !agrees(history, Some(mistake)));
    let first = wrong().next().map(|history| format!("{history:?}"));
    assert_eq!(first.as_deref(), Some(shortest));
    assert!(wrong().count() > 1_000);
    let with_two_keys = two_key_histories(3).any(|history| !agrees(&history, Some(mistake)));
    assert!(with_two_keys);
}

#[test]
fn dropping_unchanged_delta_rows_is_caught() {
    let shortest = "[delta @20 { k1 retracted }, full @10 { k1=1 }]";
    check_caught(Mistake::DropsUnchangedDeltaRows, shortest);
}

#[test]
fn retracting_instead_of_withdrawing_is_caught() {
    let shortest = "[full @20 { }, full @10 { k1=1 }, withdraw @20]";
    check_caught(Mistake::RetractsInsteadOfWithdrawing, shortest);
}

#[test]
fn ignoring_deltas_as_bounds_is_caught() {
    let shortest = "[delta @20 { k1=2 }, full @10 { k1=1 }]";
    check_caught(Mistake::IgnoresDeltasAsBounds, shortest);
}
