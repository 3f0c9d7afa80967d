//! Keys in one comparable form: byte strings whose order is the order of the keys.
//!
//! The encoding is FORMAT.md's (section "Keys"): integers big-endian with the sign
//! flipped and always 64 bits wide, so that widening moves nothing; text and bytes
//! escaped and ended by two zero bytes, so that a shorter one sorts first and
//! columns do not run into each other. It is never shown to anyone.

use arrow_array::cast::AsArray;
use arrow_array::types::{
    Date32Type, Decimal128Type, Int8Type, Int16Type, Int32Type, Int64Type, TimestampMicrosecondType,
    UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use arrow_array::{Array, ArrayRef};

use crate::schema::FieldType;

/// Bytes of the longest encoded key.
pub const KEY_BYTES_MAX: usize = 1024;

/// Encoded keys of some rows, in the order of the rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EncodedKeys {
    bytes: Vec<u8>,
    /// `rows + 1` places in `bytes`.
    offsets: Vec<u32>,
}

impl EncodedKeys {
    /// Encodes the key columns of some rows. Columns hold no nulls.
    ///
    /// # Panics
    /// If a column is not of its field type: the caller has checked it.
    pub fn encode(columns: &[(FieldType, ArrayRef)]) -> Self {
        let rows = columns.first().map_or(0, |(_, column)| column.len());
        if let [(field_type, column)] = columns
            && let Some(words) = words(*field_type, column.as_ref())
        {
            let mut bytes = Vec::with_capacity(8 * rows);
            for word in words {
                bytes.extend_from_slice(&word.to_be_bytes());
            }
            let offsets = (0..=rows).map(|row| offset(8 * row)).collect();
            return Self { bytes, offsets };
        }
        let mut keys = Self { bytes: Vec::new(), offsets: Vec::with_capacity(rows + 1) };
        let columns: Vec<_> =
            columns.iter().map(|(field_type, column)| Column::of(*field_type, column)).collect();
        keys.offsets.push(0);
        for row in 0..rows {
            for column in &columns {
                column.write(row, &mut keys.bytes);
            }
            keys.offsets.push(offset(keys.bytes.len()));
        }
        keys
    }

