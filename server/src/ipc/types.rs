//! The columns that a schema message announces: flat, of types that are kept, dictionaries named.
//!
//! Invariant: no parameter of a type is passed on unchecked; what is not kept is refused here, with what to send in
//! its place.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow_ipc as fb;
use arrow_schema::{DataType, Field, Schema, SchemaRef, TimeUnit};
use flatbuffers::{ForwardsUOffset, Vector};

use super::error::{Expected, Fault};
use super::gate::{limit, signed};
use crate::limits::Limits;

/// A column's name, bytes.
const NAME_BYTES_MAX: usize = 256;
/// A time zone's name, bytes.
const ZONE_BYTES_MAX: usize = 64;
/// Values of a fixed width, bytes.
const FIXED_BYTES_MAX: i32 = 1 << 20;

const KEPT: &str =
    "bool, integers, float, double, decimal128, date32, timestamp with zone, string and binary are";

/// A column as it comes.
#[derive(Clone, Debug)]
pub(super) struct Column {
    /// Its name.
    pub name: String,
    /// The type of its values.
    pub values: DataType,
    /// Whether its values come as a dictionary.
    pub dictionary: Option<Encoding>,
    /// Whether it may hold nulls.
    pub nullable: bool,
}

/// How a column refers to a dictionary.
#[derive(Clone, Debug)]
pub(super) struct Encoding {
    /// The dictionary's number.
    pub id: i64,
    /// The type of the places in it.
    pub places: DataType,
}

/// The columns of a schema message.
#[derive(Clone, Debug)]
pub(super) struct Columns {
    /// The schema of what is handed out: plain columns.
    pub schema: SchemaRef,
    /// The columns as they come.
    pub columns: Vec<Column>,
}

/// Reads the columns that a schema message announces.
pub(super) fn read(schema: fb::Schema<'_>, limits: &Limits) -> Result<Columns, Fault> {
    if schema.endianness() != fb::Endianness::Little {
        let expected = Expected::Words("little endian");
        let found = schema.endianness().0.into();
        return Err(Fault::Number { what: "order of bytes", expected, found });
    }
    let announced = schema.fields().ok_or(Fault::Kind { expected: "a schema with fields", found: "none" })?;
    if announced.len() > limits.ipc_columns_max {
        return Err(limit("ipc_columns_max", "columns", announced.len(), limits.ipc_columns_max));
    }
    let mut room = limits.ipc_metadata_bytes_max;
    let mut columns = Vec::with_capacity(announced.len());
    let mut fields = Vec::with_capacity(announced.len());
    for field in announced {
        let name = name(field)?;
        let column = Column {
            values: values(name, field)?,
            dictionary: field.dictionary().map(|dictionary| encoding(name, dictionary)).transpose()?,
            nullable: field.nullable(),
            name: name.to_owned(),
        };
        if let (DataType::Null, Some(_)) = (&column.values, &column.dictionary) {
            return Err(not_kept(name, "a dictionary of nulls", KEPT));
        }
        let metadata = metadata(field.custom_metadata(), &mut room, limits)?;
        let kept = Field::new(name, column.values.clone(), column.nullable);
        fields.push(Arc::new(kept.with_metadata(metadata.into_iter().collect())));
        columns.push(column);
    }
    same_types(&columns)?;
    let metadata = metadata(schema.custom_metadata(), &mut room, limits)?;
    Ok(Columns {
        schema: Arc::new(Schema::new_with_metadata(fields, metadata.into_iter().collect())),
        columns,
    })
}

/// A dictionary that several columns refer to has one type.
fn same_types(columns: &[Column]) -> Result<(), Fault> {
    let mut types = BTreeMap::new();
    for column in columns {
        let Some(encoding) = &column.dictionary else { continue };
        let first = types.entry(encoding.id).or_insert(&column.values);
        if **first != column.values {
            let hint = "the same dictionary has another type in another column";
            return Err(not_kept(&column.name, &column.values.to_string(), hint));
        }
    }
    Ok(())
}

