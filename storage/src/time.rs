//! The two time axes: when something holds in the business world, and when
//! the database learned it.
//!
//! Invariants: an instant is a whole microsecond since the Unix epoch, UTC; the
//! two extreme `i64` values are never instants (they mean "unbounded" in the
//! stored form); a [`Period`] is half-open and never empty; the two axes cannot
//! be mixed:
//!
//! ```compile_fail
//! use calotype_storage::{AsOf, SystemTime, ValidTime};
//! let valid = ValidTime::from_micros(1).unwrap();
//! let system = SystemTime::from_micros(2).unwrap();
//! let swapped = AsOf { valid: system, system: valid };
//! ```

use std::fmt;

use chrono::{DateTime, SecondsFormat, Utc};

/// Why a text is not an instant.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ParseInstantError {
    /// Not RFC 3339. Mend the text.
    #[error("'{0}' is not an RFC 3339 instant; expected for example 2026-03-31T23:59:59.999999Z")]
    Malformed(String),
    /// No `Z` and no offset: which instant is meant is not known. Add the zone.
    #[error("'{0}' has no zone; add Z or an offset such as +01:00")]
    NoZone(String),
    /// A date alone. Say which instant of the day is meant.
    #[error("'{0}' is a date alone; give an instant, for example {0}T00:00:00Z")]
    DateAlone(String),
    /// More than six fractional digits: nothing is rounded.
    #[error("'{0}' is finer than a microsecond; at most six fractional digits are kept")]
    TooFine(String),
}

fn parse_micros(text: &str) -> Result<i64, ParseInstantError> {
    // As much of the text as a message bears.
    let shown = || text.chars().take(80).flat_map(char::escape_debug).collect::<String>();
    let malformed = || ParseInstantError::Malformed(shown());
    if !text.is_ascii() || text.len() > 64 {
        return Err(malformed());
    }
    if text.len() == 10 && text.as_bytes()[4] == b'-' && text.as_bytes()[7] == b'-' {
        return Err(ParseInstantError::DateAlone(shown()));
    }
    let fraction =
        text.split_once('.').map_or(0, |(_, rest)| rest.bytes().take_while(u8::is_ascii_digit).count());
    if fraction > 6 {
        return Err(ParseInstantError::TooFine(shown()));
    }
    let zone_is_all_it_lacks = || DateTime::parse_from_rfc3339(&format!("{text}Z")).is_ok();
    let instant = DateTime::parse_from_rfc3339(text)
        .map_err(|_| if zone_is_all_it_lacks() { ParseInstantError::NoZone(shown()) } else { malformed() })?;
    // A leap second parses as a nanosecond count above 999,999,999.
    if instant.timestamp_subsec_nanos() > 999_999_999 {
        return Err(malformed());
    }
    Ok(instant.timestamp_micros())
}

fn format_micros(micros: i64) -> String {
    match DateTime::<Utc>::from_timestamp_micros(micros) {
        Some(instant) => instant.to_rfc3339_opts(SecondsFormat::Micros, true),
        None => format!("{micros}us"),
    }
}

/// What both kinds of instants can do; sealed, so that there are only two.
pub trait Instant: Copy + Ord + fmt::Debug + fmt::Display + sealed::Sealed {
    /// Makes an instant from microseconds since the Unix epoch; `None` for the two reserved values.
    fn from_micros(micros: i64) -> Option<Self>;
    /// Microseconds since the Unix epoch.
    fn micros(self) -> i64;
}

mod sealed {
    pub trait Sealed {}
    impl Sealed for super::ValidTime {}
    impl Sealed for super::SystemTime {}
}

macro_rules! instant {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(i64);

        impl $name {
            /// The first instant there is.
            pub const FIRST: Self = Self(i64::MIN + 1);
            /// The last instant there is.
            pub const LAST: Self = Self(i64::MAX - 1);

            /// Makes an instant from microseconds since the Unix epoch; `None`
            /// for the two reserved values `i64::MIN` and `i64::MAX`.
            pub const fn from_micros(micros: i64) -> Option<Self> {
                if micros == i64::MIN || micros == i64::MAX { None } else { Some(Self(micros)) }
            }

            /// Microseconds since the Unix epoch.
            pub const fn micros(self) -> i64 {
                self.0
            }

            /// The instant one microsecond later; the last instant stays.
            #[must_use]
            pub const fn next(self) -> Self {
                if self.0 == Self::LAST.0 { self } else { Self(self.0 + 1) }
            }

            /// The instant one microsecond earlier; `None` before the first.
            pub const fn previous(self) -> Option<Self> {
                Self::from_micros(self.0 - 1)
            }

            /// Reads RFC 3339 with `Z` or an offset and at most six fractional digits.
            ///
            /// # Errors
            /// [`ParseInstantError`] says what is wrong with the text; nothing is rounded or guessed.
            pub fn parse(text: &str) -> Result<Self, ParseInstantError> {
                Self::from_micros(parse_micros(text)?)
                    .ok_or_else(|| ParseInstantError::Malformed(text.to_owned()))
            }
        }

        impl Instant for $name {
            fn from_micros(micros: i64) -> Option<Self> {
                Self::from_micros(micros)
            }
            fn micros(self) -> i64 {
                self.0
            }
        }

        /// RFC 3339 with `Z` and six fractional digits.
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&format_micros(self.0))
            }
        }
    };
}

