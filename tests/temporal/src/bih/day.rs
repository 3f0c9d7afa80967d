//! Days: the precision of valid time and of the simulated clock.

use std::fmt;

use calotype_client::{SystemTime, ValidTime};
use chrono::{DateTime, Utc};

/// A day of the calendar: days since 1970-01-01.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day(pub i32);

/// Since when a table without an application period holds: the first day of TPC-H's data, 1992-01-01.
pub const BEGINNING: Day = Day(8035);
/// The day on which version 0 is loaded, 1999-12-31.
pub const LOADED: Day = Day(10_956);
/// The first simulated day, 2000-01-01.
pub const FIRST: Day = Day(10_957);
/// The last simulated day, 2009-12-31.
pub const LAST: Day = Day(14_609);
/// What ordinary columns hold where there is no end: 9999-12-31.
pub const NEVER: Day = Day(2_932_896);

const MICROS: i64 = 86_400_000_000;

impl Day {
    /// The day so many days later.
    #[must_use]
    pub const fn plus(self, days: i32) -> Self {
        Self(self.0 + days)
    }

    /// Its first instant, as valid time.
    pub fn valid(self) -> ValidTime {
        ValidTime::from_micros(i64::from(self.0) * MICROS)
    }

    /// Its first instant and so many microseconds, as system time.
    pub fn system(self, micros: u32) -> SystemTime {
        SystemTime::from_micros(i64::from(self.0) * MICROS + i64::from(micros))
    }
}

/// As SQL writes dates.
impl fmt::Display for Day {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match DateTime::<Utc>::from_timestamp(i64::from(self.0) * (MICROS / 1_000_000), 0) {
            Some(instant) => write!(f, "{}", instant.format("%Y-%m-%d")),
            None => write!(f, "day {}", self.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_named_days_are_what_their_names_say() {
        let days = [BEGINNING, LOADED, FIRST, LAST, NEVER].map(|day| day.to_string());
        assert_eq!(days, ["1992-01-01", "1999-12-31", "2000-01-01", "2009-12-31", "9999-12-31"]);
        assert_eq!(FIRST.valid().to_string(), "2000-01-01T00:00:00.000000Z");
        assert_eq!(FIRST.system(7).to_string(), "2000-01-01T00:00:00.000007Z");
    }
}
