//! What is counted for as long as something is held.

use std::sync::Arc;

use prometheus_client::metrics::gauge::Gauge;
use tokio::time::Instant;
use tonic::Code;

use super::Metrics;
use super::labels::{AtDoor, Door, Method, Outcome, word_of};

/// Something that is there, and counted, until this is dropped.
#[derive(Debug)]
pub struct Counted {
    gauge: Gauge,
}

impl Counted {
    pub(super) fn new(gauge: &Gauge) -> Self {
        gauge.inc();
        Self { gauge: gauge.clone() }
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.gauge.dec();
    }
}

/// A request that is being worked on. Dropped without its end it counts as cancelled.
#[derive(Debug)]
pub struct RequestTimer {
    metrics: Arc<Metrics>,
    door: Door,
    method: &'static str,
    begun: Instant,
    code: Code,
}

impl RequestTimer {
    pub(super) fn new(metrics: Arc<Metrics>, door: Door, method: &'static str) -> Self {
        Self { metrics, door, method, begun: Instant::now(), code: Code::Cancelled }
    }

    /// The request has ended, its last byte is sent.
    pub fn finish(mut self, code: Code) {
        self.code = code;
    }
}

impl Drop for RequestTimer {
    fn drop(&mut self) {
        let (door, method, code) = (self.door, self.method, word_of(self.code));
        self.metrics.in_flight.get_or_create(&AtDoor { door }).dec();
        self.metrics.requests.get_or_create(&Outcome { door, method, code }).inc();
        let seconds = self.begun.elapsed().as_secs_f64();
        self.metrics.times.get_or_create(&Method { door, method }).observe(seconds);
    }
}
