//! Values, rows and times of the interface: read and written.

use std::sync::Arc;

use arrow_array::builder::{BinaryBuilder, StringBuilder};
use arrow_array::cast::AsArray;
use arrow_array::types::{Decimal128Type, Int8Type, TimestampMicrosecondType};
use arrow_array::{
    ArrayRef, BooleanArray, Date32Array, Decimal128Array, Float32Array, Int8Array, RecordBatch,
    TimestampMicrosecondArray, UInt64Array,
};
use calotype_proto::v1::value::Kind;
use calotype_proto::v1::{Key, Row, RowBatch, Value};
use calotype_query::{KeyValue, Keys};
use calotype_storage::name::FieldName;
use calotype_storage::record::Mode;
use calotype_storage::schema::{Field as Column, FieldId, FieldType, Schema, SchemaVersion};

use super::*;
use crate::test_store::{TestStore, name};

fn at(seconds: i64, nanos: i32) -> Timestamp {
    Timestamp { seconds, nanos }
}

fn refused<T: std::fmt::Debug>(result: Result<T, Status>, expected: &str) {
    let error = result.unwrap_err();
    assert_eq!(error.code(), tonic::Code::InvalidArgument, "{error}");
    assert!(error.message().contains(expected), "'{}' lacks '{expected}'", error.message());
}

fn rows(columns: &[&str], rows: Vec<Vec<Option<Kind>>>) -> RowBatch {
    let row = |row: Vec<Option<Kind>>| Row { values: row.into_iter().map(|kind| Value { kind }).collect() };
    RowBatch {
        columns: columns.iter().map(ToString::to_string).collect(),
        rows: rows.into_iter().map(row).collect(),
    }
}

#[expect(clippy::unnecessary_wraps, reason = "the form that values have")]
fn text(text: &str) -> Option<Kind> {
    Some(Kind::StringValue(text.into()))
}

#[expect(clippy::unnecessary_wraps, reason = "the form that values have")]
fn decimal(text: &str) -> Option<Kind> {
    Some(Kind::DecimalValue(text.into()))
}

fn schema(columns: &[(&str, FieldType)]) -> Arc<Schema> {
    let field = |(id, (name, field_type)): (u32, &(&str, FieldType))| Column {
        id: FieldId::new(id),
        name: FieldName::parse(name).unwrap(),
        field_type: *field_type,
        nullable: true,
        class: None,
    };
    let fields = (1..).zip(columns).map(field).collect();
    Arc::new(Schema::new(SchemaVersion::FIRST, fields, &[columns[0].0.to_owned()]).unwrap())
}

#[test]
fn instants_are_whole_microseconds_in_range_or_refused() {
    let read = |timestamp| valid_time(Field("put.cutoff"), &timestamp);
    for (timestamp, micros) in [(at(1, 5000), 1_000_005), (at(-1, 999_999_000), -1), (at(0, 0), 0)] {
        assert_eq!(read(timestamp).unwrap().micros(), micros);
        assert_eq!(super::timestamp(read(timestamp).unwrap()), timestamp);
    }
    refused(read(at(0, 1)), "put.cutoff: is finer than a microsecond");
    refused(read(at(0, -1)), "nanos");
    refused(read(at(0, 1_000_000_000)), "nanos");
    refused(read(at(i64::MAX, 0)), "outside");
    refused(read(at(i64::MIN, 0)), "outside");
    // The greatest number of microseconds is reserved.
    refused(read(at(9_223_372_036_854, 775_807_000)), "outside");
    assert_eq!(read(at(9_223_372_036_854, 775_806_000)).unwrap(), ValidTime::LAST);
    assert_eq!(point(None).unwrap(), Point::default());
    let odd = v1::Point { valid_at: None, known_at: Some(at(0, 7)) };
    refused(point(Some(&odd)), "point.known_at: is finer");
}

