//! A server within our own process: the same services through the same transport, over memory instead of a socket.

use hyper_util::rt::TokioIo;
use tokio::io::duplex;
use tonic::transport::{Channel, Uri};
use tower::service_fn;

use super::health::Health;
use super::{Options, ServeError, routes};
use crate::node::Node;
use crate::transport::{Router, Transport, own_endpoint};

/// What either side may write ahead, bytes.
const PIPE: usize = 1 << 20;

/// A channel to a server within this process. The connection is made when it is first used, on the runtime that uses
/// it, and ends when the channel and its clones are dropped. There are no limits on its time; those on questions and
/// puts are the node's.
///
/// # Errors
/// [`ServeError::Descriptors`] is a fault of the build.
pub async fn local(node: Node) -> Result<Channel, ServeError> {
    let health = Health::new();
    let router = routes::router(&node, &health, Options { reflection: false, ..Options::default() })?;
    health.begin(router.names()).await;
    Ok(channel(node, router))
}

/// A channel to the services of a router.
pub(crate) fn channel(node: Node, router: Router) -> Channel {
    let transport = Transport::new(node, router);
    let connector = service_fn(move |_: Uri| {
        let (client, server) = duplex(PIPE);
        transport.serve_own(server);
        async move { Ok::<_, std::convert::Infallible>(TokioIo::new(client)) }
    });
    own_endpoint().connect_with_connector_lazy(connector)
}
