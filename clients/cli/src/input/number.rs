//! Numbers from text: exact, straight from bytes, and never through a float unless the column is
//! a float.

use super::error::CellFault;

/// The most digits a decimal of 128 bits holds.
pub(super) const DIGITS_MAX: usize = 38;

/// A plain decimal number taken apart: no exponent, no plus sign, no separators.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Plain<'a> {
    /// Whether a minus sign comes first.
    pub(super) negative: bool,
    /// The digits before the point; may be empty if there is a fraction.
    pub(super) whole: &'a [u8],
    /// The digits after the point; empty if there is no point.
    pub(super) fraction: &'a [u8],
}

impl<'a> Plain<'a> {
    /// Takes a text apart: `-12`, `12.50`, `.5`. Refuses `1.`, `+1`, `1e3`, `1,000` and ` 1`.
    pub(super) fn of(text: &'a [u8]) -> Option<Self> {
        let (negative, digits) = match text.strip_prefix(b"-") {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let point = digits.iter().position(|byte| *byte == b'.');
        let (whole, fraction) = match point {
            Some(at) => (&digits[..at], &digits[at + 1..]),
            None => (digits, &[][..]),
        };
        let last = if point.is_some() { fraction } else { whole };
        let plain = !last.is_empty()
            && whole.iter().all(u8::is_ascii_digit)
            && fraction.iter().all(u8::is_ascii_digit);
        plain.then_some(Self { negative, whole, fraction })
    }
}

/// A whole number of any integer type. Leading zeros are let pass: the type says that it is a
/// number and not a text.
pub(super) fn integer<T: TryFrom<i128>>(text: &[u8]) -> Result<T, CellFault> {
    let plain = Plain::of(text).ok_or(CellFault::Malformed)?;
    // `12.0` is refused as well: whoever writes a point may write another digit after it one day.
    if text.contains(&b'.') {
        return Err(CellFault::Malformed);
    }
    let magnitude = digits(plain.whole).ok_or(CellFault::OutOfRange)?;
    let value = if plain.negative { -magnitude } else { magnitude };
    T::try_from(value).map_err(|_| CellFault::OutOfRange)
}

/// A decimal of the given precision and scale, as its value times ten to the scale. Zeros beyond
/// the scale are let pass, other digits are not.
pub(super) fn decimal(text: &[u8], precision: u8, scale: u8) -> Result<i128, CellFault> {
    let plain = Plain::of(text).ok_or(CellFault::Malformed)?;
    let kept = usize::from(scale);
    let zeros = plain.fraction.iter().rev().take_while(|digit| **digit == b'0').count();
    let significant = plain.fraction.len() - zeros;
    if significant > kept {
        return Err(CellFault::FractionDigits { found: significant, kept });
    }
    let fraction = &plain.fraction[..plain.fraction.len().min(kept)];
    let missing = u32::try_from(kept - fraction.len()).map_err(|_| CellFault::OutOfRange)?;
    let magnitude = digits(plain.whole)
        .and_then(|whole| append_digits(whole, fraction))
        .and_then(|value| value.checked_mul(10_i128.checked_pow(missing)?))
        .ok_or(CellFault::OutOfRange)?;
    let bound = 10_i128.checked_pow(u32::from(precision)).ok_or(CellFault::OutOfRange)?;
    if magnitude >= bound {
        return Err(CellFault::OutOfRange);
    }
    Ok(if plain.negative { -magnitude } else { magnitude })
}

/// A float: what Rust reads, save that a number too large is refused instead of made infinite.
pub(super) fn float<T: Float>(text: &[u8]) -> Result<T, CellFault> {
    let text = str::from_utf8(text).map_err(|_| CellFault::Malformed)?;
    let value: T = text.parse().map_err(|_| CellFault::Malformed)?;
    if value.is_infinite() && text.bytes().any(|byte| byte.is_ascii_digit()) {
        return Err(CellFault::OutOfRange);
    }
    Ok(value)
}

/// The two float types.
pub(super) trait Float: std::str::FromStr {
    /// Whether the value is an infinity.
    fn is_infinite(&self) -> bool;
}

impl Float for f32 {
    fn is_infinite(&self) -> bool {
        Self::is_infinite(*self)
    }
}

impl Float for f64 {
    fn is_infinite(&self) -> bool {
        Self::is_infinite(*self)
    }
}

/// The value of ASCII digits; none if it needs more than 127 bits.
fn digits(text: &[u8]) -> Option<i128> {
    append_digits(0, text)
}

/// The value of `start` with ASCII digits written after it.
fn append_digits(start: i128, text: &[u8]) -> Option<i128> {
    // Eighteen digits always fit 64 bits, whose arithmetic is several times as fast.
    if start == 0 && text.len() <= 18 {
        let value = text.iter().fold(0_i64, |sum, digit| sum * 10 + i64::from(digit - b'0'));
        return Some(i128::from(value));
    }
    text.iter().try_fold(start, |sum, digit| sum.checked_mul(10)?.checked_add(i128::from(digit - b'0')))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_integer<T>(text: &str, expected: Result<T, CellFault>)
    where
        T: TryFrom<i128> + Copy + PartialEq + std::fmt::Debug,
    {
        assert_eq!(integer::<T>(text.as_bytes()), expected, "{text:?}");
    }

    #[test]
    fn integers_are_whole_and_in_range() {
        check_integer("0", Ok(0_i64));
        check_integer("-0", Ok(0_i64));
        check_integer("007", Ok(7_i64));
        check_integer("-128", Ok(-128_i8));
        check_integer::<i8>("128", Err(CellFault::OutOfRange));
        check_integer("9223372036854775807", Ok(i64::MAX));
        check_integer("-9223372036854775808", Ok(i64::MIN));
        check_integer::<i64>("9223372036854775808", Err(CellFault::OutOfRange));
        check_integer("18446744073709551615", Ok(u64::MAX));
        check_integer::<u64>("-1", Err(CellFault::OutOfRange));
        check_integer::<i64>(&"9".repeat(50), Err(CellFault::OutOfRange));
        for text in ["", "-", "+1", "1.0", "1.5", "1e3", "1 000", "1,000", " 1", "0x1", "١"] {
            check_integer::<i64>(text, Err(CellFault::Malformed));
        }
    }

    fn check_decimal(text: &str, precision: u8, scale: u8, expected: Result<i128, CellFault>) {
        let found = decimal(text.as_bytes(), precision, scale);
        assert_eq!(found, expected, "{text:?} ({precision}, {scale})");
    }

    #[test]
    fn decimals_are_exact() {
        let digits = |found, kept| Err(CellFault::FractionDigits { found, kept });
        check_decimal("12.30", 18, 2, Ok(1230));
        check_decimal("-12.3", 18, 2, Ok(-1230));
        check_decimal("12", 18, 2, Ok(1200));
        check_decimal(".5", 18, 2, Ok(50));
        check_decimal("-.5", 18, 2, Ok(-50));
        check_decimal("-0.00", 18, 2, Ok(0));
        check_decimal("12.3000000", 18, 2, Ok(1230));
        check_decimal("12.345", 18, 2, digits(3, 2));
        check_decimal("12.3450", 18, 2, digits(3, 2));
        check_decimal("1.5", 18, 0, digits(1, 0));
        check_decimal("1.0", 18, 0, Ok(1));
        check_decimal("999.99", 5, 2, Ok(99999));
        check_decimal("1000", 5, 2, Err(CellFault::OutOfRange));
        check_decimal(&"9".repeat(38), 38, 0, Ok(10_i128.pow(38) - 1));
        check_decimal(&"9".repeat(39), 38, 0, Err(CellFault::OutOfRange));
        check_decimal(&"9".repeat(90), 38, 0, Err(CellFault::OutOfRange));
        check_decimal("0.1", 38, 38, Ok(10_i128.pow(37)));
        check_decimal("1", 38, 38, Err(CellFault::OutOfRange));
        check_decimal("90071992547409931234.56", 38, 2, Ok(9_007_199_254_740_993_123_456));
        for text in ["", ".", "-", "1.", "1e2", "+1", "1,5", "NaN", "1.2.3", "1.-2", "€1"] {
            check_decimal(text, 18, 2, Err(CellFault::Malformed));
        }
    }

    #[test]
    fn floats_are_nearest_and_never_overflow() {
        let parse = |text: &str| float::<f64>(text.as_bytes());
        for (text, expected) in [("0.1", 0.1), ("-1e300", -1e300), ("inf", f64::INFINITY)] {
            assert_eq!(parse(text), Ok(expected));
        }
        assert!(parse("NaN").unwrap().is_nan());
        assert_eq!(parse("1e999"), Err(CellFault::OutOfRange));
        assert_eq!(float::<f32>(b"1e39"), Err(CellFault::OutOfRange));
        assert_eq!(float::<f32>(b"0.1"), Ok(0.1_f32));
        for text in ["", "1,5", "1 ", "0x10", "one"] {
            assert_eq!(parse(text), Err(CellFault::Malformed), "{text:?}");
        }
    }
}
