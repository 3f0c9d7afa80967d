//! The batches of one input that pieces still point into, and the gathering of columns from them.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, new_null_array};
use arrow_schema::DataType;
use arrow_select::interleave::interleave;
use datafusion::common::exec_datafusion_err;
use datafusion::error::Result;

use super::NAME;

/// Where a row stands: which of the held batches, and which row of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct RowAt {
    slot: u32,
    row: u32,
}

/// Batches of the same columns. One that no piece points into goes with [`Held::release`].
pub(super) struct Held {
    types: Vec<DataType>,
    slots: Vec<Option<Batch>>,
    free: Vec<u32>,
    /// Rows of all batches.
    rows: usize,
    /// Bytes of all batches.
    bytes: usize,
}

struct Batch {
    columns: Vec<ArrayRef>,
    rows: usize,
    bytes: usize,
    /// How many pieces point into it.
    pieces: usize,
}

impl Held {
    /// Holds nothing yet, of columns of these types.
    pub(super) fn new(types: Vec<DataType>) -> Self {
        Self { types, slots: Vec::new(), free: Vec::new(), rows: 0, bytes: 0 }
    }

    pub(super) fn rows(&self) -> usize {
        self.rows
    }

    /// The bytes held, slots included.
    pub(super) fn size(&self) -> usize {
        self.bytes
            + self.slots.capacity() * size_of::<Option<Batch>>()
            + self.free.capacity() * size_of::<u32>()
    }

    /// Takes in a batch and says which slot it has.
    pub(super) fn add(&mut self, columns: Vec<ArrayRef>, rows: usize) -> Result<u32> {
        let too_many = |_| exec_datafusion_err!("{NAME}: {rows} rows in one batch: expected fewer than 2^32");
        u32::try_from(rows).map_err(too_many)?;
        let bytes = columns.iter().map(column_bytes).sum();
        self.rows += rows;
        self.bytes += bytes;
        let batch = Some(Batch { columns, rows, bytes, pieces: 0 });
        if let Some(slot) = self.free.pop() {
            self.slots[slot as usize] = batch;
            return Ok(slot);
        }
        let slot = u32::try_from(self.slots.len())
            .map_err(|_| exec_datafusion_err!("{NAME}: 2^32 batches held at once: expected fewer"))?;
        self.slots.push(batch);
        Ok(slot)
    }

    /// The place of a row, of which [`Held::add`] checked that it fits.
    pub(super) fn at(slot: u32, row: usize) -> RowAt {
        RowAt { slot, row: u32::try_from(row).unwrap_or(u32::MAX) }
    }

    /// Says that one more piece points to a row.
    pub(super) fn pin(&mut self, at: RowAt) {
        if let Some(batch) = &mut self.slots[at.slot as usize] {
            batch.pieces += 1;
        }
    }

    /// Says that one piece less points to a row.
    pub(super) fn unpin(&mut self, at: RowAt) {
        if let Some(batch) = &mut self.slots[at.slot as usize] {
            batch.pieces -= 1;
        }
    }

    /// Lets go of the batches that no piece points into.
    pub(super) fn release(&mut self) {
        for slot in &mut self.slots {
            if let Some(batch) = slot.take_if(|batch| batch.pieces == 0) {
                self.rows -= batch.rows;
                self.bytes -= batch.bytes;
            }
        }
        // The lowest slots are taken first and the last ones given up, so that there are never many more than batches.
        let last = self.slots.iter().rposition(Option::is_some);
        self.slots.truncate(last.map_or(0, |last| last + 1));
        let free = (0..).zip(&self.slots).filter(|(_, slot)| slot.is_none()).map(|(at, _)| at);
        self.free = free.collect();
        self.free.reverse();
    }

