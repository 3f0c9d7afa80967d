//! A service that misbehaves in every way, a server of it, and a client that sees all of what comes.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use bytes::Bytes;
use calotype_storage::backend::Backend;
use calotype_storage::database::{Access, Database, OpenOptions, StateFolder};
use futures::stream;
use http::{HeaderMap, Request, Response};
use http_body::Frame;
use http_body_util::{Full, StreamBody};
use tokio::sync::{mpsc, oneshot, watch};
use tokio_stream::wrappers::ReceiverStream;
use tonic::Status;
use tonic::body::Body;
use tower::ServiceExt;

use super::*;
use crate::caller::Caller;
use crate::page_token::TokenKey;
use crate::telemetry::metrics::Metrics;

pub(super) async fn node(limits: Limits) -> Node {
    let options = OpenOptions::new(Access::Create, StateFolder::Memory);
    let database = Database::open(Backend::memory(), options).await.unwrap();
    let work = tokio::runtime::Handle::current();
    Node::new(database, limits, Arc::new(Metrics::new()), TokenKey::new([7; 32]), work)
}

/// Handlers that have begun, and that were dropped, by method.
#[derive(Clone, Copy, Debug, Default)]
struct Seen {
    begun: usize,
    dropped: usize,
}

/// A service that misbehaves as its caller asks.
#[derive(Clone, Debug)]
pub(super) struct Probe {
    seen: watch::Sender<BTreeMap<&'static str, Seen>>,
    go_on: watch::Sender<bool>,
    read_whole: Arc<AtomicBool>,
}

impl Default for Probe {
    fn default() -> Self {
        let (seen, _) = watch::channel(BTreeMap::new());
        let (go_on, _) = watch::channel(false);
        Self { seen, go_on, read_whole: Arc::default() }
    }
}

/// Tells when a handler is dropped.
struct Handling(Probe, &'static str);

impl Drop for Handling {
    fn drop(&mut self) {
        self.0.seen.send_modify(|seen| seen.entry(self.1).or_default().dropped += 1);
    }
}

impl Probe {
    pub(super) fn router(&self) -> Router {
        Router::new(&["/probe/watch"]).mount(self.clone())
    }

    /// Lets all streams end.
    pub(super) fn go_on(&self) {
        self.go_on.send_replace(true);
    }

    pub(super) fn read_whole(&self) -> bool {
        self.read_whole.load(Ordering::SeqCst)
    }

    pub(super) async fn begun(&self, method: &'static str) {
        let mut seen = self.seen.subscribe();
        seen.wait_for(|seen| seen.get(method).is_some_and(|seen| seen.begun > 0)).await.unwrap();
    }

    pub(super) async fn dropped(&self, method: &'static str) {
        let mut seen = self.seen.subscribe();
        seen.wait_for(|seen| seen.get(method).is_some_and(|seen| seen.dropped > 0)).await.unwrap();
    }

    fn handling(&self, method: &'static str) -> Handling {
        self.seen.send_modify(|seen| seen.entry(method).or_default().begun += 1);
        Handling(self.clone(), method)
    }

    async fn answer(self, request: Request<Body>) -> Response<Body> {
        let caller = request.extensions().get::<Caller>().unwrap().clone();
        match request.uri().path().trim_start_matches("/probe/") {
            "echo" => one(format!("{} {}", caller.principal.as_str(), caller.request_id)),
            "slow" => {
                let _handling = self.handling("slow");
                std::future::pending().await
            }
            "panic" => panic!("as asked"),
            "read" => {
                let _handling = self.handling("read");
                match request.into_body().collect().await {
                    Ok(body) => {
                        self.read_whole.store(true, Ordering::SeqCst);
                        one(format!("read {}", body.to_bytes().len()))
                    }
                    Err(status) => status.into_http(),
                }
            }
            "limit" => crate::status::exhausted("keys_max", "as asked", None).into_http(),
            "large" => one(vec![7; 5 << 20]),
            "flood" => {
                let handling = self.handling("flood");
                let piece = Bytes::from(vec![7; 1 << 20]);
                streamed(stream::unfold(handling, move |handling| {
                    let frame = Frame::data(piece.clone());
                    async move { Some((frame, handling)) }
                }))
            }
            method @ ("stream" | "watch" | "panic_in_stream") => {
                let handling = self.handling(if method == "stream" { "stream" } else { "watch" });
                let panics = method == "panic_in_stream";
                streamed(stream::unfold((0, handling), move |(step, handling)| async move {
                    if step == 0 {
                        return Some((Frame::data(Bytes::from("begun")), (1, handling)));
                    }
                    assert!(!panics, "as asked");
                    handling.0.go_on.subscribe().wait_for(|go_on| *go_on).await.unwrap();
                    (step == 1).then(|| (Frame::trailers(ok()), (2, handling)))
                }))
            }
            other => Status::unimplemented(other).into_http(),
        }
    }
}

impl tower::Service<Request<Body>> for Probe {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let probe = self.clone();
        Box::pin(async move { Ok(probe.answer(request).await) })
    }
}

impl tonic::server::NamedService for Probe {
    const NAME: &'static str = "probe";
}

fn ok() -> HeaderMap {
    let mut trailers = HeaderMap::new();
    Status::ok("").add_header(&mut trailers).unwrap();
    trailers
}

fn one(bytes: impl Into<Bytes>) -> Response<Body> {
    streamed(stream::iter([Frame::data(bytes.into()), Frame::trailers(ok())]))
}

