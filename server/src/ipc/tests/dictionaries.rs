//! Dictionaries: replaced, left out, wrong, and those that stand for far more than they take.

use arrow_schema::{DataType, Field, Schema};

use super::handmade::Batch;
use super::*;
use crate::ipc::{Decoder, schema_message};

/// A decoder of one column of texts, places of 8 bits.
fn decoder(limits: &Limits) -> Decoder {
    let kind = DataType::Dictionary(Box::new(DataType::Int8), Box::new(DataType::Utf8));
    let mut decoder = Decoder::new(limits);
    let schema = decoder.schema(&schema_message(&Schema::new(vec![Field::new("kind", kind, true)]))).unwrap();
    assert_eq!(schema.field(0).data_type(), &DataType::Utf8);
    decoder
}

/// A dictionary of texts as a message.
fn dictionary(texts: &[&str], id: i64, delta: bool) -> (Bytes, Bytes) {
    let mut body = 0_i32.to_le_bytes().to_vec();
    let mut end = 0;
    for text in texts {
        end += i32::try_from(text.len()).unwrap();
        body.extend_from_slice(&end.to_le_bytes());
    }
    let offsets = i64::try_from(body.len()).unwrap();
    body.extend(texts.iter().flat_map(|text| text.bytes()));
    let count = i64::try_from(texts.len()).unwrap();
    let batch = Batch {
        rows: count,
        nodes: &[(count, 0)],
        buffers: &[(0, 0), (0, offsets), (offsets, end.into())],
        body_length: offsets + i64::from(end),
        ..Default::default()
    };
    (batch.dictionary(id, delta), body.into())
}

/// Rows as places in a dictionary; `nulls` of the first ones are null.
fn places(places: &[i8], nulls: i64) -> (Bytes, Bytes) {
    let rows = i64::try_from(places.len()).unwrap();
    let mask: Vec<u8> = (0..places.len().div_ceil(8))
        .map(|byte| if nulls > 0 && byte == 0 { !((1 << nulls) - 1) } else { 0xff })
        .collect();
    let masked = i64::try_from(mask.len()).unwrap();
    let body: Vec<u8> = mask.into_iter().chain(places.iter().map(|place| place.cast_unsigned())).collect();
    let batch = Batch {
        rows,
        nodes: &[(rows, nulls)],
        buffers: &[(0, masked), (masked, rows)],
        body_length: masked + rows,
        ..Default::default()
    };
    (batch.message(), body.into())
}

fn take(decoder: &mut Decoder, (header, body): (Bytes, Bytes)) -> Result<Option<RecordBatch>, IpcError> {
    decoder.message(&header, &body)
}

fn check_texts(found: Result<Option<RecordBatch>, IpcError>, expected: &[Option<&str>]) {
    let expected: ArrayRef = Arc::new(StringArray::from(expected.to_vec()));
    assert_eq!(found.unwrap().unwrap().column(0), &expected);
}

fn check_refused(found: Result<Option<RecordBatch>, IpcError>, expected: &str) {
    let message = found.unwrap_err().status().message().to_owned();
    assert!(message.contains(expected), "expected {expected}, found {message}");
}

#[test]
fn a_dictionary_counts_until_the_next_of_its_number() {
    let mut decoder = decoder(&Limits::default());
    assert!(take(&mut decoder, dictionary(&["a", "b"], 0, false)).unwrap().is_none());
    check_texts(take(&mut decoder, places(&[9, 1, 0], 1)), &[None, Some("b"), Some("a")]);
    assert!(take(&mut decoder, dictionary(&["c"], 0, false)).unwrap().is_none());
    check_texts(take(&mut decoder, places(&[0, 0], 0)), &[Some("c"), Some("c")]);
    check_refused(take(&mut decoder, places(&[0, 1], 0)), "column \"kind\": its values are not valid");
}

#[test]
fn places_outside_a_dictionary_are_refused() {
    let mut decoder = decoder(&Limits::default());
    check_texts(take(&mut decoder, places(&[0, 0], 2)), &[None, None]);
    check_refused(take(&mut decoder, places(&[0, 0], 1)), "its values are not valid");
    take(&mut decoder, dictionary(&["a", "b"], 0, false)).unwrap();
    for wrong in [2, 127, -1, -128] {
        check_refused(take(&mut decoder, places(&[0, wrong], 0)), "its values are not valid");
    }
}

#[test]
fn deltas_and_dictionaries_of_nobody_are_refused() {
    let mut decoder = decoder(&Limits::default());
    check_refused(take(&mut decoder, dictionary(&["a"], 0, true)), "a delta of one; send it whole");
    check_refused(take(&mut decoder, dictionary(&["a"], 7, false)), "a dictionary that a column refers to");
    let (header, body) = dictionary(&["a"], 0, false);
    let error = decoder.batch(&header, &body).unwrap_err();
    assert_eq!(error.message, 3);
    assert!(error.to_string().contains("send the column as plain values"), "{error}");
}

#[test]
fn a_dictionary_that_stands_for_too_much_is_refused() {
    let mut decoder = decoder(&Limits::default());
    let long = "x".repeat(1 << 20);
    take(&mut decoder, dictionary(&[&long], 0, false)).unwrap();
    assert!(take(&mut decoder, places(&[0; 60], 0)).is_ok());
    let (outcome, peak) = allocation::peak_of(|| take(&mut decoder, places(&[0; 1000], 0)));
    check_refused(outcome, "ipc_raw_bytes_max");
    assert!(peak < 1 << 20, "{peak}");
}

#[test]
fn dictionaries_are_held_up_to_a_limit() {
    let limits = Limits { ipc_raw_bytes_max: 1000, ..Limits::default() };
    let mut decoder = decoder(&limits);
    take(&mut decoder, dictionary(&["x".repeat(700).as_str()], 0, false)).unwrap();
    // One in place of another of its number does not add to it.
    take(&mut decoder, dictionary(&["y".repeat(700).as_str()], 0, false)).unwrap();
    check_refused(
        take(&mut decoder, dictionary(&["z".repeat(1200).as_str()], 0, false)),
        "ipc_raw_bytes_max",
    );
}
