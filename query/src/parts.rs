//! Parts of one answer: ranges of keys that follow each other, so that several readers can share the work.
//!
//! Invariants: the parts of an answer hold every key exactly once, in order; the same question at the same two
//! times has the same parts, until a keyframe is written; where parts end is found from the manifests alone.

use std::sync::Arc;

use calotype_storage::database::Database;
use calotype_storage::scan::{Scan, ScanRequest, ValidFilter};

use crate::as_of::{AsOfRequest, look, schema_for};
use crate::error::QueryError;
use crate::keys::Keys;
use crate::policy::Policy;

/// Cuts the answer to a question about all keys into at most `parts_max` ranges of keys, each of about `part_rows`
/// facts to read or more. A question that names keys, or goes by offsets, has one part.
///
/// # Errors
/// As [`resolve`](crate::resolve).
pub async fn parts(
    database: &Database,
    policy: &dyn Policy,
    request: &AsOfRequest,
    part_rows: u64,
    parts_max: usize,
) -> Result<Vec<Keys>, QueryError> {
    let points = [request.point];
    let (context, [point]) =
        look(database, policy, &request.principal, &request.context, points, request.at_least).await?;
    let schema = schema_for(&context, &point, request.schema_version)?;
    let Some(schema) = schema.filter(|_| request.keys == Keys::All && request.offsets.is_none()) else {
        return Ok(vec![request.keys.clone()]);
    };
    let mut scan = ScanRequest::from_valid(&context, &schema, point.at.valid, point.at.system);
    scan.valid = if request.system_columns { ValidFilter::All } else { ValidFilter::at(point.at.valid) };
    let scan = Scan::start(Arc::clone(database.reader()), scan).await?;
    let groups = scan.groups().map(|group| (group.first_key.as_slice(), u64::from(group.rows))).collect();
    Ok(ranges(&boundaries(groups, part_rows, parts_max)))
}

/// The first keys of all parts but the first, from the first key and the rows of each row group.
fn boundaries(mut groups: Vec<(&[u8], u64)>, part_rows: u64, parts_max: usize) -> Vec<Vec<u8>> {
    groups.sort_unstable();
    let rows: u64 = groups.iter().map(|(_, rows)| rows).sum();
    let parts = (rows / part_rows.max(1)).min(parts_max as u64);
    let mut boundaries: Vec<Vec<u8>> = Vec::new();
    let mut before = 0;
    for (first_key, rows_of_group) in &groups {
        let next = boundaries.len() as u64 + 1;
        let last = boundaries.last().map_or(groups[0].0, Vec::as_slice);
        // A part begins where its share of the rows lies behind, never within a key.
        if next < parts
            && u128::from(before) * u128::from(parts) >= u128::from(rows) * u128::from(next)
            && *first_key > last
        {
            boundaries.push(first_key.to_vec());
        }
        before += rows_of_group;
    }
    boundaries
}

fn ranges(boundaries: &[Vec<u8>]) -> Vec<Keys> {
    if boundaries.is_empty() {
        return vec![Keys::All];
    }
    let froms = std::iter::once(None).chain(boundaries.iter().cloned().map(Some));
    let tos = boundaries.iter().cloned().map(Some).chain(std::iter::once(None));
    froms.zip(tos).map(|(from, to)| Keys::Range { from, to }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(groups: &[(&str, u64)], part_rows: u64, parts_max: usize, expected: &[&str]) {
        let groups = groups.iter().map(|(key, rows)| (key.as_bytes(), *rows)).collect();
        let found = boundaries(groups, part_rows, parts_max);
        let found: Vec<_> = found.iter().map(|key| std::str::from_utf8(key).unwrap()).collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn parts_end_between_row_groups() {
        check(&[], 10, 4, &[]);
        check(&[("a", 10)], 1, 4, &[]);
        check(&[("a", 10), ("b", 10)], 10, 4, &["b"]);
        check(&[("a", 10), ("b", 9)], 10, 4, &[]);
        check(&[("a", 10), ("b", 10), ("c", 10), ("d", 10)], 10, 2, &["c"]);
        check(&[("a", 10), ("b", 10), ("c", 10), ("d", 10)], 10, 1, &[]);
        check(&[("a", 10), ("b", 10), ("c", 10), ("d", 10)], 10, 0, &[]);
        check(&[("a", 10), ("b", 10), ("c", 10), ("d", 10)], 0, 100, &["b", "c", "d"]);
        // Sources overlap, and a key is never cut in two.
        check(&[("a", 10), ("c", 10), ("a", 10), ("b", 10)], 10, 4, &["b", "c"]);
        check(&[("a", 10), ("a", 10), ("a", 10)], 10, 4, &[]);
    }

    #[test]
    fn ranges_hold_every_key_once() {
        let found = ranges(&[b"b".to_vec(), b"d".to_vec()]);
        let range = |from: Option<&str>, to: Option<&str>| Keys::Range {
            from: from.map(|key| key.as_bytes().to_vec()),
            to: to.map(|key| key.as_bytes().to_vec()),
        };
        assert_eq!(found, [range(None, Some("b")), range(Some("b"), Some("d")), range(Some("d"), None)]);
        assert_eq!(ranges(&[]), [Keys::All]);
    }
}