    /// The rows asked for, in their order, a row of NULLs where there is none: one array for each column.
    pub(super) fn gather(&self, rows: impl Iterator<Item = Option<RowAt>>) -> Result<Vec<ArrayRef>> {
        // Gathering costs a little for each batch, so only those that are pointed to take part.
        let mut dense: Vec<Option<usize>> = vec![None; self.slots.len()];
        let mut batches: Vec<&Batch> = Vec::new();
        let mut absent = false;
        let mut places: Vec<(usize, usize)> = Vec::with_capacity(rows.size_hint().0);
        for row in rows {
            let place = row.and_then(|at| Some((at, self.slots[at.slot as usize].as_ref()?)));
            let Some((at, batch)) = place else {
                absent = true;
                places.push((usize::MAX, 0));
                continue;
            };
            let batch = *dense[at.slot as usize].get_or_insert_with(|| {
                batches.push(batch);
                batches.len() - 1
            });
            places.push((batch, at.row as usize));
        }
        for (batch, _) in &mut places {
            *batch = (*batch).min(batches.len());
        }
        let column = |(at, data_type): (usize, &DataType)| {
            let nulls = absent.then(|| new_null_array(data_type, 1));
            let arrays = batches.iter().map(|batch| &batch.columns[at]).chain(&nulls);
            let arrays: Vec<&dyn Array> = arrays.map(AsRef::as_ref).collect();
            Ok(if arrays.is_empty() { new_null_array(data_type, 0) } else { interleave(&arrays, &places)? })
        };
        self.types.iter().enumerate().map(column).collect()
    }

    /// A store with nothing but these rows, in batches of at most `batch_rows`, each row pinned once; and where each
    /// stands now.
    pub(super) fn compact(&self, rows: &[RowAt], batch_rows: usize) -> Result<(Self, Vec<RowAt>)> {
        let mut compacted = Self::new(self.types.clone());
        let mut moved = Vec::with_capacity(rows.len());
        for rows in rows.chunks(batch_rows) {
            let columns = self.gather(rows.iter().copied().map(Some))?;
            let slot = compacted.add(columns.iter().map(own_bytes).collect(), rows.len())?;
            for row in 0..rows.len() {
                let at = Self::at(slot, row);
                compacted.pin(at);
                moved.push(at);
            }
        }
        Ok((compacted, moved))
    }
}

/// A column without the bytes of views that are not its own any more.
fn own_bytes(column: &ArrayRef) -> ArrayRef {
    #[expect(clippy::wildcard_enum_match_arm, reason = "only views share bytes with rows they do not show")]
    match column.data_type() {
        DataType::Utf8View => Arc::new(column.as_string_view().gc()),
        DataType::BinaryView => Arc::new(column.as_binary_view().gc()),
        _ => Arc::clone(column),
    }
}

/// The bytes of a column's own rows, not those of a larger array it is a slice of.
fn column_bytes(column: &ArrayRef) -> usize {
    #[expect(clippy::wildcard_enum_match_arm, reason = "only views have bytes beside their layout's")]
    let beside = match column.data_type() {
        DataType::Utf8View => column.as_string_view().total_buffer_bytes_used(),
        DataType::BinaryView => column.as_binary_view().total_buffer_bytes_used(),
        _ => 0,
    };
    column
        .to_data()
        .get_slice_memory_size()
        .map_or_else(|_| column.get_array_memory_size(), |bytes| bytes + beside)
}

#[cfg(test)]
mod tests {
    use arrow_array::StringViewArray;

    use super::*;

    #[test]
    fn compacting_leaves_the_bytes_of_other_rows_behind() {
        let mut held = Held::new(vec![DataType::Utf8View]);
        let texts = StringViewArray::from_iter_values((0..1_000).map(|row| format!("{row:>100}")));
        let slot = held.add(vec![Arc::new(texts)], 1_000).unwrap();
        let (compacted, moved) = held.compact(&[Held::at(slot, 7), Held::at(slot, 500)], 1).unwrap();
        let kept = compacted.gather(moved.into_iter().map(Some)).unwrap();
        assert_eq!(
            kept[0].as_string_view().iter().flatten().map(str::trim).collect::<Vec<_>>(),
            ["7", "500"]
        );
        assert!(kept[0].get_array_memory_size() < 2_000, "{}", kept[0].get_array_memory_size());
        // Two views of 16 bytes, and what they show.
        assert_eq!(compacted.bytes, 2 * (16 + 100));
    }

    #[test]
    fn slots_are_given_up_with_their_batches() {
        let mut held = Held::new(Vec::new());
        let slots: Vec<u32> = (0..4).map(|_| held.add(Vec::new(), 5).unwrap()).collect();
        held.pin(Held::at(slots[1], 0));
        held.release();
        assert_eq!((held.rows(), held.slots.len(), &held.free[..]), (5, 2, &[0][..]));
        assert_eq!(held.add(Vec::new(), 1).unwrap(), 0);
        held.unpin(Held::at(slots[1], 0));
        held.release();
        assert_eq!((held.rows(), held.slots.len(), held.bytes), (0, 0, 0));
    }
}
