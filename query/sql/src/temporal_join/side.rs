//! One side of the sweep: the row its input stands at, and the pieces of the present key that may still hold.

use arrow_schema::DataType;
use datafusion::arrow::row::Row;
use datafusion::error::Result;

use super::held::{Held, RowAt};
use super::period::Period;
use super::reader::Incoming;

/// Batches are let go of and copied together once this many batches' rows are held beside those of pieces.
const SPARE_BATCHES: usize = 4;

/// Pieces below this number are not looked through for ended ones.
const PURGE_MIN: usize = 64;

/// A row that may still hold.
#[derive(Clone, Copy, Debug)]
pub(super) struct Piece {
    pub(super) at: RowAt,
    /// On the axis that is swept along.
    pub(super) period: Period,
    /// On the other axis, if it matters.
    pub(super) test: Period,
    /// Of a left join's left row: up to here its period is covered by right rows or was given as uncovered.
    pub(super) covered_to: i64,
}

/// The next row of an input.
pub(super) struct Next<'a> {
    pub(super) key: Row<'a>,
    pub(super) from: i64,
    /// A join column is NULL.
    pub(super) keyless: bool,
}

/// One side of the sweep.
pub(super) struct Side {
    pub(super) held: Held,
    current: Option<Current>,
    ended: bool,
    /// Of the present key, those that may still hold, in no order.
    active: Vec<Piece>,
    purge_at: usize,
    batch_rows: usize,
}

struct Current {
    slot: u32,
    row: usize,
    batch: Incoming,
}

impl Side {
    /// A side whose gathered columns have these types, and whose batches have about this many rows.
    pub(super) fn new(types: Vec<DataType>, batch_rows: usize) -> Self {
        let held = Held::new(types);
        Self { held, current: None, ended: false, active: Vec::new(), purge_at: PURGE_MIN, batch_rows }
    }

    /// Moves on to the next row with a period that is not empty; false where that takes another batch. What is empty on
    /// the other axis overlaps nothing, and needs no care.
    pub(super) fn settle(&mut self) -> bool {
        if let Some(current) = &mut self.current {
            let (batch, rows) = (&current.batch, current.batch.rows());
            while current.row < rows && batch.period(current.row).is_empty() {
                current.row += 1;
            }
            if current.row < rows {
                return true;
            }
            self.current = None;
        }
        self.ended
    }

    /// Whether the input has no more rows.
    pub(super) fn has_ended(&self) -> bool {
        self.ended && self.current.is_none()
    }

    /// Takes the next batch of the input, when [`Side::settle`] asks for it.
    pub(super) fn supply(&mut self, batch: Incoming) -> Result<()> {
        let slot = self.held.add(batch.columns.clone(), batch.rows())?;
        self.current = Some(Current { slot, row: 0, batch });
        Ok(())
    }

    /// Says that the input has no more batches.
    pub(super) fn end(&mut self) {
        self.ended = true;
    }

    /// The row the input stands at, after [`Side::settle`].
    pub(super) fn next(&self) -> Option<Next<'_>> {
        let Current { row, batch, .. } = self.current.as_ref()?;
        Some(Next { key: batch.key(*row), from: batch.period(*row).from, keyless: batch.is_keyless(*row) })
    }

    /// Takes the row the input stands at.
    pub(super) fn take(&mut self) -> Option<Piece> {
        let Current { slot, row, batch } = self.current.as_mut()?;
        let (at, period, test) = (Held::at(*slot, *row), batch.period(*row), batch.test(*row));
        *row += 1;
        Some(Piece { at, period, test, covered_to: period.from })
    }

    /// The pieces that may still hold.
    pub(super) fn active(&mut self) -> &mut [Piece] {
        &mut self.active
    }

    pub(super) fn is_idle(&self) -> bool {
        self.active.is_empty()
    }

    pub(super) fn push(&mut self, piece: Piece) {
        self.held.pin(piece.at);
        self.active.push(piece);
    }

    /// Takes out the piece at this place, to which the last one moves.
    pub(super) fn remove(&mut self, place: usize) -> Piece {
        let piece = self.active.swap_remove(place);
        self.held.unpin(piece.at);
        piece
    }

    /// Takes out all pieces.
    pub(super) fn clear(&mut self) {
        for piece in self.active.drain(..) {
            self.held.unpin(piece.at);
        }
        self.purge_at = PURGE_MIN;
    }

    /// Whether there may be as many ended pieces as others, so that looking for them pays.
    pub(super) fn wants_purge(&self) -> bool {
        self.active.len() >= self.purge_at
    }

    /// Says that all pieces that are left hold.
    pub(super) fn purged(&mut self) {
        self.purge_at = PURGE_MIN.max(self.active.len() * 2);
    }

    /// Whether far more rows are held than there are pieces.
    pub(super) fn is_crowded(&self) -> bool {
        self.held.rows() > self.active.len() * 2 + self.batch_rows * SPARE_BATCHES
    }

    /// Between two batches, when no result points into them: lets go of what no piece needs. What is copied is less
    /// than what came since the last time, so that this costs a constant for each row.
    pub(super) fn make_room(&mut self) -> Result<()> {
        self.held.release();
        if self.is_crowded() {
            let rows: Vec<RowAt> = self.active.iter().map(|piece| piece.at).collect();
            let (held, moved) = self.held.compact(&rows, self.batch_rows)?;
            self.held = held;
            for (piece, at) in self.active.iter_mut().zip(moved) {
                piece.at = at;
            }
        }
        Ok(())
    }

    /// The bytes it takes.
    pub(super) fn size(&self) -> usize {
        let current = self.current.as_ref().map_or(0, |current| current.batch.size());
        self.held.size() + current + self.active.capacity() * size_of::<Piece>()
    }
}
