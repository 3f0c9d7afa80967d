//! Every type, in the key and outside it, with nulls and extreme values; and a
//! schema too long for its record.

use std::sync::Arc;

use anyhow::Result;
use arrow_array::{
    ArrayRef, BinaryArray, BooleanArray, Date32Array, Decimal128Array, Float32Array, Float64Array, Int8Array,
    Int16Array, Int32Array, Int64Array, RecordBatch, StringArray, UInt8Array, UInt16Array, UInt32Array,
    UInt64Array,
};
use calotype_storage::put::PutOptions;
use calotype_storage::record::Mode;

use super::{Teller, day, declared, definition};
use crate::table::{batch, instants, ints};

/// The last microsecond of the year 9999.
const LATE: i64 = 253_402_300_799_999_999;

fn keys() -> Result<Vec<(&'static str, ArrayRef)>> {
    let decimals = Decimal128Array::from(vec![-1, 0, 99_999, -99_999, 5, 5]);
    Ok(vec![
        ("k_bool", Arc::new(BooleanArray::from(vec![true, false, true, false, false, false]))),
        ("k_int8", Arc::new(Int8Array::from(vec![-128, 127, 0, -1, 1, 1]))),
        ("k_uint64", Arc::new(UInt64Array::from(vec![u64::MAX, 0, 1, 256, 9, 9]))),
        ("k_decimal", Arc::new(decimals.with_precision_and_scale(5, 3)?)),
        ("k_date", Arc::new(Date32Array::from(vec![-719_162, 0, 20_454, 1, 2, 2]))),
        ("k_time", instants([LATE, -1, 0, 1, i64::MIN + 1, i64::MIN + 1])),
        ("k_text", Arc::new(StringArray::from(vec!["", "a\0b", "é", "日本", "x", "x"]))),
        (
            "k_bytes",
            Arc::new(BinaryArray::from(vec![&b""[..], b"\0", b"\0\0\xff", b"\xff\xfe", b"a", b"a\0"])),
        ),
    ])
}

fn values() -> Result<Vec<(&'static str, ArrayRef)>> {
    let decimals = Decimal128Array::from(vec![
        Some(10_i128.pow(38) - 1),
        Some(1 - 10_i128.pow(38)),
        None,
        Some(0),
        Some(1),
        Some(-1),
    ]);
    let nan = f64::from_bits(0xfff8_0000_0000_0001);
    Ok(vec![
        ("v_bool", Arc::new(BooleanArray::from(vec![Some(true), None, Some(false), None, Some(true), None]))),
        ("v_int8", Arc::new(Int8Array::from(vec![Some(-128), None, Some(127), Some(0), Some(1), Some(2)]))),
        ("v_int16", Arc::new(Int16Array::from(vec![-32_768, 32_767, 0, 1, 2, 3]))),
        ("v_int32", Arc::new(Int32Array::from(vec![None, None, Some(i32::MIN), Some(i32::MAX), None, None]))),
        ("v_int64", Arc::new(Int64Array::from(vec![i64::MIN, i64::MAX, 0, -1, 1, 2]))),
        ("v_uint8", Arc::new(UInt8Array::from(vec![0, 255, 1, 2, 3, 4]))),
        (
            "v_uint16",
            Arc::new(UInt16Array::from(vec![Some(65_535), None, Some(0), Some(1), Some(2), Some(3)])),
        ),
        ("v_uint32", Arc::new(UInt32Array::from(vec![u32::MAX, 0, 1, 2, 3, 4]))),
        ("v_uint64", Arc::new(UInt64Array::from(vec![None, Some(u64::MAX), None, Some(0), None, None]))),
        (
            "v_float",
            Arc::new(Float32Array::from(vec![0.1, -0.0, f32::NAN, f32::INFINITY, f32::MIN_POSITIVE, -1.5])),
        ),
        (
            "v_double",
            Arc::new(Float64Array::from(vec![Some(nan), Some(-0.0), None, Some(5e-324), None, Some(0.1)])),
        ),
        ("v_decimal", Arc::new(decimals.with_precision_and_scale(38, 10)?)),
        (
            "v_date",
            Arc::new(Date32Array::from(vec![Some(i32::MIN), Some(i32::MAX), None, Some(-1), Some(0), None])),
        ),
        ("v_time", instants([Some(LATE), None, Some(-1), Some(i64::MIN + 1), Some(i64::MAX - 1), Some(0)])),
        (
            "v_text",
            Arc::new(StringArray::from(vec![
                Some(""),
                None,
                Some("\0\t\"\\"),
                Some("Ünïcödé 🦀"),
                None,
                Some("z"),
            ])),
        ),
        (
            "v_bytes",
            Arc::new(BinaryArray::from(vec![
                Some(&b"\0\xff"[..]),
                Some(b""),
                None,
                Some(b"calotype"),
                None,
                None,
            ])),
        ),
        ("v_none", Arc::new(Int64Array::from(vec![None; 6]))),
    ])
}

fn all() -> Result<RecordBatch> {
    let mut columns = keys()?;
    columns.extend(values()?);
    Ok(batch(&columns))
}

pub(super) fn tell(teller: &Teller) -> Result<()> {
    let rows = all()?;
    let keys: Vec<&str> = keys()?.iter().map(|(name, _)| *name).collect();
    teller.create("types", definition(Mode::State, &keys))?;
    let counted = |rows: &RecordBatch| PutOptions {
        expected_rows: Some(rows.num_rows() as u64),
        ..PutOptions::default()
    };
    teller.full("types", day(10), &rows, counted(&rows))?;
    teller.delta("types", day(20), &rows.slice(2, 2), PutOptions::default())?;
    teller.full("types", day(30), &rows.slice(1, 4), counted(&rows.slice(1, 4)))?;

    let wide: Vec<String> =
        (1..=48).map(|number| format!("{}_{number:02}", "measure_of_something_".repeat(2))).collect();
    let mut columns: Vec<(&str, &str, _)> = vec![("id", "int64", None)];
    columns.extend(wide.iter().map(|name| (name.as_str(), "int32", None)));
    teller.create("wide", declared(&["id"], &columns))?;
    let rows = batch(&[
        ("id", ints([1, 2])),
        (&wide[0], Arc::new(Int32Array::from(vec![Some(7), None]))),
        (&wide[47], Arc::new(Int32Array::from(vec![None, Some(-7)]))),
    ]);
    teller.full("wide", day(10), &rows, PutOptions { evolve: true, ..counted(&rows) })?;
    Ok(())
}
