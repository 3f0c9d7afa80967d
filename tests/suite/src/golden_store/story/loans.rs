//! A state context: fulls, deltas, late and repeated ones, withdrawals, a rename,
//! new and wider columns, keyframes.

use std::collections::BTreeMap;
use std::sync::Arc;

use anyhow::{Context, Result};
use arrow_array::{ArrayRef, Date32Array, Decimal128Array, Float32Array, Int32Array, RecordBatch};
use calotype_storage::commit::Receipt;
use calotype_storage::put::{PutKind, PutOptions};
use calotype_storage::record::{ClassWire, CutoffSemantics, Position};
use futures::future::join_all;

use super::{Teller, because, day, declared, keyed, put};
use crate::replay::valid;
use crate::table::{batch, decimals, floats, ints, no_rows, texts};

const CONTEXT: &str = "loans";

/// Branch, id, balance in cents, note.
type Row<'a> = (&'a str, i32, Option<i128>, Option<&'a str>);

fn rows(note: &'static str, rows: &[Row<'_>]) -> Result<RecordBatch> {
    let balances: Decimal128Array = rows.iter().map(|row| row.2).collect();
    let rates = rows.iter().map(|row| row.2.map(|_| if row.1 > 2 { 0.625 } else { 0.1 }));
    let opened = rows.iter().map(|row| (row.1 != 9).then_some(20_000 + row.1));
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("branch", texts(rows.iter().map(|row| row.0))),
        ("id", Arc::new(Int32Array::from_iter_values(rows.iter().map(|row| row.1)))),
        ("balance", Arc::new(balances.with_precision_and_scale(12, 2)?)),
        ("rate", Arc::new(rates.collect::<Float32Array>())),
        ("opened", Arc::new(opened.collect::<Date32Array>())),
        (note, texts(rows.iter().map(|row| row.3))),
    ];
    Ok(batch(&columns))
}

fn with_ops(rows: &RecordBatch, ops: &[&str]) -> RecordBatch {
    let schema = rows.schema();
    let mut columns: Vec<(&str, ArrayRef)> =
        schema.fields().iter().zip(rows.columns()).map(|(f, c)| (f.name().as_str(), Arc::clone(c))).collect();
    columns.push(("_op", texts(ops.iter().copied())));
    batch(&columns)
}

fn first(teller: &Teller) -> Result<Receipt> {
    let (skeleton, financial) = (Some(ClassWire::Skeleton), Some(ClassWire::Financial));
    let columns = [
        ("branch", "string", skeleton),
        ("id", "int32", skeleton),
        ("balance", "decimal128(12, 2)", financial),
        ("rate", "float", financial),
        ("opened", "date32[day]", None),
        ("note", "string", Some(ClassWire::Personal)),
    ];
    let created = teller.create(CONTEXT, declared(&["branch", "id"], &columns))?;
    let full = rows(
        "note",
        &[
            ("north", 1, Some(10_000), Some("first")),
            ("north", 2, Some(-25), None),
            ("south", 1, Some(99_999_999_999), Some("")),
            ("south", 9, None, Some("Überweisung \"A\"\\n")),
            ("", 10, Some(0), Some("zero\u{0}byte")),
        ],
    )?;
    let options = PutOptions {
        expected_rows: Some(5),
        totals: BTreeMap::from([("balance".to_owned(), "1000000099.74".to_owned())]),
        ..keyed("loans of day 30")?
    };
    teller.full(CONTEXT, day(30), &full, options)?;
    Ok(created)
}

fn corrections(teller: &Teller) -> Result<Receipt> {
    let full = rows(
        "note",
        &[
            ("north", 1, Some(9_000), Some("first")),
            ("north", 2, Some(-25), None),
            ("south", 9, None, Some("Überweisung \"A\"\\n")),
            ("", 10, Some(0), Some("zero\u{0}byte")),
            ("west", 5, Some(77), Some("new")),
        ],
    )?;
    let sealed = teller.full(CONTEXT, day(90), &full, PutOptions::default())?;
    let delta = rows(
        "note",
        &[("north", 2, Some(50), Some("late")), ("south", 1, None, None), ("zzz", 77, None, Some("gone"))],
    )?;
    let delta = with_ops(&delta, &["assert", "retract", "retract"]);
    teller.delta(CONTEXT, day(60), &delta, because("found in a drawer")?)?;
    let full = rows(
        "note",
        &[
            ("north", 1, Some(10_000), Some("first")),
            ("north", 2, Some(-25), None),
            ("south", 1, Some(99_999_999_999), Some("")),
            ("south", 9, Some(1), Some("mended")),
            ("", 10, Some(0), Some("zero\u{0}byte")),
        ],
    )?;
    teller.full(CONTEXT, day(30), &full, because("Prüfung, \"Q1\"\u{2028}\\")?)?;
    teller.rename(CONTEXT, "note", "remark")?;
    teller.limit(CONTEXT, 900_000)?;
    Ok(sealed)
}

