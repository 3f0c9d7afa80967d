//! Putting facts into an `events` context: how rows become the facts of one
//! entry, of which no two of a key overlap.

use std::collections::BTreeSet;
use std::error::Error;
use std::fmt;

use crate::fact::{Fact, FactOracle};
use crate::period::{Period, paint};

/// One `facts` put. `Debug` prints one line for each row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventsPut<K, V> {
    /// The rows; a later one overrides an earlier one.
    pub rows: Vec<EventRow<K, V>>,
    /// What a row without an end means; such rows are refused without it.
    pub open_end: Option<OpenEnd>,
}

/// One row of a `facts` put.
#[derive(Clone, PartialEq, Eq)]
pub struct EventRow<K, V> {
    /// The entity.
    pub key: K,
    /// The first instant at which the row holds.
    pub valid_from: i64,
    /// The first instant at which it no longer does; `None`: as the put says.
    pub valid_to: Option<i64>,
    /// The content; `None` retracts.
    pub value: Option<V>,
}

/// What a row without an end means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OpenEnd {
    /// It holds for ever.
    Open,
    /// It holds until the next thing known: to the end of the piece that holds
    /// its beginning or the start of the next one, as known just before the
    /// put, or to where another row of the put about its key begins later,
    /// whichever is first; for ever where there is none of these.
    UntilNext,
}

/// Why a put was refused whole. Rows count from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PutError {
    /// The row has no end, and the put does not say what that means.
    EndMissing {
        /// The first such row.
        row: usize,
    },
    /// The row's period is empty or inverted.
    PeriodEmpty {
        /// The first such row.
        row: usize,
    },
}

impl<K: Ord + Clone, V: Eq + Clone> FactOracle<K, V> {
    /// Commits a `facts` put as one entry.
    ///
    /// # Errors
    /// A bad period refuses the put whole, and nothing changes.
    ///
    /// # Panics
    /// If entry and system time do not both rise strictly.
    pub fn events_put(&mut self, entry: u64, system: i64, put: &EventsPut<K, V>) -> Result<(), PutError> {
        let last = self.facts().last();
        let risen = last.is_none_or(|last| last.entry < entry && last.system < system);
        assert!(risen, "entry {entry} comes out of order");
        let mut periods = Vec::new();
        for row in 0..put.rows.len() {
            periods.push(self.period_of(put, row)?);
        }
        let keys: BTreeSet<&K> = put.rows.iter().map(|row| &row.key).collect();
        for key in keys {
            let mine = || (0..put.rows.len()).filter(|row| put.rows[*row].key == *key);
            let winner = |valid| mine().rfind(|row| periods[*row].holds(valid));
            for (period, row) in paint(mine().map(|row| periods[row]), winner) {
                self.append(Fact {
                    entry,
                    system,
                    key: key.clone(),
                    valid_from: period.from(),
                    valid_to: period.to(),
                    value: put.rows[row].value.clone(),
                });
            }
        }
        Ok(())
    }

    /// The period that a row of the put means.
    fn period_of(&self, put: &EventsPut<K, V>, row: usize) -> Result<Period, PutError> {
        let EventRow { valid_from, valid_to, .. } = put.rows[row];
        let to = match (valid_to, put.open_end) {
            (Some(to), _) => Some(to),
            (None, Some(OpenEnd::Open)) => None,
            (None, Some(OpenEnd::UntilNext)) => self.next_bound(put, row),
            (None, None) => return Err(PutError::EndMissing { row }),
        };
        Period::new(valid_from, to).ok_or(PutError::PeriodEmpty { row })
    }

    /// The first instant after a row's beginning at which a piece begins or
    /// ends, or another row of its key begins.
    fn next_bound(&self, put: &EventsPut<K, V>, row: usize) -> Option<i64> {
        let EventRow { key, valid_from, .. } = &put.rows[row];
        let pieces = self.pieces(key, i64::MAX);
        let rows = put.rows.iter().filter(|other| other.key == *key);
        let begins = pieces.iter().map(|piece| piece.valid_from);
        let ends = pieces.iter().filter_map(|piece| piece.valid_to);
        let bounds = begins.chain(ends).chain(rows.map(|other| other.valid_from));
        bounds.filter(|bound| bound > valid_from).min()
    }
}

