//! Requests of gRPC whose body is the bytes of the test's choice.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use tokio::time::timeout;
use tonic::Status;
use tonic::body::Body;
use tonic::client::GrpcService as _;
use tonic::transport::Channel;

/// How long an answer may take: whatever takes longer hangs.
const PATIENCE: Duration = Duration::from_secs(30);

/// The header that every request of gRPC has.
pub const GRPC: (&str, &str) = ("content-type", "application/grpc");

/// Sends one request as it is, and says what came of it: the status of HTTP, and that of gRPC.
///
/// # Panics
/// If there is no answer.
pub async fn ask(
    channel: &Channel,
    path: &str,
    headers: &[(&str, &str)],
    body: Vec<u8>,
) -> (u16, Option<Status>) {
    let mut request = Request::post(path.to_owned());
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let body = Body::new(http_body_util::Full::new(Bytes::from(body)));
    let request = request.body(body).expect("a legal request");
    let mut channel = channel.clone();
    std::future::poll_fn(|context| channel.poll_ready(context)).await.expect("the server is there");
    let response = timeout(PATIENCE, channel.call(request)).await.expect("an answer in time");
    let (head, body): (_, Body) = Response::into_parts(response.expect("an answer"));
    let trailers = http_body_util::BodyExt::collect(body).await.expect("an answer that is whole");
    let trailers = trailers.trailers().cloned().unwrap_or_else(HeaderMap::new);
    let status = Status::from_header_map(&head.headers).or_else(|| Status::from_header_map(&trailers));
    (head.status.as_u16(), status)
}
