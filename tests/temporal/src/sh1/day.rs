//! Days and publications as instants of the two times.

use calotype_client::{SystemTime, ValidTime};

/// Day 0, 2024-01-01 UTC, microseconds since the Unix epoch.
const DAY_0: i64 = 1_704_067_200_000_000;
const DAY_MICROS: i64 = 86_400_000_000;
/// Days between publications.
const PUBLICATION_DAYS: i64 = 15;

/// The beginning of a day.
pub const fn day(number: i64) -> ValidTime {
    ValidTime::from_micros(DAY_0 + number * DAY_MICROS)
}

/// When what a publication says became known.
pub const fn publication(number: i64) -> SystemTime {
    SystemTime::from_micros(DAY_0 + number * PUBLICATION_DAYS * DAY_MICROS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_days_of_the_queries_are_those_of_the_calendar() {
        let days = [150, 166, 210].map(|number| day(number).to_string()[..10].to_owned());
        assert_eq!(days, ["2024-05-30", "2024-06-15", "2024-07-29"]);
        let publications = [0, 12, 18, 24].map(|number| publication(number).to_string()[..10].to_owned());
        assert_eq!(publications, ["2024-01-01", "2024-06-29", "2024-09-27", "2024-12-26"]);
    }
}
