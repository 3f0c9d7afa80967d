//! A loan book in the shape of the peer benchmark: twelve columns, deterministic.

use std::sync::Arc;

use arrow_array::{
    ArrayRef, Date32Array, Decimal128Array, Int16Array, Int32Array, Int64Array, RecordBatch, StringArray,
    TimestampMicrosecondArray,
};

/// Rows of a batch.
const BATCH_ROWS: usize = 65_536;

/// Mixes a number well (the finaliser of splitmix64).
fn mix(number: u64) -> u64 {
    let mut z = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// The book on a day: 1 row in `change_one_in` has another balance, status and date each day.
pub(crate) fn book(rows: usize, day: u64, change_one_in: u64) -> Vec<RecordBatch> {
    let mut batches = Vec::new();
    let mut from = 0;
    while from < rows {
        let count = BATCH_ROWS.min(rows - from);
        batches.push(batch(from as u64..(from + count) as u64, day, change_one_in));
        from += count;
    }
    batches
}

fn batch(ids: std::ops::Range<u64>, day: u64, change_one_in: u64) -> RecordBatch {
    // The last day up to which a row's draw says that it changed.
    let version = |id: u64| {
        (1..=day).rev().find(|day| mix(id ^ (day << 40)).is_multiple_of(change_one_in)).unwrap_or(0)
    };
    let rows: Vec<(u64, u64, u64)> = ids.map(|id| (id, mix(id), version(id))).collect();
    let int = |value: u64| i64::try_from(value >> 2).unwrap_or(0);
    let decimal = |bound: u64, salt: u64, varies: bool| -> ArrayRef {
        let value = |(id, _, version): &(u64, u64, u64)| {
            let version = if varies { *version } else { 0 };
            i128::from(mix(id ^ salt ^ (version << 50)) % bound)
        };
        let array = Decimal128Array::from_iter_values(rows.iter().map(value));
        Arc::new(array.with_precision_and_scale(18, 2).expect("18 digits hold it"))
    };
    let words = |words: &'static [&'static str], salt: u64, varies: bool| -> ArrayRef {
        let pick = |(id, _, version): &(u64, u64, u64)| {
            let version = if varies { *version } else { 0 };
            words[usize::try_from(mix(id ^ salt ^ version)).unwrap_or(0) % words.len()]
        };
        Arc::new(StringArray::from_iter_values(rows.iter().map(pick)))
    };
    let day_number = |day: u64| i32::try_from(20_000 + day).unwrap_or(0);
    let columns: [(&str, ArrayRef); 12] = [
        ("loan_id", Arc::new(Int64Array::from_iter_values(rows.iter().map(|(id, ..)| int(id << 2))))),
        (
            "customer_id",
            Arc::new(Int64Array::from_iter_values(rows.iter().map(|(_, m, _)| int(m % 4_000_000)))),
        ),
        (
            "branch",
            Arc::new(Int16Array::from_iter_values(
                rows.iter().map(|(_, m, _)| i16::try_from(m % 400).unwrap_or(0)),
            )),
        ),
        (
            "term_months",
            Arc::new(Int32Array::from_iter_values(
                rows.iter().map(|(_, m, _)| 12 * i32::try_from(1 + m % 30).unwrap_or(0)),
            )),
        ),
        ("principal", decimal(50_000_000, 1, false)),
        ("balance", decimal(50_000_000, 2, true)),
        ("rate", decimal(1500, 3, false)),
        (
            "opened",
            Arc::new(Date32Array::from_iter_values(
                rows.iter().map(|(_, m, _)| 15_000 + i32::try_from(m % 5000).unwrap_or(0)),
            )),
        ),
        (
            "updated",
            Arc::new(
                TimestampMicrosecondArray::from_iter_values(
                    rows.iter().map(|(_, _, v)| i64::from(day_number(*v)) * 86_400_000_000),
                )
                .with_timezone("UTC"),
            ),
        ),
        ("status", words(&["current", "late30", "late60", "late90", "default", "closed"], 4, true)),
        ("currency", words(&["EUR", "USD", "GBP", "CHF"], 5, false)),
        ("product", words(&["mortgage", "consumer", "auto", "revolving", "bridge"], 6, false)),
    ];
    RecordBatch::try_from_iter(columns).expect("columns of one length")
}
