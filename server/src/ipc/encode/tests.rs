//! Batches encoded as messages, which Arrow reads back.

use std::sync::Arc;

use arrow_array::{
    ArrayRef, BinaryArray, BooleanArray, Date32Array, Decimal128Array, Float64Array, Int8Array, Int64Array,
    NullArray, RecordBatchOptions, StringArray, TimestampMicrosecondArray, UInt32Array,
};
use arrow_ipc::reader::StreamReader;
use arrow_schema::Field;

use super::*;
use crate::ipc::decode;
use crate::limits::Limits;

/// Columns of all types that answers have; every third value is null.
fn columns(rows: usize, seed: u64) -> Vec<(&'static str, ArrayRef)> {
    let mut state = seed;
    let mut next = move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        state >> 33
    };
    let mut numbers = || -> Vec<i64> { (0..rows).map(|_| next().cast_signed()).collect() };
    let text = |number: i64| "é".repeat(usize::try_from(number % 23).unwrap());
    let texts = some(&numbers(), text);
    let bytes = texts.iter().map(|text| text.as_ref().map(String::as_bytes)).collect::<BinaryArray>();
    let date = |number: i64| i32::try_from(number % 40_000).unwrap();
    let amounts = Decimal128Array::from(some(&numbers(), i128::from));
    vec![
        ("int64", Arc::new(Int64Array::from(some(&numbers(), |number| number)))),
        ("whole", Arc::new(Int64Array::from(numbers()))),
        ("int8", Arc::new(Int8Array::from(some(&numbers(), |number| number.to_le_bytes()[0].cast_signed())))),
        ("uint32", Arc::new(UInt32Array::from(some(&numbers(), |number| u32::try_from(number).unwrap())))),
        ("double", Arc::new(Float64Array::from(some(&numbers(), |number| f64::from(date(number)) / 7.0)))),
        ("bool", Arc::new(BooleanArray::from(some(&numbers(), |number| number % 2 == 0)))),
        ("bytes", Arc::new(bytes)),
        ("text", Arc::new(StringArray::from(texts))),
        ("date", Arc::new(Date32Array::from(some(&numbers(), date)))),
        ("at", Arc::new(TimestampMicrosecondArray::from(some(&numbers(), |at| at)).with_timezone("UTC"))),
        ("amount", Arc::new(amounts.with_precision_and_scale(20, 4).unwrap())),
        ("nothing", Arc::new(NullArray::new(rows))),
    ]
}

/// Values of two thirds of the numbers, nulls for the others.
fn some<T>(numbers: &[i64], value: impl Fn(i64) -> T) -> Vec<Option<T>> {
    numbers.iter().map(|number| (number % 3 != 0).then(|| value(*number))).collect()
}

/// A batch of all types that answers have.
pub(in crate::ipc) fn batch(rows: usize, seed: u64) -> RecordBatch {
    let columns = columns(rows, seed);
    let fields: Vec<Field> = columns
        .iter()
        .map(|(name, column)| Field::new(*name, column.data_type().clone(), *name != "whole"))
        .collect();
    let schema = Schema::new(fields).with_metadata([("claim".to_owned(), "7".to_owned())].into());
    let columns = columns.into_iter().map(|(_, column)| column).collect();
    let options = RecordBatchOptions::new().with_row_count(Some(rows));
    RecordBatch::try_new_with_options(Arc::new(schema), columns, &options).unwrap()
}

/// Frames messages as a stream.
fn framed(schema: &Schema, messages: &[Encoded]) -> Vec<u8> {
    let mut stream = Vec::new();
    let mut message = |header: &[u8], body: &[u8]| {
        let padded = header.len().next_multiple_of(8);
        stream.extend_from_slice(&[0xff; 4]);
        stream.extend_from_slice(&u32::try_from(padded).unwrap().to_le_bytes());
        stream.extend_from_slice(header);
        stream.resize(stream.len() + padded - header.len(), 0);
        stream.extend_from_slice(body);
    };
    message(&schema_message(schema), &[]);
    for encoded in messages {
        let (header, body) = encoded.contiguous();
        assert_eq!(body.len(), encoded.body_length);
        message(&header, &body);
    }
    stream.extend_from_slice(&[0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0]);
    stream
}

