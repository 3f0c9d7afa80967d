//! Values, keys, rows, columns, positions.

use calotype_proto::v1;
use calotype_proto::v1::value::Kind;

use super::{text, time};
use crate::error::Broken;
use crate::put::Position;
use crate::time::Instant;
use crate::value::{Column, Key, Row, Value};

impl From<&Value> for v1::Value {
    fn from(value: &Value) -> Self {
        let kind = match value {
            Value::Null => None,
            Value::Bool(value) => Some(Kind::BoolValue(*value)),
            Value::Int(value) => Some(Kind::IntValue(*value)),
            Value::UInt(value) => Some(Kind::UintValue(*value)),
            Value::Double(value) => Some(Kind::DoubleValue(*value)),
            Value::String(value) => Some(Kind::StringValue(value.clone())),
            Value::Bytes(value) => Some(Kind::BytesValue(value.clone().into())),
            Value::Decimal(value) => Some(Kind::DecimalValue(value.clone())),
            Value::Date(value) => Some(Kind::DateValue(*value)),
            Value::Timestamp(value) => Some(Kind::TimestampValue((*value).into())),
        };
        Self { kind }
    }
}

impl TryFrom<v1::Value> for Value {
    type Error = Broken;

    fn try_from(value: v1::Value) -> Result<Self, Broken> {
        Ok(match value.kind {
            None => Self::Null,
            Some(Kind::BoolValue(value)) => Self::Bool(value),
            Some(Kind::IntValue(value)) => Self::Int(value),
            Some(Kind::UintValue(value)) => Self::UInt(value),
            Some(Kind::DoubleValue(value)) => Self::Double(value),
            Some(Kind::StringValue(value)) => Self::String(value),
            Some(Kind::BytesValue(value)) => Self::Bytes(value.into()),
            Some(Kind::DecimalValue(value)) => Self::Decimal(value),
            Some(Kind::DateValue(value)) => Self::Date(value),
            Some(Kind::TimestampValue(value)) => Self::Timestamp(Instant::from_micros(time::micros(value)?)),
        })
    }
}

impl From<&Row> for v1::Row {
    fn from(row: &Row) -> Self {
        Self { values: row.0.iter().map(Into::into).collect() }
    }
}

/// A row of an answer with so many columns.
pub(crate) fn row_of(row: v1::Row, width: usize) -> Result<Row, Broken> {
    if row.values.len() != width {
        return Err(Broken(format!("a row has {} values for {width} columns", row.values.len())));
    }
    super::each(row.values).map(Row)
}

impl From<&Key> for v1::Key {
    fn from(key: &Key) -> Self {
        Self { columns: key.0.iter().map(|(name, value)| (name.clone(), value.into())).collect() }
    }
}

impl From<&Column> for v1::Column {
    fn from(column: &Column) -> Self {
        Self {
            name: column.name.clone(),
            r#type: column.type_name.clone(),
            nullable: column.nullable,
            class: column.class.clone().unwrap_or_default(),
            key: column.key,
            field_id: column.field_id.unwrap_or_default(),
        }
    }
}

impl From<v1::Column> for Column {
    fn from(column: v1::Column) -> Self {
        Self {
            name: column.name,
            type_name: column.r#type,
            nullable: column.nullable,
            class: text(column.class),
            key: column.key,
            field_id: Some(column.field_id).filter(|id| *id != 0),
        }
    }
}

impl From<&Position> for v1::Position {
    fn from(position: &Position) -> Self {
        let Position { source, partition, epoch, from, to } = position.clone();
        Self { source, partition, epoch, from, to }
    }
}

impl From<v1::Position> for Position {
    fn from(position: v1::Position) -> Self {
        let v1::Position { source, partition, epoch, from, to } = position;
        Self { source, partition, epoch, from, to }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_survive_the_way() {
        for value in [
            Value::Null,
            true.into(),
            (-7_i64).into(),
            u64::MAX.into(),
            0.5.into(),
            "é".into(),
            vec![0_u8, 255].into(),
            Value::Decimal("12.30".into()),
            Value::Date(-1),
            Instant::from_micros(-1).into(),
            Option::<i64>::None.into(),
        ] {
            assert_eq!(Value::try_from(v1::Value::from(&value)), Ok(value));
        }
    }

    #[test]
    fn a_row_has_a_value_for_each_column() {
        let row = v1::Row { values: vec![v1::Value::default(); 2] };
        assert_eq!(row_of(row.clone(), 2), Ok(Row(vec![Value::Null, Value::Null])));
        assert_eq!(row_of(row, 3), Err(Broken("a row has 2 values for 3 columns".into())));
    }
}
