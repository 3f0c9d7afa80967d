//! Class R: ranges, and the algebra of periods.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use calotype_client::{SystemTime, ValidTime};

use super::{Expected, Instants, Question, fill, system, valid};
use crate::bih::cell::{Cell, Cells, Cents};
use crate::bih::oracle::{Oracle, Piece};
use crate::bih::tables::{LineItem, Row};

const DAY_MICROS: i64 = 86_400_000_000;
/// The balance of R1, R5 and R6.
const LIMIT: Cents = Cents(500_000);
/// What R5 and R6 call a large order.
const LARGE: Cents = Cents(15_000_000);
/// How many offers R4 answers.
const LEAST: usize = 10;

pub(super) fn questions(oracle: &Oracle, instants: Instants) -> Result<Vec<Question>> {
    let (from, to) = (instants.past.valid, instants.now.valid);
    let mut questions = Vec::new();
    for (when, known) in [("", instants.now.known), (" past", instants.mid.known)] {
        let (s, a1, a2) = (system(known), valid(from), valid(to));
        let mut ask = |id: &str, text: &str, expected| -> Result<()> {
            let sql = fill(text, &[("s", &s), ("a1", &a1), ("a2", &a2)])?;
            questions.push(Question { name: format!("{id}{when}"), sql, expected });
            Ok(())
        };
        ask("R1", include_str!("r/r1.sql"), Expected::Rows(passed_limit(oracle, known, from, to)))?;
        ask("R2", include_str!("r/r2.sql"), Expected::Rows(durations(oracle, known)))?;
        let items = on_their_way(oracle, known);
        let within = |step: &&Step| from <= step.from && step.from < to;
        let counts = joined(&items, |step| vec![step.count.into()]);
        let counts = counts.iter().map(|(step, _)| step).filter(within);
        let greatest = counts.min_by_key(|step| (Reverse(step.count), step.from));
        let greatest = greatest.map(|step| vec![step.count.into(), step.from.into()]).into_iter().collect();
        ask("R3a", include_str!("r/r3a.sql"), Expected::Ordered(greatest))?;
        let both = joined(&items, |step| vec![step.count.into(), step.total.into()]);
        let rows =
            both.iter().filter(|(step, _)| within(&step)).map(|(step, end)| step.cells(*end)).collect();
        ask("R3b", include_str!("r/r3b.sql"), Expected::Ordered(rows))?;
        ask("R4", include_str!("r/r4.sql"), Expected::Ordered(least_spread(oracle, known, from, to)))?;
        let poor = poor_with_large_orders(oracle, known);
        ask("R5", include_str!("r/r5.sql"), Expected::Rows(vec![summed(&poor)]))?;
        let rows = joined(&steps(&poor), |step| vec![step.count.into(), step.total.into()]);
        let rows = rows.iter().map(|(step, end)| step.cells(*end)).collect();
        ask("R6", include_str!("r/r6.sql"), Expected::Ordered(rows))?;
        ask("R7", include_str!("r/r7.sql"), Expected::Rows(raised(oracle, known)))?;
    }
    Ok(questions)
}

fn passed_limit(oracle: &Oracle, known: SystemTime, from: ValidTime, to: ValidTime) -> Vec<Cells> {
    let pieces = oracle.customer.pieces(known);
    let mut passed = BTreeSet::new();
    for (p, q) in neighbours(&pieces) {
        if p.row.acctbal < LIMIT && LIMIT <= q.row.acctbal && from <= q.valid_from && q.valid_from < to {
            passed.insert(q.row.custkey);
        }
    }
    passed.into_iter().map(|key| vec![key.into()]).collect()
}

/// Pieces of one key of which the second begins where the first ends. Pieces of a key lie side by side, in order.
fn neighbours<R: Row>(pieces: &[Piece<R>]) -> impl Iterator<Item = (&Piece<R>, &Piece<R>)> {
    let pairs = pieces.iter().zip(pieces.iter().skip(1));
    pairs.filter(|(p, q)| p.row.key() == q.row.key() && p.valid_to == Some(q.valid_from))
}

fn durations(oracle: &Oracle, known: SystemTime) -> Vec<Cells> {
    let mut by_mode: BTreeMap<_, Vec<i64>> = BTreeMap::new();
    for piece in oracle.lineitem.pieces(known) {
        if let (Some(to), "F") = (piece.valid_to, &*piece.row.linestatus) {
            let days = (to.micros() - piece.valid_from.micros()) / DAY_MICROS;
            by_mode.entry(piece.row.shipmode.clone()).or_default().push(days);
        }
    }
    let row = |(mode, days): (_, Vec<i64>)| {
        let longest = days.iter().max().copied();
        vec![Cell::Text(mode), days.len().into(), days.iter().sum::<i64>().into(), longest.into()]
    };
    by_mode.into_iter().map(row).collect()
}

