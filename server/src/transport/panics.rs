//! Panics end one request, never its connection.

use std::any::Any;
use std::panic::AssertUnwindSafe;

use futures::FutureExt;
use tonic::Status;

use crate::node::Node;
use crate::status;

/// Runs what answers a request; what it changes is its own, and dropped after a panic.
pub(super) async fn caught<T>(node: &Node, answer: impl Future<Output = T>) -> Result<T, Status> {
    AssertUnwindSafe(answer).catch_unwind().await.map_err(|panic| report(node, panic.as_ref()))
}

/// The same for one step of an answer's body.
pub(super) fn caught_step<T>(node: &Node, step: impl FnOnce() -> T) -> Result<T, Status> {
    std::panic::catch_unwind(AssertUnwindSafe(step)).map_err(|panic| report(node, panic.as_ref()))
}

fn report(node: &Node, panic: &(dyn Any + Send)) -> Status {
    node.metrics().panicked();
    let said = panic.downcast_ref::<&str>().copied();
    let said = said.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message");
    tracing::error!(panic = said, "a request panicked");
    status::internal("the request met a fault of the server and was given up; see the server's log")
}
