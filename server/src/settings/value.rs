//! A setting's value: how it is written and how it is shown.
//!
//! Invariant: what [`Unit::shown`] writes, [`Unit::read`] reads as the same value.

use std::fmt::Write as _;
use std::time::Duration;

use toml::de::DeValue;

/// What a setting is counted in, with its bounds, inclusive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Bytes: `4MiB`, `500kB`, or a number.
    Bytes(u64, u64),
    /// A number of things.
    Count(u64, u64),
    /// A time: `200ms`, `10s`, `5m`, `1h30m`.
    Duration(Duration, Duration),
    /// `true` or `false`.
    Flag,
    /// A number from 0 to 1.
    Ratio,
    /// One of these words.
    Choice(&'static [&'static str]),
    /// An address and a port: `127.0.0.1:7432`; empty where there may be none.
    Address,
    /// A text; empty where there may be none.
    Text,
}

/// A value, before it is given its type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// Bytes or things.
    Number(u64),
    /// A time.
    Duration(Duration),
    /// Yes or no.
    Flag(bool),
    /// Parts per million.
    Ratio(u32),
    /// All else; empty for none.
    Text(String),
}

const BYTE_UNITS: [(&str, u64); 9] = [
    ("B", 1),
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
    ("TiB", 1 << 40),
    ("kB", 1000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("TB", 1_000_000_000_000),
];
/// From the largest to the smallest, in microseconds.
const TIME_UNITS: [(&str, u64); 6] = [
    ("d", 86_400_000_000),
    ("h", 3_600_000_000),
    ("m", 60_000_000),
    ("s", 1_000_000),
    ("ms", 1000),
    ("us", 1),
];
/// Longer texts are no settings.
const TEXT_BYTES_MAX: usize = 4096;

impl Unit {
    /// The unit's name, for people.
    pub fn name(self) -> &'static str {
        match self {
            Self::Bytes(..) => "bytes",
            Self::Count(..) => "count",
            Self::Duration(..) => "duration",
            Self::Flag => "true or false",
            Self::Ratio => "0 to 1",
            Self::Choice(_) => "word",
            Self::Address => "address",
            Self::Text => "text",
        }
    }

    /// What is expected, for messages.
    pub fn expected(self) -> String {
        match self {
            Self::Bytes(min, max) => {
                format!("bytes from {} to {}, such as 4MiB", shown_bytes(min), shown_bytes(max))
            }
            Self::Count(min, max) => format!("a number from {min} to {max}"),
            Self::Duration(min, max) => {
                format!("a duration from {} to {}, such as 10s", shown_duration(min), shown_duration(max))
            }
            Self::Flag => "true or false".to_owned(),
            Self::Ratio => "a number from 0 to 1".to_owned(),
            Self::Choice(words) => words.join(", "),
            Self::Address => "an address and a port, such as 127.0.0.1:7432".to_owned(),
            Self::Text => format!("a text of at most {TEXT_BYTES_MAX} bytes without control characters"),
        }
    }

    /// Reads a value out of a text, as flags and the environment bring it.
    pub fn read(self, text: &str) -> Option<Value> {
        let value = match self {
            Self::Bytes(..) => Value::Number(bytes(text)?),
            Self::Count(..) => Value::Number(number(text)?),
            Self::Duration(..) => Value::Duration(duration(text)?),
            Self::Flag => Value::Flag(text.parse().ok()?),
            Self::Ratio => Value::Ratio(ratio(text)?),
            Self::Choice(_) | Self::Address | Self::Text => Value::Text(text.to_owned()),
        };
        self.takes(&value).then_some(value)
    }

    /// Reads a value of a file.
    pub fn read_toml(self, value: &DeValue<'_>) -> Option<Value> {
        let value = match (self, value) {
            (Self::Bytes(..) | Self::Count(..), DeValue::Integer(integer)) => {
                Value::Number(u64::from_str_radix(integer.as_str(), integer.radix()).ok()?)
            }
            (Self::Flag, DeValue::Boolean(flag)) => Value::Flag(*flag),
            (Self::Ratio, DeValue::Float(float)) => Value::Ratio(ratio(float.as_str())?),
            (Self::Ratio, DeValue::Integer(integer)) => Value::Ratio(ratio(integer.as_str())?),
            (Self::Flag | Self::Ratio, _) => return None,
            (_, DeValue::String(text)) => return self.read(text),
            _ => return None,
        };
        self.takes(&value).then_some(value)
    }

    /// Whether a value lies within the bounds.
    fn takes(self, value: &Value) -> bool {
        match (self, value) {
            (Self::Bytes(min, max) | Self::Count(min, max), Value::Number(number)) => {
                (min..=max).contains(number)
            }
            (Self::Duration(min, max), Value::Duration(duration)) => (min..=max).contains(duration),
            (Self::Flag, Value::Flag(_)) => true,
            (Self::Ratio, Value::Ratio(ppm)) => *ppm <= 1_000_000,
            (Self::Choice(words), Value::Text(text)) => words.contains(&text.as_str()),
            (Self::Address | Self::Text, Value::Text(text)) => {
                text.len() <= TEXT_BYTES_MAX && !text.contains(char::is_control)
            }
            _ => false,
        }
    }

    /// A value as a file writes it.
    pub fn shown(self, value: &Value) -> String {
        match (self, value) {
            (Self::Bytes(..), Value::Number(number)) => format!("{:?}", shown_bytes(*number)),
            (_, Value::Number(number)) => number.to_string(),
            (_, Value::Duration(duration)) => format!("{:?}", shown_duration(*duration)),
            (_, Value::Flag(flag)) => flag.to_string(),
            (_, Value::Ratio(ppm)) => shown_ratio(*ppm),
            (_, Value::Text(text)) => toml::Value::from(text.as_str()).to_string(),
        }
    }
}

