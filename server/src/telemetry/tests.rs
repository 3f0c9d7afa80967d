//! The log and the traces.

use std::convert::Infallible;
use std::io::Write;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, Response};
use http_body::Frame;
use http_body_util::{BodyExt as _, StreamBody};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use opentelemetry::trace::TraceContextExt as _;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tracing::{debug, info, info_span};

use super::*;
use crate::settings::Settings;

const TRACE_PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

/// What was logged.
#[derive(Clone, Default)]
struct Written(Arc<Mutex<Vec<u8>>>);

impl Written {
    fn lines(&self) -> Vec<String> {
        let text = String::from_utf8(self.0.lock().unwrap().clone()).unwrap();
        assert!(text.is_empty() || text.ends_with('\n'), "{text}");
        text.lines().map(str::to_owned).collect()
    }
}

impl Write for Written {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Settings with these flags.
fn settings(flags: &[(&str, &str)]) -> Settings {
    let flags: Vec<_> = flags.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Settings::load(None, [], &flags).unwrap()
}

/// The lines that are logged with these settings.
fn logged(flags: &[(&str, &str)], is_terminal: bool, act: impl FnOnce()) -> Vec<String> {
    let settings = settings(flags);
    let written = Written::default();
    let writer = written.clone();
    let lines = Lines::new(move || writer.clone());
    let (subscriber, _) = subscriber(&settings.log, &settings.otlp, lines, is_terminal).unwrap();
    tracing::subscriber::with_default(subscriber, act);
    written.lines()
}

#[test]
fn a_line_of_json_names_the_request_it_belongs_to() {
    let lines = logged(&[], false, || {
        let span = info_span!("request", method = "AsOf", request_id = "r-1");
        span.in_scope(|| info!(commit = 17, "committed"));
    });
    let [line] = &lines[..] else { panic!("{lines:?}") };
    let line: serde_json::Value = serde_json::from_str(line).unwrap();
    assert_eq!(
        (&line["level"], &line["message"], &line["commit"]),
        (&"INFO".into(), &"committed".into(), &17.into())
    );
    assert_eq!((&line["span"]["request_id"], &line["span"]["method"]), (&"r-1".into(), &"AsOf".into()));
    assert_eq!(line["target"], "calotype_server::telemetry::tests");
    assert!(line["timestamp"].as_str().unwrap().ends_with('Z'));
}

#[test]
fn a_terminal_gets_text_and_the_setting_decides_over_it() {
    let act = || info!(commit = 17, "committed");
    let is_json = |lines: &[String]| serde_json::from_str::<serde_json::Value>(&lines[0]).is_ok();
    assert!(!is_json(&logged(&[], true, act)));
    assert!(is_json(&logged(&[], false, act)));
    assert!(is_json(&logged(&[("log.format", "json")], true, act)));
    let text = logged(&[("log.format", "text")], false, act);
    assert!(text[0].contains("INFO") && text[0].ends_with("committed commit=17"), "{text:?}");
}

#[test]
fn an_event_is_one_line_whatever_it_holds() {
    let nasty = "a\u{1b}[31m\r\n\"level\":\u{9b}2J\u{202e}z\u{2028}";
    let act = || {
        let span = info_span!("request", request_id = nasty);
        span.in_scope(|| info!(shown = %nasty, debugged = ?nasty, "{nasty}"));
    };
    for format in ["text", "json"] {
        let lines = logged(&[("log.format", format)], true, act);
        assert_eq!(lines.len(), 1, "{lines:?}");
        assert!(!lines[0].contains(crate::printable::is_escaped), "{lines:?}");
    }
    let lines = logged(&[("log.format", "json")], true, act);
    let line: serde_json::Value = serde_json::from_str(&lines[0]).unwrap();
    assert_eq!(
        (&line["message"], &line["shown"]),
        (&nasty.into(), &nasty.into()),
        "JSON can tell what it was"
    );
}

#[test]
fn the_filter_decides_and_the_noise_of_others_is_left_out_unless_named() {
    let act = || {
        debug!("ours");
        info!(target: "h2::codec", "a frame");
        tracing::warn!(target: "hyper", "bad");
    };
    let shown = |filter| {
        let lines = logged(&[("log.filter", filter), ("log.format", "text")], true, act);
        lines.iter().map(|line| line.split(": ").last().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(shown("info"), ["bad"]);
    assert_eq!(shown("debug"), ["ours", "bad"]);
    assert_eq!(shown("info,h2=debug"), ["a frame", "bad"]);
    assert_eq!(shown("off,calotype_server=debug"), ["ours", "bad"]);
    assert_eq!(shown("error,hyper=error"), [""; 0]);
}

#[test]
fn a_trace_parent_is_taken_where_it_is_whole() {
    let headers = |value: &'static str| {
        let mut headers = HeaderMap::new();
        headers.insert("traceparent", HeaderValue::from_static(value));
        headers
    };
    let context = trace_parent(&headers(TRACE_PARENT)).unwrap();
    assert_eq!(context.span().span_context().trace_id().to_string(), "0af7651916cd43dd8448eb211c80319c");
    assert!(context.span().span_context().is_sampled());
    assert!(trace_parent(&HeaderMap::new()).is_none());
    for malformed in [
        "",
        "00-0af7651916cd43dd8448eb211c80319c",
        "00-00000000000000000000000000000000-b7ad6b7169203331-01",
        "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
        "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        "00-zzz7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
    ] {
        assert!(trace_parent(&headers(malformed)).is_none(), "{malformed}");
    }
}

/// A collector that takes one connection and hands on the path and the body of each request.
async fn collector() -> (String, mpsc::Receiver<(String, Bytes)>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let (sender, receiver) = mpsc::channel(16);
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let service = service_fn(move |request: Request<Incoming>| {
            let sender = sender.clone();
            async move {
                let path = request.uri().path().to_owned();
                let body = request.into_body().collect().await.unwrap().to_bytes();
                sender.send((path, body)).await.unwrap();
                let mut trailers = HeaderMap::new();
                trailers.insert("grpc-status", HeaderValue::from_static("0"));
                // An empty message.
                let frames = [Frame::data(Bytes::from_static(&[0; 5])), Frame::trailers(trailers)];
                let body = StreamBody::new(futures::stream::iter(frames.map(Ok::<_, Infallible>)));
                let response = Response::builder().header("content-type", "application/grpc");
                Ok::<_, Infallible>(response.body(body).unwrap())
            }
        });
        let builder = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
        builder.serve_connection(TokioIo::new(stream), service).await.ok();
    });
    (endpoint, receiver)
}