fn name(field: fb::Field<'_>) -> Result<&str, Fault> {
    let name = field.name().unwrap_or_default();
    if name.len() <= NAME_BYTES_MAX {
        return Ok(name);
    }
    let head = name.chars().take(32).collect();
    let expected = Expected::Within(0, signed(NAME_BYTES_MAX));
    Err(Fault::Parameter { column: head, what: "bytes of its name", expected, found: signed(name.len()) })
}

fn metadata(
    pairs: Option<Vector<'_, ForwardsUOffset<fb::KeyValue<'_>>>>,
    room: &mut usize,
    limits: &Limits,
) -> Result<BTreeMap<String, String>, Fault> {
    let mut read = BTreeMap::new();
    for pair in pairs.iter().flatten() {
        let (Some(key), Some(value)) = (pair.key(), pair.value()) else { continue };
        let allowed = limits.ipc_metadata_bytes_max;
        *room = room.checked_sub(key.len() + value.len()).ok_or_else(|| {
            limit("ipc_metadata_bytes_max", "bytes of keys and values", allowed + 1, allowed)
        })?;
        read.insert(key.to_owned(), value.to_owned());
    }
    Ok(read)
}

fn encoding(column: &str, dictionary: fb::DictionaryEncoding<'_>) -> Result<Encoding, Fault> {
    if dictionary.dictionaryKind() != fb::DictionaryKind::DenseArray {
        let (expected, found) = (Expected::Words("a dense array"), dictionary.dictionaryKind().0.into());
        return Err(parameter(column, "kind of its dictionary", expected, found));
    }
    // Left out, places are 32 bits wide.
    let places = dictionary.indexType().map_or(Ok(DataType::Int32), |index| integer(column, index))?;
    Ok(Encoding { id: dictionary.id(), places })
}

fn integer(column: &str, int: fb::Int<'_>) -> Result<DataType, Fault> {
    Ok(match (int.bitWidth(), int.is_signed()) {
        (8, true) => DataType::Int8,
        (16, true) => DataType::Int16,
        (32, true) => DataType::Int32,
        (64, true) => DataType::Int64,
        (8, false) => DataType::UInt8,
        (16, false) => DataType::UInt16,
        (32, false) => DataType::UInt32,
        (64, false) => DataType::UInt64,
        (found, _) => {
            let expected = Expected::Words("8, 16, 32 or 64");
            return Err(parameter(column, "bits of its integers", expected, found.into()));
        }
    })
}

/// The type of a column's values.
fn values(column: &str, field: fb::Field<'_>) -> Result<DataType, Fault> {
    let missing = || not_kept(column, "a type without its parameters", KEPT);
    let data_type = match field.type_type() {
        fb::Type::Null => DataType::Null,
        fb::Type::Bool => DataType::Boolean,
        fb::Type::Int => integer(column, field.type_as_int().ok_or_else(missing)?)?,
        fb::Type::FloatingPoint => float(column, field.type_as_floating_point().ok_or_else(missing)?)?,
        fb::Type::Binary => DataType::Binary,
        fb::Type::LargeBinary => DataType::LargeBinary,
        fb::Type::BinaryView => DataType::BinaryView,
        fb::Type::Utf8 => DataType::Utf8,
        fb::Type::LargeUtf8 => DataType::LargeUtf8,
        fb::Type::Utf8View => DataType::Utf8View,
        fb::Type::FixedSizeBinary => {
            let width = field.type_as_fixed_size_binary().ok_or_else(missing)?.byteWidth();
            if !(1..=FIXED_BYTES_MAX).contains(&width) {
                let expected = Expected::Within(1, FIXED_BYTES_MAX.into());
                return Err(parameter(column, "bytes of its values", expected, width.into()));
            }
            DataType::FixedSizeBinary(width)
        }
        fb::Type::Decimal => decimal(column, field.type_as_decimal().ok_or_else(missing)?)?,
        fb::Type::Date => match field.type_as_date().ok_or_else(missing)?.unit() {
            fb::DateUnit::DAY => DataType::Date32,
            _ => return Err(not_kept(column, "date64", "use date32 for days, or a timestamp with a zone")),
        },
        fb::Type::Timestamp => timestamp(column, field.type_as_timestamp().ok_or_else(missing)?)?,
        other => {
            let found = other.variant_name().unwrap_or("unknown");
            let hint = if field.children().is_some_and(|children| !children.is_empty()) {
                "only flat columns are taken; send its fields as columns of their own, or it as a string"
            } else {
                KEPT
            };
            return Err(not_kept(column, found, hint));
        }
    };
    match field.children().map_or(0, |children| children.len()) {
        0 => Ok(data_type),
        found => Err(parameter(column, "fields within it", Expected::Exactly(0), signed(found))),
    }
}

