//! Decimals as text, read exactly: nothing is rounded.

/// The text as an integer that counts units of the given scale; `None` if it is no plain decimal such as `-12.30`, has
/// digits other than zeros past the scale, or does not fit.
pub fn parse(text: &str, scale: u8) -> Option<i128> {
    let (negative, digits) = text.strip_prefix('-').map_or((false, text), |rest| (true, rest));
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let is_number = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    if whole.is_empty() || !is_number(whole) || !is_number(fraction) {
        return None;
    }
    let (kept, rest) = fraction.split_at(fraction.len().min(scale.into()));
    if rest.bytes().any(|b| b != b'0') {
        return None;
    }
    let unscaled: i128 = format!("{whole}{kept:0<width$}", width = usize::from(scale)).parse().ok()?;
    Some(if negative { -unscaled } else { unscaled })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_are_read_exactly() {
        for (text, scale, value) in [("12.30", 2, 1230), ("12.3", 2, 1230), ("-0.05", 2, -5), ("7", 0, 7)] {
            assert_eq!(parse(text, scale), Some(value), "{text}");
        }
        assert_eq!(parse("12.300", 2), Some(1230));
        for bad in ["12.305", "", ".5", "1e3", "--1", "1.2.3", "١"] {
            assert_eq!(parse(bad, 2), None, "{bad}");
        }
        assert_eq!(parse(&"9".repeat(60), 2), None);
    }
}
