//! The rule of statements without a store: an engine in memory, made of nothing but
//! the pure parts of storage. Small enough to run every small history through it.

use std::collections::{BTreeMap, BTreeSet};

use calotype_oracle::{Key, Operation};
use calotype_storage::cutoffs::{Cutoffs, Deed};
use calotype_storage::identity::Ordinal;
use calotype_storage::manifest::OPEN;
use calotype_storage::pieces::{Timeline, piece_at};
use calotype_storage::statement::{Known, Op, Winner, bound, of_full, of_withdrawal};
use calotype_storage::{SystemTime, ValidTime};

use crate::replay::valid;

/// One fact of a key.
#[derive(Clone, Copy, Debug)]
struct Fact {
    entry: Ordinal,
    system: i64,
    from: i64,
    to: i64,
    value: Option<u32>,
}

/// A `state` context in memory.
#[derive(Clone, Debug, Default)]
pub struct PureEngine {
    cutoffs: Cutoffs,
    facts: BTreeMap<Key, Vec<Fact>>,
    /// The keys that each entry names, by its ordinal.
    named: Vec<BTreeSet<Key>>,
}

impl PureEngine {
    /// Commits an operation at a system time. The answer is whether it was taken: a withdrawal of
    /// what is not known is not.
    ///
    /// # Panics
    /// On more than 2³² operations.
    pub fn apply(&mut self, system: i64, operation: &Operation<Key, u32>) -> bool {
        let cutoff = valid(operation.cutoff());
        let (written, deeds, named): (Vec<(Key, Option<u32>)>, &[Deed], _) = match operation {
            Operation::Full { rows, .. } => (self.full(cutoff, rows), &[Deed::Full], None),
            Operation::ReplaceFull { rows, .. } => {
                let written = self.full(cutoff, rows);
                (written, &[Deed::Withdraw, Deed::Full], None)
            }
            Operation::Delta { rows, .. } => {
                let written = rows.iter().map(|(key, value)| (*key, *value)).collect();
                (written, &[Deed::Delta], Some(rows))
            }
            Operation::ReplaceDelta { rows, .. } => {
                let mut written = self.withdrawal(cutoff).unwrap_or_default();
                written.retain(|(key, _)| !rows.contains_key(key));
                written.extend(rows.iter().map(|(key, value)| (*key, *value)));
                (written, &[Deed::Withdraw, Deed::Delta], Some(rows))
            }
            Operation::Withdraw { .. } => match self.withdrawal(cutoff) {
                Some(written) => (written, &[Deed::Withdraw], None),
                None => return false,
            },
        };
        let entry = Ordinal::new(u32::try_from(self.named.len()).expect("few operations"));
        for (key, value) in written {
            let (from, to) = (cutoff.micros(), self.end(cutoff, key));
            self.facts.entry(key).or_default().push(Fact { entry, system, from, to, value });
        }
        let known = SystemTime::from_micros(system).expect("an ordinary instant");
        for deed in deeds {
            self.cutoffs.apply(cutoff, entry, known, *deed);
        }
        let named = named.map_or_else(BTreeSet::new, |rows| rows.keys().copied().collect());
        self.named.push(named);
        true
    }

    /// What a full writes: what differs from the state known.
    fn full(&self, cutoff: ValidTime, rows: &BTreeMap<Key, u32>) -> Vec<(Key, Option<u32>)> {
        let keys: BTreeSet<&Key> = self.facts.keys().chain(rows.keys()).collect();
        let written = keys.into_iter().filter_map(|key| {
            let stated = rows.get(key).copied();
            let known = match self.value(*key, cutoff.micros(), i64::MAX) {
                None => Known::Absent,
                same if same == stated => Known::Same,
                Some(_) => Known::Other,
            };
            let op = of_full(stated.is_some(), known)?;
            Some((*key, stated.filter(|_| op == Op::Assert)))
        });
        written.collect()
    }

    /// What a withdrawal writes; `None` if nothing is said at the cutoff.
    fn withdrawal(&self, cutoff: ValidTime) -> Option<Vec<(Key, Option<u32>)>> {
        let said = self.cutoffs.said(cutoff)?;
        let named = said.deltas.iter().flat_map(|delta| &self.named[delta.get() as usize]);
        let keys: BTreeSet<&Key> = if said.full { self.facts.keys().collect() } else { named.collect() };
        let written = keys.into_iter().filter_map(|key| {
            let (at, before) = (cutoff.micros(), cutoff.micros() - 1);
            let winner = |valid| self.winner(*key, valid, i64::MAX).map(identify);
            let op = of_withdrawal(winner(at), winner(before))?;
            let value = self.value(*key, before, i64::MAX);
            Some((*key, value.filter(|_| op == Op::Assert)))
        });
        Some(written.collect())
    }

    /// Where a statement about a key ends.
    fn end(&self, cutoff: ValidTime, key: Key) -> i64 {
        let deltas = self.cutoffs.deltas_until_next_full(cutoff).into_iter();
        let mut named = deltas.filter(|(_, delta)| self.named[delta.get() as usize].contains(&key));
        let named = named.next().map(|(at, _)| at);
        bound(self.cutoffs.next_full(cutoff), named).map_or(OPEN, ValidTime::micros)
    }

    fn known(&self, key: Key, system: i64) -> &[Fact] {
        let facts = self.facts.get(&key).map_or(&[][..], Vec::as_slice);
        &facts[..facts.partition_point(|fact| fact.system <= system)]
    }

    fn winner(&self, key: Key, valid: i64, system: i64) -> Option<&Fact> {
        let facts = self.known(key, system);
        let piece = piece_at(facts.iter().map(|fact| (fact.from, fact.to)), valid)?;
        Some(&facts[piece.fact])
    }

    fn value(&self, key: Key, valid: i64, system: i64) -> Option<u32> {
        self.winner(key, valid, system)?.value
    }

    /// The state at a point, from the piece at it.
    pub fn state(&self, valid: i64, system: i64) -> BTreeMap<Key, u32> {
        let present = |key: &Key| Some((*key, self.value(*key, valid, system)?));
        self.facts.keys().filter_map(present).collect()
    }

    /// The state at a point, from all pieces of the key's time line.
    pub fn state_by_timeline(&self, valid: i64, system: i64) -> BTreeMap<Key, u32> {
        let present = |key: &Key| {
            let facts = self.known(*key, system);
            let mut timeline = Timeline::default();
            for (place, fact) in facts.iter().enumerate() {
                timeline.lay(place, fact.from, fact.to);
            }
            let pieces = timeline.pieces();
            let piece = pieces.iter().find(|p| p.from <= valid && valid < p.to)?;
            Some((*key, facts[piece.fact].value?))
        };
        self.facts.keys().filter_map(present).collect()
    }
}

fn identify(fact: &Fact) -> Winner {
    let op = if fact.value.is_some() { Op::Assert } else { Op::Retract };
    Winner { entry: fact.entry, valid_from: fact.from, op }
}
