//! Panics end one request, never its connection.

use std::any::Any;
use std::panic::AssertUnwindSafe;

use futures::FutureExt;
use tonic::Status;

use crate::node::Node;
use crate::status;

/// Runs what answers a request; what it changes is its own, and dropped after a panic.
pub(crate) async fn caught<T>(node: &Node, answer: impl Future<Output = T>) -> Result<T, Status> {
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

#[cfg(test)]
mod tests {
    use tonic::Code;

    use super::*;
    use crate::test_store::TestStore;

    #[tokio::test]
    async fn a_panic_is_counted_and_is_a_fault_of_ours() {
        let store = TestStore::new().await;
        let panicked = caught(&store.node, async { panic!("as asked") }).await;
        assert_eq!(panicked.map_err(|status: Status| status.code()), Err::<(), _>(Code::Internal));
        assert!(store.node.metrics().encode().contains("calotype_panics_total 1"));
        assert_eq!(caught(&store.node, async { 7 }).await.unwrap(), 7);
    }
}
