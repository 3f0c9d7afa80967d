//! How long a client waits: the header `grpc-timeout`.

use std::time::Duration;

use http::HeaderMap;
use tonic::Status;

use crate::status::{self, Field};

/// The header.
const HEADER: &str = "grpc-timeout";
/// The most digits its number has, as the protocol says.
const DIGITS_MAX: usize = 8;

/// How long the client waits; `None` if it does not say.
///
/// # Errors
/// The header is not a time.
pub(super) fn of(headers: &HeaderMap) -> Result<Option<Duration>, Status> {
    let Some(value) = headers.get(HEADER) else {
        return Ok(None);
    };
    let patience = value.to_str().ok().and_then(parse);
    let wrong = || status::invalid(Field(HEADER), "expected 1 to 8 digits and one of H, M, S, m, u, n");
    patience.map(Some).ok_or_else(wrong)
}

fn parse(text: &str) -> Option<Duration> {
    let (unit_at, unit) = text.char_indices().next_back()?;
    let digits = &text[..unit_at];
    if digits.len() > DIGITS_MAX || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let number: u64 = digits.parse().ok()?;
    match unit {
        'H' => Some(Duration::from_secs(number * 3600)),
        'M' => Some(Duration::from_secs(number * 60)),
        'S' => Some(Duration::from_secs(number)),
        'm' => Some(Duration::from_millis(number)),
        'u' => Some(Duration::from_micros(number)),
        'n' => Some(Duration::from_nanos(number)),
        _ => None,
    }
}

/// What a client is told whose time is over.
pub(super) fn passed() -> Status {
    status::deadline_exceeded("the request took longer than its deadline: ask for less, or allow more time")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_the_protocol_writes_them() {
        let check = |text, expected| assert_eq!(parse(text), expected, "{text:?}");
        check("1H", Some(Duration::from_hours(1)));
        check("2M", Some(Duration::from_mins(2)));
        check("3S", Some(Duration::from_secs(3)));
        check("4m", Some(Duration::from_millis(4)));
        check("5u", Some(Duration::from_micros(5)));
        check("6n", Some(Duration::from_nanos(6)));
        check("99999999H", Some(Duration::from_hours(99_999_999)));
        for bad in ["", "S", "1", "1s", "-1S", "+1S", "123456789S", "1 S", "1µ"] {
            check(bad, None);
        }
    }
}