fn contains(body: &[u8], part: &[u8]) -> bool {
    body.windows(part.len()).any(|window| window == part)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_end_sends_what_was_traced_as_part_of_the_clients_trace() {
    let (endpoint, mut received) = collector().await;
    // The client sampled its trace, so that the ratio does not matter.
    let settings =
        settings(&[("otlp.endpoint", &endpoint), ("otlp.sample_ratio", "0"), ("log.filter", "off")]);
    let lines = Lines::new(std::io::sink);
    let (subscriber, traces) = subscriber(&settings.log, &settings.otlp, lines, false).unwrap();
    tracing::subscriber::with_default(subscriber, || {
        let span = info_span!("request", request_id = "r-77");
        let mut headers = HeaderMap::new();
        headers.insert("traceparent", HeaderValue::from_static(TRACE_PARENT));
        continue_trace(&span, &headers);
        span.in_scope(|| info_span!(target: "h2", "frame").in_scope(|| ()));
        drop(info_span!("not sampled"));
    });
    Telemetry { traces }.end().await;

    let (path, body) = received.try_recv().unwrap();
    assert_eq!(path, "/opentelemetry.proto.collector.trace.v1.TraceService/Export");
    let trace = 0x0af7_6519_16cd_43dd_8448_eb21_1c80_319c_u128.to_be_bytes();
    let parent = 0xb7ad_6b71_6920_3331_u64.to_be_bytes();
    for part in [&trace[..], &parent, b"request", b"r-77", b"calotype"] {
        assert!(contains(&body, part), "{part:?}");
    }
    assert!(!contains(&body, b"frame") && !contains(&body, b"not sampled"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_collector_that_is_not_there_harms_nothing() {
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let endpoint = format!("http://{closed}");
    let settings =
        settings(&[("otlp.endpoint", &endpoint), ("otlp.sample_ratio", "1"), ("otlp.timeout", "200ms")]);
    let lines = Lines::new(std::io::sink);
    let (subscriber, traces) = subscriber(&settings.log, &settings.otlp, lines, false).unwrap();
    tracing::subscriber::with_default(subscriber, || drop(info_span!("request").entered()));
    Telemetry { traces }.end().await;
}

#[test]
fn without_an_endpoint_nothing_is_sent_and_no_runtime_is_needed() {
    let settings = Settings::default();
    assert!(Traces::start(&settings.otlp).unwrap().is_none());
    let span = info_span!("request");
    let mut headers = HeaderMap::new();
    headers.insert("traceparent", HeaderValue::from_static(TRACE_PARENT));
    continue_trace(&span, &headers);
}
