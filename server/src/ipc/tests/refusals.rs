//! Schemas and orders of messages that are refused, each with what is wrong and what to send in its place.

use arrow_ipc as fb;
use arrow_schema::{DataType, Field, IntervalUnit, Schema, TimeUnit};
use tonic::Code;

use super::handmade::{Builder, Type, field, int, schema, schema_of, text};
use super::*;
use crate::ipc::{Compression, Decoder, Encoder, schema_message};

fn check(header: &Bytes, expected: &str) {
    let (outcome, peak) = allocation::peak_of(|| Decoder::new(&lenient()).schema(header));
    let status = outcome.unwrap_err().status();
    assert_eq!(status.code(), Code::InvalidArgument);
    assert!(status.message().contains(expected), "expected {expected}, found {}", status.message());
    assert!(peak < 1 << 20);
}

#[test]
fn types_that_are_not_kept_are_refused_with_what_to_send() {
    let item = || Arc::new(Field::new("item", DataType::Int32, true));
    let pair = DataType::Struct(vec![Field::new("a", DataType::Int32, true)].into());
    for (data_type, expected) in [
        (DataType::Float16, "use float or double"),
        (DataType::Date64, "use date32 for days"),
        (DataType::Timestamp(TimeUnit::Microsecond, None), "give it a zone"),
        (DataType::Decimal256(40, 2), "at most 38 digits"),
        (DataType::Time64(TimeUnit::Microsecond), "type Time is not taken: bool, integers"),
        (DataType::Duration(TimeUnit::Second), "type Duration is not taken"),
        (DataType::Interval(IntervalUnit::DayTime), "type Interval is not taken"),
        (DataType::List(item()), "only flat columns are taken"),
        (DataType::FixedSizeList(item(), 2), "only flat columns are taken"),
        (pair, "only flat columns are taken; send its fields as columns of their own"),
    ] {
        let message = schema_message(&Schema::new(vec![Field::new("it", data_type, true)]));
        check(&message, expected);
        check(&message, "column \"it\"");
    }
}

#[test]
fn types_that_cannot_be_are_refused() {
    fn plain(kind: fb::Type, parameters: flatbuffers::WIPOffset<flatbuffers::UnionWIPOffset>) -> Type {
        Type { kind, parameters, children: Vec::new() }
    }
    fn decimal(builder: &mut Builder, bits: i32, precision: i32, scale: i32) -> Type {
        let arguments = fb::DecimalArgs { bitWidth: bits, precision, scale };
        plain(fb::Type::Decimal, fb::Decimal::create(builder, &arguments).as_union_value())
    }
    for bits in [-1, 0, 7, 128, i32::MAX] {
        check(&schema(|builder| int(builder, bits)), "bits of its integers: expected 8, 16, 32 or 64");
    }
    for (bits, precision, scale, expected) in [
        (33, 5, 2, "bits of its decimals"),
        (128, 0, 0, "digits of its decimals: expected 1 to 38, found 0"),
        (128, 39, 0, "digits of its decimals: expected 1 to 38"),
        (64, 19, 0, "digits of its decimals: expected 1 to 18"),
        (32, 300, 0, "digits of its decimals: expected 1 to 9"),
        (128, -1, 0, "digits of its decimals"),
        (128, 5, 6, "digits after the point: expected 0 to 5, found 6"),
        (128, 5, -1, "digits after the point"),
        (128, 5, 1000, "digits after the point"),
    ] {
        check(&schema(|builder| decimal(builder, bits, precision, scale)), expected);
    }
    for width in [0, -1, i32::MIN, i32::MAX] {
        let fixed = |builder: &mut Builder| {
            let arguments = fb::FixedSizeBinaryArgs { byteWidth: width };
            plain(
                fb::Type::FixedSizeBinary,
                fb::FixedSizeBinary::create(builder, &arguments).as_union_value(),
            )
        };
        check(&schema(fixed), "bytes of its values");
    }
    let timestamp = |unit: fb::TimeUnit, zone: String| {
        schema(|builder| {
            let timezone = Some(builder.create_string(&zone));
            let arguments = fb::TimestampArgs { unit, timezone };
            plain(fb::Type::Timestamp, fb::Timestamp::create(builder, &arguments).as_union_value())
        })
    };
    check(&timestamp(fb::TimeUnit(9), "UTC".to_owned()), "unit of its timestamps");
    check(&timestamp(fb::TimeUnit::SECOND, String::new()), "give it a zone");
    check(
        &timestamp(fb::TimeUnit::SECOND, "x".repeat(65)),
        "bytes of its time zone: expected 1 to 64, found 65",
    );
    let with_child = schema(|builder| {
        let child = int(builder, 64);
        let child = field(builder, "in", &child);
        Type { children: vec![child], ..int(builder, 64) }
    });
    check(&with_child, "fields within it: expected 0, found 1");
    // The type of one kind under the name of another.
    let confused = schema(|builder| Type { kind: fb::Type::Decimal, ..int(builder, 64) });
    check(&confused, "no Arrow message");
    check(&schema(|builder| Type { kind: fb::Type(99), ..int(builder, 64) }), "type unknown is not taken");
}

