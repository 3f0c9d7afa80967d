//! A period as the sweep compares it: two instants of one axis, in microseconds since the Unix epoch, UTC.

use std::sync::Arc;

use arrow_schema::{DataType, TimeUnit};

/// The end of a period that has none. In columns it is NULL.
pub(super) const OPEN: i64 = i64::MAX;

/// The type of the columns that bound a period.
pub(super) fn bound_type() -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, Some(Arc::from("UTC")))
}

/// The instants from `from` up to, but not with, `to`; none where `to` is not after `from`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Period {
    pub(super) from: i64,
    pub(super) to: i64,
}

impl Period {
    /// Every instant: what a row's period is on an axis that does not matter.
    pub(super) const ALWAYS: Self = Self { from: i64::MIN, to: OPEN };

    /// Whether no instant lies in it.
    pub(super) const fn is_empty(self) -> bool {
        self.to <= self.from
    }

    /// The instants that lie in both.
    pub(super) fn overlap(self, other: Self) -> Self {
        Self { from: self.from.max(other.from), to: self.to.min(other.to) }
    }
}
