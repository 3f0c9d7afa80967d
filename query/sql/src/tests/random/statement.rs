//! Statements by lot over a relation, with the rows that answer them.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use calotype_oracle::Seed;

use super::aggregate::Aggregate;
use super::predicate::{Predicate, any, pick};
use super::relation::Relation;
use super::value::{Row, Value};

/// A statement over one relation.
pub(super) struct Statement {
    pub(super) relation: Relation,
    select: String,
    pub(super) predicate: Option<Predicate>,
    tail: String,
    pub(super) expected: Vec<Row>,
    /// Whether the order of rows is asked for, and total.
    pub(super) ordered: bool,
}

impl Statement {
    /// A statement by lot.
    pub(super) fn random(seed: &mut Seed, relation: Relation) -> Self {
        let columns = &relation.columns;
        let predicate = seed.percent(75).then(|| Predicate::random(seed, columns, &relation.rows, 2));
        let passes = |row: &&Row| predicate.as_ref().is_none_or(|p| p.holds(row) == Some(true));
        let kept: Vec<&Row> = relation.rows.iter().filter(passes).collect();
        let places: Vec<usize> = (0..columns.len()).collect();
        let mut tail = String::new();
        let (mut outputs, mut rows): (Vec<String>, Vec<Row>);
        let mut distinct = "";
        if seed.percent(30) {
            let by: Vec<usize> = (0..seed.below(3)).map(|_| pick(seed, &places)).collect();
            let calls: Vec<Aggregate> =
                (0..=seed.below(3)).map(|_| Aggregate::random(seed, columns, true)).collect();
            outputs = by.iter().map(|place| columns[*place].name.clone()).collect();
            if !by.is_empty() {
                tail = format!(" GROUP BY {}", outputs.join(", "));
            }
            outputs.extend(calls.iter().map(|call| call.text(columns)));
            let mut groups: BTreeMap<Row, Vec<&Row>> = BTreeMap::new();
            if by.is_empty() {
                groups.insert(Vec::new(), Vec::new());
            }
            for row in kept {
                groups.entry(by.iter().map(|place| row[*place].clone()).collect()).or_default().push(row);
            }
            let answer = |(mut group, rows): (Row, Vec<&Row>)| {
                group.extend(calls.iter().map(|call| call.over(&rows)));
                group
            };
            rows = groups.into_iter().map(answer).collect();
        } else {
            let picked: Vec<usize> = (0..=seed.below(5)).map(|_| pick(seed, &places)).collect();
            outputs = picked.iter().map(|place| columns[*place].name.clone()).collect();
            rows = kept.iter().map(|row| picked.iter().map(|place| row[*place].clone()).collect()).collect();
            if seed.percent(15) {
                distinct = "DISTINCT ";
                rows = rows.into_iter().collect::<BTreeSet<Row>>().into_iter().collect();
            }
        }
        let ordered = seed.percent(50);
        if ordered {
            tail.push_str(&order(seed, outputs.len(), &mut rows));
        }
        let aliased = outputs.iter().enumerate().map(|(place, output)| format!("{output} AS c{place}"));
        let select = format!("SELECT {distinct}{}", aliased.collect::<Vec<_>>().join(", "));
        Self { relation, select, predicate, tail, expected: rows, ordered }
    }

    /// The statement with constants as `write` writes them.
    pub(super) fn text(&self, write: &mut dyn FnMut(&Value) -> String) -> String {
        let from = self.relation.text(write);
        self.text_from(&from, write)
    }

    /// The statement with literals.
    pub(super) fn plain(&self) -> String {
        self.text_from(&self.relation.plain(), &mut Value::literal)
    }

    /// The statement over another text of its relation.
    pub(super) fn text_from(&self, from: &str, write: &mut dyn FnMut(&Value) -> String) -> String {
        let filter =
            self.predicate.as_ref().map(|p| format!(" WHERE {}", p.text(&self.relation.columns, write)));
        format!("{} FROM {from}{}{}", self.select, filter.unwrap_or_default(), self.tail)
    }
}

/// Asks for rows in a total order, and at times for some of them alone.
fn order(seed: &mut Seed, outputs: usize, rows: &mut Vec<Row>) -> String {
    let mut places: Vec<usize> = (0..outputs).collect();
    for place in 0..outputs {
        places.swap(place, any(seed, outputs));
    }
    let keys: Vec<(usize, bool, bool)> =
        places.into_iter().map(|place| (place, seed.percent(50), seed.percent(50))).collect();
    let compare = |a: &Row, b: &Row| {
        let mut order = Ordering::Equal;
        for (place, descending, nulls_first) in &keys {
            let (a, b) = (&a[*place], &b[*place]);
            let (first, last) = if *nulls_first {
                (Ordering::Less, Ordering::Greater)
            } else {
                (Ordering::Greater, Ordering::Less)
            };
            let by = match (a == &Value::Null, b == &Value::Null) {
                (true, true) => Ordering::Equal,
                (true, false) => first,
                (false, true) => last,
                (false, false) if *descending => b.cmp(a),
                (false, false) => a.cmp(b),
            };
            order = order.then(by);
        }
        order
    };
    rows.sort_by(compare);
    let keys = keys.iter().map(|(place, descending, nulls_first)| {
        let direction = if *descending { "DESC" } else { "ASC" };
        format!("c{place} {direction} NULLS {}", if *nulls_first { "FIRST" } else { "LAST" })
    });
    let mut text = format!(" ORDER BY {}", keys.collect::<Vec<_>>().join(", "));
    if seed.percent(40) {
        let (limit, offset) = (any(seed, 6), any(seed, 4));
        text.push_str(&format!(" LIMIT {limit}"));
        if offset > 0 {
            text.push_str(&format!(" OFFSET {offset}"));
        }
        *rows = rows.iter().skip(offset).take(limit).cloned().collect();
    }
    text
}