#[test]
fn names_and_byte_orders_that_cannot_be_are_refused() {
    let named = |name: &str, endianness| {
        schema_of(
            |builder| {
                let kind = int(builder, 64);
                vec![field(builder, name, &kind)]
            },
            endianness,
        )
    };
    check(
        &named(&"n".repeat(257), fb::Endianness::Little),
        "bytes of its name: expected 0 to 256, found 257",
    );
    check(&named("it", fb::Endianness::Big), "order of bytes: expected little endian");
    let error = Decoder::new(&lenient()).schema(&schema_message(&Schema::new(vec![Field::new(
        "a\u{1b}[2J",
        DataType::Float16,
        true,
    )])));
    assert!(!error.unwrap_err().to_string().contains('\u{1b}'));
}

#[test]
fn one_dictionary_of_two_types_is_refused() {
    let shared = |second: fn(&mut Builder) -> Type| {
        schema_of(
            |builder| {
                let mut one = |name: &str, kind: fn(&mut Builder) -> Type| {
                    let (name, kind) = (builder.create_string(name), kind(builder));
                    let arguments = fb::DictionaryEncodingArgs { id: 3, ..Default::default() };
                    let dictionary = Some(fb::DictionaryEncoding::create(builder, &arguments));
                    let arguments = fb::FieldArgs {
                        name: Some(name),
                        type_type: kind.kind,
                        type_: Some(kind.parameters),
                        dictionary,
                        ..Default::default()
                    };
                    fb::Field::create(builder, &arguments)
                };
                vec![one("a", text), one("b", second)]
            },
            fb::Endianness::Little,
        )
    };
    assert!(Decoder::new(&lenient()).schema(&shared(text)).is_ok());
    check(&shared(|builder| int(builder, 64)), "column \"b\"");
}

#[test]
fn messages_out_of_order_are_refused() {
    let stream = valid_stream(None);
    let messages = messages(&stream);
    let (schema, _) = &messages[0];
    let (header, body) = messages.last().unwrap();
    let mut decoder = Decoder::new(&Limits::default());
    let error = decoder.message(header, body).unwrap_err();
    assert_eq!(error.to_string(), "arrow message 0: expected the schema first, found rows");
    decoder.schema(schema).unwrap();
    let error = decoder.schema(schema).unwrap_err();
    assert_eq!(error.to_string(), "arrow message 2: expected a record batch, found a second schema");
    let error = decoder.message(&Bytes::new(), &Bytes::new()).unwrap_err();
    assert!(matches!(error.fault, Fault::Metadata(_)));
    let error = read(&[], &Limits::default()).unwrap_err();
    assert!(error.to_string().contains("expected a schema, found the end of the stream"), "{error}");
}

#[test]
fn values_that_break_their_types_are_refused() {
    let digits = Decimal128Array::from(vec![1, 100_000]).with_precision_and_scale(5, 2).unwrap();
    let batch = RecordBatch::try_from_iter([("amount", Arc::new(digits) as ArrayRef)]).unwrap();
    let check = |batch: &RecordBatch, schema: &Schema, expected: &str| {
        let (header, body) = Encoder::new(Compression::None).batch(batch).unwrap().contiguous();
        let mut decoder = Decoder::new(&Limits::default());
        decoder.schema(&schema_message(schema)).unwrap();
        let status = decoder.message(&header, &body).unwrap_err().status();
        assert!(status.message().contains(expected), "{status:?}");
    };
    check(&batch, &batch.schema(), "column \"amount\": its values are not valid");
    let texts: ArrayRef = Arc::new(arrow_array::BinaryArray::from_vec(vec![b"ok", b"\xff\xfe"]));
    let batch = RecordBatch::try_from_iter([("text", texts)]).unwrap();
    let schema = Schema::new(vec![Field::new("text", DataType::Utf8, false)]);
    check(&batch, &schema, "Invalid UTF8");
    let nulls: ArrayRef = Arc::new(Int64Array::from(vec![Some(1), None]));
    let batch = RecordBatch::try_from_iter([("id", nulls)]).unwrap();
    let schema = Schema::new(vec![Field::new("id", DataType::Int64, false)]);
    check(&batch, &schema, "nulls, where the schema allows none: expected 0, found 1");
}

#[test]
fn aligned_buffers_are_read_where_they_lie() {
    let numbers: ArrayRef = Arc::new(Int64Array::from_iter_values(0..100_000));
    let batch = RecordBatch::try_from_iter([("id", numbers)]).unwrap();
    let encoded = Encoder::new(Compression::None).batch(&batch).unwrap();
    let (header, body) = encoded.contiguous();
    // The arrays' own memory goes out, and the message's own memory is what is handed out.
    let sent = batch.column(0).to_data().buffers()[0].as_ptr();
    assert!(encoded.body.iter().any(|part| part.as_ptr() == sent));
    let mut decoder = Decoder::new(&Limits::default());
    decoder.schema(&schema_message(&batch.schema())).unwrap();
    let read = decoder.batch(&header, &body).unwrap();
    let place = read.column(0).to_data().buffers()[0].as_ptr() as usize;
    let within = body.as_ptr() as usize..body.as_ptr() as usize + body.len();
    assert!(within.contains(&place));
}
