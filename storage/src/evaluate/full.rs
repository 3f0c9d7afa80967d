//! A full extract, compared with the state known at its cutoff and kept as what
//! differs.

use std::sync::Arc;

use arrow_array::{Array, ArrayRef, UInt32Array};
use arrow_select::take::take;

use super::rows::{KnownRows, keys_only, merge};
use super::{Setting, Writes, bounds, rows};
use crate::column::same_rows;
use crate::context::Context;
use crate::error::{Error, reasons};
use crate::facts::FactRows;
use crate::put::{Extract, Put};
use crate::refusal::Refusal;
use crate::scan::{RowRef, Scan, ScanRequest, ValidFilter, Window};
use crate::statement::{Known, Op, of_full};
use crate::time::{SystemTime, ValidTime};

/// What comparing an extract with the state known has found.
#[derive(Default)]
struct Difference {
    /// Rows of the extract that say something new.
    asserted: Vec<u32>,
    /// Known rows that the extract lacks.
    retracted: KnownRows,
    unchanged: u64,
    /// Keys known at the cutoff.
    known: u64,
}

pub(super) async fn evaluate(
    setting: &Setting,
    context: &Context,
    put: &Put,
    extract: &Extract,
    cutoff: ValidTime,
) -> Result<Writes, Error> {
    let difference = compare(setting, context, extract, cutoff).await?;
    let retracted = difference.retracted.len() as u64;
    if let (Some(share), None) = (context.max_retracted_ppm(), put.options.expected_rows)
        && u128::from(retracted) * 1_000_000 > u128::from(difference.known) * u128::from(share)
    {
        return Err(Refusal::MaxRetracted { retracted, known: difference.known }.into());
    }
    let schema = &extract.schema;
    let ends = |keys| bounds::ends(&setting.reader, context, schema, cutoff, keys);
    let as_handed = retracted == 0 && difference.asserted.len() == extract.keys.len();
    let stated = if as_handed {
        let to = bounds::ends(&setting.reader, context, schema, cutoff, &extract.keys).await?;
        rows::all(extract, cutoff.micros(), to)
    } else {
        let (keys, columns, retract) = merge(schema, extract, &difference.asserted, &difference.retracted)?;
        FactRows {
            valid_from: vec![cutoff.micros(); keys.len()],
            valid_to: ends(&keys).await?,
            retract: if retract.contains(&true) { retract } else { Vec::new() },
            keys,
            columns,
            entries: None,
            partition: None,
            offset: None,
        }
    };
    let unchanged = difference.unchanged;
    Ok(Writes { stated: Some(stated), stated_as_handed: as_handed, withdrawn: None, unchanged })
}

/// Whether every row of an extract is known at a cutoff already.
pub(super) async fn says_nothing_new(
    setting: &Setting,
    context: &Context,
    extract: &Extract,
    cutoff: ValidTime,
) -> Result<bool, Error> {
    Ok(compare(setting, context, extract, cutoff).await?.asserted.is_empty())
}

async fn compare(
    setting: &Setting,
    context: &Context,
    extract: &Extract,
    cutoff: ValidTime,
) -> Result<Difference, Error> {
    let schema = &extract.schema;
    let mut request = ScanRequest::from_valid(context, schema, cutoff, SystemTime::LAST);
    request.valid = ValidFilter::at(cutoff);
    let mut scan = Scan::start(Arc::clone(&setting.reader), request).await?;
    let mut difference = Difference::default();
    let mut next = 0;
    while let Some(window) = scan.next().await? {
        let step = Step::of(&window, extract, cutoff, &mut next, &mut difference);
        let same = step.compare(&scan, &window, extract).await?;
        let mut asserted: Vec<u32> = step.new;
        for ((row, _), same) in step.both.iter().zip(same) {
            match of_full(true, if same { Known::Same } else { Known::Other }) {
                Some(_) => asserted.push(*row),
                None => difference.unchanged += 1,
            }
        }
        asserted.sort_unstable();
        difference.asserted.extend(asserted);
        let places: Vec<usize> = schema.key_places().to_vec();
        let keys = scan.columns(&window, &step.gone, &places).await?;
        difference.retracted.columns(keys_only(schema, &keys, step.gone.len()));
    }
    let rest = u32::try_from(next).expect("rows are bounded")..;
    difference.asserted.extend(rest.take(extract.keys.len() - next));
    Ok(difference)
}

/// One window of known keys beside the rows of the extract.
struct Step {
    /// Rows whose keys are not known.
    new: Vec<u32>,
    /// Rows whose keys are known and present.
    both: Vec<(u32, RowRef)>,
    /// Known rows without a row in the extract.
    gone: Vec<RowRef>,
}

impl Step {
    fn of(
        window: &Window,
        extract: &Extract,
        cutoff: ValidTime,
        next: &mut usize,
        difference: &mut Difference,
    ) -> Self {
        let mut step = Self { new: Vec::new(), both: Vec::new(), gone: Vec::new() };
        let row = |row: usize| u32::try_from(row).expect("rows are bounded");
        for place in 0..window.len() {
            let key = window.key(place);
            while *next < extract.keys.len() && extract.keys.get(*next) < key {
                step.new.push(row(*next));
                *next += 1;
            }
            let stated = *next < extract.keys.len() && extract.keys.get(*next) == key;
            let present = window.winner(place, cutoff.micros()).filter(|fact| !window.is_retraction(*fact));
            difference.known += u64::from(present.is_some());
            match (stated, present) {
                (true, Some(fact)) => step.both.push((row(*next), fact)),
                (true, None) => step.new.push(row(*next)),
                (false, Some(fact)) => {
                    if let Some(Op::Retract) = of_full(false, Known::Other) {
                        difference.retracted.push(key, Op::Retract);
                        step.gone.push(fact);
                    }
                }
                (false, None) => {}
            }
            *next += usize::from(stated);
        }
        step
    }

    /// Which of the rows on both sides have the same content.
    async fn compare(&self, scan: &Scan, window: &Window, extract: &Extract) -> Result<Vec<bool>, Error> {
        let schema = &extract.schema;
        let places: Vec<usize> = (0..schema.fields().len()).filter(|place| !schema.is_key(*place)).collect();
        let facts: Vec<RowRef> = self.both.iter().map(|(_, fact)| *fact).collect();
        let rows: Vec<u32> = self.both.iter().map(|(row, _)| *row).collect();
        let known = scan.columns(window, &facts, &places).await?;
        let ours: Vec<ArrayRef> =
            places.iter().map(|place| pick(&extract.columns[*place].values, &rows)).collect();
        same_rows(&known, &ours, rows.len()).map_err(|error| Error::damaged("a row group", reasons(&error)))
    }
}

/// Rows of a column: a slice where they lie side by side.
fn pick(column: &ArrayRef, rows: &[u32]) -> ArrayRef {
    match rows {
        [] => column.slice(0, 0),
        [first, .., last] if (last - first) as usize + 1 == rows.len() => {
            column.slice(*first as usize, rows.len())
        }
        _ => take(column, &UInt32Array::from(rows.to_vec()), None).expect("rows lie within the extract"),
    }
}