fn number(text: &str) -> Option<u64> {
    let is_digits = text.starts_with(|first: char| first.is_ascii_digit())
        && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'_');
    is_digits.then(|| text.replace('_', "").parse().ok())?
}

fn bytes(text: &str) -> Option<u64> {
    let digits = text.find(|next: char| !(next.is_ascii_digit() || next == '_')).unwrap_or(text.len());
    let (count, unit) = text.split_at(digits);
    let unit = unit.trim_start();
    let factor = match unit {
        "" => 1,
        unit => BYTE_UNITS.iter().find(|(name, _)| *name == unit)?.1,
    };
    number(count)?.checked_mul(factor)
}

fn shown_bytes(count: u64) -> String {
    let fits = |factor: u64| count >= factor && count.is_multiple_of(factor);
    let binary = BYTE_UNITS[1..5].iter().rev().find(|(_, factor)| fits(*factor));
    binary.map_or_else(|| count.to_string(), |(name, factor)| format!("{}{name}", count / factor))
}

/// Parts with a unit each, from the largest to the smallest: `1h30m`.
fn duration(text: &str) -> Option<Duration> {
    let mut rest = text;
    let mut micros = 0_u64;
    let mut smaller = TIME_UNITS.as_slice();
    while !rest.is_empty() {
        let (count, after) = rest.split_at(rest.find(|next: char| !next.is_ascii_digit())?);
        let (unit, after) =
            after.split_at(after.find(|next: char| next.is_ascii_digit()).unwrap_or(after.len()));
        let place = smaller.iter().position(|(name, _)| *name == unit)?;
        micros = micros.checked_add(number(count)?.checked_mul(smaller[place].1)?)?;
        smaller = &smaller[place + 1..];
        rest = after;
    }
    (!text.is_empty()).then_some(Duration::from_micros(micros))
}

fn shown_duration(duration: Duration) -> String {
    let mut rest = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
    let mut text = String::new();
    for (name, factor) in TIME_UNITS {
        if rest >= factor {
            write!(text, "{}{name}", rest / factor).expect("a string takes all");
            rest %= factor;
        }
    }
    if text.is_empty() { "0s".to_owned() } else { text }
}

/// Parts per million; finer than that is refused.
fn ratio(text: &str) -> Option<u32> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let is_digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if !is_digits(whole) || !is_digits(fraction) || fraction.len() > 6 {
        return None;
    }
    let whole: u32 = whole.parse().ok()?;
    whole.checked_mul(1_000_000)?.checked_add(format!("{fraction:0<6}").parse().ok()?)
}

fn shown_ratio(ppm: u32) -> String {
    let digits = format!("{:06}", ppm % 1_000_000);
    let fraction = digits.trim_end_matches('0');
    format!("{}.{}", ppm / 1_000_000, if fraction.is_empty() { "0" } else { fraction })
}

#[cfg(test)]
mod tests;
