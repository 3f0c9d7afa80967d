//! Class T: time travel over whole tables.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use anyhow::Result;

use super::{Expected, Instants, Question, fill, system, valid};
use crate::bih::cell::{Cell, Cells, Cents};
use crate::bih::oracle::{Oracle, Piece, Point};
use crate::bih::tables::{PartSupp, Row};

/// How many of the largest changes T4 answers.
const LARGEST: usize = 10;

pub(super) fn questions(oracle: &Oracle, instants: Instants) -> Result<Vec<Question>> {
    let mut questions = Vec::new();
    for (name, point) in points(instants) {
        let places = [("a", valid(point.valid)), ("s", system(point.known))];
        let places = places.each_ref().map(|(name, value)| (*name, value.as_str()));
        let mut ask = |id: &str, text: &str, rows: Vec<Cells>| -> Result<()> {
            let name = format!("{id} {name}");
            questions.push(Question { name, sql: fill(text, &places)?, expected: Expected::Rows(rows) });
            Ok(())
        };
        ask("T1", include_str!("t/t1.sql"), mean_cost(oracle, point))?;
        ask("T2", include_str!("t/t2.sql"), mean_price(oracle, point))?;
        ask("T6 valid", include_str!("t/t6_valid.sql"), valid_slice(oracle, point))?;
        ask("T6 system", include_str!("t/t6_system.sql"), system_slice(oracle, point))?;
        ask("T8", include_str!("t/t8.sql"), mean_price(oracle, point))?;
        ask("T9", include_str!("t/t9.sql"), valid_slice(oracle, point))?;
    }
    let Instants { init, past, mid, now } = instants;
    // What is known now, said and not said: T2 at `now` is the explicit one.
    for (name, instant) in [("past", past), ("mid", mid), ("now", now)] {
        let point = Point { valid: instant.valid, known: now.known };
        let rows = Expected::Rows(mean_price(oracle, point));
        let (a, s) = (valid(point.valid), system(point.known));
        let sql = fill(include_str!("t/t7_implicit.sql"), &[("a", &a)])?;
        questions.push(Question { name: format!("T7 implicit {name}"), sql, expected: rows.clone() });
        let sql = fill(include_str!("t/t2.sql"), &[("a", &a), ("s", &s)])?;
        questions.push(Question { name: format!("T7 explicit {name}"), sql, expected: rows });
    }
    let pairs = [
        ("valid", Point { valid: past.valid, known: now.known }, now),
        ("system", Point { valid: now.valid, known: past.known }, now),
        ("both", past, mid),
        ("version 0", init, now),
    ];
    for (name, one, other) in pairs {
        let (a1, s1) = (valid(one.valid), system(one.known));
        let (a2, s2) = (valid(other.valid), system(other.known));
        let places = [("a1", a1.as_str()), ("s1", &s1), ("a2", &a2), ("s2", &s2)];
        let changes = changes(oracle, one, other);
        let sql = fill(include_str!("t/t3.sql"), &places)?;
        let rows = changes.iter().map(Change::cells).collect();
        questions.push(Question { name: format!("T3 {name}"), sql, expected: Expected::Rows(rows) });
        let sql = fill(include_str!("t/t4.sql"), &places)?;
        let rows = Expected::Ordered(largest(&changes));
        questions.push(Question { name: format!("T4 {name}"), sql, expected: rows });
    }
    let rows = Expected::Rows(whole_history(oracle));
    questions.push(Question {
        name: "T5".to_owned(),
        sql: include_str!("t/t5.sql").to_owned(),
        expected: rows,
    });
    Ok(questions)
}

/// Valid time varies, system time varies, both vary.
fn points(Instants { init, past, mid, now }: Instants) -> Vec<(&'static str, Point)> {
    let point = |valid: Point, known: Point| Point { valid: valid.valid, known: known.known };
    vec![
        ("init", init),
        ("valid past", point(past, now)),
        ("valid mid", point(mid, now)),
        ("now", now),
        ("system past", point(now, past)),
        ("system mid", point(now, mid)),
        ("both past", past),
        ("both mid", mid),
    ]
}

fn mean_cost(oracle: &Oracle, point: Point) -> Vec<Cells> {
    let rows = oracle.partsupp.at(point);
    let sum = rows.iter().map(|row| row.supplycost.0).sum();
    vec![vec![Cell::average(sum, rows.len()), rows.len().into()]]
}

fn mean_price(oracle: &Oracle, point: Point) -> Vec<Cells> {
    let rows = oracle.orders.at(point);
    let sum = rows.iter().map(|row| row.totalprice.0).sum();
    vec![vec![Cell::average(sum, rows.len()), rows.len().into()]]
}

fn valid_slice(oracle: &Oracle, point: Point) -> Vec<Cells> {
    let pieces: Vec<_> =
        oracle.partsupp.rectangles().into_iter().filter(|piece| piece.holds(point.valid)).collect();
    let superseded = pieces.iter().filter(|piece| piece.system_to.is_some()).count();
    vec![vec![pieces.len().into(), total_cost(&pieces), superseded.into()]]
}

fn system_slice(oracle: &Oracle, point: Point) -> Vec<Cells> {
    let pieces = oracle.partsupp.pieces(point.known);
    let ended = pieces.iter().filter(|piece| piece.valid_to.is_some()).count();
    vec![vec![pieces.len().into(), total_cost(&pieces), ended.into()]]
}

/// A sum of SQL: null over no rows.
fn total_cost(pieces: &[Piece<PartSupp>]) -> Cell {
    let sum = pieces.iter().map(|piece| piece.row.supplycost.0).sum();
    if pieces.is_empty() { Cell::Null } else { Cents(sum).into() }
}

fn whole_history(oracle: &Oracle) -> Vec<Cells> {
    let pieces = oracle.orders.rectangles();
    vec![vec![
        pieces.len().into(),
        Cents(pieces.iter().map(|piece| piece.row.totalprice.0).sum()).into(),
        pieces.iter().filter(|piece| piece.valid_to.is_some()).count().into(),
        pieces.iter().filter(|piece| piece.system_to.is_some()).count().into(),
        pieces.iter().map(|piece| piece.system_from).min().into(),
        pieces.iter().map(|piece| piece.system_from).max().into(),
    ]]
}

/// An offer whose cost is another one at another point.
struct Change {
    partkey: i64,
    suppkey: i64,
    then: Cents,
    now: Cents,
}

impl Change {
    fn cells(&self) -> Cells {
        vec![self.partkey.into(), self.suppkey.into(), self.then.into(), self.now.into()]
    }
}

fn changes(oracle: &Oracle, one: Point, other: Point) -> Vec<Change> {
    let then: BTreeMap<_, _> = oracle.partsupp.at(one).into_iter().map(|row| (row.key(), row)).collect();
    let change = |now: &PartSupp| {
        let then = then.get(&now.key())?.supplycost;
        let (partkey, suppkey) = now.key();
        (then != now.supplycost).then_some(Change { partkey, suppkey, then, now: now.supplycost })
    };
    oracle.partsupp.at(other).into_iter().filter_map(change).collect()
}

fn largest(changes: &[Change]) -> Vec<Cells> {
    let size = |change: &Change| (change.now.0 - change.then.0).abs();
    let mut keyed: Vec<&Change> = changes.iter().collect();
    keyed.sort_by_key(|change| (Reverse(size(change)), change.partkey, change.suppkey));
    let row =
        |change: &Change| vec![change.partkey.into(), change.suppkey.into(), Cents(size(change)).into()];
    keyed.into_iter().take(LARGEST).map(row).collect()
}
