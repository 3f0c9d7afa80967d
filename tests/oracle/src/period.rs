//! Half-open periods of time, and the one way this model cuts them: into the
//! elementary intervals between all instants at which anything may change.

use std::collections::BTreeSet;
use std::ops::Bound::{Excluded, Unbounded};

/// A half-open period `[from, to)`, never empty; without `to` it is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Period {
    from: i64,
    to: Option<i64>,
}

impl Period {
    /// The period `[from, to)`; `None` if that is empty or inverted.
    pub fn new(from: i64, to: Option<i64>) -> Option<Self> {
        to.is_none_or(|to| from < to).then_some(Self { from, to })
    }

    /// The first instant inside.
    pub const fn from(self) -> i64 {
        self.from
    }

    /// The first instant after it; `None` if it is open.
    pub const fn to(self) -> Option<i64> {
        self.to
    }

    /// Whether the instant lies inside.
    pub fn holds(self, instant: i64) -> bool {
        self.from <= instant && self.to.is_none_or(|to| instant < to)
    }

    /// Whether some instant lies inside both.
    pub fn overlaps(self, other: Self) -> bool {
        // The later of two beginnings is the first instant they could share.
        let instant = self.from.max(other.from);
        self.holds(instant) && other.holds(instant)
    }
}

/// Labels the time line: asks for the label of every elementary interval
/// between the bounds of `periods`, drops those without one, and joins
/// neighbours with equal labels.
///
/// `label` is asked for the first instant of each interval and must answer the
/// same throughout it.
pub(crate) fn paint<T: PartialEq>(
    periods: impl IntoIterator<Item = Period>,
    label: impl Fn(i64) -> Option<T>,
) -> Vec<(Period, T)> {
    let mut bounds = BTreeSet::new();
    for period in periods {
        bounds.insert(period.from);
        bounds.extend(period.to);
    }
    let mut painted: Vec<(Period, T)> = Vec::new();
    for &from in &bounds {
        let to = bounds.range((Excluded(from), Unbounded)).next().copied();
        let Some(label) = label(from) else { continue };
        match painted.last_mut() {
            Some((before, same)) if before.to == Some(from) && *same == label => before.to = to,
            _ => painted.push((Period { from, to }, label)),
        }
    }
    painted
}

#[cfg(test)]
mod tests {
    use super::*;

    fn period(from: i64, to: i64) -> Period {
        Period::new(from, Some(to)).unwrap()
    }

    #[test]
    fn empty_and_inverted_periods_are_refused() {
        assert_eq!(Period::new(3, Some(3)), None);
        assert_eq!(Period::new(4, Some(3)), None);
        assert!(Period::new(3, Some(4)).is_some());
        assert!(Period::new(3, None).is_some());
    }

    #[test]
    fn periods_that_meet_do_not_overlap() {
        assert!(!period(1, 3).overlaps(period(3, 5)));
        assert!(period(1, 4).overlaps(period(3, 5)));
        assert!(period(1, 9).overlaps(period(3, 5)));
        assert!(Period::new(1, None).unwrap().overlaps(period(3, 5)));
        assert!(!Period::new(5, None).unwrap().overlaps(period(3, 5)));
    }

    #[test]
    fn painting_joins_equal_neighbours_and_keeps_gaps() {
        let periods = [period(1, 9), period(3, 5), period(4, 7)];
        let painted = paint(periods, |at| match at {
            1..5 => Some('a'),
            7..9 => Some('b'),
            _ => None,
        });
        assert_eq!(painted, [(period(1, 5), 'a'), (period(7, 9), 'b')]);
    }
}
