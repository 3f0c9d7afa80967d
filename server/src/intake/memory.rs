//! Memory that batches hold. Columns that share a buffer share its cost, where Arrow's own figure counts it again for
//! every column.

use std::collections::BTreeSet;

use arrow_array::{Array, RecordBatch};
use arrow_buffer::{Buffer, NullBuffer};
use arrow_data::ArrayData;

/// Buffers that a put holds.
#[derive(Debug, Default)]
pub(super) struct Held {
    buffers: BTreeSet<usize>,
}

impl Held {
    /// Bytes that a batch adds to what is held. Batches stay until the put ends, so no address comes twice.
    pub(super) fn take(&mut self, batch: &RecordBatch) -> usize {
        let mut bytes = size_of::<RecordBatch>();
        for column in batch.columns() {
            let data = column.to_data();
            let own = data.buffers().iter();
            let nulls = data.nulls().map(NullBuffer::buffer);
            bytes += size_of_val(column.as_ref());
            bytes += own.chain(nulls).map(|buffer| self.buffer(buffer)).sum::<usize>();
            // Nested and dictionary columns are refused at the gate; counted too often is safe.
            bytes += data.child_data().iter().map(ArrayData::get_buffer_memory_size).sum::<usize>();
        }
        bytes
    }

    fn buffer(&mut self, buffer: &Buffer) -> usize {
        let bytes = buffer.capacity();
        if bytes > 0 && self.buffers.insert(buffer.data_ptr().as_ptr().addr()) { bytes } else { 0 }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::{ArrayRef, Int64Array};
    use arrow_buffer::ScalarBuffer;
    use bytes::Bytes;

    use super::*;

    fn batch(columns: Vec<(&str, ArrayRef)>) -> RecordBatch {
        RecordBatch::try_from_iter(columns).unwrap()
    }

    #[test]
    fn shared_buffers_count_once_and_those_of_messages_count() {
        let values = ScalarBuffer::<i64>::from((0..1000).collect::<Vec<_>>());
        let column = || -> ArrayRef { Arc::new(Int64Array::new(values.clone(), None)) };
        let mut held = Held::default();
        let one = held.take(&batch(vec![("a", column())]));
        assert!((8000..9000).contains(&one), "{one}");
        let again = held.take(&batch(vec![("a", column()), ("b", column())]));
        assert!(again < 1000, "{again}");

        let message = Bytes::from(vec![0_u8; 8008]);
        let start = message.as_ptr().align_offset(8);
        let outside = Buffer::from(message.slice(start..start + 8000));
        let column: ArrayRef = Arc::new(Int64Array::new(outside.into(), None));
        let found = held.take(&batch(vec![("a", column)]));
        assert!((8000..9000).contains(&found), "{found}");
    }
}
