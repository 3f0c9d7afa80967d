//! Cells of declared type: text in, values straight into an Arrow builder, no copy per cell.

use std::sync::Arc;

use arrow_array::ArrayRef;
use arrow_array::builder::{BinaryBuilder, BooleanBuilder, PrimitiveBuilder, StringBuilder};
use arrow_array::types::{
    ArrowPrimitiveType, Date32Type, Decimal128Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type,
    Int64Type, TimestampMicrosecondType, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use arrow_cast::base64::{BASE64_STANDARD, Engine};
use arrow_schema::{DataType, TimeUnit};

use super::error::CellFault;
use super::{instant, number};

/// Collects the cells of one column of a batch.
pub(super) trait CellBuilder {
    /// Adds the value that a text stands for; on an error adds nothing.
    fn append(&mut self, text: &[u8]) -> Result<(), CellFault>;
    /// Adds a null.
    fn append_null(&mut self);
    /// The cells so far; the builder is empty after it.
    fn finish(&mut self) -> ArrayRef;
}

/// The builder for a type; none for a type that is not read from text.
#[expect(clippy::wildcard_enum_match_arm, reason = "every other type is not read from text")]
pub(super) fn builder(data_type: &DataType) -> Option<Box<dyn CellBuilder>> {
    Some(match data_type {
        DataType::Boolean => Box::new(BooleanBuilder::new()),
        DataType::Int8 => primitive::<Int8Type>(data_type, number::integer),
        DataType::Int16 => primitive::<Int16Type>(data_type, number::integer),
        DataType::Int32 => primitive::<Int32Type>(data_type, number::integer),
        DataType::Int64 => primitive::<Int64Type>(data_type, number::integer),
        DataType::UInt8 => primitive::<UInt8Type>(data_type, number::integer),
        DataType::UInt16 => primitive::<UInt16Type>(data_type, number::integer),
        DataType::UInt32 => primitive::<UInt32Type>(data_type, number::integer),
        DataType::UInt64 => primitive::<UInt64Type>(data_type, number::integer),
        DataType::Float32 => primitive::<Float32Type>(data_type, number::float),
        DataType::Float64 => primitive::<Float64Type>(data_type, number::float),
        DataType::Date32 => primitive::<Date32Type>(data_type, instant::date),
        DataType::Timestamp(TimeUnit::Microsecond, Some(zone)) if zone.as_ref() == "UTC" => {
            primitive::<TimestampMicrosecondType>(data_type, instant::instant)
        }
        DataType::Decimal128(precision, scale) => {
            let (precision, scale) = (*precision, u8::try_from(*scale).ok()?);
            let parse = move |text: &[u8]| number::decimal(text, precision, scale);
            primitive::<Decimal128Type>(data_type, parse)
        }
        DataType::Utf8 => Box::new(StringBuilder::new()),
        DataType::Binary => Box::new(Base64 { builder: BinaryBuilder::new(), bytes: Vec::new() }),
        _ => return None,
    })
}

/// Cells of fixed width, and how their text is read.
struct Primitive<T: ArrowPrimitiveType, F> {
    builder: PrimitiveBuilder<T>,
    parse: F,
}

fn primitive<T: ArrowPrimitiveType>(
    data_type: &DataType,
    parse: impl Fn(&[u8]) -> Result<T::Native, CellFault> + 'static,
) -> Box<dyn CellBuilder> {
    let builder = PrimitiveBuilder::<T>::new().with_data_type(data_type.clone());
    Box::new(Primitive { builder, parse })
}

impl<T, F> CellBuilder for Primitive<T, F>
where
    T: ArrowPrimitiveType,
    F: Fn(&[u8]) -> Result<T::Native, CellFault>,
{
    fn append(&mut self, text: &[u8]) -> Result<(), CellFault> {
        self.builder.append_value((self.parse)(text)?);
        Ok(())
    }

    fn append_null(&mut self) {
        self.builder.append_null();
    }

    fn finish(&mut self) -> ArrayRef {
        Arc::new(self.builder.finish())
    }
}

impl CellBuilder for BooleanBuilder {
    fn append(&mut self, text: &[u8]) -> Result<(), CellFault> {
        self.append_value(boolean(text).ok_or(CellFault::Malformed)?);
        Ok(())
    }

    fn append_null(&mut self) {
        Self::append_null(self);
    }

    fn finish(&mut self) -> ArrayRef {
        Arc::new(Self::finish(self))
    }
}

impl CellBuilder for StringBuilder {
    fn append(&mut self, text: &[u8]) -> Result<(), CellFault> {
        // Rows are checked as they are read, so this cannot fail there; it costs little.
        self.append_value(str::from_utf8(text).map_err(|_| CellFault::Malformed)?);
        Ok(())
    }

    fn append_null(&mut self) {
        Self::append_null(self);
    }

    fn finish(&mut self) -> ArrayRef {
        Arc::new(Self::finish(self))
    }
}

/// Binary cells, written as base64 (RFC 4648 section 4, padded).
struct Base64 {
    builder: BinaryBuilder,
    bytes: Vec<u8>,
}

impl CellBuilder for Base64 {
    fn append(&mut self, text: &[u8]) -> Result<(), CellFault> {
        self.bytes.clear();
        BASE64_STANDARD.decode_vec(text, &mut self.bytes).map_err(|_| CellFault::Malformed)?;
        self.builder.append_value(&self.bytes);
        Ok(())
    }

    fn append_null(&mut self) {
        self.builder.append_null();
    }

    fn finish(&mut self) -> ArrayRef {
        Arc::new(self.builder.finish())
    }
}

/// `true` or `false` in any case of letters; nothing else, no `1`, no `yes`.
pub(super) fn boolean(text: &[u8]) -> Option<bool> {
    if text.eq_ignore_ascii_case(b"true") {
        Some(true)
    } else if text.eq_ignore_ascii_case(b"false") {
        Some(false)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use arrow_array::Array;

    use super::*;
    use crate::output::Cells;

    fn check(data_type: &DataType, text: &str, expected: Result<&str, CellFault>) {
        let mut cells = builder(data_type).unwrap();
        let found = cells.append(text.as_bytes()).map(|()| {
            cells.append_null();
            let array = cells.finish();
            assert_eq!((array.data_type(), array.len(), array.null_count()), (data_type, 2, 1));
            let mut text = String::new();
            Cells::of(&array).unwrap().append(0, &mut text).unwrap();
            text
        });
        assert_eq!(found.as_deref().map_err(|fault| *fault), expected, "{data_type} {text:?}");
    }

    #[test]
    fn each_type_is_read_strictly() {
        check(&DataType::Boolean, "TRUE", Ok("true"));
        check(&DataType::Boolean, "false", Ok("false"));
        check(&DataType::Boolean, "1", Err(CellFault::Malformed));
        check(&DataType::Int8, "-128", Ok("-128"));
        check(&DataType::Int16, "32768", Err(CellFault::OutOfRange));
        check(&DataType::Int32, "7", Ok("7"));
        check(&DataType::Int64, "7.0", Err(CellFault::Malformed));
        check(&DataType::UInt8, "255", Ok("255"));
        check(&DataType::UInt16, "65536", Err(CellFault::OutOfRange));
        check(&DataType::UInt32, "-1", Err(CellFault::OutOfRange));
        check(&DataType::UInt64, "18446744073709551615", Ok("18446744073709551615"));
        check(&DataType::Float32, "0.5", Ok("0.5"));
        check(&DataType::Float64, "1e3", Ok("1000.0"));
        check(&DataType::Date32, "2026-03-31", Ok("2026-03-31"));
        check(&super::super::instant_type(), "2026-03-31T02:00:00+02:00", Ok("2026-03-31T00:00:00.000000Z"));
        check(&DataType::Decimal128(5, 2), "999.99", Ok("999.99"));
        check(&DataType::Decimal128(5, 2), "1000.00", Err(CellFault::OutOfRange));
        check(&DataType::Utf8, " ü", Ok(" ü"));
        check(&DataType::Binary, "AP8=", Ok("AP8="));
        check(&DataType::Binary, "", Ok(""));
        check(&DataType::Binary, "AP8", Err(CellFault::Malformed));
    }

    #[test]
    fn other_types_are_not_read_from_text() {
        for data_type in [
            DataType::LargeUtf8,
            DataType::Timestamp(TimeUnit::Nanosecond, Some("UTC".into())),
            DataType::Timestamp(TimeUnit::Microsecond, None),
            DataType::Decimal128(5, -2),
        ] {
            assert!(builder(&data_type).is_none(), "{data_type}");
        }
    }
}
