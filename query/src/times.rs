//! What is asked about: a point on both axes, or a range of one.

use calotype_storage::context::Context;
use calotype_storage::error::Error;
use calotype_storage::time::Instant;
use calotype_storage::{AsOf, SystemTime, ValidTime};

use crate::error::QueryError;

/// A point as it is asked about; what is left out is found and named in the claim.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Point {
    /// Valid time; left out: the clock at the start of the request.
    pub valid_at: Option<ValidTime>,
    /// System time; left out: the settled time.
    pub known_at: Option<SystemTime>,
}

/// A point as it is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ResolvedPoint {
    /// Both times.
    pub at: AsOf,
    /// The system time up to which nothing can be added any more; `None` before the first commit.
    pub settled_to: Option<SystemTime>,
    /// Whether something is known at all.
    pub is_known: bool,
}

impl ResolvedPoint {
    /// Whether the answer stays the same for ever.
    pub fn is_settled(&self) -> bool {
        self.settled_to.is_some_and(|settled| self.at.system <= settled)
    }
}

/// The system time up to which nothing can be added to a context; `None` before its first commit. `newest` is the
/// newest time of the log, read before the context.
pub fn settled_time(context: &Context, newest: Option<SystemTime>) -> Option<SystemTime> {
    let first = context.entries().iter().find(|entry| entry.is_data())?;
    let newest = if context.is_importing() { context.newest_system_time() } else { newest };
    newest.filter(|newest| *newest >= first.system_time())
}

impl Point {
    /// Finds the times that are left out, `now` being the clock at the start of the request, and refuses a system time that has not come.
    ///
    /// # Errors
    /// [`Error::Future`] if the system time is later than both the clock and the settled time.
    pub fn resolve(
        self,
        now: SystemTime,
        context: &Context,
        newest: Option<SystemTime>,
    ) -> Result<ResolvedPoint, QueryError> {
        let settled_to = settled_time(context, newest);
        let system = self.known_at.or(settled_to).unwrap_or(now);
        if system > now && settled_to.is_none_or(|settled| system > settled) {
            return Err(Error::Future { asked: system, now }.into());
        }
        let valid = self.valid_at.unwrap_or(now.as_valid());
        let is_known = context.entries_known_at(system).iter().any(|entry| entry.is_data());
        Ok(ResolvedPoint { at: AsOf { valid, system }, settled_to, is_known })
    }
}

/// A range of one axis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimeRange<T> {
    /// All of it.
    All,
    /// One instant.
    At(T),
    /// What overlaps `[from, to)`.
    FromTo(T, T),
    /// What overlaps `[from, to]`.
    Between(T, T),
}

impl<T: Instant> TimeRange<T> {
    /// The first and the last microsecond of the range, both included.
    ///
    /// # Errors
    /// [`QueryError::EmptyRange`] if there is none.
    pub fn bounds(self) -> Result<(i64, i64), QueryError> {
        let (first, last, to) = match self {
            Self::All => return Ok((i64::MIN, i64::MAX)),
            Self::At(at) => (at, at.micros(), at),
            Self::FromTo(from, to) => (from, to.micros() - 1, to),
            Self::Between(from, to) => (from, to.micros(), to),
        };
        if first.micros() > last {
            return Err(QueryError::EmptyRange { from: first.to_string(), to: to.to_string() });
        }
        Ok((first.micros(), last))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_closed_or_half_open_as_sql_says() {
        let at = |micros| ValidTime::from_micros(micros).unwrap();
        assert_eq!(TimeRange::FromTo(at(1), at(3)).bounds().unwrap(), (1, 2));
        assert_eq!(TimeRange::Between(at(1), at(3)).bounds().unwrap(), (1, 3));
        assert_eq!(TimeRange::At(at(1)).bounds().unwrap(), (1, 1));
        assert!(TimeRange::FromTo(at(3), at(3)).bounds().is_err());
        assert!(TimeRange::Between(at(3), at(2)).bounds().is_err());
    }
}
