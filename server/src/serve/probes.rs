//! The second port, for loopback: `/metrics` for Prometheus, `/healthz` and `/readyz` for whoever starts servers.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tracing::{debug, warn};

use super::health::{Health, State};
use crate::node::Node;

/// Connections at once; more wait.
const CONNECTIONS_MAX: usize = 16;
/// How long the headers of a request may take.
const HEADERS_TIME_MAX: Duration = Duration::from_secs(5);
/// How long a connection may live.
const CONNECTION_TIME_MAX: Duration = Duration::from_secs(60);
/// What is read ahead, bytes; the least that hyper takes.
const BUFFER: usize = 8 << 10;
/// How long to wait where the machine has no room for another connection.
const BREATH: Duration = Duration::from_millis(50);

/// The media type of what Prometheus reads.
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Answers until it is dropped.
pub(super) async fn serve(listener: TcpListener, node: Node, health: Arc<Health>) {
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    let mut connections = JoinSet::new();
    loop {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else {
            return;
        };
        while connections.try_join_next().is_some() {}
        match listener.accept().await {
            Ok((stream, _)) => {
                let (node, health) = (node.clone(), Arc::clone(&health));
                connections.spawn(async move {
                    timeout(CONNECTION_TIME_MAX, connection(stream, node, health)).await.ok();
                    drop(place);
                });
            }
            Err(error) => {
                warn!(%error, "cannot accept connections for metrics");
                sleep(BREATH).await;
            }
        }
    }
}

async fn connection(stream: TcpStream, node: Node, health: Arc<Health>) {
    let service = service_fn(move |request: Request<Incoming>| {
        let response = answer(&request, &node, health.state());
        async move { Ok::<_, Infallible>(response) }
    });
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(HEADERS_TIME_MAX).max_buf_size(BUFFER);
    if let Err(error) = builder.serve_connection(TokioIo::new(stream), service).await {
        debug!(%error, "a connection for metrics broke");
    }
}

fn answer<B>(request: &Request<B>, node: &Node, state: State) -> Response<Full<Bytes>> {
    if ![Method::GET, Method::HEAD].contains(request.method()) {
        return text(StatusCode::METHOD_NOT_ALLOWED, "GET or HEAD\n");
    }
    match (request.uri().path(), state) {
        ("/metrics", _) => {
            let mut response = text(StatusCode::OK, exposition(node));
            response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(OPEN_METRICS));
            response
        }
        ("/healthz", _) => text(StatusCode::OK, "alive\n"),
        ("/readyz", State::Serving) => text(StatusCode::OK, "serving\n"),
        ("/readyz", State::Starting) => text(StatusCode::SERVICE_UNAVAILABLE, "starting\n"),
        ("/readyz", State::Stopping) => text(StatusCode::SERVICE_UNAVAILABLE, "stopping\n"),
        ("/readyz", State::Poisoned) => {
            let what = "answers questions, but takes no more puts until it is started anew: see the log\n";
            text(StatusCode::SERVICE_UNAVAILABLE, what)
        }
        _ => text(StatusCode::NOT_FOUND, "there is /metrics, /healthz and /readyz\n"),
    }
}

/// What Prometheus reads.
fn exposition(node: &Node) -> String {
    _ = node.metrics();
    "# EOF\n".to_owned()
}

fn text(status: StatusCode, text: impl Into<Bytes>) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(text.into()));
    *response.status_mut() = status;
    let plain = HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, plain);
    response
}
