//! One column's buffers against its type and rows, then as an array, validated in full.
//!
//! Invariant: buffers are asked for exactly as the type lays them out, and each holds what the rows need, before
//! Arrow sees any of them.

use arrow_array::cast::AsArray;
use arrow_array::types::{Decimal32Type, Decimal64Type, Decimal128Type, DecimalType};
use arrow_array::{Array, ArrayRef, PrimitiveArray, make_array};
use arrow_buffer::Buffer;
use arrow_data::{ArrayData, ArrayDataBuilder};
use arrow_schema::{ArrowError, DataType};
use bytes::Bytes;

use super::decompress::decompress;
use super::error::{Expected, Fault};
use super::gate::{Node, Rows, limit, signed};
use crate::limits::Limits;

/// Takes columns out of a message, one after the other.
pub(super) struct Reader<'a> {
    rows: &'a Rows,
    body: &'a Bytes,
    limits: &'a Limits,
    nodes: usize,
    buffers: usize,
    views: usize,
    /// What columns stand for that take less than they say, bytes.
    unfolded: usize,
}

impl<'a> Reader<'a> {
    pub(super) fn new(rows: &'a Rows, body: &'a Bytes, limits: &'a Limits) -> Self {
        Self { rows, body, limits, nodes: 0, buffers: 0, views: 0, unfolded: 0 }
    }

    /// The next column, with plain values.
    pub(super) fn values(&mut self, column: &str, data_type: &DataType) -> Result<ArrayRef, Fault> {
        let node = self.node(column)?;
        #[expect(clippy::wildcard_enum_match_arm, reason = "all others have a fixed width or are refused")]
        let builder = match data_type {
            DataType::Null => {
                if node.nulls != node.length {
                    let (expected, found) = (Expected::Exactly(signed(node.length)), signed(node.nulls));
                    return Err(parameter(column, "nulls of it", expected, found));
                }
                ArrayData::builder(DataType::Null).len(node.length)
            }
            DataType::Utf8View | DataType::BinaryView => self.views(column, data_type, node)?,
            DataType::Utf8 | DataType::Binary => self.texts(column, data_type, node, 4)?,
            DataType::LargeUtf8 | DataType::LargeBinary => self.texts(column, data_type, node, 8)?,
            DataType::Boolean => {
                let builder = self.begin(column, data_type, node)?;
                builder.add_buffer(self.exactly(column, "values", node.length.div_ceil(8) as u64)?)
            }
            fixed => {
                let width = width(fixed).ok_or_else(|| Fault::Type {
                    column: column.to_owned(),
                    found: fixed.to_string(),
                    hint: "only flat columns are taken",
                })?;
                let builder = self.begin(column, fixed, node)?;
                builder.add_buffer(self.exactly(column, "values", node.length as u64 * width)?)
            }
        };
        let array = build(column, builder)?;
        check_decimals(&array).map_err(|source| Fault::Values { column: column.to_owned(), source })?;
        if matches!(data_type, DataType::Utf8View | DataType::BinaryView) {
            let bytes = view_bytes(&array);
            self.unfold(bytes)?;
        }
        Ok(array)
    }

    /// The next column's places in a dictionary.
    pub(super) fn places(
        &mut self,
        column: &str,
        places: &DataType,
        dictionary: &ArrayRef,
    ) -> Result<ArrayRef, Fault> {
        let node = self.node(column)?;
        let data_type =
            DataType::Dictionary(Box::new(places.clone()), Box::new(dictionary.data_type().clone()));
        let builder = self.begin(column, &data_type, node)?;
        let needed = node.length as u64 * width(places).unwrap_or(8);
        let places = self.exactly(column, "places in the dictionary", needed)?;
        build(column, builder.add_buffer(places).add_child_data(dictionary.to_data()))
    }

    /// Counts bytes that a column stands for beyond what it takes.
    pub(super) fn unfold(&mut self, bytes: usize) -> Result<(), Fault> {
        self.unfolded = self.unfolded.saturating_add(bytes);
        let allowed = self.limits.ipc_raw_bytes_max;
        if self.unfolded <= allowed {
            return Ok(());
        }
        Err(limit("ipc_raw_bytes_max", "bytes that dictionaries and views stand for", self.unfolded, allowed))
    }

    /// Nothing may be left.
    pub(super) fn finish(self) -> Result<(), Fault> {
        for (what, expected, found) in [
            ("nodes", self.nodes, self.rows.nodes.len()),
            ("buffers", self.buffers, self.rows.buffers.len()),
            ("counts of buffers of views", self.views, self.rows.variadic.len()),
        ] {
            if expected != found {
                let (expected, found) = (Expected::Exactly(signed(expected)), signed(found));
                return Err(Fault::Number { what, expected, found });
            }
        }
        Ok(())
    }

    fn node(&mut self, column: &str) -> Result<Node, Fault> {
        let found = signed(self.rows.nodes.len());
        let missing = || parameter(column, "nodes up to it", Expected::AtLeast(found + 1), found);
        let node = *self.rows.nodes.get(self.nodes).ok_or_else(missing)?;
        self.nodes += 1;
        if node.length != self.rows.length {
            let (expected, found) = (Expected::Exactly(signed(self.rows.length)), signed(node.length));
            return Err(parameter(column, "rows of it", expected, found));
        }
        Ok(node)
    }