instant! {
    /// When a fact holds in the modelled world: microseconds since the Unix epoch, UTC.
    ValidTime
}
instant! {
    /// When this database learned a fact: microseconds since the Unix epoch, UTC.
    /// Given by the database at commit, strictly increasing within a context.
    SystemTime
}

impl SystemTime {
    /// The valid time of the same reading of the clock: for asking what holds *now*, and for
    /// processing-time cutoffs, the two places where the axes meet.
    pub fn as_valid(self) -> ValidTime {
        ValidTime(self.0)
    }
}

/// Where a read stands. Named fields: the two times cannot trade places.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AsOf {
    /// The instant asked about.
    pub valid: ValidTime,
    /// The knowledge it is answered from, inclusive.
    pub system: SystemTime,
}

/// A half-open stretch of one axis, `[from, to)`, open-ended without `to`. Never empty.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Period<T> {
    from: T,
    to: Option<T>,
}

impl<T: Instant> Period<T> {
    /// Makes a period; `None` if it would be empty or inverted.
    pub fn new(from: T, to: Option<T>) -> Option<Self> {
        match to {
            Some(to) if to <= from => None,
            _ => Some(Self { from, to }),
        }
    }

    /// Everything from an instant on.
    pub fn since(from: T) -> Self {
        Self { from, to: None }
    }

    /// The first instant inside.
    pub fn from(self) -> T {
        self.from
    }

    /// The first instant after the period; `None` if it is open.
    pub fn to(self) -> Option<T> {
        self.to
    }

    /// Whether an instant lies inside.
    pub fn holds(self, at: T) -> bool {
        self.from <= at && self.to.is_none_or(|to| at < to)
    }

    /// Whether two periods share an instant.
    pub fn overlaps(self, other: Self) -> bool {
        self.to.is_none_or(|to| other.from < to) && other.to.is_none_or(|to| self.from < to)
    }

    /// What two periods share.
    pub fn intersection(self, other: Self) -> Option<Self> {
        let to = match (self.to, other.to) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
        Self::new(self.from.max(other.from), to)
    }
}

/// `[from, to)` in RFC 3339, `..` for an open end.
impl<T: Instant> fmt::Display for Period<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.to {
            Some(to) => write!(f, "[{}, {to})", self.from),
            None => write!(f, "[{}, ..)", self.from),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Result<&str, &str>) {
        let found = ValidTime::parse(text).map(|t| t.to_string()).map_err(|e| e.to_string());
        match (found, expected) {
            (Ok(found), Ok(expected)) => assert_eq!(found, expected, "{text}"),
            (Err(found), Err(expected)) => {
                assert!(found.contains(expected), "{text}: {found} lacks {expected}");
            }
            (found, expected) => panic!("{text}: found {found:?}, expected {expected:?}"),
        }
    }

    #[test]
    fn instants_are_read_exactly_or_refused() {
        check("2026-03-31T23:59:59.999999Z", Ok("2026-03-31T23:59:59.999999Z"));
        check("2026-03-31T23:59:59Z", Ok("2026-03-31T23:59:59.000000Z"));
        check("2026-03-31T23:59:59.5+02:00", Ok("2026-03-31T21:59:59.500000Z"));
        check("9999-12-31T23:59:59.999999Z", Ok("9999-12-31T23:59:59.999999Z"));
        check("1969-12-31T23:59:59.999999Z", Ok("1969-12-31T23:59:59.999999Z"));
        check("2026-03-31T23:59:59.9999990Z", Err("finer than a microsecond"));
        check("2026-03-31T23:59:59", Err("no zone"));
        check("2026-03-31", Err("a date alone"));
        check("2026-06-30T23:59:60Z", Err("not an RFC 3339 instant"));
        check("2026-02-30T00:00:00Z", Err("not an RFC 3339 instant"));
        check("tomorrow", Err("not an RFC 3339 instant"));
        check("", Err("not an RFC 3339 instant"));
        check("２０２６", Err("not an RFC 3339 instant"));
    }

    #[test]
    fn the_extreme_values_are_reserved() {
        assert_eq!(ValidTime::from_micros(i64::MIN), None);
        assert_eq!(SystemTime::from_micros(i64::MAX), None);
        assert_eq!(ValidTime::FIRST.previous(), None);
        assert_eq!(ValidTime::LAST.next(), ValidTime::LAST);
        assert_eq!(ValidTime::LAST.to_string(), format!("{}us", i64::MAX - 1));
    }

    #[test]
    fn periods_are_half_open_and_never_empty() {
        let at = |micros| ValidTime::from_micros(micros).unwrap();
        let period = Period::new(at(1), Some(at(3))).unwrap();
        assert_eq!([0, 1, 2, 3].map(|v| period.holds(at(v))), [false, true, true, false]);
        assert_eq!(Period::new(at(1), Some(at(1))), None);
        assert_eq!(Period::new(at(2), Some(at(1))), None);
        assert!(!period.overlaps(Period::since(at(3))));
        assert!(period.overlaps(Period::since(at(2))));
        assert_eq!(period.intersection(Period::since(at(2))), Period::new(at(2), Some(at(3))));
    }
}
