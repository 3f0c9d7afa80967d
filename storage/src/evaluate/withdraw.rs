//! Deltas, and withdrawals: what holds just before a cutoff takes the place of
//! what was said at it.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::rows::{KnownRows, keys_only};
use super::{Setting, Writes, bounds, rows};
use crate::context::Context;
use crate::cutoffs::Said;
use crate::error::Error;
use crate::facts::FactRows;
use crate::key::EncodedKeys;
use crate::planted::{Bug, is_planted};
use crate::put::{Extract, Put};
use crate::scan::{KeyFilter, RowRef, Scan, ScanRequest, ValidFilter, Window};
use crate::schema::Schema;
use crate::statement::{Op, of_withdrawal};
use crate::time::{SystemTime, ValidTime};

/// A delta keeps every row, changed or not: its rows bound later corrections.
pub(super) async fn delta(
    setting: &Setting,
    context: &Context,
    put: &Put,
    extract: &Extract,
    cutoff: ValidTime,
) -> Result<Writes, Error> {
    let schema = &extract.schema;
    let withdrawn = match context.cutoffs().said(cutoff).filter(|_| put.options.replace) {
        Some(said) => withdraw(setting, context, schema, cutoff, said, Some(&extract.keys)).await?,
        None => None,
    };
    let to = bounds::ends(&setting.reader, context, schema, cutoff, &extract.keys).await?;
    let is_dropped = is_planted(Bug::DropsUnchangedDelta)
        && super::full::says_nothing_new(setting, context, extract, cutoff).await?;
    let stated = (!extract.keys.is_empty() && !is_dropped).then(|| rows::all(extract, cutoff.micros(), to));
    Ok(Writes { stated, stated_as_handed: true, withdrawn, unchanged: 0 })
}

/// What withdrawing a cutoff writes, for all keys that it spoke about but those that are stated anew.
pub(super) async fn withdraw(
    setting: &Setting,
    context: &Context,
    schema: &Arc<Schema>,
    cutoff: ValidTime,
    said: &Said,
    stated: Option<&EncodedKeys>,
) -> Result<Option<FactRows>, Error> {
    let before = cutoff.previous();
    let mut request = ScanRequest::from_valid(context, schema, before.unwrap_or(cutoff), SystemTime::LAST);
    let first = before.unwrap_or(cutoff).micros();
    request.valid = ValidFilter::Holding { first, last: cutoff.micros() };
    if !said.full {
        request.keys = KeyFilter::Set(Arc::new(named(setting, context, schema, said).await?));
    }
    let mut scan = Scan::start(Arc::clone(&setting.reader), request).await?;
    let mut known = KnownRows::default();
    while let Some(window) = scan.next().await? {
        let step = Step::of(&window, before, cutoff, stated, &mut known);
        step.read(&scan, &window, schema, &mut known).await?;
    }
    if known.len() == 0 {
        return Ok(None);
    }
    let to = bounds::ends(&setting.reader, context, schema, cutoff, &known.keys()).await?;
    known.into_facts(schema, cutoff.micros(), to).map(Some)
}

/// The keys that deltas at a cutoff name.
async fn named(
    setting: &Setting,
    context: &Context,
    schema: &Schema,
    said: &Said,
) -> Result<EncodedKeys, Error> {
    let mut keys: BTreeSet<Vec<u8>> = BTreeSet::new();
    for delta in &said.deltas {
        let add = |named: &EncodedKeys| keys.extend(named.iter().map(<[u8]>::to_vec));
        bounds::each_named(&setting.reader, context, schema, *delta, add).await?;
    }
    Ok(EncodedKeys::from_keys(keys.iter().map(Vec::as_slice)))
}

/// The rows of one window: whose columns are read whole, and of which only the key counts.
struct Step {
    rows: Vec<(RowRef, Op)>,
}

impl Step {
    fn of(
        window: &Window,
        before: Option<ValidTime>,
        cutoff: ValidTime,
        stated: Option<&EncodedKeys>,
        known: &mut KnownRows,
    ) -> Self {
        let mut step = Self { rows: Vec::new() };
        for place in 0..window.len() {
            let key = window.key(place);
            let is_stated = |stated: &EncodedKeys| stated.lower_bound(key) < stated.upper_bound(key);
            if stated.is_some_and(is_stated) {
                continue;
            }
            let at = window.winner(place, cutoff.micros());
            let just_before = before.and_then(|before| window.winner(place, before.micros()));
            let identify = |row: RowRef| window.identify(row);
            let Some(op) = of_withdrawal(at.map(identify), just_before.map(identify)) else {
                continue;
            };
            let source = if op == Op::Assert { just_before } else { at };
            step.rows.push((source.expect("something holds there"), op));
            known.push(key, op);
        }
        step
    }

    /// Reads the columns in the order of the rows; a retraction keeps its key alone.
    async fn read(
        &self,
        scan: &Scan,
        window: &Window,
        schema: &Schema,
        known: &mut KnownRows,
    ) -> Result<(), Error> {
        let all: Vec<usize> = (0..schema.fields().len()).collect();
        for run in self.rows.chunk_by(|a, b| a.1 == b.1) {
            let rows: Vec<RowRef> = run.iter().map(|(row, _)| *row).collect();
            if run[0].1 == Op::Assert {
                known.columns(scan.columns(window, &rows, &all).await?);
            } else {
                let keys = scan.columns(window, &rows, schema.key_places()).await?;
                known.columns(keys_only(schema, &keys, rows.len()));
            }
        }
        Ok(())
    }
}
