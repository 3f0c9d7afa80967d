//! Where row groups end, and the content root that stands on them.
//!
//! Rows are sorted by key. A group ends where a hash of the key says so, so that
//! the same rows are cut in the same places whatever came before them; FORMAT.md,
//! section "Row groups", is the rule. Sizes are counted in rows and canonical
//! bytes, never in stored or memory bytes.

use std::ops::Range;

use arrow_array::{Array, ArrayRef, new_null_array};
use arrow_select::concat::concat;

use crate::column::{canonical_bytes_of_row, column_digest, is_all_null, normalise};
use crate::error::Error;
use crate::identity::{ChunkDigest, ContentRoot};
use crate::key::EncodedKeys;
use crate::merkle::{ContentHash, Hash, TreeHash, root};
use crate::schema::{FieldId, FieldType, Schema};

/// A group ends by hash only from this many rows on.
const ROWS_MIN: usize = 2048;
/// Of 8,192 keys one ends a group.
const BOUNDARY_MASK: u64 = 8192 - 1;
/// Rows of the largest group.
pub const ROWS_MAX: usize = 32_768;
/// Canonical bytes of the largest group of more than one row.
pub const CANONICAL_BYTES_MAX: usize = 2 << 20;
/// Canonical bytes of the largest row.
pub const ROW_BYTES_MAX: usize = 1 << 20;
/// Keeps boundaries apart from other uses of the same hash.
const SALT: &[u8] = b"calotype row group boundary v1\0";

const _: () = assert!(ROWS_MIN < ROWS_MAX && ROW_BYTES_MAX < CANONICAL_BYTES_MAX);

/// A column of rows that are to be cut, with the field it belongs to.
#[derive(Clone, Debug)]
pub struct FieldColumn {
    /// The permanent id of the field.
    pub field: FieldId,
    /// The type it has in these rows.
    pub field_type: FieldType,
    /// The normalised values.
    pub values: ArrayRef,
}

/// Where the groups of some sorted rows begin and end.
pub fn row_groups(keys: &EncodedKeys, columns: &[FieldColumn]) -> Vec<Range<usize>> {
    let sizes = row_sizes(keys.len(), columns);
    let mut groups = Vec::new();
    let (mut from, mut bytes) = (0, 0);
    for row in 0..keys.len() {
        let size = sizes.get(row);
        if row > from && (row - from >= ROWS_MAX || bytes + size > CANONICAL_BYTES_MAX) {
            groups.push(from..row);
            (from, bytes) = (row, 0);
        }
        bytes += size;
        let key_ends = row + 1 == keys.len() || keys.get(row + 1) != keys.get(row);
        if row + 1 - from >= ROWS_MIN && key_ends && ends_group(keys.get(row)) {
            groups.push(from..row + 1);
            (from, bytes) = (row + 1, 0);
        }
    }
    if from < keys.len() {
        groups.push(from..keys.len());
    }
    groups
}

fn ends_group(key: &[u8]) -> bool {
    let hash = blake3::Hasher::new().update(SALT).update(key).finalize();
    let head = hash.as_bytes().first_chunk::<8>().expect("a hash has 32 bytes");
    u64::from_le_bytes(*head) & BOUNDARY_MASK == 0
}

/// Canonical bytes of each row: a part that all rows share, and a part of their own.
pub(crate) struct RowSizes {
    fixed: usize,
    variable: Option<Vec<u32>>,
}

impl RowSizes {
    /// Canonical bytes of a row.
    pub(crate) fn get(&self, row: usize) -> usize {
        self.fixed + self.variable.as_ref().map_or(0, |sizes| sizes[row] as usize)
    }
}

/// Counts the canonical bytes of each row.
pub(crate) fn row_sizes(rows: usize, columns: &[FieldColumn]) -> RowSizes {
    let mut sizes = RowSizes { fixed: 0, variable: None };
    // A column without a value adds nothing: a field that nobody uses moves no boundary.
    for column in columns.iter().filter(|column| !is_all_null(&column.values)) {
        if matches!(column.field_type, FieldType::Utf8 | FieldType::Binary) {
            let variable = sizes.variable.get_or_insert_with(|| vec![0; rows]);
            for (row, size) in variable.iter_mut().enumerate() {
                let bytes = canonical_bytes_of_row(column.field_type, &column.values, row);
                *size = size.saturating_add(u32::try_from(bytes).unwrap_or(u32::MAX));
            }
        } else {
            sizes.fixed += canonical_bytes_of_row(column.field_type, &column.values, 0);
        }
    }
    sizes
}

/// The digests of a group's columns; a column without a value has none.
pub fn group_digests(rows: &Range<usize>, columns: &[FieldColumn]) -> Vec<(FieldId, ChunkDigest)> {
    let mut digests: Vec<_> = columns
        .iter()
        .filter_map(|column| {
            let values = column.values.slice(rows.start, rows.len());
            (!is_all_null(&values)).then(|| (column.field, column_digest(column.field_type, &values)))
        })
        .collect();
    digests.sort_unstable_by_key(|(field, _)| *field);
    digests
}

