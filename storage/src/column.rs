//! One column of one row group: its canonical form (identity) and its stored form.
//!
//! Invariants: equal content has one canonical form, whatever the width of its
//! integers, its slices, or what lies under null slots; a column that was stored
//! and read again is equal to what was given, after [`normalise`]. FORMAT.md
//! describes every byte (sections "Canonical columns" and "Stored columns").

mod canonical;
mod equal;
mod normalise;
mod stored;

pub use canonical::{CanonicalHasher, canonical_bytes_of_row, column_digest};
pub use equal::same_rows;
pub use normalise::normalise;
pub use stored::{DecodeColumnError, StoredColumn, decode, encode};

use arrow_array::{Array, ArrayRef};

use crate::schema::FieldType;

#[cfg(target_endian = "big")]
compile_error!("buffers are hashed and stored as they lie in memory, which must be little-endian");

/// The code of a physical type, as stored beside a column.
pub(crate) fn type_code(field_type: FieldType) -> u8 {
    match field_type {
        FieldType::Bool => 1,
        FieldType::Int(8) => 2,
        FieldType::Int(16) => 3,
        FieldType::Int(32) => 4,
        FieldType::Int(_) => 5,
        FieldType::UInt(8) => 6,
        FieldType::UInt(16) => 7,
        FieldType::UInt(32) => 8,
        FieldType::UInt(_) => 9,
        FieldType::Float(32) => 10,
        FieldType::Float(_) => 11,
        FieldType::Decimal(..) => 12,
        FieldType::Date => 13,
        FieldType::Timestamp => 14,
        FieldType::Utf8 => 15,
        FieldType::Binary => 16,
    }
}

/// The physical type of a code; a decimal's digits come from the field that is read.
pub(crate) fn type_of_code(code: u8, field: FieldType) -> Option<FieldType> {
    Some(match code {
        1 => FieldType::Bool,
        2 => FieldType::Int(8),
        3 => FieldType::Int(16),
        4 => FieldType::Int(32),
        5 => FieldType::Int(64),
        6 => FieldType::UInt(8),
        7 => FieldType::UInt(16),
        8 => FieldType::UInt(32),
        9 => FieldType::UInt(64),
        10 => FieldType::Float(32),
        11 => FieldType::Float(64),
        12 => match field {
            FieldType::Decimal(precision, scale) => FieldType::Decimal(precision, scale),
            FieldType::Bool
            | FieldType::Int(_)
            | FieldType::UInt(_)
            | FieldType::Float(_)
            | FieldType::Date
            | FieldType::Timestamp
            | FieldType::Utf8
            | FieldType::Binary => return None,
        },
        13 => FieldType::Date,
        14 => FieldType::Timestamp,
        15 => FieldType::Utf8,
        16 => FieldType::Binary,
        _ => return None,
    })
}

/// Bytes of a value of fixed width in memory; `None` for bits and variable widths.
pub(crate) fn value_bytes(field_type: FieldType) -> Option<usize> {
    match field_type {
        FieldType::Int(bits) | FieldType::UInt(bits) | FieldType::Float(bits) => Some(usize::from(bits) / 8),
        FieldType::Decimal(..) => Some(16),
        FieldType::Date => Some(4),
        FieldType::Timestamp => Some(8),
        FieldType::Bool | FieldType::Utf8 | FieldType::Binary => None,
    }
}

/// A column without a single value: nothing is stored for it.
pub fn is_all_null(column: &ArrayRef) -> bool {
    column.null_count() == column.len()
}

#[cfg(test)]
mod tests;
