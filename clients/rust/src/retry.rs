//! Decides whether a failed attempt is followed by another, and when.
//!
//! Invariants: only what is safe to repeat is repeated; the number of attempts and the time are bounded; a pause
//! that the server asks for is never cut short.

use std::time::Duration;

use backon::{BackoffBuilder, ExponentialBackoff, ExponentialBuilder};
use tokio::time::Instant;

use crate::error::ClientError;
use crate::options::RetryPolicy;

/// Whether a request may be made twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Repeat {
    /// Twice is the same as once.
    Safe,
    /// Twice is twice.
    Unsafe,
}

/// The pauses between the attempts of one request.
#[derive(Debug)]
pub(crate) struct Pauses {
    delays: ExponentialBackoff,
    total_max: Duration,
    first_failure: Option<Instant>,
}

impl Pauses {
    /// The pauses that a policy allows; `seed` draws them.
    pub(crate) fn new(policy: &RetryPolicy, seed: u64) -> Self {
        let delays = ExponentialBuilder::new()
            .with_min_delay(policy.delay_min)
            .with_max_delay(policy.delay_max)
            .with_factor(2.0)
            .with_max_times(policy.attempts_max.saturating_sub(1))
            .with_jitter()
            .with_jitter_seed(seed)
            .build();
        Self { delays, total_max: policy.total_max, first_failure: None }
    }

    /// When the next attempt begins; `None`: there is none. `failed_at` is now.
    pub(crate) fn next(
        &mut self,
        repeat: Repeat,
        error: &ClientError,
        failed_at: Instant,
    ) -> Option<Instant> {
        if repeat == Repeat::Unsafe || !error.is_retriable() {
            return None;
        }
        let first_failure = *self.first_failure.get_or_insert(failed_at);
        let delay = self.delays.next()?;
        let delay = error.retry_after().map_or(delay, |asked| asked.max(delay));
        let next = failed_at.checked_add(delay)?;
        (next.duration_since(first_failure) <= self.total_max).then_some(next)
    }
}
