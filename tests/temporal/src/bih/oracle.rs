//! The naive evaluator: for each key a list of facts, of which the last one known that covers an instant wins.
//!
//! It shares no code with the engine and nothing with the generator but the list of facts.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use calotype_client::{SystemTime, ValidTime};

use super::fact::{Fact, Facts};
use super::tables::{Customer, Key, LineItem, Nation, Orders, Part, PartSupp, Region, Row, Supplier};

/// Where a question stands on both axes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Point {
    /// The instant asked about.
    pub valid: ValidTime,
    /// The knowledge it is answered from, inclusive.
    pub known: SystemTime,
}

/// The facts of one table, by key.
#[derive(Debug)]
pub struct Known<R> {
    by_key: BTreeMap<Key, Vec<Fact<R>>>,
}

/// A part of the period of one asserted fact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece<R> {
    /// The row.
    pub row: Arc<R>,
    /// The first instant at which it holds.
    pub valid_from: ValidTime,
    /// The first instant at which it no longer does; `None`: open.
    pub valid_to: Option<ValidTime>,
    /// When the fact became known.
    pub system_from: SystemTime,
    /// When a later one took its place; `None`: not within what was asked about.
    pub system_to: Option<SystemTime>,
}

/// Every table.
#[derive(Debug)]
#[expect(missing_docs, reason = "each field is a table of that name")]
pub struct Oracle {
    pub region: Known<Region>,
    pub nation: Known<Nation>,
    pub supplier: Known<Supplier>,
    pub part: Known<Part>,
    pub partsupp: Known<PartSupp>,
    pub customer: Known<Customer>,
    pub orders: Known<Orders>,
    pub lineitem: Known<LineItem>,
}

impl Oracle {
    /// What the facts of a history say.
    pub fn new(facts: &Facts) -> Self {
        Self {
            region: Known::new(&facts.region),
            nation: Known::new(&facts.nation),
            supplier: Known::new(&facts.supplier),
            part: Known::new(&facts.part),
            partsupp: Known::new(&facts.partsupp),
            customer: Known::new(&facts.customer),
            orders: Known::new(&facts.orders),
            lineitem: Known::new(&facts.lineitem),
        }
    }
}

impl<R: Row> Known<R> {
    /// What facts in their order say.
    pub fn new(facts: &[Fact<R>]) -> Self {
        let mut by_key: BTreeMap<Key, Vec<Fact<R>>> = BTreeMap::new();
        for fact in facts {
            by_key.entry(fact.row.key()).or_default().push(fact.clone());
        }
        Self { by_key }
    }

    /// The state at a point, by key.
    pub fn at(&self, point: Point) -> Vec<&R> {
        let winner = |facts: &'_ [Fact<R>]| {
            facts.iter().rposition(|fact| fact.known <= point.known && fact.holds(point.valid))
        };
        let asserted = |facts: &'_ Vec<Fact<R>>| winner(facts).filter(|&at| !facts[at].retracts);
        self.by_key.values().filter_map(|facts| asserted(facts).map(|at| &*facts[at].row)).collect()
    }

    /// `FOR VALID_TIME ALL`, as known at a system time.
    pub fn pieces(&self, known: SystemTime) -> Vec<Piece<R>> {
        self.by_key.values().flat_map(|facts| pieces(facts, known)).collect()
    }

    /// `FOR VALID_TIME ALL FOR SYSTEM_TIME ALL`.
    pub fn rectangles(&self) -> Vec<Piece<R>> {
        self.by_key.values().flat_map(|facts| rectangles(facts, None)).collect()
    }

    /// `FOR VALID_TIME ALL FOR SYSTEM_TIME FROM from TO to`.
    pub fn rectangles_within(&self, from: SystemTime, to: SystemTime) -> Vec<Piece<R>> {
        let all = self.by_key.values().flat_map(|facts| rectangles(facts, Some(to)));
        all.filter(|piece| piece.system_to.is_none_or(|end| from < end)).collect()
    }

    /// The key about which most was said, the least of them.
    pub fn busiest(&self) -> Option<Key> {
        let most = self.by_key.values().map(Vec::len).max()?;
        self.by_key.iter().find(|(_, facts)| facts.len() == most).map(|(key, _)| *key)
    }
}

impl<R> Fact<R> {
    fn holds(&self, valid: ValidTime) -> bool {
        self.from.valid() <= valid && self.to.is_none_or(|to| valid < to.valid())
    }
}