fn float(column: &str, float: fb::FloatingPoint<'_>) -> Result<DataType, Fault> {
    match float.precision() {
        fb::Precision::SINGLE => Ok(DataType::Float32),
        fb::Precision::DOUBLE => Ok(DataType::Float64),
        _ => Err(not_kept(column, "halffloat", "use float or double")),
    }
}

fn decimal(column: &str, decimal: fb::Decimal<'_>) -> Result<DataType, Fault> {
    let digits_max = match decimal.bitWidth() {
        32 => 9,
        64 => 18,
        128 => 38,
        256 => return Err(not_kept(column, "decimal256", "at most 38 digits are kept: use decimal128")),
        found => {
            let expected = Expected::Words("32, 64 or 128");
            return Err(parameter(column, "bits of its decimals", expected, found.into()));
        }
    };
    let within = |what, found: i32, from: i32, to: i32| {
        if (from..=to).contains(&found) {
            return Ok(i8::try_from(found).expect("at most 38"));
        }
        Err(parameter(column, what, Expected::Within(from.into(), to.into()), found.into()))
    };
    let precision = within("digits of its decimals", decimal.precision(), 1, digits_max)?;
    let scale = within("digits after the point", decimal.scale(), 0, precision.into())?;
    let precision = precision.unsigned_abs();
    Ok(match decimal.bitWidth() {
        32 => DataType::Decimal32(precision, scale),
        64 => DataType::Decimal64(precision, scale),
        _ => DataType::Decimal128(precision, scale),
    })
}

fn timestamp(column: &str, timestamp: fb::Timestamp<'_>) -> Result<DataType, Fault> {
    let unit = match timestamp.unit() {
        fb::TimeUnit::SECOND => TimeUnit::Second,
        fb::TimeUnit::MILLISECOND => TimeUnit::Millisecond,
        fb::TimeUnit::MICROSECOND => TimeUnit::Microsecond,
        fb::TimeUnit::NANOSECOND => TimeUnit::Nanosecond,
        other => {
            let expected = Expected::Words("one that Arrow defines");
            return Err(parameter(column, "unit of its timestamps", expected, other.0.into()));
        }
    };
    let Some(zone) = timestamp.timezone().filter(|zone| !zone.is_empty()) else {
        let hint = "give it a zone: which instants are meant is not known";
        return Err(not_kept(column, "timestamp without a zone", hint));
    };
    if zone.len() > ZONE_BYTES_MAX {
        let expected = Expected::Within(1, signed(ZONE_BYTES_MAX));
        return Err(parameter(column, "bytes of its time zone", expected, signed(zone.len())));
    }
    Ok(DataType::Timestamp(unit, Some(zone.into())))
}

fn not_kept(column: &str, found: &str, hint: &'static str) -> Fault {
    Fault::Type { column: column.to_owned(), found: found.to_owned(), hint }
}

fn parameter(column: &str, what: &'static str, expected: Expected, found: i64) -> Fault {
    Fault::Parameter { column: column.to_owned(), what, expected, found }
}
