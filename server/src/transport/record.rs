//! What is said about a request when it has ended: the one place where errors of requests are logged.
//!
//! Invariant: each request is recorded once, also one that its client gave up.

use tokio::time::Instant;
use tonic::{Code, Status};
use tracing::{debug, warn};

use crate::node::Node;

/// What will be said about a request.
#[derive(Debug)]
pub(super) struct Record {
    node: Node,
    method: &'static str,
    request_id: String,
    begun: Instant,
    ended: bool,
}

impl Record {
    /// A request that begins. `method` is one that is served, never what a client made up.
    pub(super) fn new(node: Node, method: &'static str, request_id: String, begun: Instant) -> Self {
        Self { node, method, request_id, begun, ended: false }
    }

    /// The request has ended.
    pub(super) fn end(&mut self, status: &Status) {
        if std::mem::replace(&mut self.ended, true) {
            return;
        }
        let (method, request_id, code) = (self.method, self.request_id.as_str(), status.code());
        let elapsed = self.begun.elapsed();
        let micros = u64::try_from(elapsed.as_micros()).unwrap_or(u64::MAX);
        if is_fault(code) {
            // Only here is the message logged: it tells of the server, not of anybody's data.
            warn!(
                method,
                request_id,
                ?code,
                micros,
                error = status.message().escape_debug().to_string(),
                "request failed"
            );
        } else {
            debug!(method, request_id, ?code, micros, "request ended");
        }
        _ = &self.node;
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
