//! Control totals: what a producer added up, compared exactly.

use std::collections::BTreeMap;

use arrow_array::ArrayRef;
use arrow_array::cast::AsArray;
use arrow_array::types::{Decimal128Type, Int64Type, UInt64Type};
use arrow_cast::cast;
use arrow_schema::DataType;

use crate::decimal;
use crate::refusal::Refusal;
use crate::schema::{FieldType, Schema};

/// Compares announced totals with the rows.
pub(super) fn check(
    totals: &BTreeMap<String, String>,
    schema: &Schema,
    columns: &[ArrayRef],
) -> Result<(), Refusal> {
    for (name, announced) in totals {
        let no_total = || Refusal::NoTotal(name.chars().take(128).collect());
        let place = schema.place_of(name).ok_or_else(no_total)?;
        let field_type = schema.fields()[place].field_type;
        let scale = match field_type {
            FieldType::Decimal(_, scale) => scale.unsigned_abs(),
            FieldType::Int(_) | FieldType::UInt(_) => 0,
            FieldType::Bool
            | FieldType::Float(_)
            | FieldType::Date
            | FieldType::Timestamp
            | FieldType::Utf8
            | FieldType::Binary => return Err(no_total()),
        };
        let found = sum(field_type, &columns[place]).ok_or_else(no_total)?;
        let refusal = || Refusal::Total {
            column: name.clone(),
            expected: announced.chars().take(80).collect(),
            found: print(found, scale),
        };
        if decimal::parse(announced, scale) != Some(found) {
            return Err(refusal());
        }
    }
    Ok(())
}

fn sum(field_type: FieldType, column: &ArrayRef) -> Option<i128> {
    let add = |total: Option<i128>, value: i128| total?.checked_add(value);
    match field_type {
        FieldType::Decimal(..) => column.as_primitive::<Decimal128Type>().iter().flatten().fold(Some(0), add),
        FieldType::UInt(_) => {
            let wide = cast(column, &DataType::UInt64).ok()?;
            wide.as_primitive::<UInt64Type>().iter().flatten().map(i128::from).fold(Some(0), add)
        }
        FieldType::Int(_)
        | FieldType::Bool
        | FieldType::Float(_)
        | FieldType::Date
        | FieldType::Timestamp
        | FieldType::Utf8
        | FieldType::Binary => {
            let wide = cast(column, &DataType::Int64).ok()?;
            wide.as_primitive::<Int64Type>().iter().flatten().map(i128::from).fold(Some(0), add)
        }
    }
}

fn print(value: i128, scale: u8) -> String {
    let digits = format!("{:0>width$}", value.unsigned_abs(), width = usize::from(scale) + 1);
    let (whole, fraction) = digits.split_at(digits.len() - usize::from(scale));
    let sign = if value < 0 { "-" } else { "" };
    let point = if scale > 0 { "." } else { "" };
    format!("{sign}{whole}{point}{fraction}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn totals_are_printed_as_they_are_written() {
        assert_eq!([print(1230, 2), print(-5, 2), print(7, 0)], ["12.30", "-0.05", "7"]);
    }
}
