//! Tests of the module above.

use std::sync::Arc;

use arrow_array::{
    BinaryArray, BooleanArray, Date32Array, Decimal128Array, Float32Array, Float64Array, Int32Array,
    Int64Array, StringArray, TimestampMicrosecondArray,
};
use arrow_buffer::NullBuffer;

use super::*;

fn columns() -> Vec<(FieldType, ArrayRef)> {
    let decimals = Decimal128Array::from(vec![Some(-5), None, Some(i128::from(i64::MAX) * 3)]);
    vec![
        (FieldType::Bool, Arc::new(BooleanArray::from(vec![Some(true), None, Some(false)])) as ArrayRef),
        (FieldType::Int(32), Arc::new(Int32Array::from(vec![1, -2, 3]))),
        (FieldType::Int(64), Arc::new(Int64Array::from(vec![Some(1), None, Some(i64::MIN)]))),
        (FieldType::Float(32), Arc::new(Float32Array::from(vec![Some(1.5), None, Some(f32::INFINITY)]))),
        (FieldType::Decimal(38, 2), Arc::new(decimals.with_precision_and_scale(38, 2).unwrap())),
        (FieldType::Date, Arc::new(Date32Array::from(vec![Some(-1), Some(0), None]))),
        (FieldType::Timestamp, Arc::new(TimestampMicrosecondArray::from(vec![1, 2, 3]).with_timezone("UTC"))),
        (FieldType::Utf8, Arc::new(StringArray::from(vec![Some(""), None, Some("Bälle")]))),
        (FieldType::Binary, Arc::new(BinaryArray::from(vec![Some(&b"\0\xff"[..]), None, Some(b"")]))),
        (FieldType::Utf8, Arc::new(StringArray::from(vec!["long and even ".repeat(40); 700]))),
    ]
}

fn stored_and_read(field_type: FieldType, column: &ArrayRef) -> ArrayRef {
    let stored = encode(field_type, column);
    assert_eq!(stored.bytes.len() % 64, 0);
    decode(field_type, stored.rows, stored.nulls, stored.buffers, &stored.bytes).unwrap()
}

#[test]
fn a_stored_column_reads_back_equal() {
    for (field_type, column) in columns() {
        let column = normalise(field_type, &column);
        assert_eq!(&stored_and_read(field_type, &column), &column, "{field_type}");
        for (from, rows) in [(0, 0), (1, 2), (2, 1)] {
            let slice = column.slice(from, rows);
            assert_eq!(&stored_and_read(field_type, &slice), &slice, "{field_type} {from} {rows}");
        }
    }
}

#[test]
fn slices_have_the_digest_of_their_content() {
    for (field_type, column) in columns() {
        let column = normalise(field_type, &column);
        let slice = column.slice(1, 2);
        let copy = stored_and_read(field_type, &slice);
        assert_eq!(column_digest(field_type, &slice), column_digest(field_type, &copy), "{field_type}");
        assert_ne!(column_digest(field_type, &slice), column_digest(field_type, &column), "{field_type}");
    }
}

#[test]
fn what_must_not_matter_does_not() {
    let nulls = || Some(NullBuffer::from(vec![true, false]));
    let digest = |field_type, column: ArrayRef| column_digest(field_type, &normalise(field_type, &column));
    let int =
        |values: Vec<i64>| digest(FieldType::Int(64), Arc::new(Int64Array::new(values.into(), nulls())));
    assert_eq!(int(vec![7, 0]), int(vec![7, 99]));
    assert_ne!(int(vec![7, 0]), int(vec![8, 0]));
    let float = |value: f64| digest(FieldType::Float(64), Arc::new(Float64Array::from(vec![value])));
    assert_eq!(float(0.0), float(-0.0));
    assert_eq!(float(f64::NAN), float(f64::from_bits(0xfff8_0000_0000_0001)));
    let narrow = digest(FieldType::Int(32), Arc::new(Int32Array::from(vec![-7])));
    assert_eq!(narrow, digest(FieldType::Int(64), Arc::new(Int64Array::from(vec![-7]))));
    let single = digest(FieldType::Float(32), Arc::new(Float32Array::from(vec![0.1])));
    assert_eq!(single, float(f64::from(0.1_f32)));
}

#[test]
fn damaged_bytes_are_an_error_and_never_a_panic() {
    let mut refused = 0_u32;
    for (field_type, column) in columns().into_iter().take(9) {
        let stored = encode(field_type, &normalise(field_type, &column));
        for place in 0..stored.bytes.len() {
            for bit in 0..8 {
                let mut bytes = stored.bytes.clone();
                bytes[place] ^= 1 << bit;
                refused +=
                    u32::from(decode(field_type, stored.rows, stored.nulls, stored.buffers, &bytes).is_err());
            }
        }
        for length in 0..stored.bytes.len() {
            let short = &stored.bytes[..length];
            if length < stored.buffers.iter().map(|b| *b as usize).sum() {
                assert!(decode(field_type, stored.rows, stored.nulls, stored.buffers, short).is_err());
            }
        }
    }
    assert!(refused > 1000, "only {refused} changes were refused");
}
