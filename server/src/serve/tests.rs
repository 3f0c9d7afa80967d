//! The server over real connections: limits, panics, health, probes, and its end.

mod probe;

use std::time::Duration;

use http_body_util::BodyExt;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tonic::Code;
use tonic::transport::Channel;

use self::probe::{Answer, Server, call, call_with, node, open};
use super::*;
use crate::caller::{PRINCIPAL_HEADER, REQUEST_ID_HEADER};
use crate::limits::Limits;

const SOON: Duration = Duration::from_secs(20);

/// A limit that tests wait for.
const SHORT: Duration = Duration::from_millis(150);

async fn soon<T>(what: impl Future<Output = T>) -> T {
    tokio::time::timeout(SOON, what).await.expect("it comes soon")
}

/// Waits until the server closes a connection.
async fn closed(mut stream: TcpStream) {
    let mut bytes = Vec::new();
    // A reset is as good as an end.
    soon(stream.read_to_end(&mut bytes)).await.ok();
}

#[tokio::test]
async fn requests_are_answered_under_the_id_they_bring_or_are_given() {
    let server = Server::start(Limits::default()).await;
    let channel = server.channel().await;
    let given = call_with(&channel, "echo", &[(REQUEST_ID_HEADER, "load-7")]).await;
    assert_eq!((given.status.code(), given.header(REQUEST_ID_HEADER)), (Code::Ok, "load-7"));
    assert_eq!(given.bytes, b"local load-7");
    let made = call(&channel, "echo").await;
    assert!(made.header(REQUEST_ID_HEADER).len() > 16, "{made:?}");
    let nowhere = open(&channel, "/none.Such/method", &[(REQUEST_ID_HEADER, "x")], "").await.finish().await;
    assert_eq!((nowhere.status.code(), nowhere.header(REQUEST_ID_HEADER)), (Code::Unimplemented, "x"));
    server.stop().await.unwrap();
}

#[tokio::test]
async fn a_principal_or_a_timeout_that_is_none_is_refused() {
    let server = Server::start(Limits::default()).await;
    let channel = server.channel().await;
    let ann = call_with(&channel, "echo", &[(PRINCIPAL_HEADER, "ann"), (REQUEST_ID_HEADER, "1")]).await;
    assert_eq!(ann.bytes, b"ann 1");
    for header in [(PRINCIPAL_HEADER, ""), (PRINCIPAL_HEADER, "\u{e9}"), ("grpc-timeout", "soon")] {
        let refused = call_with(&channel, "echo", &[header]).await;
        assert_eq!(refused.status.code(), Code::InvalidArgument, "{header:?}");
        assert!(refused.status.message().contains(header.0), "{header:?}");
    }
    server.stop().await.unwrap();
}

#[tokio::test]
async fn a_deadline_ends_a_slow_handler_and_a_slow_stream() {
    let server = Server::start(Limits::default()).await;
    for method in ["slow", "stream"] {
        let timeout = [("grpc-timeout", "100m")];
        let late = soon(probe::call_without_clock(server.address, method, &timeout)).await;
        assert_eq!(late.status.code(), Code::DeadlineExceeded, "{method}: {late:?}");
        assert_eq!(crate::status::reason(&late.status).as_deref(), Some("DEADLINE_EXCEEDED"), "{method}");
        soon(server.probe.dropped(method)).await;
    }
    server.stop().await.unwrap();
}

#[tokio::test]
async fn a_panic_ends_one_request_and_no_other() {
    let server = Server::start(Limits::default()).await;
    let channel = server.channel().await;
    let mut other = open(&channel, "/probe/stream", &[], "").await;
    other.frame().await;
    let panicked = call(&channel, "panic").await;
    assert_eq!(panicked.status.code(), Code::Internal);
    let panicked = call(&channel, "panic_in_stream").await;
    assert_eq!((panicked.status.code(), panicked.bytes.as_slice()), (Code::Internal, &b"begun"[..]));
    server.probe.go_on();
    assert_eq!(soon(other.finish()).await.status.code(), Code::Ok, "the stream of the same connection lives");
    server.stop().await.unwrap();
}

