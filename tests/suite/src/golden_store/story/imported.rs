//! A context with a past: system times that its source gives, then live ones.

use anyhow::Result;
use arrow_array::RecordBatch;
use calotype_storage::put::PutOptions;
use calotype_storage::record::Mode;
use futures::executor::block_on;

use super::{Teller, day, deed, definition, known};
use crate::table::{batch, ints, texts};

const CONTEXT: &str = "imported";

fn rows(values: &[(&str, i64)]) -> RecordBatch {
    batch(&[("code", texts(values.iter().map(|row| row.0))), ("value", ints(values.iter().map(|row| row.1)))])
}

fn recorded(days: i64) -> Result<PutOptions> {
    Ok(PutOptions { recorded_at: Some(known(day(days))?), ..PutOptions::default() })
}

pub(super) fn tell(teller: &Teller) -> Result<()> {
    let mut definition = definition(Mode::State, &["code"]);
    definition.import = true;
    definition.max_retracted_ppm = Some(1_000_000);
    teller.create(CONTEXT, definition)?;
    teller.full(CONTEXT, day(-700), &rows(&[("A", 1), ("B", 2)]), recorded(-690)?)?;
    teller.delta(CONTEXT, day(-600), &rows(&[("B", 3)]), recorded(-590)?)?;
    teller.materialise(CONTEXT, day(-600), known(day(-590))?)?;
    teller.withdraw(CONTEXT, day(-600), recorded(-500)?)?;
    block_on(teller.database.go_live(deed(CONTEXT, PutOptions::default())?))?;
    teller.full(CONTEXT, day(1), &rows(&[("A", 1), ("C", 4)]), PutOptions::default())?;
    Ok(())
}
