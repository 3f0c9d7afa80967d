//! What is said about a request when it has ended: the one place where errors of requests are logged.
//!
//! Invariant: each request is recorded once, and so is the limit that it ran into, also one that its client gave up.

use std::sync::Arc;

use tokio::time::Instant;
use tonic::{Code, Status};
use tracing::{debug, warn};

use crate::node::Node;
use crate::telemetry::metrics::{Door, Metrics, RequestTimer, word_of};

/// What will be said about a request.
#[derive(Debug)]
pub(super) struct Record {
    method: &'static str,
    request_id: String,
    begun: Instant,
    metrics: Arc<Metrics>,
    timer: Option<RequestTimer>,
}

impl Record {
    /// A request that begins. `method` is one that is served, never what a client made up.
    pub(super) fn new(node: &Node, method: &'static str, request_id: String, begun: Instant) -> Self {
        let timer = node.metrics().request_started(Door::of_path(method), method);
        Self { method, request_id, begun, metrics: Arc::clone(node.metrics()), timer: Some(timer) }
    }

    /// The method.
    pub(super) fn method(&self) -> &'static str {
        self.method
    }

    /// The request has ended.
    pub(super) fn end(&mut self, status: &Status) {
        let Some(timer) = self.timer.take() else {
            return;
        };
        timer.finish(status.code());
        self.metrics.ran_into(status);
        let (method, request_id, code) = (self.method, self.request_id.as_str(), word_of(status.code()));
        let elapsed = self.begun.elapsed();
        let micros = u64::try_from(elapsed.as_micros()).unwrap_or(u64::MAX);
        if is_fault(status.code()) {
            // Only here is the message logged: it tells of the server, not of anybody's data.
            warn!(
                method,
                request_id,
                code,
                micros,
                error = status.message().escape_debug().to_string(),
                "request failed"
            );
        } else {
            debug!(method, request_id, code, micros, "request ended");
        }
    }
}

impl Drop for Record {
    fn drop(&mut self) {
        self.end(&Status::cancelled("the client gave up"));
    }
}

/// Whether an error is the server's, and not the client's.
fn is_fault(code: Code) -> bool {
    matches!(code, Code::Internal | Code::Unknown | Code::DataLoss)
}
