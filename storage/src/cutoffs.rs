//! The ledger of a context's cutoffs: at which of them something is said, whether
//! a full is among it, and what was withdrawn.
//!
//! A full says something about every key, a delta about its own; withdrawing takes
//! back all that was said at a cutoff, and sending it again starts afresh. All of
//! it is known from the log alone.

use std::collections::BTreeMap;

use crate::identity::Ordinal;
use crate::time::{SystemTime, ValidTime};

/// What an entry does at its cutoff.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deed {
    /// Says something about every key.
    Full,
    /// Says something about its own keys.
    Delta,
    /// Takes back all that was said.
    Withdraw,
}

/// What is said at a cutoff, as known at some system time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Said {
    /// Whether a full is among it.
    pub full: bool,
    /// The deltas that lie on top of the full, or are all there is.
    pub deltas: Vec<Ordinal>,
}

impl Said {
    fn is_something(&self) -> bool {
        self.full || !self.deltas.is_empty()
    }

    fn take(&mut self, ordinal: Ordinal, deed: Deed) {
        match deed {
            Deed::Full => *self = Self { full: true, deltas: Vec::new() },
            Deed::Delta => self.deltas.push(ordinal),
            Deed::Withdraw => *self = Self::default(),
        }
    }
}

#[derive(Clone, Debug, Default)]
struct Cutoff {
    deeds: Vec<(Ordinal, SystemTime, Deed)>,
    now: Said,
    revision: u32,
}

impl Cutoff {
    fn said(&self, known: SystemTime) -> Said {
        if self.deeds.last().is_some_and(|(_, system, _)| *system <= known) {
            return self.now.clone();
        }
        let mut said = Said::default();
        for (ordinal, _, deed) in self.deeds.iter().take_while(|(_, system, _)| *system <= known) {
            said.take(*ordinal, *deed);
        }
        said
    }
}

/// All cutoffs of a context.
#[derive(Clone, Debug, Default)]
pub struct Cutoffs {
    cutoffs: BTreeMap<ValidTime, Cutoff>,
}

impl Cutoffs {
    /// Takes the next deed of the log.
    pub fn apply(&mut self, cutoff: ValidTime, ordinal: Ordinal, system: SystemTime, deed: Deed) {
        let slot = self.cutoffs.entry(cutoff).or_default();
        slot.deeds.push((ordinal, system, deed));
        slot.now.take(ordinal, deed);
        slot.revision += u32::from(deed != Deed::Withdraw);
    }

    /// The revision of the newest snapshot of a cutoff, 0 before the first: it counts on across withdrawals.
    pub fn revision(&self, cutoff: ValidTime) -> u32 {
        self.cutoffs.get(&cutoff).map_or(0, |slot| slot.revision)
    }

    /// What is said at a cutoff now; `None` if nothing is, or no longer.
    pub fn said(&self, cutoff: ValidTime) -> Option<&Said> {
        self.cutoffs.get(&cutoff).map(|slot| &slot.now).filter(|said| said.is_something())
    }

    /// The first cutoff after another at which a full stands: it bounds what is said about every key.
    pub fn next_full(&self, after: ValidTime) -> Option<ValidTime> {
        let later = self.cutoffs.range(after.next()..);
        later.filter(|(at, slot)| **at > after && slot.now.full).map(|(at, _)| *at).next()
    }

    /// The deltas that stand between a cutoff and the next full after it, in the order of their
    /// cutoffs: each bounds what is said about its own keys.
    pub fn deltas_until_next_full(&self, after: ValidTime) -> Vec<(ValidTime, Ordinal)> {
        let later = self.cutoffs.range(after.next()..).filter(|(at, _)| **at > after);
        later
            .take_while(|(_, slot)| !slot.now.full)
            .flat_map(|(at, slot)| slot.now.deltas.iter().map(|ordinal| (*at, *ordinal)))
            .collect()
    }

    /// The greatest cutoff at or before a valid time at which something is said, as known then.
    pub fn newest_at(&self, valid: ValidTime, known: SystemTime) -> Option<(ValidTime, Said)> {
        let earlier = self.cutoffs.range(..=valid).rev();
        earlier.map(|(at, slot)| (*at, slot.said(known))).find(|(_, said)| said.is_something())
    }

    /// The newest entry that said something at a cutoff, as known then.
    pub fn newest_sealed(&self, cutoff: ValidTime, known: SystemTime) -> Option<Ordinal> {
        let deeds = self.cutoffs.get(&cutoff)?.deeds.iter().rev();
        deeds.filter(|(_, system, deed)| *system <= known && *deed != Deed::Withdraw).map(|(o, ..)| *o).next()
    }

    /// Whether a full stands at some cutoff at or before a valid time, as known then.
    pub fn has_full_at(&self, valid: ValidTime, known: SystemTime) -> bool {
        self.cutoffs.range(..=valid).rev().any(|(_, slot)| slot.said(known).full)
    }

    /// The greatest cutoff at which something is said now.
    pub fn newest(&self) -> Option<ValidTime> {
        self.cutoffs.iter().rev().find(|(_, slot)| slot.now.is_something()).map(|(at, _)| *at)
    }

    /// Every cutoff ever used, with the entries that spoke at it or withdrew it.
    pub fn iter(&self) -> impl Iterator<Item = (ValidTime, impl Iterator<Item = (Ordinal, Deed)>)> {
        self.cutoffs
            .iter()
            .map(|(at, slot)| (*at, slot.deeds.iter().map(|(ordinal, _, deed)| (*ordinal, *deed))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(micros: i64) -> ValidTime {
        ValidTime::from_micros(micros).unwrap()
    }

    fn known(micros: i64) -> SystemTime {
        SystemTime::from_micros(micros).unwrap()
    }

    fn ledger(deeds: &[(i64, Deed)]) -> Cutoffs {
        let mut cutoffs = Cutoffs::default();
        for (place, (cutoff, deed)) in (0..).zip(deeds) {
            cutoffs.apply(at(*cutoff), Ordinal::new(place), known(i64::from(place)), *deed);
        }
        cutoffs
    }

    #[test]
    fn fulls_bound_every_key_and_deltas_their_own() {
        let cutoffs = ledger(&[(10, Deed::Full), (20, Deed::Delta), (30, Deed::Full), (25, Deed::Delta)]);
        assert_eq!(cutoffs.next_full(at(10)), Some(at(30)));
        assert_eq!(cutoffs.next_full(at(30)), None);
        let deltas = cutoffs.deltas_until_next_full(at(10));
        assert_eq!(deltas, [(at(20), Ordinal::new(1)), (at(25), Ordinal::new(3))]);
    }

    #[test]
    fn a_withdrawn_cutoff_bounds_nothing_and_starts_afresh() {
        let cutoffs = ledger(&[(10, Deed::Full), (20, Deed::Full), (20, Deed::Withdraw), (20, Deed::Delta)]);
        assert_eq!(cutoffs.next_full(at(10)), None);
        assert_eq!(cutoffs.deltas_until_next_full(at(10)), [(at(20), Ordinal::new(3))]);
        assert_eq!(cutoffs.revision(at(20)), 2);
        assert_eq!(cutoffs.newest_at(at(99), known(2)), Some((at(10), Said { full: true, deltas: vec![] })));
        assert_eq!(cutoffs.newest_at(at(99), known(1)), Some((at(20), Said { full: true, deltas: vec![] })));
        assert_eq!(cutoffs.newest_at(at(9), known(9)), None);
        assert!(!ledger(&[(20, Deed::Delta), (20, Deed::Withdraw)]).has_full_at(at(30), known(9)));
    }
}