#[test]
fn batches_become_rows_and_rows_batches() {
    let mut texts = StringBuilder::new();
    texts.append_value("ä");
    texts.append_null();
    let mut bytes = BinaryBuilder::new();
    bytes.append_value([0, 1]);
    bytes.append_null();
    let decimals = Decimal128Array::from(vec![Some(-5), None]).with_precision_and_scale(18, 2).unwrap();
    let columns: Vec<(&str, ArrayRef, FieldType)> = vec![
        ("a", Arc::new(Int8Array::from(vec![Some(-3), None])), FieldType::Int(8)),
        ("b", Arc::new(UInt64Array::from(vec![Some(u64::MAX), None])), FieldType::UInt(64)),
        ("c", Arc::new(Float32Array::from(vec![Some(0.1), None])), FieldType::Float(32)),
        ("d", Arc::new(BooleanArray::from(vec![Some(true), None])), FieldType::Bool),
        ("e", Arc::new(decimals), FieldType::Decimal(18, 2)),
        ("f", Arc::new(Date32Array::from(vec![Some(-1), None])), FieldType::Date),
        (
            "g",
            Arc::new(TimestampMicrosecondArray::from(vec![Some(-1), None]).with_timezone("UTC")),
            FieldType::Timestamp,
        ),
        ("h", Arc::new(texts.finish()), FieldType::Utf8),
        ("i", Arc::new(bytes.finish()), FieldType::Binary),
    ];
    let types: Vec<_> = columns.iter().map(|(name, _, field_type)| (*name, *field_type)).collect();
    let arrays = columns.into_iter().map(|(name, array, _)| (name, array, true));
    let batch = RecordBatch::try_from_iter_with_nullable(arrays).unwrap();
    let mut sent = row_batch(&batch);
    assert!(sent.rows[1].values.iter().all(|value| value.kind.is_none()));
    assert_eq!(sent.rows[0].values[4].kind, decimal("-0.05"));
    assert_eq!(sent.rows[0].values[6].kind, Some(Kind::TimestampValue(at(-1, 999_999_000))));
    sent.columns = types.iter().map(|(name, _)| (*name).to_owned()).collect();
    let mut reader = RowReader::new(Some(schema(&types)));
    assert_eq!(reader.read(sent).unwrap(), batch);
}

#[test]
fn values_of_another_type_are_refused_by_row_and_column() {
    let check = |field_type, kind: Kind, expected: Option<&str>| {
        let mut reader = RowReader::new(Some(schema(&[("id", FieldType::Int(64)), ("x", field_type)])));
        reader.read(rows(&["x"], vec![vec![None], vec![None]])).unwrap();
        let found = reader.read(rows(&["x"], vec![vec![None], vec![Some(kind)]]));
        match expected {
            None => assert!(found.is_ok(), "{found:?}"),
            Some(expected) => refused(found, &format!("row 4, column 'x': {expected}")),
        }
    };
    check(FieldType::Int(8), Kind::IntValue(127), None);
    check(FieldType::Int(8), Kind::UintValue(127), None);
    check(FieldType::Int(8), Kind::IntValue(128), Some("128 is out of range; expected int8"));
    check(FieldType::UInt(16), Kind::IntValue(-1), Some("-1 is out of range; expected uint16"));
    check(FieldType::Int(64), Kind::UintValue(u64::MAX), Some("18446744073709551615 is out of range"));
    check(FieldType::Int(64), Kind::StringValue("1".into()), Some("is a string_value; expected int64"));
    check(FieldType::Float(64), Kind::IntValue(1), Some("is an int_value"));
    check(FieldType::Float(32), Kind::DoubleValue(0.5), None);
    check(FieldType::Float(32), Kind::DoubleValue(f64::NAN), None);
    check(FieldType::Float(32), Kind::DoubleValue(0.1), Some("0.1 would be rounded; expected float"));
    check(FieldType::Float(32), Kind::DoubleValue(1e300), Some("1e300 would be rounded"));
    check(FieldType::Decimal(4, 2), Kind::DecimalValue("12.3".into()), None);
    check(FieldType::Decimal(4, 2), Kind::IntValue(99), None);
    check(FieldType::Decimal(4, 2), Kind::IntValue(100), Some("100 has too many digits"));
    check(FieldType::Decimal(4, 2), Kind::DecimalValue("1.234".into()), Some("'1.234' has more digits"));
    check(FieldType::Decimal(4, 2), Kind::DoubleValue(1.5), Some("is a double_value"));
    check(FieldType::Date, Kind::IntValue(1), Some("is an int_value; expected date32[day]"));
    check(FieldType::Timestamp, Kind::TimestampValue(at(0, 1)), Some("is finer than a microsecond"));
    check(FieldType::Timestamp, Kind::StringValue("2026-01-01T00:00:00Z".into()), Some("is a string_value"));
    check(FieldType::Utf8, Kind::BytesValue("a".into()), Some("is a bytes_value; expected string"));
    check(FieldType::Bool, Kind::IntValue(1), Some("is an int_value; expected bool"));
    check(FieldType::Binary, Kind::StringValue("a".into()), Some("is a string_value; expected binary"));
}

