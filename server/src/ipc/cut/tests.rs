//! Batches cut into slices that fit.

use std::sync::Arc;

use arrow_array::{ArrayRef, StringArray};
use arrow_select::concat::concat_batches;

use super::*;
use crate::ipc::encode::tests::batch;
use crate::ipc::{Compression, Encoder};

fn check(batch: &RecordBatch, aim_bytes: usize, max_bytes: usize) -> Vec<usize> {
    let slices = cut(batch, aim_bytes, max_bytes);
    assert_eq!(&concat_batches(&batch.schema(), &slices).unwrap(), batch);
    for slice in &slices {
        let sent = Encoder::new(Compression::None).batch(slice).unwrap().length();
        assert!(sent <= encoded_bytes(slice), "{sent} bytes sent, {} expected", encoded_bytes(slice));
        assert!(sent <= max_bytes || slice.num_rows() == 1, "{sent} bytes in {} rows", slice.num_rows());
    }
    slices.iter().map(RecordBatch::num_rows).collect()
}

#[test]
fn slices_aim_at_a_size_and_keep_masks_whole() {
    let rows = check(&batch(10_000, 3), 100_000, 300_000);
    assert!(rows.len() > 5, "{rows:?}");
    assert!(rows[..rows.len() - 1].iter().all(|rows| rows % 8 == 0), "{rows:?}");
}

#[test]
fn a_batch_that_fits_stays_whole() {
    assert_eq!(check(&batch(1000, 4), 1 << 20, 3 << 20), [1000]);
}

#[test]
fn rows_of_uneven_size_are_cut_further() {
    let texts = (0..1000).map(|row| "x".repeat(if row > 990 { 400_000 } else { 1 }));
    let texts: ArrayRef = Arc::new(StringArray::from_iter_values(texts));
    let batch = RecordBatch::try_from_iter([("text", texts)]).unwrap();
    let rows = check(&batch, 1 << 20, 1 << 20);
    assert!(rows.len() >= 5, "{rows:?}");
    // One row that is too large goes alone.
    assert!(check(&batch, 100_000, 100_000).ends_with(&[1, 1, 1]));
}

#[test]
fn nothing_is_cut_from_nothing() {
    assert!(cut(&batch(0, 1), 1, 1).is_empty());
}

#[test]
fn slices_share_the_memory_of_the_batch() {
    let whole = batch(8000, 5);
    let values = |batch: &RecordBatch| batch.column(1).to_data().buffers()[0].as_ptr() as usize;
    let memory = values(&whole)..values(&whole) + 8 * 8000;
    assert!(cut(&whole, 10_000, 20_000).iter().all(|slice| memory.contains(&values(slice))));
}