impl<K: fmt::Debug, V: fmt::Debug> fmt::Debug for EventRow<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} [{}, ", self.key, self.valid_from)?;
        match self.valid_to {
            Some(to) => write!(f, "{to}) ")?,
            None => write!(f, "?) ")?,
        }
        match &self.value {
            Some(value) => write!(f, "= {value:?}"),
            None => write!(f, "retracted"),
        }
    }
}

impl fmt::Display for PutError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::EndMissing { row } => write!(f, "row {row} has no end"),
            Self::PeriodEmpty { row } => write!(f, "the period of row {row} is empty"),
        }
    }
}

impl Error for PutError {}

#[cfg(test)]
mod tests {
    use super::*;

    type Row = (i64, Option<i64>, Option<u32>);

    fn put(rows: &[Row], open_end: Option<OpenEnd>) -> EventsPut<char, u32> {
        let row = |&(valid_from, valid_to, value): &Row| EventRow { key: 'k', valid_from, valid_to, value };
        let rows = rows.iter().map(row).collect();
        EventsPut { rows, open_end }
    }

    /// What is stored of a put after another of given periods.
    fn check(known: &[Row], rows: &[Row], open_end: OpenEnd, expected: &[Row]) {
        let mut oracle = FactOracle::new();
        oracle.events_put(1, 10, &put(known, None)).unwrap();
        // What is known of other keys bounds nothing.
        let mut other = put(&[(4, Some(5), Some(0))], None);
        other.rows[0].key = 'j';
        oracle.events_put(2, 20, &other).unwrap();
        oracle.events_put(3, 30, &put(rows, Some(open_end))).unwrap();
        let stored = oracle.facts().iter().filter(|fact| fact.entry == 3);
        let stored: Vec<Row> = stored.map(|f| (f.valid_from, f.valid_to, f.value)).collect();
        assert_eq!(stored, expected);
    }

    #[test]
    fn later_rows_override_earlier_ones_and_split_them() {
        let rows = [(0, None, Some(1)), (3, Some(6), None), (5, Some(9), Some(2))];
        let stored = [(0, Some(3), Some(1)), (3, Some(5), None), (5, Some(9), Some(2)), (9, None, Some(1))];
        check(&[], &rows, OpenEnd::Open, &stored);
        // The same period again: only the last row is left.
        let rows = [(0, Some(5), Some(1)), (0, Some(5), Some(2))];
        check(&[], &rows, OpenEnd::Open, &[(0, Some(5), Some(2))]);
    }

    #[test]
    fn until_next_ends_with_the_piece_that_holds_the_beginning() {
        let known = [(0, Some(10), Some(1)), (20, Some(30), Some(2))];
        let until = OpenEnd::UntilNext;
        check(&known, &[(5, None, Some(7))], until, &[(5, Some(10), Some(7))]);
        check(&known, &[(10, None, Some(7))], until, &[(10, Some(20), Some(7))]);
        check(&known, &[(-5, None, None)], until, &[(-5, Some(0), None)]);
        check(&known, &[(30, None, Some(7))], until, &[(30, None, Some(7))]);
        check(&known, &[(5, Some(25), Some(7))], until, &[(5, Some(25), Some(7))]);
    }

    #[test]
    fn until_next_is_bounded_by_later_rows_of_the_put_and_not_by_retractions_known() {
        let until = OpenEnd::UntilNext;
        let rows = [(8, None, Some(8)), (5, None, Some(5)), (5, None, Some(6))];
        let stored = [(5, Some(8), Some(6)), (8, Some(10), Some(8))];
        check(&[(0, Some(10), Some(1))], &rows, until, &stored);
        check(&[(7, Some(9), None)], &[(5, None, Some(5))], until, &[(5, None, Some(5))]);
    }

    #[test]
    fn a_bad_period_refuses_the_put_whole() {
        let mut oracle = FactOracle::new();
        let check = |oracle: &mut FactOracle<_, _>, rows: &[Row], open_end, error| {
            let result = oracle.events_put(1, 10, &put(rows, open_end));
            assert_eq!(result, Err(error));
            assert!(oracle.facts().is_empty());
        };
        let good = (0, Some(1), Some(1));
        let open = (0, None, Some(1));
        let missing = PutError::EndMissing { row: 1 };
        check(&mut oracle, &[good, open], None, missing);
        for to in [4, 5] {
            let empty = PutError::PeriodEmpty { row: 1 };
            check(&mut oracle, &[good, (5, Some(to), None)], Some(OpenEnd::Open), empty);
        }
    }
}
