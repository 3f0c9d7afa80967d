//! The Flight door: plain Arrow Flight for everybody who has pyarrow and nothing else. Tickets, descriptors and
//! actions are JSON.
//!
//! Reading order: `json` (what comes in), `ticket`, `descriptor`, `action` (what it means), `question` and `encoder`
//! (answers), `body` (how they go out), `handlers` (the calls).
//!
//! Invariants: an answer's rows go out as the buffers that they were read into, never copied into a message; a
//! stream without the end in its last message was cut short; a put whose stream the client did not end itself
//! commits nothing.

mod action;
mod body;
mod descriptor;
mod do_get;
mod do_put;
mod encoder;
mod handlers;
mod info;
mod json;
mod keys;
mod part;
mod question;
mod receipt;
#[cfg(feature = "sql")]
mod statement;
mod ticket;

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use arrow_flight::flight_service_server::FlightServiceServer;
use tonic::body::Body;
use tonic::server::NamedService;
use tower::Service;

use crate::node::Node;
use handlers::Handlers;

/// What a message carries beside its Arrow metadata and body at most: descriptor, application metadata and tags.
const MESSAGE_HEAD_ROOM: usize = 2 << 20;
/// The path of the one call that is answered without tonic's codec.
const DO_GET: &str = "/arrow.flight.protocol.FlightService/DoGet";

/// Answers all calls of Arrow Flight.
#[derive(Clone, Debug)]
pub struct FlightDoor {
    node: Node,
    others: FlightServiceServer<Handlers>,
}

/// The Flight door of a node. Requests must have come through the transport, which says who asks.
pub fn service(node: Node) -> FlightDoor {
    let limits = node.limits();
    let decoded = limits.ingest_message_bytes_max.max(limits.control_message_bytes_max) + MESSAGE_HEAD_ROOM;
    let others = FlightServiceServer::new(Handlers::new(node.clone())).max_decoding_message_size(decoded);
    FlightDoor { node, others }
}

impl NamedService for FlightDoor {
    const NAME: &'static str = "arrow.flight.protocol.FlightService";
}

impl Service<http::Request<Body>> for FlightDoor {
    type Response = http::Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        if request.uri().path() == DO_GET {
            let node = self.node.clone();
            return Box::pin(async move { Ok(do_get::answer(&node, request).await) });
        }
        self.others.call(request)
    }
}

#[cfg(test)]
mod tests;
