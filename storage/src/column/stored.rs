//! The stored form of a column: the buffers of an Arrow array as the body of an
//! IPC message holds them, each compressed by itself, each on a 64-byte boundary.

use std::cell::RefCell;

use arrow_array::cast::AsArray;
use arrow_array::types::{
    Date32Type, Decimal128Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type,
    TimestampMicrosecondType, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use arrow_array::{Array, ArrayRef, OffsetSizeTrait, make_array};
use arrow_buffer::{Buffer, MutableBuffer, OffsetBuffer};
use arrow_data::ArrayData;

use super::canonical::clear_padding;
use super::value_bytes;
use crate::schema::FieldType;

/// Every buffer starts on a multiple of this many bytes.
const ALIGNMENT: usize = 64;
/// What stands before a buffer that is not compressed, where the raw length would be.
const NOT_COMPRESSED: i64 = -1;
/// Shorter buffers are not worth a frame.
const COMPRESS_BYTES_MIN: usize = 64;
/// Raw bytes of the largest buffer that is ever read: a row group's bound with room to spare.
const RAW_BYTES_MAX: usize = 64 << 20;

/// A column as it lies in a pack, and what is needed to read it again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredColumn {
    /// The buffers with their padding.
    pub bytes: Vec<u8>,
    /// Rows.
    pub rows: u32,
    /// Rows without a value.
    pub nulls: u32,
    /// Stored bytes of the validity mask, the offsets and the values, without padding.
    pub buffers: [u32; 3],
}