#[tokio::test]
async fn requests_beyond_what_a_connection_may_work_on_are_refused_at_once() {
    let server = Server::start(Limits { requests_per_connection_max: 2, ..Limits::default() }).await;
    let channel = server.channel().await;
    let mut first = open(&channel, "/probe/stream", &[], "").await;
    first.frame().await;
    let mut second = open(&channel, "/probe/stream", &[], "").await;
    second.frame().await;
    assert_eq!(soon(call(&channel, "echo")).await.status.code(), Code::ResourceExhausted);
    let mut watch = open(&channel, "/probe/watch", &[], "").await;
    watch.frame().await;
    let other = server.channel().await;
    assert_eq!(call(&other, "echo").await.status.code(), Code::Ok, "another connection has its own room");
    drop(first);
    soon(server.probe.dropped("stream")).await;
    assert_eq!(soon(call(&channel, "echo")).await.status.code(), Code::Ok);
    drop((second, watch));
    server.stop().await.unwrap();
}

#[tokio::test]
async fn connections_beyond_their_number_are_closed() {
    let server = Server::start(Limits { connections_per_address_max: 2, ..Limits::default() }).await;
    let first = TcpStream::connect(server.address).await.unwrap();
    let channel = server.channel().await;
    assert_eq!(call(&channel, "echo").await.status.code(), Code::Ok);
    closed(TcpStream::connect(server.address).await.unwrap()).await;
    assert_eq!(call(&channel, "echo").await.status.code(), Code::Ok);
    drop(first);
    server.stop().await.unwrap();
}

#[tokio::test]
async fn a_connection_without_a_request_is_closed_in_time() {
    let server = Server::start(Limits { first_request_timeout: SHORT, ..Limits::default() }).await;
    closed(TcpStream::connect(server.address).await.unwrap()).await;
    let mut greets = TcpStream::connect(server.address).await.unwrap();
    greets.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").await.unwrap();
    closed(greets).await;
    let mut babbles = TcpStream::connect(server.address).await.unwrap();
    babbles.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
    closed(babbles).await;
    assert_eq!(call(&server.channel().await, "echo").await.status.code(), Code::Ok);
    server.stop().await.unwrap();
}

#[tokio::test]
async fn an_upload_that_is_cut_short_or_falls_silent_is_an_error() {
    let server = Server::start(Limits { put_stall_time_max: SHORT, ..Limits::default() }).await;
    let channel = server.channel().await;
    let (sender, upload) = probe::upload();
    sender.send("half".into()).await.unwrap();
    let stalled = soon(probe::send(&channel, "read", upload)).await.finish().await;
    assert_eq!(stalled.status.code(), Code::ResourceExhausted, "{stalled:?}");
    drop(sender);
    let whole = soon(open(&channel, "/probe/read", &[], "12345").await.finish()).await;
    assert_eq!(whole.bytes, b"read 5");
    server.stop().await.unwrap();

    let server = Server::start(Limits::default()).await;
    let channel = server.channel().await;
    let (sender, upload) = probe::upload();
    let sending = tokio::spawn(async move { probe::send(&channel, "read", upload).await.finish().await });
    sender.send("half".into()).await.unwrap();
    soon(server.probe.begun("read")).await;
    sending.abort();
    soon(server.probe.dropped("read")).await;
    assert!(!server.probe.read_whole(), "what was cut short is not taken for whole");
    server.stop().await.unwrap();
}

#[tokio::test]
async fn an_answer_that_nobody_reads_is_given_up() {
    let server = Server::start(Limits { stall_time_max: SHORT, ..Limits::default() }).await;
    let channel = server.channel().await;
    let _unread = open(&channel, "/probe/flood", &[], "").await;
    soon(server.probe.dropped("flood")).await;
    assert_eq!(call(&channel, "echo").await.status.code(), Code::Ok, "the connection goes on");
    server.stop().await.unwrap();
}