fn evolution(teller: &Teller, parent: &Receipt) -> Result<()> {
    let wider = batch(&[
        ("branch", texts(["north", "west", "west"])),
        ("id", ints([1, 5, 5_000_000_000])),
        ("balance", decimals(20, 2, [8_000, 78, 123_456_789_012_345_678])),
        ("rate", floats([f64::NAN, -0.0, 0.1])),
        ("remark", texts([Some("wide"), None, None])),
        ("officer", texts([None, Some("Ada"), Some("Grace")])),
    ]);
    let position = |from, to| Position {
        source: "core".to_owned(),
        partition: "ledger/0".to_owned(),
        epoch: 1,
        from,
        to,
    };
    let options = PutOptions {
        evolve: true,
        parent: Some(parent.snapshot.context("a full seals a snapshot")?),
        positions: vec![position(-1, 4_000_000_000)],
        ..PutOptions::default()
    };
    teller.delta(CONTEXT, day(120), &wider, options)?;
    teller.withdraw(CONTEXT, day(60), because("not ours")?)?;
    let again = wider.slice(0, 1);
    let options = PutOptions {
        evolve: true,
        replace: true,
        positions: vec![position(4_000_000_000, 4_000_000_000)],
        ..PutOptions::default()
    };
    teller.delta(CONTEXT, day(120), &again, options)?;
    let full = batch(&[
        ("branch", texts(["north", "north", "south", "west"])),
        ("id", ints([1, 2, 9, 6])),
        ("balance", decimals(20, 2, [8_000, 1, 2, 3])),
        ("rate", floats([0.5, 0.5, f64::INFINITY, 1e-300])),
        ("remark", texts([Some("wide"), None, None, None])),
    ]);
    let semantics = CutoffSemantics::BusinessEffective;
    let options = PutOptions { evolve: true, semantics, expected_rows: Some(4), ..PutOptions::default() };
    teller.full(CONTEXT, day(150), &full, options)?;
    Ok(())
}

/// Tells about all but the last record.
pub(super) fn tell(teller: &Teller) -> Result<()> {
    let created = first(teller)?;
    let sealed = corrections(teller)?;
    evolution(teller, &sealed)?;
    let context = teller.database.context(&super::name(CONTEXT)?)?;
    let newest = context.newest_system_time().context("entries")?;
    teller.materialise(CONTEXT, day(90), newest)?;
    teller.materialise(CONTEXT, day(30), created.system_time)?;
    let semantics = CutoffSemantics::ProcessingTime;
    let delta = with_ops(&one("west", 6, 4)?, &["assert"]);
    let options = PutOptions { evolve: true, semantics, ..PutOptions::default() };
    teller.delta(CONTEXT, day(180), &delta, options)?;
    teller.withdraw(CONTEXT, day(90), because("sent twice")?)?;
    let full = rows("remark", &[("north", 1, Some(9_000), Some("first")), ("west", 5, Some(77), None)])?;
    teller.full(
        CONTEXT,
        day(90),
        &full,
        PutOptions { evolve: true, expected_rows: Some(2), ..PutOptions::default() },
    )?;
    teller.full(
        CONTEXT,
        day(90),
        &full,
        PutOptions { evolve: true, expected_rows: Some(2), ..PutOptions::default() },
    )?;
    let delta = rows("remark", &[("north", 2, Some(51), None)])?;
    teller.delta(CONTEXT, day(60), &delta, PutOptions { evolve: true, ..PutOptions::default() })?;
    let nothing = no_rows(&[("branch", texts(["x"])), ("id", ints([1]))]);
    teller.delta(CONTEXT, day(180), &nothing, PutOptions { evolve: true, ..because("nothing to say")? })?;
    let empty = PutOptions { evolve: true, expected_rows: Some(0), ..PutOptions::default() };
    teller.full(CONTEXT, day(199), &nothing, empty)?;
    Ok(())
}

fn one(branch: &str, id: i32, balance: i128) -> Result<RecordBatch> {
    rows("remark", &[(branch, id, Some(balance), Some("one"))])
}

/// Several entries in one record: what comes in while a record is being written is taken together.
pub(super) fn tell_together(teller: &Teller) -> Result<()> {
    let delta = |branch, id, balance| -> Result<_> {
        let kind = PutKind::Delta { cutoff: valid(day(180)) };
        let options = PutOptions { evolve: true, ..PutOptions::default() };
        put(CONTEXT, kind, &one(branch, id, balance)?, options)
    };
    let puts = [delta("east", 1, 1)?, delta("east", 1, 2)?, delta("east", 2, 3)?];
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    let receipts = runtime.block_on(join_all(puts.map(|put| teller.database.put(put))));
    let receipts = receipts.into_iter().collect::<Result<Vec<_>, _>>()?;
    let places: Vec<u32> = receipts.iter().map(|receipt| receipt.id.place).collect();
    anyhow::ensure!(places == [0, 0, 1], "the entries came into places {places:?}: generate again");
    Ok(())
}
