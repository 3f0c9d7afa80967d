//! Connections and what every request on them goes through, whichever door it is for.
//!
//! The way of a request: `accept` lets its connection in, `connection` minds its age and silence, `request`
//! says who asks and until when, sheds what is too much, catches panics and records the end; `router` finds the
//! service; `answer_body` sends what it says.
//!
//! Invariants: whatever a client sends or fails to send, what it costs is bounded by the limits and ends in a bounded
//! time; one request never harms another, also not on the same connection; every answer bears the request's id.

mod accept;
mod activity;
mod answer_body;
mod connection;
mod deadline;
mod foreign;
mod framing;
mod http2;
mod identity;
mod methods;
mod panics;
mod places;
mod record;
mod request;
mod request_body;
mod router;
mod watchdog;

use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub(crate) use self::http2::own_endpoint;
pub(crate) use self::panics::caught;
pub use self::router::Router;
use crate::node::Node;
use connection::Terms;
use identity::RequestIds;

/// How long what was cut may take to be gone.
const CUT_TIME_MAX: Duration = Duration::from_secs(5);

/// Serves a router on any number of connections. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Transport {
    shared: Arc<Shared>,
}

/// What all connections share.
#[derive(Debug)]
pub(crate) struct Shared {
    node: Node,
    router: Router,
    ids: RequestIds,
    /// Connections, and the requests on them.
    tasks: TaskTracker,
    /// Ends all connections at once.
    cut: CancellationToken,
}

impl Transport {
    /// Serves `router`, within the limits of `node`.
    pub fn new(node: Node, router: Router) -> Self {
        let shared = Shared {
            node,
            router,
            ids: RequestIds::new(),
            tasks: TaskTracker::new(),
            cut: CancellationToken::new(),
        };
        Self { shared: Arc::new(shared) }
    }

    /// Takes connections until `stop` is ready, then closes the listener. Those that are open go on.
    pub async fn accept(&self, listener: TcpListener, stop: impl Future<Output = ()>) {
        accept::accept(&self.shared, listener, stop).await;
    }

    /// Serves one connection of our own process: without limits on its age, silence or number of requests.
    pub(crate) fn serve_own<IO>(&self, io: IO)
    where
        IO: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let shared = Arc::clone(&self.shared);
        drop(self.shared.tasks.spawn(connection::serve(shared, io, Terms::own())));
    }

    /// Asks all clients to leave, ends watches and operations, and waits for the open requests, for `patience` at most; then cuts
    /// them. Says whether all came to their end by themselves.
    pub async fn drain(&self, patience: Duration) -> bool {
        let shared = &self.shared;
        shared.node.stopping().cancel();
        // They would go on for hours, and can be begun anew.
        shared.node.operations().stop();
        shared.tasks.close();
        let drained = tokio::time::timeout(patience, shared.tasks.wait()).await.is_ok();
        if !drained {
            shared.cut.cancel();
            tokio::time::timeout(CUT_TIME_MAX, shared.tasks.wait()).await.ok();
        }
        drained
    }
}
