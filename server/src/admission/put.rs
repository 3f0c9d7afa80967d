//! Puts that are being taken, and the memory they hold.
//!
//! Invariants: the bytes counted are the sum of what all permits hold; what would go beyond a limit is refused
//! before it is counted.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tonic::Status;

use super::RETRY_LATER;
use crate::limits::Limits;
use crate::status;
use crate::telemetry::metrics::{Counted, Metrics};

/// Puts that are being taken.
#[derive(Debug)]
pub(super) struct Puts {
    open: AtomicUsize,
    bytes: AtomicUsize,
    open_max: usize,
    bytes_max: usize,
    put_bytes_max: usize,
    metrics: Arc<Metrics>,
}

/// Memory held by a put that is being taken; given back when dropped.
#[derive(Debug)]
pub struct PutPermit {
    puts: Arc<Puts>,
    bytes: usize,
    _counted: Counted,
}

impl Puts {
    pub(super) fn new(limits: &Limits, metrics: Arc<Metrics>) -> Self {
        Self {
            open: AtomicUsize::new(0),
            bytes: AtomicUsize::new(0),
            open_max: limits.puts_max,
            bytes_max: limits.ingest_bytes_max,
            put_bytes_max: usize::try_from(limits.put_bytes_max).unwrap_or(usize::MAX),
            metrics,
        }
    }

    /// A put that begins.
    pub(super) fn begin(puts: &Arc<Self>) -> Result<PutPermit, Status> {
        if take(&puts.open, 1, puts.open_max) {
            return Ok(PutPermit { puts: Arc::clone(puts), bytes: 0, _counted: puts.metrics.put_began() });
        }
        let what = format!("{} puts are being taken already: try again later", puts.open_max);
        Err(status::exhausted("puts_max", what, Some(RETRY_LATER)))
    }

    /// There is no memory for what needs so much.
    fn full(&self, needed: usize) -> Status {
        let what = format!(
            "all puts that are being taken would need more than {} bytes of memory: try again later",
            self.bytes_max
        );
        // A put that would not fit even alone is not worth trying again.
        let alone = needed <= self.bytes_max;
        status::exhausted("ingest_bytes_max", what, alone.then_some(RETRY_LATER))
    }

    /// Puts that are open, and the bytes they hold.
    #[cfg(test)]
    pub(super) fn held(&self) -> (usize, usize) {
        (self.open.load(Ordering::Relaxed), self.bytes.load(Ordering::Relaxed))
    }
}

impl PutPermit {
    /// Takes memory for what has come in, `bytes` more.
    ///
    /// # Errors
    /// The put is too large, or all puts together are.
    pub fn grow(&mut self, bytes: usize) -> Result<(), Status> {
        let puts = &self.puts;
        if self.bytes.saturating_add(bytes) > puts.put_bytes_max {
            let what = format!(
                "the put needs more than {} bytes of memory: put it in several parts",
                puts.put_bytes_max
            );
            return Err(status::exhausted("put_bytes_max", what, None));
        }
        if !take(&puts.bytes, bytes, puts.bytes_max) {
            return Err(puts.full(self.bytes.saturating_add(bytes)));
        }
        self.bytes += bytes;
        puts.metrics.add_puts_held(bytes);
        Ok(())
    }

    /// Gives back what was taken for a while, `bytes` of it.
    pub fn shrink(&mut self, bytes: usize) {
        let bytes = bytes.min(self.bytes);
        self.puts.metrics.sub_puts_held(bytes);
        self.puts.bytes.fetch_sub(bytes, Ordering::Relaxed);
        self.bytes -= bytes;
    }
}

/// Memory held by messages that have come in part, which no put counts yet; given back when dropped.
#[derive(Debug)]
pub struct Arriving {
    puts: Arc<Puts>,
    bytes: usize,
}

impl Arriving {
    pub(super) fn new(puts: &Arc<Puts>) -> Self {
        Self { puts: Arc::clone(puts), bytes: 0 }
    }

    /// So much has come by now.
    ///
    /// # Errors
    /// All that is being taken needs too much memory.
    pub fn hold(&mut self, bytes: usize) -> Result<(), Status> {
        let Some(more) = bytes.checked_sub(self.bytes) else {
            self.puts.bytes.fetch_sub(self.bytes - bytes, Ordering::Relaxed);
            self.bytes = bytes;
            return Ok(());
        };
        if !take(&self.puts.bytes, more, self.puts.bytes_max) {
            return Err(self.puts.full(bytes));
        }
        self.bytes = bytes;
        Ok(())
    }
}

impl Drop for Arriving {
    fn drop(&mut self) {
        self.puts.bytes.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

impl Drop for PutPermit {
    fn drop(&mut self) {
        self.puts.metrics.sub_puts_held(self.bytes);
        self.puts.bytes.fetch_sub(self.bytes, Ordering::Relaxed);
        self.puts.open.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Adds to a counter, unless it would exceed `max`.
pub(super) fn take(counter: &AtomicUsize, more: usize, max: usize) -> bool {
    let add = |now: usize| now.checked_add(more).filter(|sum| *sum <= max);
    counter.fetch_update(Ordering::Relaxed, Ordering::Relaxed, add).is_ok()
}