/// Why stored bytes are not the column they should be. The copy is damaged.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeColumnError {
    /// A buffer ends outside the stored bytes, or has a length that its rows do not explain.
    #[error("buffer {buffer} of the column has {found} bytes where {expected} are expected")]
    Length {
        /// 0 validity, 1 offsets, 2 values.
        buffer: usize,
        /// Bytes expected.
        expected: usize,
        /// Bytes found.
        found: usize,
    },
    /// The compressed frame does not decompress.
    #[error("buffer {0} of the column does not decompress")]
    Frame(usize, #[source] std::io::Error),
    /// The buffers do not make an array: offsets that fall, text that is not UTF-8.
    #[error("the column's buffers are not a valid array")]
    Invalid(#[source] arrow_schema::ArrowError),
}

thread_local! {
    static COMPRESSOR: RefCell<Option<zstd::bulk::Compressor<'static>>> = const { RefCell::new(None) };
    static DECOMPRESSOR: RefCell<Option<zstd::bulk::Decompressor<'static>>> = const { RefCell::new(None) };
}

/// Writes a normalised column in its stored form.
///
/// # Panics
/// If the column is not of its field type: the caller has checked it.
pub fn encode(field_type: FieldType, column: &ArrayRef) -> StoredColumn {
    let nulls = column.null_count();
    let validity = column.nulls().filter(|_| nulls > 0).map_or_else(Vec::new, |mask| bits(mask.inner()));
    let (offsets, values) = match field_type {
        FieldType::Utf8 => {
            let array = column.as_string::<i32>();
            variable(array.offsets(), array.values())
        }
        FieldType::Binary => {
            let array = column.as_binary::<i32>();
            variable(array.offsets(), array.values())
        }
        FieldType::Bool => (Vec::new(), Buffer::from_vec(bits(column.as_boolean().values()))),
        FieldType::Int(_)
        | FieldType::UInt(_)
        | FieldType::Float(_)
        | FieldType::Decimal(..)
        | FieldType::Date
        | FieldType::Timestamp => (Vec::new(), fixed(field_type, column)),
    };
    let mut stored = StoredColumn {
        bytes: Vec::new(),
        rows: u32::try_from(column.len()).expect("row groups are bounded"),
        nulls: u32::try_from(nulls).expect("row groups are bounded"),
        buffers: [0; 3],
    };
    for (place, raw) in [&validity, &offsets, values.as_slice()].into_iter().enumerate() {
        let from = stored.bytes.len();
        write_buffer(raw, &mut stored.bytes);
        let written = stored.bytes.len() - from;
        stored.buffers[place] = u32::try_from(written).expect("row groups are bounded");
        stored.bytes.resize(stored.bytes.len().next_multiple_of(ALIGNMENT), 0);
    }
    stored
}

fn bits(bits: &arrow_buffer::BooleanBuffer) -> Vec<u8> {
    let mut bytes = bits.sliced().as_slice()[..bits.len().div_ceil(8)].to_vec();
    clear_padding(&mut bytes, bits.len());
    bytes
}

fn variable<O: OffsetSizeTrait>(offsets: &OffsetBuffer<O>, values: &Buffer) -> (Vec<u8>, Buffer) {
    let first = offsets[0].as_usize();
    let last = offsets[offsets.len() - 1].as_usize();
    let rebased = offsets
        .iter()
        .flat_map(|place| i32::try_from(place.as_usize() - first).expect("32-bit offsets").to_le_bytes())
        .collect();
    (rebased, values.slice_with_length(first, last - first))
}

fn fixed(field_type: FieldType, column: &ArrayRef) -> Buffer {
    macro_rules! buffer {
        ($type:ty) => {
            column.as_primitive::<$type>().values().inner().clone()
        };
    }
    match field_type {
        FieldType::Int(8) => buffer!(Int8Type),
        FieldType::Int(16) => buffer!(Int16Type),
        FieldType::Int(32) => buffer!(Int32Type),
        FieldType::Int(_) => buffer!(Int64Type),
        FieldType::UInt(8) => buffer!(UInt8Type),
        FieldType::UInt(16) => buffer!(UInt16Type),
        FieldType::UInt(32) => buffer!(UInt32Type),
        FieldType::UInt(_) => buffer!(UInt64Type),
        FieldType::Float(32) => buffer!(Float32Type),
        FieldType::Float(_) => buffer!(Float64Type),
        FieldType::Decimal(..) => buffer!(Decimal128Type),
        FieldType::Date => buffer!(Date32Type),
        FieldType::Timestamp => buffer!(TimestampMicrosecondType),
        FieldType::Bool | FieldType::Utf8 | FieldType::Binary => unreachable!("not of fixed width"),
    }
}

fn write_buffer(raw: &[u8], bytes: &mut Vec<u8>) {
    if raw.is_empty() {
        return;
    }
    if raw.len() >= COMPRESS_BYTES_MIN {
        let frame = COMPRESSOR.with_borrow_mut(|slot| {
            let compressor = slot.get_or_insert_with(|| {
                zstd::bulk::Compressor::new(1).expect("level 1 exists and its context fits into memory")
            });
            compressor.compress(raw).expect("the frame's bound was reserved")
        });
        if frame.len() < raw.len() {
            let length = i64::try_from(raw.len()).expect("row groups are bounded");
            bytes.extend_from_slice(&length.to_le_bytes());
            bytes.extend_from_slice(&frame);
            return;
        }
    }
    bytes.extend_from_slice(&NOT_COMPRESSED.to_le_bytes());
    bytes.extend_from_slice(raw);
}

/// Reads a column from its stored bytes; hostile bytes are an error.
///
/// # Errors
/// [`DecodeColumnError`] if the bytes are not a column of that type, rows and nulls.
pub fn decode(
    field_type: FieldType,
    rows: u32,
    nulls: u32,
    buffers: [u32; 3],
    bytes: &[u8],
) -> Result<ArrayRef, DecodeColumnError> {
    let rows = rows as usize;
    let length = |buffer, expected, found| DecodeColumnError::Length { buffer, expected, found };
    let mut from = 0;
    let mut raw = [const { None }; 3];
    for (place, slot) in raw.iter_mut().enumerate() {
        let stored = buffers[place] as usize;
        let Some(slice) = bytes.get(from..from + stored) else {
            return Err(length(place, stored, bytes.len().saturating_sub(from)));
        };
        from = (from + stored).next_multiple_of(ALIGNMENT);
        let expected = match (place, field_type, value_bytes(field_type)) {
            (0, _, _) => Some(if nulls > 0 { rows.div_ceil(8) } else { 0 }),
            (1, FieldType::Utf8 | FieldType::Binary, _) => Some(4 * (rows + 1)),
            (1, _, _) => Some(0),
            (_, FieldType::Bool, _) => Some(rows.div_ceil(8)),
            (_, _, Some(width)) => Some(width * rows),
            (_, _, None) => None,
        };
        *slot = Some(read_buffer(place, slice, expected)?);
    }
    let [Some(validity), Some(offsets), Some(values)] = raw else {
        unreachable!("the loop above filled all three");
    };
    let mut data = ArrayData::builder(field_type.to_arrow()).len(rows);
    if nulls > 0 {
        data = data.null_bit_buffer(Some(validity));
    }
    if matches!(field_type, FieldType::Utf8 | FieldType::Binary) {
        data = data.add_buffer(offsets);
    }
    let data = data.add_buffer(values).build().map_err(DecodeColumnError::Invalid)?;
    if data.null_count() != nulls as usize {
        return Err(length(0, nulls as usize, data.null_count()));
    }
    Ok(make_array(data))
}

fn read_buffer(place: usize, stored: &[u8], expected: Option<usize>) -> Result<Buffer, DecodeColumnError> {
    let length = |expected, found| DecodeColumnError::Length { buffer: place, expected, found };
    let Some((head, body)) = stored.split_first_chunk::<8>() else {
        return match (stored.len(), expected) {
            (0, None | Some(0)) => Ok(MutableBuffer::new(0).into()),
            (found, expected) => Err(length(expected.unwrap_or(8), found)),
        };
    };
    let claim = i64::from_le_bytes(*head);
    let raw = if claim == NOT_COMPRESSED { body.len() } else { usize::try_from(claim).unwrap_or(usize::MAX) };
    if raw > RAW_BYTES_MAX || expected.is_some_and(|expected| expected != raw) {
        return Err(length(expected.unwrap_or(RAW_BYTES_MAX), raw));
    }
    let mut buffer = MutableBuffer::from_len_zeroed(raw);
    if claim == NOT_COMPRESSED {
        buffer.as_slice_mut().copy_from_slice(body);
        return Ok(buffer.into());
    }
    let written = DECOMPRESSOR.with_borrow_mut(|slot| {
        let decompressor = match slot {
            Some(decompressor) => decompressor,
            None => slot.insert(zstd::bulk::Decompressor::new()?),
        };
        decompressor.decompress_to_buffer(body, buffer.as_slice_mut())
    });
    let written = written.map_err(|error| DecodeColumnError::Frame(place, error))?;
    if written == raw { Ok(buffer.into()) } else { Err(length(raw, written)) }
}