#[tokio::test]
async fn a_server_that_stops_finishes_what_was_asked_and_ends_watches() {
    let server = Server::start(Limits::default()).await;
    let channel = server.channel().await;
    let mut watch = open(&channel, "/probe/watch", &[], "").await;
    watch.frame().await;
    let mut stream = open(&channel, "/probe/stream", &[], "").await;
    stream.frame().await;
    server.ask_to_stop();
    let ended = soon(watch.finish()).await;
    assert_eq!(ended.status.code(), Code::Unavailable);
    assert!(ended.status.message().contains("ask another one"), "{ended:?}");
    let details = tonic_types::StatusExt::get_error_details(&ended.status);
    assert_eq!(details.error_info().unwrap().reason, "STOPPING");
    assert!(details.retry_info().is_some());
    assert!(TcpStream::connect(server.address).await.is_err(), "the listener is closed");
    server.probe.go_on();
    assert_eq!(soon(stream.finish()).await.status.code(), Code::Ok);
    soon(server.stop()).await.unwrap();
}

/// How often a limit was run into.
fn refusals(node: &Node, limit: &str) -> u64 {
    let metrics = node.metrics().encode();
    let series = format!("calotype_refusals_total{{limit=\"{limit}\"}} ");
    metrics.lines().find_map(|line| line.strip_prefix(&series)).unwrap().parse().unwrap()
}

#[tokio::test]
async fn the_limit_of_a_refusal_is_counted_once() {
    let limits = Limits { put_stall_time_max: SHORT, requests_per_connection_max: 1, ..Limits::default() };
    let server = Server::start(limits).await;
    let channel = server.channel().await;
    assert_eq!(call(&channel, "limit").await.status.code(), Code::ResourceExhausted);
    assert_eq!(refusals(&server.node, "keys_max"), 1);
    let (_sender, upload) = probe::upload();
    soon(probe::send(&channel, "read", upload)).await.finish().await;
    assert_eq!(refusals(&server.node, "put_stall_time_max"), 1);
    let mut first = open(&channel, "/probe/stream", &[], "").await;
    first.frame().await;
    call(&channel, "echo").await;
    assert_eq!(refusals(&server.node, "requests_per_connection_max"), 1);
    drop(first);
    server.stop().await.unwrap();
}

#[tokio::test]
async fn a_connection_that_is_asked_to_leave_is_counted() {
    let (idle_timeout, first_request_timeout, keepalive_timeout) = (SHORT, 4 * SHORT, SHORT);
    let limits = Limits { first_request_timeout, idle_timeout, keepalive_timeout, ..Limits::default() };
    let server = Server::start(limits).await;
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    // One request, to which nothing is served, on stream 1.
    let path = b"\x83\x86\x84\x41\x01x";
    let mut bytes =
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0\0\0\x06\x01\x05\0\0\0\x01".to_vec();
    bytes.extend_from_slice(path);
    stream.write_all(&bytes).await.unwrap();
    closed(stream).await;
    assert_eq!(refusals(&server.node, "idle_timeout"), 1);
    server.stop().await.unwrap();
}

#[tokio::test]
async fn a_client_that_answers_no_ping_is_counted() {
    let limits = Limits { keepalive_interval: SHORT, keepalive_timeout: SHORT, ..Limits::default() };
    let server = Server::start(limits).await;
    let mut stream = TcpStream::connect(server.address).await.unwrap();
    stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").await.unwrap();
    closed(stream).await;
    assert_eq!(refusals(&server.node, "keepalive_timeout"), 1);
    server.stop().await.unwrap();
}

#[tokio::test]
async fn a_server_that_stops_begins_no_more_operations() {
    let server = Server::start(Limits::default()).await;
    let node = server.node.clone();
    server.stop().await.unwrap();
    let level = calotype_storage::verify::Level::Chain;
    let principal = calotype_storage::name::Principal::local();
    let refused = node.operations().start_verify(&node, principal, level).unwrap_err();
    assert_eq!(refused.code(), Code::Unavailable);
}