fn check_round_trip(batch: &RecordBatch, compression: Compression) {
    let encoded = Encoder::new(compression).batch(batch).unwrap();
    let schema = batch.schema();
    let stream = framed(&schema, std::slice::from_ref(&encoded));
    let theirs: Vec<RecordBatch> =
        StreamReader::try_new(stream.as_slice(), None).unwrap().collect::<Result<_, _>>().unwrap();
    assert_eq!(theirs, std::slice::from_ref(batch));
    theirs[0].columns().iter().for_each(|column| column.to_data().validate_full().unwrap());
    let limits = Limits { ipc_accept_compressed: true, ..Limits::default() };
    let (read, ours) = decode::stream(&stream.into(), &limits).unwrap();
    assert_eq!(read, schema);
    assert_eq!(ours, std::slice::from_ref(batch));
}

#[test]
fn what_is_encoded_is_decoded_by_arrow_and_by_us() {
    for rows in [0, 1, 7, 8, 9, 64, 1000, 5000] {
        let whole = batch(rows, rows as u64);
        for compression in [Compression::None, Compression::Lz4, Compression::Zstd] {
            check_round_trip(&whole, compression);
            for (from, length) in
                [(0, rows / 2), (rows / 2, rows - rows / 2), (rows / 3, rows / 3), (rows, 0)]
            {
                check_round_trip(&whole.slice(from, length), compression);
            }
        }
    }
}

#[test]
fn a_slice_tells_nothing_of_the_rows_around_it() {
    let whole = RecordBatch::try_from_iter_with_nullable([
        ("bool", Arc::new(BooleanArray::from(vec![Some(true); 64])) as ArrayRef, true),
        ("text", Arc::new(StringArray::from_iter_values((0..64).map(|row| format!("secret {row}")))), true),
        (
            "id",
            Arc::new((0..64).map(|row| (![5, 10].contains(&row)).then_some(row)).collect::<Int64Array>()),
            true,
        ),
    ])
    .unwrap();
    for (from, texts) in [(3, "secret 3secret 4secret 5\0"), (8, "secret 8secret 9secret 10\0")] {
        let (_, body) = Encoder::new(Compression::None).batch(&whole.slice(from, 3)).unwrap().contiguous();
        // Values; offsets, texts; mask, values: each padded.
        assert_eq!(body.len(), 5 * ALIGNMENT);
        assert_eq!(body[0], 0b111);
        assert_eq!(body[3 * ALIGNMENT], 0b011);
        let text = String::from_utf8_lossy(&body).into_owned();
        assert!(text.contains(texts), "{text}");
        assert_eq!(text.matches("secret").count(), 3);
    }
}

#[test]
fn dictionaries_are_not_sent_and_other_types_are_left_to_arrow() {
    let kinds =
        [Some("a"), None].into_iter().collect::<arrow_array::DictionaryArray<arrow_array::types::Int8Type>>();
    let batch = RecordBatch::try_from_iter([("kind", Arc::new(kinds) as ArrayRef)]).unwrap();
    let error = Encoder::new(Compression::None).batch(&batch).unwrap_err();
    assert_eq!(error.to_string(), "column \"kind\" is a dictionary: it was to be made plain");
    let views: ArrayRef =
        Arc::new(arrow_array::StringViewArray::from(vec!["a view of more than twelve bytes", "b"]));
    check_round_trip(&RecordBatch::try_from_iter([("view", views)]).unwrap(), Compression::None);
}

#[test]
fn a_batch_without_columns_keeps_its_rows() {
    let options = RecordBatchOptions::new().with_row_count(Some(7));
    let batch = RecordBatch::try_new_with_options(Arc::new(Schema::empty()), Vec::new(), &options).unwrap();
    check_round_trip(&batch, Compression::None);
}