/// A period with an amount.
#[derive(Clone, Debug)]
struct Span {
    from: ValidTime,
    to: Option<ValidTime>,
    amount: Cents,
}

/// What holds from an instant up to the next one.
#[derive(Clone, Debug)]
struct Step {
    from: ValidTime,
    to: Option<ValidTime>,
    count: i64,
    total: Cents,
}

impl Step {
    fn cells(&self, end: Option<ValidTime>) -> Cells {
        vec![self.count.into(), self.total.into(), self.from.into(), end.into()]
    }
}

fn on_their_way(oracle: &Oracle, known: SystemTime) -> Vec<Step> {
    let span = |piece: Piece<LineItem>| Span {
        from: piece.valid_from,
        to: piece.valid_to,
        amount: piece.row.extendedprice,
    };
    steps(&oracle.lineitem.pieces(known).into_iter().map(span).collect::<Vec<_>>())
}

/// Number and sum over time. A sweep: a period counts from where it begins to where it ends.
fn steps(spans: &[Span]) -> Vec<Step> {
    let mut changes: BTreeMap<ValidTime, (i64, i64)> = BTreeMap::new();
    for Span { from, to, amount } in spans {
        let begin = changes.entry(*from).or_default();
        *begin = (begin.0 + 1, begin.1 + amount.0);
        if let Some(to) = to {
            let end = changes.entry(*to).or_default();
            *end = (end.0 - 1, end.1 - amount.0);
        }
    }
    let (mut count, mut total) = (0, 0);
    let ends: Vec<_> = changes.keys().skip(1).copied().map(Some).chain([None]).collect();
    let mut steps = Vec::new();
    for ((from, (more, sum)), to) in changes.into_iter().zip(ends) {
        count += more;
        total += sum;
        if count > 0 {
            steps.push(Step { from, to, count, total: Cents(total) });
        }
    }
    steps
}

/// Steps that say the same joined with those that they touch, each with its end.
fn joined(steps: &[Step], said: impl Fn(&Step) -> Cells) -> Vec<(Step, Option<ValidTime>)> {
    let mut joined: Vec<(Step, Option<ValidTime>)> = Vec::new();
    for step in steps {
        match joined.last_mut() {
            Some((last, end)) if *end == Some(step.from) && said(last) == said(step) => *end = step.to,
            _ => joined.push((step.clone(), step.to)),
        }
    }
    joined
}

fn least_spread(oracle: &Oracle, known: SystemTime, from: ValidTime, to: ValidTime) -> Vec<Cells> {
    let mut stocks: BTreeMap<_, Vec<i64>> = BTreeMap::new();
    for piece in oracle.partsupp.pieces(known).iter().filter(|piece| piece.reaches(from, to)) {
        stocks.entry(piece.row.key()).or_default().push(piece.row.availqty);
    }
    let spread = |stocks: &[i64]| Some(stocks.iter().max()? - stocks.iter().min()?);
    let changed = stocks.into_iter().filter(|(_, stocks)| stocks.len() > 1);
    let mut found: Vec<_> =
        changed.map(|((part, supplier), stocks)| (spread(&stocks), part, supplier)).collect();
    found.sort_unstable();
    let row =
        |(spread, part, supplier): (Option<i64>, i64, i64)| vec![part.into(), supplier.into(), spread.into()];
    found.into_iter().take(LEAST).map(row).collect()
}

fn poor_with_large_orders(oracle: &Oracle, known: SystemTime) -> Vec<Span> {
    let poor: Vec<_> =
        oracle.customer.pieces(known).into_iter().filter(|piece| piece.row.acctbal < LIMIT).collect();
    let mut spans = Vec::new();
    for order in oracle.orders.pieces(known).iter().filter(|piece| piece.row.totalprice > LARGE) {
        for customer in poor.iter().filter(|piece| piece.row.custkey == order.row.custkey) {
            if let Some((from, to)) = customer.valid_overlap(order) {
                spans.push(Span { from, to, amount: order.row.totalprice });
            }
        }
    }
    spans
}

fn summed(spans: &[Span]) -> Cells {
    let total = Cents(spans.iter().map(|span| span.amount.0).sum());
    let ended = spans.iter().filter(|span| span.to.is_some()).count();
    vec![spans.len().into(), if spans.is_empty() { Cell::Null } else { total.into() }, ended.into()]
}

fn raised(oracle: &Oracle, known: SystemTime) -> Vec<Cells> {
    let pieces = oracle.partsupp.pieces(known);
    let raised = neighbours(&pieces).filter(|(p, q)| q.row.supplycost.0 * 1000 > p.row.supplycost.0 * 1075);
    let suppliers: BTreeSet<i64> = raised.map(|(p, _)| p.row.suppkey).collect();
    suppliers.into_iter().map(|supplier| vec![supplier.into()]).collect()
}