#[tokio::test]
async fn a_request_that_outlasts_the_drain_is_cut() {
    let server = Server::start(Limits { drain_time_max: SHORT, ..Limits::default() }).await;
    let channel = server.channel().await;
    let mut stream = open(&channel, "/probe/stream", &[], "").await;
    stream.frame().await;
    let probe = server.probe.clone();
    soon(server.stop()).await.unwrap();
    soon(probe.dropped("stream")).await;
    assert_ne!(stream.finish().await.status.code(), Code::Ok);
}

#[tokio::test]
async fn the_same_services_answer_over_memory() {
    let probe = probe::Probe::default();
    let channel = own::channel(node(Limits::default()).await, probe.router());
    let answer = call_with(&channel, "echo", &[(REQUEST_ID_HEADER, "7")]).await;
    assert_eq!(answer.bytes, b"local 7");
    let large = soon(open(&channel, "/probe/large", &[], "").await.finish()).await;
    assert_eq!((large.bytes.len(), large.status.code()), (5 << 20, Code::Ok));
    drop(channel);

    let health = local(node(Limits::default()).await).await.unwrap();
    assert_eq!(check_health(&health, "").await, Ok(ServingStatusCode::Serving));
}

use tonic_health::pb::health_check_response::ServingStatus as ServingStatusCode;

async fn check_health(channel: &Channel, service: &str) -> Result<ServingStatusCode, Code> {
    let request = tonic_health::pb::HealthCheckRequest { service: service.into() };
    let mut client = tonic_health::pb::health_client::HealthClient::new(channel.clone());
    let answer = client.check(request).await.map_err(|status| status.code())?;
    Ok(answer.into_inner().status())
}

#[tokio::test]
async fn health_says_what_is_served_and_reflection_is_by_choice() {
    for reflection in [true, false] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let node = node(Limits::default()).await;
        let stopping = async move { stopped.await.unwrap_or_default() };
        let running =
            tokio::spawn(run(listener, None, node, Options { reflection, ..Options::default() }, stopping));
        let channel = probe::connect(address).await;
        assert_eq!(check_health(&channel, "").await, Ok(ServingStatusCode::Serving));
        assert_eq!(check_health(&channel, "none.Such").await, Err(Code::NotFound));
        // grpc.health.v1.HealthCheckRequest: service "x".
        let unknown = open(&channel, "/grpc.health.v1.Health/Check", &[], "\0\0\0\0\x03\x0a\x01x").await;
        let unknown = unknown.finish().await.status;
        assert_eq!(crate::status::reason(&unknown).as_deref(), Some("NOT_FOUND"), "{unknown}");
        let served = check_health(&channel, "grpc.reflection.v1.ServerReflection").await;
        assert_eq!(served.is_ok(), reflection);
        let garbage = open(&channel, "/grpc.health.v1.Health/Check", &[], "\0\0\0\0\x02\x0a\x7f").await;
        let garbage = garbage.finish().await.status;
        assert_eq!(garbage.code(), Code::InvalidArgument, "{garbage}");
        stop.send(()).unwrap();
        soon(running).await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn probes_tell_how_far_the_server_is() {
    let probes = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = probes.local_addr().unwrap();
    let server = Server::start_with(Limits::default(), Some(probes)).await;
    let get = async |path: &str| {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        soon(stream.read_to_string(&mut answer)).await.unwrap();
        answer
    };
    assert_eq!(call(&server.channel().await, "echo").await.status.code(), Code::Ok);
    assert!(get("/healthz").await.starts_with("HTTP/1.1 200"));
    assert!(get("/readyz").await.starts_with("HTTP/1.1 200"));
    assert!(get("/metrics").await.contains("# EOF"));
    assert!(get("/else").await.starts_with("HTTP/1.1 404"));
    let channel = server.channel().await;
    let mut stream = open(&channel, "/probe/stream", &[], "").await;
    let mut watch = open(&channel, "/probe/watch", &[], "").await;
    stream.frame().await;
    watch.frame().await;
    server.ask_to_stop();
    soon(watch.finish()).await;
    assert!(get("/readyz").await.starts_with("HTTP/1.1 503"), "one that stops is not ready");
    server.probe.go_on();
    soon(server.stop()).await.unwrap();
}

impl Answer {
    fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or("")
    }
}
