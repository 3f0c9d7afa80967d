//! Values of placeholders, as they are typed.

use calotype_client::Value;

/// A value and where it belongs.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Parameter {
    /// To the next number.
    Next(Value),
    /// To a name.
    Named(String, Value),
}

impl Parameter {
    /// Reads `VALUE` or `NAME=VALUE`. What begins with a quote, or with what no name begins with, has no name.
    pub(super) fn read(text: &str) -> Self {
        match text.split_once('=') {
            Some((name, text)) if is_name(name) => Self::Named(name.to_owned(), value(text)),
            _ => Self::Next(value(text)),
        }
    }
}

fn is_name(text: &str) -> bool {
    let first = |first: char| first.is_ascii_alphabetic() || first == '_';
    text.starts_with(first) && text.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

fn value(text: &str) -> Value {
    if let Some(quoted) = text.strip_prefix('\'').and_then(|rest| rest.strip_suffix('\'')) {
        return Value::String(quoted.replace("''", "'"));
    }
    match text {
        "true" => return Value::Bool(true),
        "false" => return Value::Bool(false),
        "null" => return Value::Null,
        _ => {}
    }
    if !is_number(text) {
        return Value::String(text.to_owned());
    }
    text.parse().map_or_else(|_| Value::Decimal(text.to_owned()), Value::Int)
}

/// Digits, with a sign or a point: what begins with a zero, as a code does, is text.
fn is_number(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    let all_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    all_digits(whole) && all_digits(fraction) && (whole == "0" || !whole.starts_with('0'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Value) {
        assert_eq!(Parameter::read(text), Parameter::Next(expected), "{text}");
    }

    #[test]
    fn values_are_what_they_look_like() {
        check("7", Value::Int(7));
        check("-7", Value::Int(-7));
        check("12.30", Value::Decimal("12.30".into()));
        check("0.5", Value::Decimal("0.5".into()));
        check("9223372036854775808", Value::Decimal("9223372036854775808".into()));
        check("true", Value::Bool(true));
        check("null", Value::Null);
        for text in ["", "north", "007", "1e3", "2026-03-31", "-", "1.", ".5", "a b=c"] {
            check(text, Value::String(text.into()));
        }
        check("'7'", Value::String("7".into()));
        check("'it''s=so'", Value::String("it's=so".into()));
    }

    #[test]
    fn names_come_before_a_sign() {
        for (text, value) in
            [("region=north", "north".into()), ("region='7'", "7".into()), ("region=7", 7.into())]
        {
            assert_eq!(Parameter::read(text), Parameter::Named("region".into(), value), "{text}");
        }
    }
}
