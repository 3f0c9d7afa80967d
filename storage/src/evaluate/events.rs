//! Facts as producers hand them over: open ends found, and rows of one put laid
//! over each other, before anything is stored.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use super::{Setting, Writes, rows};
use crate::context::Context;
use crate::error::Error;
use crate::key::EncodedKeys;
use crate::manifest::OPEN;
use crate::pieces::Timeline;
use crate::put::Extract;
use crate::scan::{KeyFilter, Scan, ScanRequest};
use crate::time::SystemTime;

pub(super) async fn evaluate(
    setting: &Setting,
    context: &Context,
    extract: &Extract,
) -> Result<Writes, Error> {
    let periods = extract.periods.as_ref().expect("facts have periods");
    let known = known_pieces(setting, context, extract).await?;
    let mut picked = Vec::with_capacity(extract.keys.len());
    let (mut from, mut to) = (Vec::with_capacity(picked.capacity()), Vec::with_capacity(picked.capacity()));
    for stretch in same_keys(&extract.keys) {
        let pieces = known.get(extract.keys.get(stretch.start)).map_or(&[][..], Vec::as_slice);
        let mut siblings = periods.from[stretch.clone()].to_vec();
        siblings.sort_unstable();
        let end =
            |row: usize| periods.to[row].unwrap_or_else(|| until_next(periods.from[row], pieces, &siblings));
        let ends: Vec<i64> = stretch.clone().map(end).collect();
        if let [end] = ends.as_slice() {
            picked.push(stretch.start);
            from.push(periods.from[stretch.start]);
            to.push(*end);
            continue;
        }
        let mut timeline = Timeline::default();
        for (row, end) in stretch.clone().zip(ends) {
            timeline.lay(row, periods.from[row], end);
        }
        for piece in timeline.pieces() {
            picked.push(piece.fact);
            from.push(piece.from);
            to.push(piece.to);
        }
    }
    let as_handed = picked.iter().copied().eq(0..extract.keys.len());
    let stated = if picked.is_empty() {
        None
    } else if as_handed {
        Some(crate::facts::FactRows { valid_from: from, ..rows::all(extract, 0, to) })
    } else {
        let picked: Vec<u32> =
            picked.iter().map(|row| u32::try_from(*row).expect("rows are bounded")).collect();
        Some(rows::some(extract, &picked, from, to))
    };
    Ok(Writes { stated, stated_as_handed: as_handed, withdrawn: None, unchanged: 0 })
}

/// Stretches of rows with one key.
fn same_keys(keys: &EncodedKeys) -> impl Iterator<Item = Range<usize>> {
    let mut from = 0;
    std::iter::from_fn(move || {
        if from == keys.len() {
            return None;
        }
        let mut end = from + 1;
        while end < keys.len() && keys.get(end) == keys.get(from) {
            end += 1;
        }
        let stretch = from..end;
        from = end;
        Some(stretch)
    })
}

/// Where a fact without an end ends: where the piece that holds its beginning does, or where the
/// next piece or the next row of the same put begins, whichever is first. Both lists are sorted.
fn until_next(begin: i64, pieces: &[(i64, i64)], siblings: &[i64]) -> i64 {
    let next = pieces.partition_point(|(from, _)| *from <= begin);
    let holding = pieces[..next].last().map(|(_, to)| *to).filter(|to| begin < *to);
    let following = pieces.get(next).map(|(from, _)| *from);
    let sibling = siblings.get(siblings.partition_point(|from| *from <= begin)).copied();
    [holding, following, sibling].into_iter().flatten().min().unwrap_or(OPEN)
}

/// The resolved pieces, as known just before, of the keys that have a row without an end.
async fn known_pieces(
    setting: &Setting,
    context: &Context,
    extract: &Extract,
) -> Result<BTreeMap<Vec<u8>, Vec<(i64, i64)>>, Error> {
    let periods = extract.periods.as_ref().expect("facts have periods");
    let open = (0..extract.keys.len()).filter(|row| periods.to[*row].is_none());
    let mut keys: Vec<&[u8]> = open.map(|row| extract.keys.get(row)).collect();
    keys.dedup();
    let mut known = BTreeMap::new();
    if keys.is_empty() {
        return Ok(known);
    }
    let mut request = ScanRequest::of_entries(context, &extract.schema, SystemTime::LAST);
    request.keys = KeyFilter::Set(Arc::new(EncodedKeys::from_keys(keys)));
    let mut scan = Scan::start(Arc::clone(&setting.reader), request).await?;
    while let Some(window) = scan.next().await? {
        for place in 0..window.len() {
            let facts = window.facts(place);
            let pieces = window.timeline(place).pieces().into_iter();
            let asserted = pieces.filter(|piece| !window.is_retraction(facts[piece.fact]));
            known.insert(window.key(place).to_vec(), asserted.map(|piece| (piece.from, piece.to)).collect());
        }
    }
    Ok(known)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_open_end_is_the_first_of_what_comes_next() {
        assert_eq!(until_next(5, &[], &[5]), OPEN);
        assert_eq!(until_next(5, &[(0, 9)], &[5]), 9);
        assert_eq!(until_next(5, &[(0, OPEN)], &[5]), OPEN);
        assert_eq!(until_next(5, &[(0, 5), (7, 9)], &[5]), 7);
        assert_eq!(until_next(5, &[(0, 9)], &[3, 5, 8]), 8);
        assert_eq!(until_next(5, &[(0, 4), (4, 6), (6, 9)], &[5, 7]), 6);
    }
}