    fn buffer(&mut self, column: &str) -> Result<Buffer, Fault> {
        let found = signed(self.rows.buffers.len());
        let missing = || parameter(column, "buffers up to it", Expected::AtLeast(found + 1), found);
        let index = self.buffers;
        let span = self.rows.buffers.get(index).ok_or_else(missing)?.clone();
        self.buffers += 1;
        let bytes = self.body.slice(span);
        match self.rows.codec {
            None => Ok(bytes.into()),
            Some(codec) => decompress(index, codec, &bytes),
        }
    }

    /// The next buffer's first bytes, as many as the rows need.
    fn exactly(&mut self, column: &str, buffer: &'static str, expected: u64) -> Result<Buffer, Fault> {
        first(column, buffer, &self.buffer(column)?, expected)
    }

    /// Begins an array with its nulls, which come first; without nulls, the buffer may hold anything.
    fn begin(&mut self, column: &str, data_type: &DataType, node: Node) -> Result<ArrayDataBuilder, Fault> {
        let nulls = self.buffer(column)?;
        let builder = ArrayData::builder(data_type.clone()).len(node.length);
        if node.nulls == 0 {
            return Ok(builder);
        }
        let nulls = first(column, "null mask", &nulls, node.length.div_ceil(8) as u64)?;
        Ok(builder.null_bit_buffer(Some(nulls)).null_count(node.nulls))
    }

    fn texts(
        &mut self,
        column: &str,
        data_type: &DataType,
        node: Node,
        width: u64,
    ) -> Result<ArrayDataBuilder, Fault> {
        let builder = self.begin(column, data_type, node)?;
        let mut offsets = self.buffer(column)?;
        // Without rows, the one offset may be left out.
        if node.length == 0 && offsets.is_empty() {
            offsets = Buffer::from_vec(vec![0_u64]);
        }
        let offsets = first(column, "offsets", &offsets, (node.length as u64 + 1) * width)?;
        Ok(builder.add_buffer(offsets).add_buffer(self.buffer(column)?))
    }

    fn views(&mut self, column: &str, data_type: &DataType, node: Node) -> Result<ArrayDataBuilder, Fault> {
        let mut builder = self.begin(column, data_type, node)?;
        builder = builder.add_buffer(self.exactly(column, "views", node.length as u64 * 16)?);
        let found = signed(self.rows.variadic.len());
        let missing = || parameter(column, "counts of buffers up to it", Expected::AtLeast(found + 1), found);
        let count = *self.rows.variadic.get(self.views).ok_or_else(missing)?;
        self.views += 1;
        for _ in 0..count {
            builder = builder.add_buffer(self.buffer(column)?);
        }
        Ok(builder)
    }
}

/// Builds an array; Arrow validates all of it and copies what is not aligned.
fn build(column: &str, builder: ArrayDataBuilder) -> Result<ArrayRef, Fault> {
    let invalid = |source| Fault::Values { column: column.to_owned(), source };
    Ok(make_array(builder.align_buffers(true).build().map_err(invalid)?))
}

/// Bytes of a value of a fixed width.
pub(super) fn width(data_type: &DataType) -> Option<u64> {
    if let DataType::FixedSizeBinary(width) = data_type {
        return u64::try_from(*width).ok();
    }
    data_type.primitive_width().map(|width| width as u64)
}

/// As many bytes of a buffer as the rows need. What follows is padding, which may be of any length; Arrow panics
/// where a buffer is no multiple of its values' width.
fn first(column: &str, buffer: &'static str, bytes: &Buffer, expected: u64) -> Result<Buffer, Fault> {
    match usize::try_from(expected) {
        Ok(length) if length <= bytes.len() => Ok(bytes.slice_with_length(0, length)),
        _ => Err(Fault::Short { column: column.to_owned(), buffer, expected, found: bytes.len() }),
    }
}

/// Arrow does not check that decimals have no more digits than announced.
fn check_decimals(array: &ArrayRef) -> Result<(), ArrowError> {
    fn check<T: DecimalType>(array: &PrimitiveArray<T>, precision: u8) -> Result<(), ArrowError> {
        array.validate_decimal_precision(precision)
    }
    #[expect(clippy::wildcard_enum_match_arm, reason = "all other types take every value of their width")]
    match array.data_type() {
        DataType::Decimal32(precision, _) => check(array.as_primitive::<Decimal32Type>(), *precision),
        DataType::Decimal64(precision, _) => check(array.as_primitive::<Decimal64Type>(), *precision),
        DataType::Decimal128(precision, _) => check(array.as_primitive::<Decimal128Type>(), *precision),
        _ => Ok(()),
    }
}

/// Bytes that views stand for: many may name the same ones.
fn view_bytes(array: &ArrayRef) -> usize {
    let total = |views: &[u128]| -> usize {
        // The lowest 32 bits of a view are its length; the array has been validated.
        views.iter().map(|view| (*view & 0xffff_ffff) as usize).fold(0, usize::saturating_add)
    };
    match array.as_string_view_opt() {
        Some(texts) => total(texts.views()),
        None => array.as_binary_view_opt().map_or(0, |bytes| total(bytes.views())),
    }
}

fn parameter(column: &str, what: &'static str, expected: Expected, found: i64) -> Fault {
    Fault::Parameter { column: column.to_owned(), what, expected, found }
}