/// The leaf of a row group in the tree of a content root.
///
/// # Panics
/// If a group has more than 2^32 rows.
pub fn group_leaf(rows: usize, digests: &[(FieldId, ChunkDigest)]) -> Hash {
    let mut bytes = Vec::with_capacity(8 + 36 * digests.len());
    bytes.extend_from_slice(&u32::try_from(rows).expect("row groups are bounded").to_le_bytes());
    bytes.extend_from_slice(&u32::try_from(digests.len()).expect("columns are bounded").to_le_bytes());
    for (field, digest) in digests {
        bytes.extend_from_slice(&field.get().to_le_bytes());
        bytes.extend_from_slice(digest.as_bytes());
    }
    ContentHash::leaf(&bytes)
}

/// Row groups that have been cut and hashed, with the digests of their columns.
pub type HashedGroups = Vec<(Range<usize>, Vec<(FieldId, ChunkDigest)>)>;

/// Cuts and hashes sorted rows: the groups of `columns`, and the content root over these and the columns that count
/// as well, such as `_op`, which move no boundary.
pub fn hash_rows(
    keys: &EncodedKeys,
    columns: &[FieldColumn],
    also: &[FieldColumn],
) -> (HashedGroups, ContentRoot) {
    let (mut groups, mut leaves) = (Vec::new(), Vec::new());
    for rows in row_groups(keys, columns) {
        let digests = group_digests(&rows, columns);
        let mut all = digests.clone();
        all.extend(group_digests(&rows, also));
        all.sort_unstable_by_key(|(field, _)| *field);
        leaves.push(group_leaf(rows.len(), &all));
        groups.push((rows, digests));
    }
    (groups, ContentRoot::new(root::<ContentHash>(&leaves)))
}

/// Columns of a schema from the parts in which they were read, normalised.
///
/// # Errors
/// [`Error::Damaged`] if the parts do not fit together.
pub fn join_columns(schema: &Schema, parts: &[Vec<ArrayRef>]) -> Result<Vec<FieldColumn>, Error> {
    let mut columns = Vec::with_capacity(schema.fields().len());
    for (place, field) in schema.fields().iter().enumerate() {
        let parts: Vec<&dyn Array> = parts.iter().map(|part| part[place].as_ref()).collect();
        let values = if parts.is_empty() {
            new_null_array(&field.field_type.to_arrow(), 0)
        } else {
            concat(&parts).map_err(|error| Error::damaged("a row group", error))?
        };
        let values = normalise(field.field_type, &values);
        columns.push(FieldColumn { field: field.id, field_type: field.field_type, values });
    }
    Ok(columns)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::{Int64Array, StringArray};

    use super::*;

    fn rows(ids: impl Iterator<Item = i64>) -> (EncodedKeys, Vec<FieldColumn>) {
        let values: ArrayRef = Arc::new(Int64Array::from_iter_values(ids));
        let keys = EncodedKeys::encode(&[(FieldType::Int(64), Arc::clone(&values))]);
        (keys, vec![FieldColumn { field: FieldId::new(1), field_type: FieldType::Int(64), values }])
    }

    #[test]
    fn groups_cover_all_rows_and_stay_in_bounds() {
        let (keys, columns) = rows(0..200_000);
        let groups = row_groups(&keys, &columns);
        assert_eq!(groups.iter().map(ExactSizeIterator::len).sum::<usize>(), 200_000);
        assert!(groups.windows(2).all(|pair| pair[0].end == pair[1].start));
        assert!(groups.iter().all(|group| group.len() <= ROWS_MAX));
        assert!((10..60).contains(&groups.len()), "{}", groups.len());
    }

    #[test]
    fn a_change_far_away_moves_no_boundary() {
        let (keys, columns) = rows(0..100_000);
        let (fewer_keys, fewer_columns) = rows((0..100_000).filter(|id| *id != 7));
        let ends = |keys: &EncodedKeys, columns: &[FieldColumn]| -> Vec<Vec<u8>> {
            row_groups(keys, columns).iter().map(|g| keys.get(g.end - 1).to_vec()).collect()
        };
        assert_eq!(ends(&keys, &columns)[1..], ends(&fewer_keys, &fewer_columns)[1..]);
    }

    #[test]
    fn large_rows_end_groups_by_bytes_and_one_key_is_not_cut() {
        let text: ArrayRef = Arc::new(StringArray::from(vec!["x".repeat(600_000); 9]));
        let (keys, mut columns) = rows(0..9);
        columns.push(FieldColumn { field: FieldId::new(2), field_type: FieldType::Utf8, values: text });
        assert_eq!(row_groups(&keys, &columns), [0..3, 3..6, 6..9]);
        let (keys, columns) = rows((0..40_000).map(|_| 5));
        assert_eq!(row_groups(&keys, &columns), [0..ROWS_MAX, ROWS_MAX..40_000]);
    }

    #[test]
    fn the_root_is_of_content_alone() {
        let (keys, columns) = rows(0..5000);
        let (other_keys, other_columns) = rows((0..5000).map(|id| id + i64::from(id == 4999)));
        assert_eq!(hash_rows(&keys, &columns, &[]).1, hash_rows(&keys, &columns, &[]).1);
        assert_ne!(hash_rows(&keys, &columns, &[]).1, hash_rows(&other_keys, &other_columns, &[]).1);
    }
}
