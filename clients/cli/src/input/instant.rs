//! Dates and instants from text: RFC 3339, in microseconds, nothing rounded and no zone guessed.

use super::error::CellFault;

/// The most fractional digits of a second.
const FRACTION_DIGITS_MAX: usize = 6;
const MICROS_PER_SECOND: i64 = 1_000_000;
const SECONDS_PER_DAY: i64 = 86_400;

/// A date `YYYY-MM-DD` as days since 1970-01-01.
pub(super) fn date(text: &[u8]) -> Result<i32, CellFault> {
    let (days, rest) = leading_date(text)?;
    if rest.is_empty() { Ok(days) } else { Err(CellFault::Malformed) }
}

/// An instant as RFC 3339 section 5.6 writes it, as microseconds since the Unix epoch, UTC. A
/// space may stand for the `T`; a leap second is refused, as Unix time has none.
pub(super) fn instant(text: &[u8]) -> Result<i64, CellFault> {
    let (days, rest) = leading_date(text)?;
    let Some((b'T' | b't' | b' ', rest)) = rest.split_first() else {
        return Err(if rest.is_empty() { CellFault::NoZone } else { CellFault::Malformed });
    };
    let (seconds, rest) = leading_time(rest)?;
    let (micros, rest) = leading_fraction(rest)?;
    let offset = zone_offset(rest)?;
    let since_epoch = i64::from(days) * SECONDS_PER_DAY + seconds - offset;
    Ok(since_epoch * MICROS_PER_SECOND + micros)
}

fn leading_date(text: &[u8]) -> Result<(i32, &[u8]), CellFault> {
    let (year, rest) = leading_number(text, 4).ok_or(CellFault::Malformed)?;
    let (month, rest) = after(rest, b'-')?;
    let (day, rest) = after(rest, b'-')?;
    if !(1..=12).contains(&month) || day < 1 || day > days_of_month(year, month) {
        return Err(CellFault::NoSuchTime);
    }
    Ok((days_from_civil(year, month, day), rest))
}

/// Seconds of the day.
fn leading_time(text: &[u8]) -> Result<(i64, &[u8]), CellFault> {
    let (hour, rest) = leading_number(text, 2).ok_or(CellFault::Malformed)?;
    let (minute, rest) = after(rest, b':')?;
    let (second, rest) = after(rest, b':')?;
    if hour > 23 || minute > 59 || second > 59 {
        return Err(CellFault::NoSuchTime);
    }
    Ok((i64::from(hour * 3600 + minute * 60 + second), rest))
}

/// Microseconds of the second.
fn leading_fraction(text: &[u8]) -> Result<(i64, &[u8]), CellFault> {
    let Some(rest) = text.strip_prefix(b".") else {
        return Ok((0, text));
    };
    let count = rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (digits, rest) = rest.split_at(count);
    if count == 0 {
        return Err(CellFault::Malformed);
    }
    if count > FRACTION_DIGITS_MAX {
        return Err(CellFault::FractionDigits { found: count, kept: FRACTION_DIGITS_MAX });
    }
    let padding = std::iter::repeat_n(&b'0', FRACTION_DIGITS_MAX - count);
    let micros = digits.iter().chain(padding);
    Ok((micros.fold(0, |sum, digit| sum * 10 + i64::from(digit - b'0')), rest))
}

/// Seconds east of UTC.
fn zone_offset(text: &[u8]) -> Result<i64, CellFault> {
    let (sign, rest) = match text {
        [] => return Err(CellFault::NoZone),
        b"Z" | b"z" => return Ok(0),
        [b'+', rest @ ..] => (1, rest),
        [b'-', rest @ ..] => (-1, rest),
        _ => return Err(CellFault::Malformed),
    };
    let (hour, rest) = leading_number(rest, 2).ok_or(CellFault::Malformed)?;
    let (minute, rest) = after(rest, b':')?;
    if !rest.is_empty() {
        return Err(CellFault::Malformed);
    }
    if hour > 23 || minute > 59 {
        return Err(CellFault::NoSuchTime);
    }
    Ok(sign * i64::from(hour * 3600 + minute * 60))
}

