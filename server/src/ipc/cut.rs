//! Batches cut into slices that fit into a message.

use arrow_array::{Array, RecordBatch};

use super::encode::ALIGNMENT;

/// Rows of a slice are a multiple of this, so that masks need not be packed anew.
const ROWS_MULTIPLE: usize = 8;
/// What a column takes in the metadata of a message, bytes.
const COLUMN_METADATA_BYTES: usize = 64;
/// What the metadata takes besides, bytes.
const METADATA_BYTES: usize = 256;

/// Cuts a batch into slices, without copying, that aim at so many bytes and stay within a maximum where a single
/// row does. Without rows, nothing comes out.
pub fn cut(batch: &RecordBatch, aim_bytes: usize, max_bytes: usize) -> Vec<RecordBatch> {
    let (rows, bytes) = (batch.num_rows(), encoded_bytes(batch));
    let mut slices = Vec::new();
    let step = rows.checked_mul(aim_bytes).map_or(rows, |aim| aim / bytes.max(1));
    let step = if step > ROWS_MULTIPLE { step - step % ROWS_MULTIPLE } else { step.max(1) };
    let mut from = 0;
    while from < rows {
        let length = if bytes <= aim_bytes { rows } else { step.min(rows - from) };
        halve(batch.slice(from, length), max_bytes, &mut slices);
        from += length;
    }
    slices
}

/// Halves a slice until it fits. Rows differ in size, so that an average says little of a slice.
fn halve(slice: RecordBatch, max_bytes: usize, slices: &mut Vec<RecordBatch>) {
    let rows = slice.num_rows();
    if rows <= 1 || encoded_bytes(&slice) <= max_bytes {
        slices.push(slice);
        return;
    }
    let half = rows / 2;
    let half = if half > ROWS_MULTIPLE { half - half % ROWS_MULTIPLE } else { half };
    halve(slice.slice(0, half), max_bytes, slices);
    halve(slice.slice(half, rows - half), max_bytes, slices);
}

/// What a batch takes as a message, bytes; at most a little more.
pub fn encoded_bytes(batch: &RecordBatch) -> usize {
    let column = |column: &arrow_array::ArrayRef| -> usize {
        let data = column.to_data();
        let bytes = data.get_slice_memory_size().unwrap_or_else(|_| column.get_array_memory_size());
        // Each buffer may be padded; the first is the mask.
        bytes + (data.buffers().len() + 1) * ALIGNMENT + COLUMN_METADATA_BYTES
    };
    METADATA_BYTES + batch.columns().iter().map(column).sum::<usize>()
}

#[cfg(test)]
mod tests;