    /// Gathers keys that are encoded already.
    pub fn from_keys<'a>(keys: impl IntoIterator<Item = &'a [u8]>) -> Self {
        let mut gathered = Self { bytes: Vec::new(), offsets: vec![0] };
        for key in keys {
            gathered.bytes.extend_from_slice(key);
            gathered.offsets.push(offset(gathered.bytes.len()));
        }
        gathered
    }

    /// How many rows there are.
    pub fn len(&self) -> usize {
        self.offsets.len() - 1
    }

    /// Whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The key of a row.
    pub fn get(&self, row: usize) -> &[u8] {
        &self.bytes[self.offsets[row] as usize..self.offsets[row + 1] as usize]
    }

    /// All keys in the order of the rows.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &[u8]> {
        (0..self.len()).map(|row| self.get(row))
    }

    /// The first row whose key is not below `key`; rows are sorted.
    pub fn lower_bound(&self, key: &[u8]) -> usize {
        self.partition_point(|other| other < key)
    }

    /// The first row whose key is above `key`; rows are sorted.
    pub fn upper_bound(&self, key: &[u8]) -> usize {
        self.partition_point(|other| other <= key)
    }

    fn partition_point(&self, below: impl Fn(&[u8]) -> bool) -> usize {
        let (mut low, mut high) = (0, self.len());
        while low < high {
            let middle = low.midpoint(high);
            if below(self.get(middle)) {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        low
    }

    /// Whether each key is at or above the one before it.
    pub fn is_sorted(&self) -> bool {
        (1..self.len()).all(|row| self.get(row - 1) <= self.get(row))
    }

    /// Rows in the order of their keys; rows of one key keep their order.
    pub fn sorted_rows(&self) -> Vec<u32> {
        let prefix = |row: u32| {
            let key = self.get(row as usize);
            let mut head = [0; 8];
            let length = key.len().min(8);
            head[..length].copy_from_slice(&key[..length]);
            u64::from_be_bytes(head)
        };
        let mut rows: Vec<(u64, u32)> = (0..offset(self.len())).map(|row| (prefix(row), row)).collect();
        rows.sort_unstable_by(|a, b| {
            a.0.cmp(&b.0).then_with(|| self.get(a.1 as usize).cmp(self.get(b.1 as usize))).then(a.1.cmp(&b.1))
        });
        rows.into_iter().map(|(_, row)| row).collect()
    }

    /// The keys of the given rows, in their order.
    #[must_use]
    pub fn take(&self, rows: &[u32]) -> Self {
        Self::from_keys(rows.iter().map(|&row| self.get(row as usize)))
    }

    /// The keys of a stretch of rows.
    #[must_use]
    pub fn slice(&self, from: usize, rows: usize) -> Self {
        let start = self.offsets[from];
        let end = self.offsets[from + rows];
        Self {
            bytes: self.bytes[start as usize..end as usize].to_vec(),
            offsets: self.offsets[from..=from + rows].iter().map(|place| place - start).collect(),
        }
    }

    /// Bytes held in memory.
    pub fn memory_bytes(&self) -> usize {
        self.bytes.len() + 4 * self.offsets.len()
    }
}

fn offset(bytes: usize) -> u32 {
    u32::try_from(bytes).expect("a put or row group is bounded well below 4 GiB of keys")
}

/// Flips the sign, so that unsigned order is signed order.
fn signed(value: i64) -> u64 {
    value.cast_unsigned() ^ (1 << 63)
}

/// Columns whose values fit one word each.
fn words<'a>(field_type: FieldType, column: &'a dyn Array) -> Option<Box<dyn Iterator<Item = u64> + 'a>> {
    macro_rules! integers {
        ($type:ty, $to:expr) => {
            Some(Box::new(column.as_primitive::<$type>().values().iter().map($to)))
        };
    }
    match field_type {
        FieldType::Int(8) => integers!(Int8Type, |&v| signed(v.into())),
        FieldType::Int(16) => integers!(Int16Type, |&v| signed(v.into())),
        FieldType::Int(32) => integers!(Int32Type, |&v| signed(v.into())),
        FieldType::Int(_) => integers!(Int64Type, |&v| signed(v)),
        FieldType::UInt(8) => integers!(UInt8Type, |&v| v.into()),
        FieldType::UInt(16) => integers!(UInt16Type, |&v| v.into()),
        FieldType::UInt(32) => integers!(UInt32Type, |&v| v.into()),
        FieldType::UInt(_) => integers!(UInt64Type, |&v| v),
        FieldType::Date => integers!(Date32Type, |&v| signed(v.into())),
        FieldType::Timestamp => integers!(TimestampMicrosecondType, |&v| signed(v)),
        FieldType::Bool
        | FieldType::Float(_)
        | FieldType::Decimal(..)
        | FieldType::Utf8
        | FieldType::Binary => None,
    }
}