/// A separator and two digits.
fn after(text: &[u8], separator: u8) -> Result<(i32, &[u8]), CellFault> {
    text.strip_prefix(&[separator]).and_then(|rest| leading_number(rest, 2)).ok_or(CellFault::Malformed)
}

/// Exactly `count` digits.
fn leading_number(text: &[u8], count: usize) -> Option<(i32, &[u8])> {
    let (digits, rest) = text.split_at_checked(count)?;
    let mut number = 0;
    for digit in digits {
        if !digit.is_ascii_digit() {
            return None;
        }
        number = number * 10 + i32::from(digit - b'0');
    }
    Some((number, rest))
}

fn days_of_month(year: i32, month: i32) -> i32 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days since 1970-01-01 in the proleptic Gregorian calendar: Howard Hinnant,
/// "chrono-Compatible Low-Level Date Algorithms", `days_from_civil`.
fn days_from_civil(year: i32, month: i32, day: i32) -> i32 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let month_from_march = (month + 9) % 12;
    let day_of_year = (153 * month_from_march + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_date(text: &str, expected: Result<i32, CellFault>) {
        assert_eq!(date(text.as_bytes()), expected, "{text:?}");
    }

    #[test]
    fn dates_exist() {
        check_date("1970-01-01", Ok(0));
        check_date("1969-12-31", Ok(-1));
        check_date("2000-02-29", Ok(11_016));
        check_date("2026-03-31", Ok(20_543));
        check_date("0000-03-01", Ok(-719_468));
        check_date("9999-12-31", Ok(2_932_896));
        for text in ["1900-02-29", "2026-02-29", "2026-13-01", "2026-00-01", "2026-04-31"] {
            check_date(text, Err(CellFault::NoSuchTime));
        }
        for text in ["", "2026-3-31", "20260331", "31.03.2026", "2026-03-31 ", "2026/03/31"] {
            check_date(text, Err(CellFault::Malformed));
        }
    }

    #[test]
    fn every_day_follows_the_one_before() {
        let mut days = 0;
        for year in 1970..2500 {
            for month in 1..=12 {
                for day in 1..=days_of_month(year, month) {
                    assert_eq!(days_from_civil(year, month, day), days);
                    days += 1;
                }
            }
        }
    }

    fn check_instant(text: &str, expected: Result<i64, CellFault>) {
        assert_eq!(instant(text.as_bytes()), expected, "{text:?}");
    }

    #[test]
    fn instants_have_a_zone_and_six_digits_at_most() {
        check_instant("1970-01-01T00:00:00Z", Ok(0));
        check_instant("1970-01-01T00:00:00.000001Z", Ok(1));
        check_instant("1969-12-31T23:59:59.999999z", Ok(-1));
        check_instant("1970-01-01 02:00:00.5+02:00", Ok(500_000));
        check_instant("1969-12-31t18:30:00-05:30", Ok(0));
        check_instant("2026-03-31T23:59:59.999999Z", Ok(1_775_001_599_999_999));
        check_instant("9999-12-31T00:00:00Z", Ok(253_402_214_400_000_000));
        for text in ["2026-03-31", "2026-03-31T10:00:00", "2026-03-31T10:00:00.5"] {
            check_instant(text, Err(CellFault::NoZone));
        }
        for text in ["2026-03-31T10:00:00.1234567Z", "2026-03-31T10:00:00.0000000Z"] {
            check_instant(text, Err(CellFault::FractionDigits { found: 7, kept: 6 }));
        }
        for text in ["2026-03-31T24:00:00Z", "2026-03-31T23:59:60Z", "2026-02-30T00:00:00Z"] {
            check_instant(text, Err(CellFault::NoSuchTime));
        }
        check_instant("2026-03-31T10:00:00+24:00", Err(CellFault::NoSuchTime));
        for text in [
            "",
            "now",
            "2026-03-31T10:00Z",
            "2026-03-31T10:00:00.Z",
            "2026-03-31T10:00:00 Z",
            "2026-03-31T10:00:00+0200",
            "2026-03-31T10:00:00ZZ",
            "2026-03-31_10:00:00Z",
            "2026-03-31T10:00:00+02:00 ",
            "1774951199",
            "2026-03-31T10:00:00,5Z",
        ] {
            check_instant(text, Err(CellFault::Malformed));
        }
    }
}
