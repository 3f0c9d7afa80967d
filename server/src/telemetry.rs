//! What the server tells about itself: logs, traces, metrics.

pub mod metrics;
