//! Dates and instants as text.

use std::fmt::Write;

const MICROS_PER_SECOND: i64 = 1_000_000;
const SECONDS_PER_DAY: i64 = 86_400;

/// An instant in microseconds since the Unix epoch as `2026-03-31T23:59:59.999999Z`, always with
/// six digits.
pub(crate) fn instant_text(micros: i64) -> String {
    let mut text = String::new();
    write_instant(micros, &mut text);
    text.push('Z');
    text
}

/// A date in days since 1970-01-01 as `2026-03-31`.
pub(crate) fn date_text(days: i32) -> String {
    let mut text = String::new();
    write_date(i64::from(days), &mut text);
    text
}

/// Appends an instant without its zone.
pub(super) fn write_instant(micros: i64, out: &mut String) {
    let seconds = micros.div_euclid(MICROS_PER_SECOND);
    write_date(seconds.div_euclid(SECONDS_PER_DAY), out);
    let second = seconds.rem_euclid(SECONDS_PER_DAY);
    let (hour, minute, second) = (second / 3600, second / 60 % 60, second % 60);
    let micros = micros.rem_euclid(MICROS_PER_SECOND);
    append(out, format_args!("T{hour:02}:{minute:02}:{second:02}.{micros:06}"));
}

/// Appends a date in days since 1970-01-01; beyond the years 0 to 9999 with a sign, as ISO 8601
/// asks.
pub(super) fn write_date(days: i64, out: &mut String) {
    let (year, month, day) = civil_from_days(days);
    if (0..=9999).contains(&year) {
        append(out, format_args!("{year:04}-{month:02}-{day:02}"));
    } else {
        append(out, format_args!("{year:+07}-{month:02}-{day:02}"));
    }
}

/// Appends formatted text.
pub(super) fn append(out: &mut String, arguments: std::fmt::Arguments<'_>) {
    // Writing to a String returns no error.
    out.write_fmt(arguments).unwrap_or_default();
}

/// Year, month and day in the proleptic Gregorian calendar: Howard Hinnant,
/// "chrono-Compatible Low-Level Date Algorithms", `civil_from_days`.
fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (year, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_print_six_digits_and_z() {
        for (micros, expected) in [
            (0, "1970-01-01T00:00:00.000000Z"),
            (-1, "1969-12-31T23:59:59.999999Z"),
            (1_775_001_599_999_999, "2026-03-31T23:59:59.999999Z"),
            (253_402_214_400_000_000, "9999-12-31T00:00:00.000000Z"),
            (i64::MIN, "-290308-12-21T19:59:05.224192Z"),
            (i64::MAX, "+294247-01-10T04:00:54.775807Z"),
        ] {
            assert_eq!(instant_text(micros), expected);
        }
    }

    #[test]
    fn dates_print_four_digit_years() {
        for (days, expected) in [
            (0, "1970-01-01"),
            (-1, "1969-12-31"),
            (11_016, "2000-02-29"),
            (-719_468, "0000-03-01"),
            (-719_529, "-000001-12-31"),
            (2_932_897, "+010000-01-01"),
        ] {
            assert_eq!(date_text(days), expected);
        }
    }
}
