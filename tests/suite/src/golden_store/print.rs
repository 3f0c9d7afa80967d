//! Answers as JSON that a program in any language compares exactly: integers, decimals, instants and days are
//! exact, floats are their bits.

use std::fmt::Write;

use anyhow::{Context, Result, bail};
use arrow_array::cast::AsArray;
use arrow_array::types::{
    Date32Type, Decimal128Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type,
    TimestampMicrosecondType, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use arrow_array::{Array, ArrayRef, RecordBatch};
use calotype_storage::schema::FieldType;
use serde_json::{Value, json};

/// The columns of an answer: type and name of each.
///
/// # Errors
/// If a column is of a type that is not kept.
pub fn columns(schema: &arrow_schema::Schema) -> Result<Value> {
    let column = |field: &arrow_schema::FieldRef| {
        let field_type = FieldType::from_arrow(field.data_type()).context("a kept type")?;
        Ok(json!([field_type.to_string(), field.name()]))
    };
    schema.fields().iter().map(column).collect::<Result<Vec<_>>>().map(Value::Array)
}

/// The rows of batches, a list each.
///
/// # Errors
/// If a column is of a type that is not kept.
pub fn rows(batches: &[RecordBatch]) -> Result<Vec<Value>> {
    let mut rows = Vec::new();
    for batch in batches {
        for row in 0..batch.num_rows() {
            let cells = batch.columns().iter().map(|column| cell(column, row));
            rows.push(Value::Array(cells.collect::<Result<_>>()?));
        }
    }
    Ok(rows)
}

fn cell(column: &ArrayRef, row: usize) -> Result<Value> {
    if column.is_null(row) {
        return Ok(Value::Null);
    }
    macro_rules! number {
        ($type:ty) => {
            json!(column.as_primitive::<$type>().value(row))
        };
    }
    Ok(match FieldType::from_arrow(column.data_type()) {
        Some(FieldType::Bool) => json!(column.as_boolean().value(row)),
        Some(FieldType::Int(8)) => number!(Int8Type),
        Some(FieldType::Int(16)) => number!(Int16Type),
        Some(FieldType::Int(32)) => number!(Int32Type),
        Some(FieldType::Int(_)) => number!(Int64Type),
        Some(FieldType::UInt(8)) => number!(UInt8Type),
        Some(FieldType::UInt(16)) => number!(UInt16Type),
        Some(FieldType::UInt(32)) => number!(UInt32Type),
        Some(FieldType::UInt(_)) => number!(UInt64Type),
        Some(FieldType::Float(32)) => {
            json!(format!("{:08x}", column.as_primitive::<Float32Type>().value(row).to_bits()))
        }
        Some(FieldType::Float(_)) => {
            json!(format!("{:016x}", column.as_primitive::<Float64Type>().value(row).to_bits()))
        }
        Some(FieldType::Decimal(..)) => json!(column.as_primitive::<Decimal128Type>().value_as_string(row)),
        Some(FieldType::Date) => number!(Date32Type),
        Some(FieldType::Timestamp) => number!(TimestampMicrosecondType),
        Some(FieldType::Utf8) => json!(column.as_string::<i32>().value(row)),
        Some(FieldType::Binary) => json!(hex(column.as_binary::<i32>().value(row))),
        None => bail!("a column of type {} is not kept", column.data_type()),
    })
}

/// Lower-case hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").expect("a string takes all");
        text
    })
}
