//! Puts the server together: the services on one port, health, probes on another, and an orderly end.
//!
//! Invariants: nothing is served before the store is open; when the server stops, what was asked before is answered
//! within `drain_time_max`, and the index reaches the disk in the end.

mod background;
mod health;
mod own;
mod probes;
mod routes;
mod work;

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio_util::task::AbortOnDropHandle;
use tracing::{info, warn};

pub use self::own::local;
pub use self::work::{Work, threads_default};
use crate::follow::POLL_INTERVAL;
use crate::node::Node;
use crate::transport::{Router, Transport};
use health::Health;

/// What can be chosen about serving.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// Whether clients may ask for the interface's descriptors.
    pub reflection: bool,
    /// How often it is asked whether others have committed.
    pub poll_interval: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self { reflection: true, poll_interval: POLL_INTERVAL }
    }
}

/// Why a server could not serve, or not end well.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServeError {
    /// The listener has no address. Give one that is bound.
    #[error("the listener has no address")]
    Listener(#[source] io::Error),
    /// The compiled descriptors are not readable: a fault of the build.
    #[error("the descriptors of the interface cannot be read")]
    Descriptors(#[source] tonic_reflection::server::Error),
    /// The index did not reach the disk. Nothing is lost: the next opening replays the log.
    #[error("the index could not be written in the end")]
    Index(#[source] calotype_storage::error::Error),
}

/// Serves a node until `shutdown` is ready, then drains: no more connections, health not serving, clients asked to
/// leave, watches ended, requests in work finished within `drain_time_max`, what remains cut. Metrics, `/healthz` and
/// `/readyz` are answered on the second listener to the very end.
///
/// # Errors
/// [`ServeError`] says what, and whether anything is lost.
pub async fn run(
    listener: TcpListener,
    metrics: Option<TcpListener>,
    node: Node,
    options: Options,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> Result<(), ServeError> {
    let health = Health::new();
    let router = routes::router(&node, &health, options)?;
    run_router(listener, metrics, node, router, health, options, shutdown).await
}

/// As [`run`], with services of one's own.
pub(crate) async fn run_router(
    listener: TcpListener,
    metrics: Option<TcpListener>,
    node: Node,
    router: Router,
    health: Health,
    options: Options,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> Result<(), ServeError> {
    let address = listener.local_addr().map_err(ServeError::Listener)?;
    health.begin(router.names()).await;
    let health = Arc::new(health);
    let probes = metrics.map(|listener| {
        AbortOnDropHandle::new(tokio::spawn(probes::serve(listener, node.clone(), Arc::clone(&health))))
    });
    let background = background::start(&node, &health, options.poll_interval);
    let transport = Transport::new(node.clone(), router);
    info!(%address, store = %node.database().store_id(), "serving");
    transport.accept(listener, shutdown).await;

    info!("stopping");
    drop(background);
    health.stop().await;
    if !transport.drain(node.limits().drain_time_max).await {
        node.metrics().refused("drain_time_max");
        warn!("requests were cut that took longer than drain_time_max");
    }
    let database = node.database().clone();
    let synced = tokio::task::spawn_blocking(move || database.sync_index()).await;
    drop(probes);
    info!("stopped");
    synced.map_or(Ok(()), |synced| synced.map_err(ServeError::Index))
}

#[cfg(test)]
mod tests;
