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

/// A batch of all types that answers have; every third value is null.
fn batch(rows: usize, seed: u64) -> RecordBatch {
    let mut state = seed;
    let mut next = move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        state >> 33
    };
    let mut numbers = || -> Vec<Option<i64>> {
        (0..rows).map(|_| Some(next().cast_signed()).filter(|number| number % 3 != 0)).collect()
    };
    let text = |number: i64| "é".repeat(usize::try_from(number % 23).unwrap());
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("int64", Arc::new(Int64Array::from(numbers()))),
        (
            "whole",
            Arc::new(Int64Array::from_iter_values(numbers().into_iter().map(Option::unwrap_or_default))),
        ),
        ("int8", Arc::new(numbers().iter().map(|n| n.map(|n| (n & 0x7f) as i8)).collect::<Int8Array>())),
        ("uint32", Arc::new(numbers().iter().map(|n| n.map(|n| n as u32)).collect::<UInt32Array>())),
        ("double", Arc::new(numbers().iter().map(|n| n.map(|n| n as f64 / 7.0)).collect::<Float64Array>())),
        ("bool", Arc::new(numbers().iter().map(|n| n.map(|n| n % 2 == 0)).collect::<BooleanArray>())),
        ("text", Arc::new(numbers().iter().map(|n| n.map(text)).collect::<StringArray>())),
        (
            "bytes",
            Arc::new(
                numbers()
                    .iter()
                    .map(|n| n.map(text))
                    .map(|t| t.map(String::into_bytes))
                    .collect::<BinaryArray>(),
            ),
        ),
        ("date", Arc::new(numbers().iter().map(|n| n.map(|n| (n % 40_000) as i32)).collect::<Date32Array>())),
        (
            "at",
            Arc::new(numbers().iter().copied().collect::<TimestampMicrosecondArray>().with_timezone("UTC")),
        ),
        (
            "amount",
            Arc::new(
                numbers()
                    .iter()
                    .map(|n| n.map(i128::from))
                    .collect::<Decimal128Array>()
                    .with_precision_and_scale(20, 4)
                    .unwrap(),
            ),
        ),
        ("nothing", Arc::new(NullArray::new(rows))),
    ];
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
    assert_eq!(theirs, [batch.clone()]);
    theirs[0].columns().iter().for_each(|column| column.to_data().validate_full().unwrap());
    let limits = Limits { ipc_accept_compressed: true, ..Limits::default() };
    let (read, ours) = decode::stream(&stream.into(), &limits).unwrap();
    assert_eq!(read, schema);
    assert_eq!(ours, [batch.clone()]);
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