enum Column<'a> {
    Words(Vec<u64>),
    Decimals(&'a [i128]),
    Bools(&'a arrow_array::BooleanArray),
    Texts(&'a arrow_array::StringArray),
    Bytes(&'a arrow_array::BinaryArray),
}

impl<'a> Column<'a> {
    fn of(field_type: FieldType, column: &'a ArrayRef) -> Self {
        if let Some(words) = words(field_type, column.as_ref()) {
            return Self::Words(words.collect());
        }
        match field_type {
            FieldType::Decimal(..) => Self::Decimals(column.as_primitive::<Decimal128Type>().values()),
            FieldType::Bool => Self::Bools(column.as_boolean()),
            FieldType::Utf8 => Self::Texts(column.as_string()),
            FieldType::Binary => Self::Bytes(column.as_binary()),
            FieldType::Int(_)
            | FieldType::UInt(_)
            | FieldType::Float(_)
            | FieldType::Date
            | FieldType::Timestamp => {
                unreachable!("words were encoded above, and floats are no keys")
            }
        }
    }

    fn write(&self, row: usize, bytes: &mut Vec<u8>) {
        match self {
            Self::Words(words) => bytes.extend_from_slice(&words[row].to_be_bytes()),
            Self::Decimals(values) => {
                bytes.extend_from_slice(&(values[row].cast_unsigned() ^ (1 << 127)).to_be_bytes());
            }
            Self::Bools(values) => bytes.push(values.value(row).into()),
            Self::Texts(values) => escape(values.value(row).as_bytes(), bytes),
            Self::Bytes(values) => escape(values.value(row), bytes),
        }
    }
}

fn escape(value: &[u8], bytes: &mut Vec<u8>) {
    for &byte in value {
        bytes.push(byte);
        if byte == 0 {
            bytes.push(0xff);
        }
    }
    bytes.extend_from_slice(&[0, 0]);
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::{
        BinaryArray, BooleanArray, Decimal128Array, Int8Array, Int64Array, StringArray, UInt64Array,
    };

    use super::*;

    /// Rows are given in ascending order; their encoded keys must be too.
    fn check(field_type: FieldType, column: ArrayRef) {
        let rows = column.len();
        let keys = EncodedKeys::encode(&[(field_type, column)]);
        assert_eq!(keys.len(), rows);
        for row in 1..rows {
            assert!(keys.get(row - 1) < keys.get(row), "{field_type} row {row}: {keys:?}");
        }
    }

    #[test]
    fn byte_order_is_key_order() {
        check(FieldType::Int(64), Arc::new(Int64Array::from(vec![i64::MIN, -2, -1, 0, 1, i64::MAX])));
        check(FieldType::UInt(64), Arc::new(UInt64Array::from(vec![0, 1, u64::MAX])));
        check(FieldType::Bool, Arc::new(BooleanArray::from(vec![false, true])));
        let decimals = Decimal128Array::from(vec![-(10_i128.pow(37)), -1, 0, 1, 10_i128.pow(37)]);
        check(FieldType::Decimal(38, 2), Arc::new(decimals));
        check(
            FieldType::Utf8,
            Arc::new(StringArray::from(vec!["", "\0", "\0\0", "\0a", "a", "a\0", "ab", "é"])),
        );
        check(
            FieldType::Binary,
            Arc::new(BinaryArray::from(vec![&b""[..], b"\0", b"\0\xff", b"\x01", b"\xff"])),
        );
    }

    #[test]
    fn composite_keys_do_not_run_into_each_other() {
        let text = |values: Vec<&str>| -> (FieldType, ArrayRef) {
            (FieldType::Utf8, Arc::new(StringArray::from(values)))
        };
        let keys = EncodedKeys::encode(&[text(vec!["a", "ab"]), text(vec!["bc", "c"])]);
        assert_ne!(keys.get(0), keys.get(1));
        assert!(keys.is_sorted());
    }

    #[test]
    fn widening_moves_no_key() {
        let narrow = EncodedKeys::encode(&[(FieldType::Int(8), Arc::new(Int8Array::from(vec![-3, 5])))]);
        let wide = EncodedKeys::encode(&[(FieldType::Int(64), Arc::new(Int64Array::from(vec![-3, 5])))]);
        assert_eq!(narrow, wide);
    }

    #[test]
    fn rows_sort_stably_and_are_found() {
        let column: ArrayRef = Arc::new(Int64Array::from(vec![3, 1, 3, 2]));
        let keys = EncodedKeys::encode(&[(FieldType::Int(64), column)]);
        let rows = keys.sorted_rows();
        assert_eq!(rows, [1, 3, 0, 2]);
        let sorted = keys.take(&rows);
        assert!(sorted.is_sorted());
        assert_eq!((sorted.lower_bound(keys.get(0)), sorted.upper_bound(keys.get(0))), (2, 4));
        assert_eq!(sorted.slice(1, 2).get(0), sorted.get(1));
    }
}
