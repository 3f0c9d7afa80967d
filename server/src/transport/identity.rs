//! The id of a request, and who claims to send it.

use std::sync::atomic::{AtomicU64, Ordering};

use http::HeaderMap;
use tokio::time::Instant;
use tonic::Status;

use super::deadline;
use crate::caller::{Caller, PRINCIPAL_HEADER, REQUEST_ID_HEADER};

/// The longest request id taken from a client, bytes.
const REQUEST_ID_BYTES_MAX: usize = 128;

/// Makes request ids: unlike those of other servers, and unlike each other.
#[derive(Debug)]
pub(super) struct RequestIds {
    server: u64,
    next: AtomicU64,
}

impl RequestIds {
    pub(super) fn new() -> Self {
        // Only tells servers apart in logs: where the machine has no randomness, a number of its own will do.
        let server = getrandom::u64().unwrap_or_else(|_| u64::from(std::process::id()));
        Self { server, next: AtomicU64::new(0) }
    }

    /// The id that a client gave, if it is one; else a new one.
    pub(super) fn of(&self, headers: &HeaderMap) -> String {
        let given = headers.get(REQUEST_ID_HEADER).and_then(|value| value.to_str().ok());
        let legal = |id: &&str| {
            (1..=REQUEST_ID_BYTES_MAX).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_graphic())
        };
        given.filter(legal).map_or_else(|| self.make(), str::to_owned)
    }

    fn make(&self) -> String {
        format!("{:016x}-{:x}", self.server, self.next.fetch_add(1, Ordering::Relaxed))
    }
}

/// Who asks, and until when.
///
/// # Errors
/// A header does not say what it should.
pub(super) fn caller(request_id: &str, headers: &HeaderMap, now: Instant) -> Result<Caller, Status> {
    Ok(Caller {
        request_id: request_id.to_owned(),
        principal: Caller::principal(headers.get(PRINCIPAL_HEADER))?,
        deadline: deadline::of(headers)?.map(|patience| now + patience),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id_of(header: &[u8]) -> String {
        let mut headers = HeaderMap::new();
        headers.insert(REQUEST_ID_HEADER, http::HeaderValue::from_bytes(header).unwrap());
        RequestIds::new().of(&headers)
    }

    #[test]
    fn a_request_keeps_the_id_its_client_gave_or_gets_one() {
        assert_eq!(id_of(b"load-31.3/7"), "load-31.3/7");
        let longest = [b'x'; REQUEST_ID_BYTES_MAX];
        assert_eq!(id_of(&longest).as_bytes(), longest);
        for bad in [&b""[..], b"a b", b"\xff", &[b'x'; REQUEST_ID_BYTES_MAX + 1]] {
            assert_ne!(id_of(bad).as_bytes(), bad);
        }
        let ids = RequestIds::new();
        let none = HeaderMap::new();
        assert_ne!(ids.of(&none), ids.of(&none));
    }
}