fn streamed(frames: impl futures::Stream<Item = Frame<Bytes>> + Send + 'static) -> Response<Body> {
    let frames = futures::StreamExt::map(frames, Ok::<_, Infallible>);
    Response::new(Body::new(StreamBody::new(frames)))
}

/// A server of the probe.
pub(super) struct Server {
    pub(super) address: SocketAddr,
    pub(super) probe: Probe,
    pub(super) node: Node,
    stop: Mutex<Option<oneshot::Sender<()>>>,
    running: tokio::task::JoinHandle<Result<(), ServeError>>,
}

impl Server {
    pub(super) async fn start(limits: Limits) -> Self {
        Self::start_with(limits, None).await
    }

    pub(super) async fn start_with(limits: Limits, metrics: Option<TcpListener>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let probe = Probe::default();
        let (stop, stopped) = oneshot::channel::<()>();
        let shutdown = async move { stopped.await.unwrap_or_default() };
        let node = node(limits).await;
        let running = tokio::spawn(run_router(
            listener,
            metrics,
            node.clone(),
            probe.router(),
            Health::new(),
            Options::default(),
            shutdown,
        ));
        Self { address, probe, node, stop: Mutex::new(Some(stop)), running }
    }

    pub(super) async fn channel(&self) -> Channel {
        connect(self.address).await
    }

    pub(super) fn ask_to_stop(&self) {
        if let Some(stop) = self.stop.lock().unwrap().take() {
            stop.send(()).unwrap();
        }
    }

    pub(super) async fn stop(self) -> Result<(), ServeError> {
        self.ask_to_stop();
        self.running.await.unwrap()
    }
}

pub(super) async fn connect(address: SocketAddr) -> Channel {
    Channel::from_shared(format!("http://{address}")).unwrap().connect().await.unwrap()
}

/// An answer that is coming.
pub(super) struct Opened {
    headers: HeaderMap,
    body: Body,
    bytes: Vec<u8>,
}

/// A whole answer.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) headers: HeaderMap,
    pub(super) bytes: Vec<u8>,
    pub(super) status: Status,
}

impl Opened {
    /// Waits for the next frame with data.
    pub(super) async fn frame(&mut self) {
        let frame = soon(self.body.frame()).await.expect("a frame").unwrap();
        self.bytes.extend_from_slice(&frame.into_data().unwrap());
    }

    /// Reads to the end.
    pub(super) async fn finish(mut self) -> Answer {
        let mut status = Status::from_header_map(&self.headers);
        while let Some(frame) = self.body.frame().await {
            match frame.map(Frame::into_data) {
                Ok(Ok(data)) => self.bytes.extend_from_slice(&data),
                Ok(Err(frame)) => status = Status::from_header_map(&frame.into_trailers().unwrap()),
                Err(error) => {
                    status = Some(error);
                    break;
                }
            }
        }
        let status = status.unwrap_or_else(|| Status::unknown("the answer ended without a status"));
        Answer { headers: self.headers, bytes: self.bytes, status }
    }
}

pub(super) async fn open(
    channel: &Channel,
    path: &str,
    headers: &[(&'static str, &str)],
    body: &'static str,
) -> Opened {
    let mut request = Request::post(path);
    for (name, value) in headers {
        request = request.header(*name, http::HeaderValue::from_bytes(value.as_bytes()).unwrap());
    }
    begin(channel, request.body(Body::new(Full::from(body))).unwrap()).await
}

async fn begin(channel: &Channel, request: Request<Body>) -> Opened {
    let response = channel.clone().oneshot(request).await.unwrap();
    let (head, body) = response.into_parts();
    Opened { headers: head.headers, body, bytes: Vec::new() }
}

pub(super) async fn call(channel: &Channel, method: &str) -> Answer {
    call_with(channel, method, &[]).await
}

pub(super) async fn call_with(channel: &Channel, method: &str, headers: &[(&'static str, &str)]) -> Answer {
    open(channel, &format!("/probe/{method}"), headers, "").await.finish().await
}

/// A call through a client that does not mind the deadline it names, as tonic's own does.
pub(super) async fn call_without_clock(
    address: SocketAddr,
    method: &str,
    headers: &[(&'static str, &str)],
) -> Answer {
    let stream = hyper_util::rt::TokioIo::new(TcpStream::connect(address).await.unwrap());
    let executor = hyper_util::rt::TokioExecutor::new();
    let (mut sender, connection) = hyper::client::conn::http2::handshake(executor, stream).await.unwrap();
    let connection = tokio::spawn(connection);
    let mut request = Request::post(format!("http://{address}/probe/{method}"));
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let response = sender.send_request(request.body(Body::empty()).unwrap()).await.unwrap();
    let (head, body) = response.into_parts();
    let answer = Opened { headers: head.headers, body: Body::new(body), bytes: Vec::new() }.finish().await;
    connection.abort();
    answer
}

/// A body that is sent bit by bit.
pub(super) fn upload() -> (mpsc::Sender<Bytes>, Body) {
    let (sender, receiver) = mpsc::channel(1);
    let frames = futures::StreamExt::map(ReceiverStream::new(receiver), |bytes| {
        Ok::<_, Infallible>(Frame::data(bytes))
    });
    (sender, Body::new(StreamBody::new(frames)))
}

pub(super) async fn send(channel: &Channel, method: &str, body: Body) -> Opened {
    begin(channel, Request::post(format!("/probe/{method}")).body(body).unwrap()).await
}
