//! Decimals as text: read exactly, or refused.

use std::borrow::Cow;

use calotype_storage::decimal;

/// Digits of the longest decimal.
pub(super) const DIGITS_MAX: u8 = 38;
/// Bytes of the longest text: nobody needs more zeros.
const TEXT_BYTES_MAX: usize = 128;

/// How many digits a decimal has after its point.
///
/// # Errors
/// It is none, or has too many.
pub(super) fn scale(text: &str) -> Result<u8, Cow<'static, str>> {
    u8::try_from(fraction(text)?.len())
        .ok()
        .filter(|scale| *scale <= DIGITS_MAX)
        .ok_or_else(|| found(text, "has more than 38 digits after the point"))
}

/// A decimal as an integer that counts units of the given scale.
///
/// # Errors
/// It is none, or would have to be rounded or cut.
pub(super) fn unscaled(text: &str, precision: u8, scale: u8) -> Result<i128, Cow<'static, str>> {
    let fraction = fraction(text)?;
    if fraction.bytes().skip(scale.into()).any(|digit| digit != b'0') {
        return Err(found(text, "has more digits after the point"));
    }
    let value = decimal::parse(text, scale).filter(|value| fits(*value, precision));
    value.ok_or_else(|| found(text, "has too many digits"))
}

/// An integer as a decimal of the given scale; `None` if it has too many digits.
pub(super) fn of_integer(value: i128, precision: u8, scale: u8) -> Option<i128> {
    value.checked_mul(power(scale)?).filter(|value| fits(*value, precision))
}

/// Ten to a power; `None` past 38.
pub(super) fn power(exponent: u8) -> Option<i128> {
    10_i128.checked_pow(exponent.into())
}

/// Whether a value has at most so many digits.
pub(super) fn fits(value: i128, precision: u8) -> bool {
    power(precision).is_some_and(|bound| value > -bound && value < bound)
}

/// The digits after the point.
fn fraction(text: &str) -> Result<&str, Cow<'static, str>> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let is_plain = text.len() <= TEXT_BYTES_MAX
        && !whole.is_empty()
        && digits.ends_with(|last: char| last.is_ascii_digit())
        && whole.bytes().chain(fraction.bytes()).all(|byte| byte.is_ascii_digit());
    is_plain.then_some(fraction).ok_or_else(|| found(text, "is no decimal such as 12.30"))
}

fn found(text: &str, what: &str) -> Cow<'static, str> {
    let text: String = text.chars().take(60).flat_map(char::escape_debug).collect();
    format!("'{text}' {what}").into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Result<i128, &str>) {
        match (unscaled(text, 5, 2), expected) {
            (Ok(found), Ok(expected)) => assert_eq!(found, expected, "{text}"),
            (Err(found), Err(expected)) => assert!(found.contains(expected), "{text}: {found}"),
            (found, expected) => panic!("{text}: found {found:?}, expected {expected:?}"),
        }
    }

    #[test]
    fn decimals_are_exact_or_refused() {
        check("12.30", Ok(1230));
        check("-0.01", Ok(-1));
        check("7", Ok(700));
        check("7.5", Ok(750));
        check("1.23000", Ok(123));
        check("000999.99", Ok(99_999));
        check("1000", Err("too many digits"));
        check("1.234", Err("more digits after the point"));
        check(&"9".repeat(60), Err("too many digits"));
        for bad in ["", "-", ".5", "5.", "1e3", "+1", " 1", "1,0", "NaN", "--1", "１"] {
            check(bad, Err("is no decimal"));
        }
        check(&"0".repeat(200), Err("is no decimal"));
        assert_eq!(scale("-12.300"), Ok(3));
        assert!(scale(&format!("0.{}", "1".repeat(39))).is_err());
    }
}
