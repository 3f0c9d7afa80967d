//! Takes connections.
//!
//! Invariants: a connection for which there is no place is closed at once; one that says nothing costs a socket and a
//! small task, and is closed in time; no error of accepting ends the server.

use std::io::{Error, ErrorKind};
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::time::{sleep, timeout};
use tracing::{debug, warn};

use super::Shared;
use super::connection::{self, Terms};
use super::places::{Place, Places};

/// How long to wait where the machine has no room for another connection.
const BREATH: Duration = Duration::from_millis(50);

/// Takes connections until `stop` is ready, then closes the listener.
pub(super) async fn accept(shared: &Arc<Shared>, listener: TcpListener, stop: impl Future<Output = ()>) {
    let places = Arc::new(Places::new(shared.node.limits()));
    let mut stop = pin!(stop);
    loop {
        let accepted = tokio::select! {
            biased;
            () = &mut stop => return,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, address)) => admit(shared, &places, stream, address),
            Err(error) if is_of_the_client(&error) => debug!(%error, "a connection ended before it began"),
            Err(error) => {
                warn!(%error, "cannot accept connections");
                sleep(BREATH).await;
            }
        }
    }
}

fn admit(shared: &Arc<Shared>, places: &Arc<Places>, stream: TcpStream, address: SocketAddr) {
    match Places::take(places, address.ip()) {
        Ok(place) => {
            drop(shared.tasks.spawn(begin(Arc::clone(shared), stream, place)));
        }
        Err(limit) => {
            shared.node.metrics().refused(limit);
            debug!(%address, limit, "connection refused");
        }
    }
}

/// Waits for the client's first byte before anything is set aside for it.
async fn begin(shared: Arc<Shared>, stream: TcpStream, _place: Place) {
    let _counted = shared.node.metrics().connection_opened();
    let patience = shared.node.limits().first_request_timeout;
    let stopped = shared.node.stopping().clone();
    // To be ready is not enough: a socket may be called ready to be read although nothing has come.
    let mut first = [0];
    let peeked = tokio::select! {
        () = stopped.cancelled() => return,
        peeked = timeout(patience, stream.peek(&mut first)) => peeked,
    };
    match peeked {
        Ok(Ok(0)) => return debug!("a connection ended before it began"),
        Ok(Ok(_)) => {}
        Ok(Err(error)) => return debug!(%error, "a connection ended before it began"),
        Err(_) => return shared.node.metrics().refused("first_request_timeout"),
    }
    // Without it small answers wait for the client's acknowledgement of what went before.
    if let Err(error) = stream.set_nodelay(true) {
        return debug!(%error, "a connection ended before it began");
    }
    let terms = Terms::of(shared.node.limits());
    // Boxed, so that those that wait above stay small.
    Box::pin(connection::serve(shared, stream, terms)).await;
}

/// Whether an error concerns one connection alone, so that the next may come at once.
fn is_of_the_client(error: &Error) -> bool {
    [ErrorKind::ConnectionAborted, ErrorKind::ConnectionReset, ErrorKind::ConnectionRefused]
        .contains(&error.kind())
}
