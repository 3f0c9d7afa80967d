//! What a query asks of one time axis: a point, a range, or all of it.

use crate::period::Period;

/// The part of a time axis that a query asks for. An empty or inverted range
/// overlaps nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimeRange {
    /// `ALL`.
    All,
    /// `AS OF` an instant.
    At(i64),
    /// `FROM from TO to`: what overlaps `[from, to)`.
    FromTo {
        /// The first instant asked about.
        from: i64,
        /// The first instant no longer asked about.
        to: i64,
    },
    /// `BETWEEN from AND to`: what overlaps `[from, to]`.
    Between {
        /// The first instant asked about.
        from: i64,
        /// The last instant asked about.
        to: i64,
    },
}

impl TimeRange {
    /// Whether some instant asked about lies in the period.
    pub fn overlaps(self, period: Period) -> bool {
        let begin = match self {
            Self::All => return true,
            Self::At(instant) => instant,
            Self::FromTo { from, .. } | Self::Between { from, .. } => from,
        };
        // The first instant that period and range could share.
        let instant = begin.max(period.from());
        period.holds(instant) && self.reaches(instant)
    }

    /// Whether the instant is not beyond the end of the range. On the axis of
    /// system time: whether the range knows of what was committed then.
    pub const fn reaches(self, instant: i64) -> bool {
        match self {
            Self::All => true,
            Self::At(at) => instant <= at,
            Self::FromTo { to, .. } => instant < to,
            Self::Between { to, .. } => instant <= to,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(range: TimeRange, overlapping: &[(i64, Option<i64>)], apart: &[(i64, Option<i64>)]) {
        for &(from, to) in overlapping {
            assert!(range.overlaps(Period::new(from, to).unwrap()), "{range:?} {from} {to:?}");
        }
        for &(from, to) in apart {
            assert!(!range.overlaps(Period::new(from, to).unwrap()), "{range:?} {from} {to:?}");
        }
    }

    #[test]
    fn bounds_are_as_the_words_say() {
        let inside = [(1, Some(11)), (19, Some(20)), (12, Some(13)), (1, None)];
        let at_the_end = [(20, None)];
        let outside = [(1, Some(10)), (21, None)];
        let from_to = TimeRange::FromTo { from: 10, to: 20 };
        check(from_to, &inside, &outside);
        check(from_to, &[], &at_the_end);
        let between = TimeRange::Between { from: 10, to: 20 };
        check(between, &inside, &outside);
        check(between, &at_the_end, &[]);
        check(TimeRange::All, &inside, &[]);
        let at = TimeRange::At(10);
        check(at, &[(10, Some(11)), (1, None)], &[(1, Some(10)), (11, None)]);
    }

    #[test]
    fn empty_and_inverted_ranges_overlap_nothing() {
        let apart = [(1, None), (10, Some(11)), (1, Some(11))];
        check(TimeRange::FromTo { from: 10, to: 10 }, &[], &apart);
        check(TimeRange::FromTo { from: 10, to: 9 }, &[], &apart);
        check(TimeRange::Between { from: 10, to: 9 }, &[], &apart);
        check(TimeRange::Between { from: 10, to: 10 }, &apart, &[]);
    }
}
