//! Instants on either time axis, and on neither: whole microseconds since the Unix epoch, UTC.
//!
//! Valid time and system time do not mix:
//!
//! ```compile_fail
//! use calotype_client::{SystemTime, ValidTime};
//! let known_at: SystemTime = ValidTime::parse("2026-03-31T00:00:00Z").unwrap();
//! ```

use std::fmt;

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Why a text is no instant.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ParseTimeError {
    /// Not RFC 3339.
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

macro_rules! instant {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(i64);

        impl $name {
            /// Makes an instant from microseconds since the Unix epoch.
            pub const fn from_micros(micros: i64) -> Self {
                Self(micros)
            }

            /// Microseconds since the Unix epoch.
            pub const fn micros(self) -> i64 {
                self.0
            }

            /// Reads RFC 3339 with `Z` or an offset and at most six fractional digits.
            ///
            /// # Errors
            /// [`ParseTimeError`] says what is wrong with the text; nothing is rounded or guessed.
            pub fn parse(text: &str) -> Result<Self, ParseTimeError> {
                parse_micros(text).map(Self)
            }
        }

        /// RFC 3339 with `Z` and six fractional digits.
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                match DateTime::<Utc>::from_timestamp_micros(self.0) {
                    Some(instant) => f.write_str(&instant.to_rfc3339_opts(SecondsFormat::Micros, true)),
                    None => write!(f, "{}us", self.0),
                }
            }
        }

        impl std::str::FromStr for $name {
            type Err = ParseTimeError;

            fn from_str(text: &str) -> Result<Self, ParseTimeError> {
                Self::parse(text)
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                Self::parse(&text).map_err(serde::de::Error::custom)
            }
        }
    };
}

instant! {
    /// When a fact holds in the modelled world.
    ValidTime
}
instant! {
    /// When the database learned something.
    SystemTime
}
instant! {
    /// An instant on neither axis: a value of a row, the wall time of a record, the start of an operation.
    Instant
}

impl SystemTime {
    /// The valid time of the same reading of the clock: for processing-time cutoffs.
    pub const fn as_valid(self) -> ValidTime {
        ValidTime(self.0)
    }
}

fn parse_micros(text: &str) -> Result<i64, ParseTimeError> {
    // As much of the text as a message bears.
    let shown = || text.chars().take(80).flat_map(char::escape_debug).collect::<String>();
    let malformed = || ParseTimeError::Malformed(shown());
    if !text.is_ascii() || text.len() > 64 {
        return Err(malformed());
    }
    if text.len() == 10 && text.as_bytes()[4] == b'-' && text.as_bytes()[7] == b'-' {
        return Err(ParseTimeError::DateAlone(shown()));
    }
    let fraction =
        text.split_once('.').map_or(0, |(_, rest)| rest.bytes().take_while(u8::is_ascii_digit).count());
    if fraction > 6 {
        return Err(ParseTimeError::TooFine(shown()));
    }
    let lacks_only_zone = || DateTime::parse_from_rfc3339(&format!("{text}Z")).is_ok();
    let instant = DateTime::parse_from_rfc3339(text)
        .map_err(|_| if lacks_only_zone() { ParseTimeError::NoZone(shown()) } else { malformed() })?;
    // A leap second parses as a nanosecond count above 999,999,999.
    if instant.timestamp_subsec_nanos() > 999_999_999 {
        return Err(malformed());
    }
    Ok(instant.timestamp_micros())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Result<&str, &str>) {
        let found = ValidTime::parse(text).map(|t| t.to_string()).map_err(|e| e.to_string());
        match (found, expected) {
            (Ok(found), Ok(expected)) => assert_eq!(found, expected, "{text}"),
            (Err(found), Err(expected)) => assert!(found.contains(expected), "{text}: {found}"),
            (found, expected) => panic!("{text}: found {found:?}, expected {expected:?}"),
        }
    }

    #[test]
    fn instants_are_read_exactly_or_refused() {
        check("2026-03-31T23:59:59.999999Z", Ok("2026-03-31T23:59:59.999999Z"));
        check("2026-03-31T23:59:59Z", Ok("2026-03-31T23:59:59.000000Z"));
        check("2026-03-31T23:59:59.5+02:00", Ok("2026-03-31T21:59:59.500000Z"));
        check("1969-12-31T23:59:59.999999Z", Ok("1969-12-31T23:59:59.999999Z"));
        check("2026-03-31T23:59:59.9999990Z", Err("finer than a microsecond"));
        check("2026-03-31T23:59:59", Err("no zone"));
        check("2026-03-31", Err("a date alone"));
        check("2026-06-30T23:59:60Z", Err("not an RFC 3339 instant"));
        check("2026-02-30T00:00:00Z", Err("not an RFC 3339 instant"));
        check("", Err("not an RFC 3339 instant"));
        check("２０２６", Err("not an RFC 3339 instant"));
    }

    #[test]
    fn times_are_text_in_json() {
        let at = SystemTime::parse("2026-03-31T00:00:00Z").unwrap();
        let json = serde_json::to_string(&at).unwrap();
        assert_eq!(json, "\"2026-03-31T00:00:00.000000Z\"");
        assert_eq!(serde_json::from_str::<SystemTime>(&json).unwrap(), at);
        assert!(serde_json::from_str::<SystemTime>("\"2026-03-31\"").is_err());
    }
}
