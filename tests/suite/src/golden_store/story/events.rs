//! An events context: facts that end with the next, retractions, partitions and
//! offsets, many positions, rows that override each other within a put.

use std::sync::Arc;

use anyhow::{Context, Result};
use arrow_array::{ArrayRef, RecordBatch};
use calotype_storage::put::{OpenEnd, PutKind, PutOptions};
use calotype_storage::record::{Mode, Position};

use super::{Teller, because, day, definition};
use crate::replay::valid;
use crate::table::{batch, decimals, instants, ints, texts};

const CONTEXT: &str = "trades";

/// Trade, price, first day, day after the last, operation, partition, offset.
type Fact<'a> = (&'a str, i128, i64, Option<i64>, &'a str, Option<&'a str>, Option<i64>);

fn facts(facts: &[Fact<'_>], also: &[(&str, ArrayRef)]) -> RecordBatch {
    let mut columns = vec![
        ("trade", texts(facts.iter().map(|fact| fact.0))),
        ("price", decimals(10, 4, facts.iter().map(|fact| fact.1))),
        ("_valid_from", instants(facts.iter().map(|fact| day(fact.2)))),
        ("_valid_to", instants(facts.iter().map(|fact| fact.3.map(day)))),
        ("_op", texts(facts.iter().map(|fact| fact.4))),
        ("_partition", texts(facts.iter().map(|fact| fact.5))),
        ("_offset", ints(facts.iter().map(|fact| fact.6))),
    ];
    columns.extend(also.iter().map(|(name, values)| (*name, Arc::clone(values))));
    batch(&columns)
}

fn position(partition: &str, from: i64, to: i64) -> Position {
    Position { source: "exchange".to_owned(), partition: partition.to_owned(), epoch: 0, from, to }
}

const UNTIL_NEXT: PutKind = PutKind::Facts { valid_to: Some(OpenEnd::UntilNext) };
const OPEN: PutKind = PutKind::Facts { valid_to: Some(OpenEnd::Open) };

pub(super) fn tell(teller: &Teller) -> Result<()> {
    teller.create(CONTEXT, definition(Mode::Events, &["trade"]))?;
    let assert = "assert";
    let rows = facts(
        &[
            ("T1", 10_000, 0, None, assert, Some("0"), Some(0)),
            ("T3", 30_000, 2, None, assert, Some("1"), Some(0)),
            ("T1", 11_000, 4, None, assert, Some("0"), Some(1)),
            ("T2", 20_000, 1, Some(3), assert, Some("0"), Some(2)),
        ],
        &[],
    );
    let positions = vec![position("0", -1, 2), position("1", -1, 0)];
    let watermark = Some(valid(day(4)));
    let options = PutOptions { positions, watermark, ..PutOptions::default() };
    teller.put(CONTEXT, UNTIL_NEXT, &rows, options)?;
    let rows = facts(
        &[
            ("T1", 10_500, 1, Some(2), assert, Some("0"), Some(3)),
            ("T2", 0, 2, Some(3), "retract", Some("0"), Some(4)),
            ("T3", 31_000, 3, Some(6), assert, None, None),
            ("T3", 32_000, 5, Some(8), assert, Some("1"), Some(1)),
            ("T9", 1, 5, None, "retract", Some("lost"), Some(1)),
        ],
        &[],
    );
    let options =
        PutOptions { positions: vec![position("0", 2, 4), position("1", 0, 1)], ..PutOptions::default() };
    teller.put(CONTEXT, OPEN, &rows, options)?;
    let rows = facts(
        &[
            ("T1", 12_000, 3, None, assert, None, None),
            ("T3", 0, 7, None, "retract", None, None),
            ("T4", -1, 0, Some(12), assert, None, None),
        ],
        &[],
    );
    teller.put(CONTEXT, UNTIL_NEXT, &rows, because("from a letter, without positions")?)?;
    let many = (0..70).map(|partition| position(&partition.to_string(), 4, 5 + i64::from(partition)));
    let options =
        PutOptions { positions: many.collect(), watermark: Some(valid(day(8))), ..PutOptions::default() };
    teller.put(CONTEXT, OPEN, &rows.slice(0, 0), options)?;
    let context = teller.database.context(&super::name(CONTEXT)?)?;
    let newest = context.newest_system_time().context("entries")?;
    teller.materialise(CONTEXT, day(3), newest)?;
    let venue = [("venue", texts([Some("XETR"), None]))];
    let rows = facts(
        &[
            ("T1", 13_000, 6, Some(9), assert, Some("0"), Some(6)),
            ("T4", 0, 4, Some(5), "retract", Some("1"), Some(7)),
        ],
        &venue,
    );
    let positions = vec![position("0", 5, 6), position("1", 6, 7)];
    teller.put(CONTEXT, OPEN, &rows, PutOptions { evolve: true, positions, ..PutOptions::default() })?;
    Ok(())
}
