//! The names of types as Calotype prints them, which is as pyarrow prints them.

use arrow_schema::{DataType, TimeUnit};

/// The name of a type, such as `decimal128(18, 2)` or `timestamp[us, tz=UTC]`.
#[expect(clippy::wildcard_enum_match_arm, reason = "types that are never kept keep Arrow's name")]
pub(crate) fn type_name(data_type: &DataType) -> String {
    let plain = match data_type {
        DataType::Boolean => "bool",
        DataType::Float16 => "halffloat",
        DataType::Float32 => "float",
        DataType::Float64 => "double",
        DataType::Utf8 => "string",
        DataType::LargeUtf8 => "large_string",
        DataType::Utf8View => "string_view",
        DataType::LargeBinary => "large_binary",
        DataType::BinaryView => "binary_view",
        DataType::Date32 => "date32[day]",
        DataType::Date64 => "date64[ms]",
        DataType::Timestamp(unit, None) => return format!("timestamp[{}]", unit_name(*unit)),
        DataType::Timestamp(unit, Some(zone)) => {
            return format!("timestamp[{}, tz={zone}]", unit_name(*unit));
        }
        DataType::Decimal32(precision, scale) => return format!("decimal32({precision}, {scale})"),
        DataType::Decimal64(precision, scale) => return format!("decimal64({precision}, {scale})"),
        DataType::Decimal128(precision, scale) => {
            return format!("decimal128({precision}, {scale})");
        }
        DataType::Decimal256(precision, scale) => {
            return format!("decimal256({precision}, {scale})");
        }
        other => return other.to_string().to_lowercase(),
    };
    plain.to_owned()
}

fn unit_name(unit: TimeUnit) -> &'static str {
    match unit {
        TimeUnit::Second => "s",
        TimeUnit::Millisecond => "ms",
        TimeUnit::Microsecond => "us",
        TimeUnit::Nanosecond => "ns",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_named_as_pyarrow_names_them() {
        for (data_type, expected) in [
            (DataType::Int64, "int64"),
            (DataType::UInt8, "uint8"),
            (DataType::Boolean, "bool"),
            (DataType::Float32, "float"),
            (DataType::Float64, "double"),
            (DataType::Utf8, "string"),
            (DataType::Binary, "binary"),
            (DataType::Date32, "date32[day]"),
            (DataType::Null, "null"),
            (super::super::instant_type(), "timestamp[us, tz=UTC]"),
            (DataType::Timestamp(TimeUnit::Nanosecond, None), "timestamp[ns]"),
            (DataType::Decimal128(18, 2), "decimal128(18, 2)"),
        ] {
            assert_eq!(type_name(&data_type), expected);
        }
    }
}