#[test]
fn types_are_taken_from_the_values_of_all_messages() {
    let names = ["id", "amount", "note", "_valid_from"];
    let mut reader = RowReader::new(None);
    let first = vec![Some(Kind::IntValue(1)), None, None, text("2026-01-01T00:00:00Z")];
    let second = vec![Some(Kind::IntValue(2)), decimal("1.5"), None, Some(Kind::TimestampValue(at(1, 0)))];
    let third = vec![None, decimal("-0.125"), None, None];
    let batches = [first, second, third].map(|row| reader.read(rows(&names, vec![row])).unwrap());
    let (schema, batches) = reader.finish(batches.into()).unwrap();
    let types: Vec<_> = schema.fields().iter().map(|field| field.data_type().to_string()).collect();
    assert_eq!(types, ["Int64", "Decimal128(38, 3)", "Null", "Timestamp(µs, \"UTC\")"]);
    assert!(batches.iter().all(|batch| batch.schema_ref() == &schema));
    let amounts: Vec<_> = batches
        .iter()
        .map(|batch| batch.column(1).as_primitive::<Decimal128Type>().iter().next().unwrap())
        .collect();
    assert_eq!(amounts, [None, Some(1500), Some(-125)]);
    assert_eq!(
        batches[0].column(3).as_primitive::<TimestampMicrosecondType>().value(0),
        1_767_225_600_000_000
    );
}

#[test]
fn columns_and_rows_have_one_shape() {
    let one = || Some(Kind::IntValue(1));
    let read = |batches: Vec<RowBatch>| {
        let mut reader = RowReader::new(None);
        batches.into_iter().try_for_each(|batch| reader.read(batch).map(drop))
    };
    refused(read(vec![rows(&[], vec![])]), "rows.columns: are missing");
    refused(read(vec![rows(&["a", "b", "a"], vec![])]), "rows.columns: name 'a' twice");
    refused(read(vec![rows(&["a"], vec![]), rows(&["b"], vec![])]), "are others than in the message before");
    refused(read(vec![rows(&["a"], vec![vec![one()], vec![]])]), "row 2 has 0 values for 1 columns");
    let mixed = rows(&["a"], vec![vec![one()], vec![Some(Kind::UintValue(1))]]);
    refused(read(vec![mixed]), "row 2, column 'a': is a uint_value; expected int64");
    let later = vec![rows(&["a"], vec![vec![one()]]), rows(&["a"], vec![vec![text("x")]])];
    refused(read(later), "row 2, column 'a': this message holds string, those before it held int64");
    let wide: Vec<_> = (0..5000).map(|place| format!("c{place}")).collect();
    refused(read(vec![RowBatch { columns: wide, rows: vec![] }]), "are 5000");
    refused(RowReader::new(None).finish(vec![]), "rows: are missing");
    let mut reader = RowReader::new(None);
    let long = format!("1{}", "0".repeat(37));
    let batches =
        [long.as_str(), "0.5"].map(|text| reader.read(rows(&["a"], vec![vec![decimal(text)]])).unwrap());
    refused(reader.finish(batches.into()), "column 'a': decimals of one column need more than 38 digits");
    let batch = RowReader::new(Some(schema(&[("a", FieldType::Int(8))]))).read(rows(&["a"], vec![])).unwrap();
    assert_eq!(batch.column(0).as_primitive::<Int8Type>().len(), 0);
}

#[tokio::test]
async fn keys_are_named_and_complete() {
    let store = TestStore::new().await;
    store.create("loans", Mode::State).await;
    let context = store.node.database().context(&name("loans")).unwrap();
    let one = |columns: &[(&str, Option<Kind>)]| Key {
        columns: columns
            .iter()
            .map(|(name, kind)| ((*name).to_owned(), Value { kind: kind.clone() }))
            .collect(),
    };
    let read = |kind| key(&context, Some(&one(&[("id", Some(kind))])));
    let these = |value| Keys::These(vec![vec![value]]);
    assert_eq!(read(Kind::IntValue(-7)).unwrap(), these(KeyValue::Integer(-7)));
    assert_eq!(read(Kind::DateValue(-1)).unwrap(), these(KeyValue::Text("1969-12-31".into())));
    let instant = KeyValue::Text("1970-01-01T00:00:01.000000Z".into());
    assert_eq!(read(Kind::TimestampValue(at(1, 0))).unwrap(), these(instant));
    refused(read(Kind::DoubleValue(1.0)), "key.columns['id']: is a double");
    refused(key(&context, None), "key: is missing");
    refused(key(&context, Some(&one(&[("id", None)]))), "is null");
    refused(key(&context, Some(&one(&[]))), "lacks key column 'id'");
    let other = one(&[("id", Some(Kind::IntValue(1))), ("x", None)]);
    refused(
        keys(&context, &[one(&[("id", Some(Kind::IntValue(1)))]), other], 2),
        "keys[1]: 'x' is no key column",
    );
    assert_eq!(keys(&context, &[], 2).unwrap(), Keys::All);
    let many = vec![one(&[]); 3];
    assert_eq!(keys(&context, &many, 2).unwrap_err().code(), tonic::Code::ResourceExhausted);
}
