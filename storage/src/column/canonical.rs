//! The canonical form of a column and its digest.
//!
//! All integers are hashed as 64-bit, all floats as 64-bit, decimals as 128-bit:
//! widening a field changes no digest.

use arrow_array::cast::AsArray;
use arrow_array::types::{
    Date32Type, Decimal128Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type,
    TimestampMicrosecondType, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use arrow_array::{Array, ArrayRef, OffsetSizeTrait};
use arrow_buffer::{BooleanBuffer, OffsetBuffer};

use super::normalise::NAN_64;
use crate::identity::ChunkDigest;
use crate::schema::FieldType;

/// First byte of what is hashed for a column, so that no other object shares its digest.
const COLUMN: u8 = 1;

/// The digest of a normalised column.
///
/// # Panics
/// If the column is not of its field type: the caller has checked it.
pub fn column_digest(field_type: FieldType, column: &ArrayRef) -> ChunkDigest {
    let mut hasher = CanonicalHasher::default();
    let rows = u32::try_from(column.len()).expect("row groups are bounded");
    let has_nulls = column.null_count() > 0;
    let (class, scale) = class(field_type);
    hasher.0.update(&[COLUMN, class, scale, has_nulls.into()]);
    hasher.0.update(&rows.to_le_bytes());
    if let Some(nulls) = column.nulls().filter(|_| has_nulls) {
        hasher.bits(nulls.inner());
    }
    hasher.values(field_type, column);
    ChunkDigest::new(hasher.0.finalize().into())
}

/// The class of a type in the canonical form, and a decimal's scale.
fn class(field_type: FieldType) -> (u8, u8) {
    match field_type {
        FieldType::Bool => (1, 0),
        FieldType::Int(_) => (2, 0),
        FieldType::UInt(_) => (3, 0),
        FieldType::Float(_) => (4, 0),
        FieldType::Decimal(_, scale) => (5, scale.cast_unsigned()),
        FieldType::Date => (6, 0),
        FieldType::Timestamp => (7, 0),
        FieldType::Utf8 => (8, 0),
        FieldType::Binary => (9, 0),
    }
}

/// A BLAKE3 state that takes columns in canonical form.
#[derive(Clone, Default)]
pub struct CanonicalHasher(blake3::Hasher);

impl CanonicalHasher {
    /// The digest of all that was taken.
    pub fn finish(&self) -> [u8; 32] {
        self.0.finalize().into()
    }

    /// Takes raw bytes.
    pub fn bytes(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    /// Takes one byte a row: 1 where there is a value, 0 where there is none. Unlike the packed
    /// mask of a chunk, this does not depend on where batches are cut.
    pub fn validity(&mut self, column: &ArrayRef) {
        const ONES: [u8; 4096] = [1; 4096];
        if let Some(nulls) = column.nulls().filter(|nulls| nulls.null_count() > 0) {
            let bytes: Vec<u8> = nulls.iter().map(u8::from).collect();
            self.0.update(&bytes);
            return;
        }
        let mut rows = column.len();
        while rows > 0 {
            let some = rows.min(ONES.len());
            self.0.update(&ONES[..some]);
            rows -= some;
        }
    }

    /// Takes the values of a normalised column: fixed widths one after the other; lengths, then bytes.
    ///
    /// # Panics
    /// If the column is not of its field type: the caller has checked it.
    pub fn values(&mut self, field_type: FieldType, column: &ArrayRef) {
        macro_rules! widened {
            ($type:ty, $wide:ty) => {
                widened!($type, $wide, <$wide>::from)
            };
            ($type:ty, $wide:ty, $widen:expr) => {{
                let values = column.as_primitive::<$type>().values();
                for values in values.chunks(1024) {
                    let mut bytes = [0; 8 * 1024];
                    for (slot, &value) in bytes.chunks_exact_mut(8).zip(values) {
                        let wide: $wide = $widen(value);
                        slot.copy_from_slice(&wide.to_le_bytes());
                    }
                    self.0.update(&bytes[..8 * values.len()]);
                }
            }};
        }
        macro_rules! plain {
            ($type:ty) => {{
                self.0.update(column.as_primitive::<$type>().values().inner().as_slice());
            }};
        }
        match field_type {
            FieldType::Bool => self.bits(column.as_boolean().values()),
            FieldType::Int(8) => widened!(Int8Type, i64),
            FieldType::Int(16) => widened!(Int16Type, i64),
            FieldType::Int(32) => widened!(Int32Type, i64),
            FieldType::Int(_) => plain!(Int64Type),
            FieldType::UInt(8) => widened!(UInt8Type, u64),
            FieldType::UInt(16) => widened!(UInt16Type, u64),
            FieldType::UInt(32) => widened!(UInt32Type, u64),
            FieldType::UInt(_) => plain!(UInt64Type),
            FieldType::Float(32) => widened!(Float32Type, f64, widen),
            FieldType::Float(_) => plain!(Float64Type),
            FieldType::Decimal(..) => plain!(Decimal128Type),
            FieldType::Date => widened!(Date32Type, i64),
            FieldType::Timestamp => plain!(TimestampMicrosecondType),
            FieldType::Utf8 => {
                let array = column.as_string::<i32>();
                self.lengths(array.offsets());
                self.content(array.offsets(), array.values());
            }
            FieldType::Binary => {
                let array = column.as_binary::<i32>();
                self.lengths(array.offsets());
                self.content(array.offsets(), array.values());
            }
        }
    }

    /// Takes the values of a column so that batch cuts do not show: bits as bytes, and
    /// lengths into `lengths` instead of before the bytes.
    ///
    /// # Panics
    /// If the column is not of its field type: the caller has checked it.
    pub fn values_apart(&mut self, lengths: &mut Self, field_type: FieldType, column: &ArrayRef) {
        match field_type {
            FieldType::Bool => {
                let bytes: Vec<u8> = column.as_boolean().values().iter().map(u8::from).collect();
                self.0.update(&bytes);
            }
            FieldType::Utf8 => {
                let array = column.as_string::<i32>();
                lengths.lengths(array.offsets());
                self.content(array.offsets(), array.values());
            }
            FieldType::Binary => {
                let array = column.as_binary::<i32>();
                lengths.lengths(array.offsets());
                self.content(array.offsets(), array.values());
            }
            FieldType::Int(_)
            | FieldType::UInt(_)
            | FieldType::Float(_)
            | FieldType::Decimal(..)
            | FieldType::Date
            | FieldType::Timestamp => self.values(field_type, column),
        }
    }

    fn bits(&mut self, bits: &BooleanBuffer) {
        let mut bytes = bits.sliced().as_slice()[..bits.len().div_ceil(8)].to_vec();
        clear_padding(&mut bytes, bits.len());
        self.0.update(&bytes);
    }

    fn lengths<O: OffsetSizeTrait>(&mut self, offsets: &OffsetBuffer<O>) {
        let mut bytes = Vec::with_capacity(4 * offsets.len());
        for length in offsets.lengths() {
            let length = u32::try_from(length).expect("32-bit offsets");
            bytes.extend_from_slice(&length.to_le_bytes());
        }
        self.0.update(&bytes);
    }

    fn content<O: OffsetSizeTrait>(&mut self, offsets: &OffsetBuffer<O>, values: &[u8]) {
        let from = offsets[0].as_usize();
        let to = offsets[offsets.len() - 1].as_usize();
        self.0.update(&values[from..to]);
    }
}

/// The double of equal value. Which NaN a conversion makes is left open by the language.
fn widen(value: f32) -> f64 {
    if value.is_nan() { f64::from_bits(NAN_64) } else { value.into() }
}

/// Zeroes the bits of the last byte that stand for no row.
pub(super) fn clear_padding(bytes: &mut [u8], rows: usize) {
    if let Some(last) = bytes.last_mut()
        && !rows.is_multiple_of(8)
    {
        *last &= (1 << (rows % 8)) - 1;
    }
}

/// How many bytes one row of a column counts in the canonical form: what row groups are cut by.
///
/// # Panics
/// If the column is not of its field type: the caller has checked it.
pub fn canonical_bytes_of_row(field_type: FieldType, column: &ArrayRef, row: usize) -> usize {
    match field_type {
        FieldType::Bool => 1,
        FieldType::Int(_)
        | FieldType::UInt(_)
        | FieldType::Float(_)
        | FieldType::Date
        | FieldType::Timestamp => 8,
        FieldType::Decimal(..) => 16,
        FieldType::Utf8 => 4 + column.as_string::<i32>().value_length(row).cast_unsigned() as usize,
        FieldType::Binary => 4 + column.as_binary::<i32>().value_length(row).cast_unsigned() as usize,
    }
}
