//! How a client behaves.

use std::time::Duration;

/// How a client behaves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// Who claims to ask; `None`: the server's default, `local`.
    pub principal: Option<String>,
    /// How long a request may take with its retries and the reading of its answer; `None`: as long as the server
    /// allows. Watches know no timeout.
    pub timeout: Option<Duration>,
    /// How long connecting may take.
    pub connect_timeout: Duration,
    /// How often and how long what is safe to retry is retried.
    pub retries: RetryPolicy,
    /// Whether questions wait for the newest commit that this client made, on whichever node they land.
    pub read_your_writes: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            principal: None,
            timeout: None,
            connect_timeout: Duration::from_secs(20),
            retries: RetryPolicy::default(),
            read_your_writes: true,
        }
    }
}

/// How often and how long what is safe to retry is retried: with growing pauses, drawn at random, and never for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryPolicy {
    /// Attempts, the first one included; 1 retries nothing.
    pub attempts_max: usize,
    /// How long after the first failure the last attempt may begin.
    pub total_max: Duration,
    /// The shortest pause.
    pub delay_min: Duration,
    /// The longest pause, but for one that the server asks for.
    pub delay_max: Duration,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self {
            attempts_max: 6,
            total_max: Duration::from_secs(30),
            delay_min: Duration::from_millis(50),
            delay_max: Duration::from_secs(5),
        }
    }
}

impl RetryPolicy {
    /// Retries nothing.
    pub const NEVER: Self = Self {
        attempts_max: 1,
        total_max: Duration::ZERO,
        delay_min: Duration::from_millis(1),
        delay_max: Duration::from_millis(1),
    };
}