impl<R> Piece<R> {
    /// Whether an instant of valid time lies in it.
    pub fn holds(&self, valid: ValidTime) -> bool {
        self.valid_from <= valid && self.valid_to.is_none_or(|to| valid < to)
    }

    /// Whether a system time lies in it.
    pub fn is_known(&self, known: SystemTime) -> bool {
        self.system_from <= known && self.system_to.is_none_or(|to| known < to)
    }

    /// Whether it reaches into a period of valid time.
    pub fn reaches(&self, from: ValidTime, to: ValidTime) -> bool {
        self.valid_from < to && self.valid_to.is_none_or(|end| from < end)
    }

    /// The valid time that it shares with another one.
    pub fn valid_overlap<O>(&self, other: &Piece<O>) -> Option<(ValidTime, Option<ValidTime>)> {
        let from = self.valid_from.max(other.valid_from);
        let to = earlier(self.valid_to, other.valid_to);
        to.is_none_or(|to| from < to).then_some((from, to))
    }

    /// Whether it was known at some time together with another one.
    pub fn system_overlaps<O>(&self, other: &Piece<O>) -> bool {
        let from = self.system_from.max(other.system_from);
        earlier(self.system_to, other.system_to).is_none_or(|to| from < to)
    }
}

/// The earlier of two ends, of which either may be open.
fn earlier<T: Ord>(left: Option<T>, right: Option<T>) -> Option<T> {
    match (left, right) {
        (Some(left), Some(right)) => Some(left.min(right)),
        (left, right) => left.or(right),
    }
}

/// The instants at which something about a key may change, and the next one of each.
fn cuts<R>(facts: &[Fact<R>]) -> Vec<(ValidTime, Option<ValidTime>)> {
    let begins = facts.iter().map(|fact| fact.from.valid());
    let ends = facts.iter().filter_map(|fact| fact.to).map(super::day::Day::valid);
    let cuts: BTreeSet<ValidTime> = begins.chain(ends).collect();
    let next = cuts.iter().copied().skip(1).map(Some).chain([None]);
    cuts.iter().copied().zip(next).collect()
}

fn pieces<R: Row>(facts: &[Fact<R>], known: SystemTime) -> Vec<Piece<R>> {
    let mut found: Vec<(usize, Piece<R>)> = Vec::new();
    for (from, to) in cuts(facts) {
        let Some(winner) = facts.iter().rposition(|fact| fact.known <= known && fact.holds(from)) else {
            continue;
        };
        match found.last_mut() {
            Some((last, piece)) if *last == winner && piece.valid_to == Some(from) => piece.valid_to = to,
            _ => found.push((winner, facts[winner].piece(from, to, None))),
        }
    }
    found.into_iter().filter(|(winner, _)| !facts[*winner].retracts).map(|(_, piece)| piece).collect()
}

/// Each assertion's period, cut where the first later fact that covers it changes, of those known before `end`.
fn rectangles<R: Row>(facts: &[Fact<R>], end: Option<SystemTime>) -> Vec<Piece<R>> {
    let within = |fact: &Fact<R>| end.is_none_or(|end| fact.known < end);
    let mut found: Vec<Piece<R>> = Vec::new();
    for (at, fact) in facts.iter().enumerate().filter(|(_, fact)| within(fact) && !fact.retracts) {
        let first = found.len();
        for (from, to) in cuts(facts).into_iter().filter(|(from, _)| fact.holds(*from)) {
            let later = facts[at + 1..].iter().find(|later| within(later) && later.holds(from));
            let system_to = later.map(|later| later.known);
            match found[first..].last_mut() {
                Some(last) if last.system_to == system_to && last.valid_to == Some(from) => {
                    last.valid_to = to;
                }
                _ => found.push(fact.piece(from, to, system_to)),
            }
        }
    }
    // What a later fact of the same scenario covers was never known.
    found.retain(|piece| piece.system_to != Some(piece.system_from));
    found
}

impl<R> Fact<R> {
    fn piece(&self, from: ValidTime, to: Option<ValidTime>, system_to: Option<SystemTime>) -> Piece<R> {
        let (row, system_from) = (Arc::clone(&self.row), self.known);
        Piece { row, valid_from: from, valid_to: to, system_from, system_to }
    }
}

#[cfg(test)]
mod tests;
