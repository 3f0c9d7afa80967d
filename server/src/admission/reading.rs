//! Memory that requests which are no puts take once they are read: small fields on the wire are large ones in memory.
//!
//! Invariant: the bytes counted are the sum of what all requests hold, and never more than the limit.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tonic::Status;

use super::RETRY_LATER;
use super::put::take;
use crate::status;

/// How many times its size a message may become when it is read: the smallest that a column or key can be is 2 bytes on
/// the wire, and some 90 in memory.
const GROWTH: usize = 48;

/// What all requests hold that are being read or waited for.
#[derive(Debug)]
pub(super) struct Readings {
    bytes: AtomicUsize,
    bytes_max: usize,
}

impl Readings {
    pub(super) fn new(bytes_max: usize) -> Self {
        Self { bytes: AtomicUsize::new(0), bytes_max }
    }
}

/// What a request holds; given back when dropped.
#[derive(Debug)]
pub struct Reading {
    readings: Arc<Readings>,
    bytes: usize,
}

impl Reading {
    pub(super) fn new(readings: &Arc<Readings>) -> Self {
        Self { readings: Arc::clone(readings), bytes: 0 }
    }

    /// So many bytes more of the request have come.
    ///
    /// # Errors
    /// All requests together would take too much memory.
    pub fn grow(&mut self, bytes: usize) -> Result<(), Status> {
        let (readings, more) = (&self.readings, bytes.saturating_mul(GROWTH));
        if take(&readings.bytes, more, readings.bytes_max) {
            self.bytes += more;
            return Ok(());
        }
        let max = readings.bytes_max;
        let what =
            format!("all requests that are being read could take more than {max} bytes: try again later");
        // One that would not fit even alone is not worth trying again.
        let alone = self.bytes.saturating_add(more) <= max;
        Err(status::exhausted("request_bytes_max", what, alone.then_some(RETRY_LATER)))
    }
}

impl Drop for Reading {
    fn drop(&mut self) {
        self.readings.bytes.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use tonic::Code;
    use tonic_types::StatusExt;

    use super::*;

    #[test]
    fn what_all_requests_hold_is_bounded_and_given_back() {
        let readings = Arc::new(Readings::new(10 * GROWTH));
        let mut first = Reading::new(&readings);
        let mut second = Reading::new(&readings);
        first.grow(6).unwrap();
        second.grow(4).unwrap();
        let refused = second.grow(1).unwrap_err();
        assert_eq!(refused.code(), Code::ResourceExhausted);
        drop(first);
        second.grow(6).unwrap();
        assert!(Reading::new(&readings).grow(11).unwrap_err().get_details_retry_info().is_none());
        assert!(Reading::new(&readings).grow(usize::MAX).is_err());
        drop(second);
        assert_eq!(readings.bytes.load(Ordering::Relaxed), 0);
    }
}
