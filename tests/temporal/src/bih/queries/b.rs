//! Class B: one question, the other parts offered by the suppliers of a part, under every combination of what either
//! axis may be asked.

use std::collections::BTreeMap;

use anyhow::Result;
use calotype_client::{SystemTime, ValidTime};

use super::{Expected, Instants, Question, fill, system, valid};
use crate::bih::cell::{Cells, Cents};
use crate::bih::day::LAST;
use crate::bih::oracle::{Oracle, Piece, Point};
use crate::bih::tables::PartSupp;

const PART: i64 = 55;

/// How an axis takes part.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode<T> {
    /// Both offers hold at an instant.
    At(T),
    /// Both hold at some same time.
    Correlated,
    /// Either may hold at any time.
    Ignored,
}

pub(super) fn questions(oracle: &Oracle, instants: Instants) -> Result<Vec<Question>> {
    use Mode::{At, Correlated, Ignored};
    let Instants { past, mid, now, .. } = instants;
    let (then, known, known_past) = (At(mid.valid), At(now.known), At(past.known));
    let cases = [
        ("B3.1", then, known),
        ("B3.2", then, known_past),
        ("B3.3", Correlated, known),
        ("B3.4", then, Correlated),
        ("B3.5", Correlated, Correlated),
        ("B3.6", Ignored, known),
        ("B3.7", Ignored, known_past),
        ("B3.8", Ignored, Correlated),
        ("B3.9", then, Ignored),
        ("B3.10", Correlated, Ignored),
        ("B3.11", Ignored, Ignored),
    ];
    let part = PART.to_string();
    let text = include_str!("b/b3.sql");
    let places = [("partsupp", "partsupp"), ("correlated", ""), ("part", &part)];
    // Nothing said about time: everything is over by now, so now is the day after the last.
    let newest = Point { valid: LAST.plus(1).valid().max(latest(oracle)), known: now.known };
    let at = offers(oracle, At(newest.valid), At(newest.known));
    let expected = Expected::Rows(counted(&at, |_, _| true));
    let mut questions = vec![Question { name: "B3".to_owned(), sql: fill(text, &places)?, expected }];
    for (name, valid_mode, system_mode) in cases {
        let valid_clause = match valid_mode {
            At(instant) => format!("AS OF {}", valid(instant)),
            Correlated | Ignored => "ALL".to_owned(),
        };
        let system_clause = match system_mode {
            At(instant) => format!("AS OF {}", system(instant)),
            Correlated | Ignored => "ALL".to_owned(),
        };
        let table = format!("partsupp FOR VALID_TIME {valid_clause} FOR SYSTEM_TIME {system_clause}");
        let mut correlated = String::new();
        for (axis, joins) in [("_valid", valid_mode == Correlated), ("_system", system_mode == Correlated)] {
            if joins {
                correlated.push_str(&overlap(axis));
            }
        }
        let places = [("partsupp", table.as_str()), ("correlated", &correlated), ("part", &part)];
        let expected = counted(&offers(oracle, valid_mode, system_mode), |p, q| {
            (valid_mode != Correlated || p.valid_overlap(q).is_some())
                && (system_mode != Correlated || p.system_overlaps(q))
        });
        let sql = fill(text, &places)?;
        questions.push(Question { name: name.to_owned(), sql, expected: Expected::Rows(expected) });
    }
    Ok(questions)
}

/// The last instant at which anything about offers begins or ends: price changes are announced ahead.
fn latest(oracle: &Oracle) -> ValidTime {
    let pieces = oracle.partsupp.rectangles();
    let instants = pieces.iter().map(|piece| piece.valid_to.unwrap_or(piece.valid_from));
    instants.max().unwrap_or(LAST.valid())
}

fn overlap(axis: &str) -> String {
    format!(
        " AND (p.{axis}_to IS NULL OR q.{axis}_from < p.{axis}_to) \
         AND (q.{axis}_to IS NULL OR p.{axis}_from < q.{axis}_to)"
    )
}

fn offers(oracle: &Oracle, valid: Mode<ValidTime>, known: Mode<SystemTime>) -> Vec<Piece<PartSupp>> {
    let mut offers = match known {
        Mode::At(known) => oracle.partsupp.pieces(known),
        Mode::Correlated | Mode::Ignored => oracle.partsupp.rectangles(),
    };
    if let Mode::At(valid) = valid {
        offers.retain(|offer| offer.holds(valid));
    }
    offers
}

/// How many pairs there are of an offer of the part and one of another part by the same supplier, by that part, and
/// what the other part costs in all of them.
fn counted(
    offers: &[Piece<PartSupp>],
    together: impl Fn(&Piece<PartSupp>, &Piece<PartSupp>) -> bool,
) -> Vec<Cells> {
    let mut pairs: BTreeMap<i64, (i64, Cents)> = BTreeMap::new();
    for p in offers.iter().filter(|p| p.row.partkey == PART) {
        for q in offers.iter().filter(|q| q.row.partkey != PART && q.row.suppkey == p.row.suppkey) {
            if together(p, q) {
                let (count, cost) = pairs.entry(q.row.partkey).or_default();
                *count += 1;
                cost.0 += q.row.supplycost.0;
            }
        }
    }
    pairs.into_iter().map(|(part, (count, cost))| vec![part.into(), count.into(), cost.into()]).collect()
}
