//! Enough rows for two row groups: a full, a keyframe that relies on its chunks, a
//! delta, a full of which only the differences are kept.

use anyhow::Result;
use arrow_array::RecordBatch;
use calotype_storage::put::PutOptions;
use calotype_storage::record::Mode;

use super::{Teller, day, definition};
use crate::table::{batch, ints, texts};

const CONTEXT: &str = "ledger";
/// The key 12,106 ends a row group.
const IDS: std::ops::Range<i64> = 9_600..12_800;

fn rows(ids: impl Iterator<Item = i64> + Clone, amount: impl Fn(i64) -> Option<i64>) -> RecordBatch {
    batch(&[("id", ints(ids.clone())), ("amount", ints(ids.map(amount)))])
}

fn amount(id: i64) -> Option<i64> {
    (id % 100 != 0).then_some(id / 64)
}

pub(super) fn tell(teller: &Teller) -> Result<()> {
    teller.create(CONTEXT, definition(Mode::State, &["id"]))?;
    let full = teller.full(CONTEXT, day(10), &rows(IDS, amount), PutOptions::default())?;
    teller.materialise(CONTEXT, day(10), full.system_time)?;
    let delta = batch(&[
        ("id", ints([9_600, 12_106, 12_800])),
        ("amount", ints([-1, -2, -3])),
        ("_op", texts(["retract", "assert", "assert"])),
    ]);
    teller.delta(CONTEXT, day(20), &delta, PutOptions::default())?;
    let later = rows(IDS, |id| if id == 10_000 { Some(1) } else { amount(id) });
    let full = teller.full(CONTEXT, day(30), &later, PutOptions::default())?;
    teller.materialise(CONTEXT, day(20), full.system_time)?;
    Ok(())
}
