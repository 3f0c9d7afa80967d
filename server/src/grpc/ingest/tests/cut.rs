//! Streams that are cut short, on real connections, frame by frame.

use std::convert::Infallible;

use bytes::{BufMut, Bytes, BytesMut};
use calotype_storage::name::Principal;
use calotype_storage::record::Mode;
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tower::ServiceExt;

use super::{full, header, rows, service, values};
use crate::caller::Caller;
use crate::intake;
use crate::node::Node;
use crate::test_store::TestStore;

const CANCEL: u32 = 8;
const NO_ERROR: u32 = 0;

/// What became of a request.
#[derive(Debug, PartialEq, Eq)]
enum Seen {
    Begun,
    Answered(Option<String>),
    Dropped,
}

/// Says that a request was dropped, unless it was answered.
struct Watch(mpsc::UnboundedSender<Seen>);

impl Drop for Watch {
    fn drop(&mut self) {
        self.0.send(Seen::Dropped).ok();
    }
}

/// Serves one connection as the transport does.
async fn serve(node: Node, listener: TcpListener, seen: mpsc::UnboundedSender<Seen>) {
    let (stream, _) = listener.accept().await.unwrap();
    let answer = move |request: http::Request<Incoming>| {
        let (node, seen) = (node.clone(), seen.clone());
        async move {
            seen.send(Seen::Begun).unwrap();
            let watch = Watch(seen.clone());
            let mut request = intake::whole(request).map(tonic::body::Body::new);
            let caller = Caller { request_id: "r".into(), principal: Principal::local(), deadline: None };
            request.extensions_mut().insert(caller);
            let response = service(node).oneshot(request).await?;
            let status = response.headers().get("grpc-status").map(|code| code.to_str().unwrap().to_owned());
            seen.send(Seen::Answered(status)).unwrap();
            drop(watch);
            Ok::<_, Infallible>(response)
        }
    };
    let connection = hyper::server::conn::http2::Builder::new(TokioExecutor::new());
    connection.serve_connection(TokioIo::new(stream), hyper::service::service_fn(answer)).await.ok();
}

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Bytes {
    let mut bytes = BytesMut::new();
    bytes.put_uint(payload.len() as u64, 3);
    bytes.put_u8(kind);
    bytes.put_u8(flags);
    bytes.put_u32(stream);
    bytes.put_slice(payload);
    bytes.freeze()
}

/// The headers of the request: each a literal that is not kept.
fn headers() -> Bytes {
    let mut block = BytesMut::new();
    for (name, value) in [
        (":method", "POST"),
        (":scheme", "http"),
        (":path", "/calotype.v1.IngestService/PutStream"),
        (":authority", "test"),
        ("content-type", "application/grpc"),
        ("te", "trailers"),
    ] {
        block.put_u8(0);
        for text in [name, value] {
            block.put_u8(text.len().try_into().unwrap());
            block.put_slice(text.as_bytes());
        }
    }
    frame(1, 4, 1, &block)
}

/// Sends a whole put whose stream ends with the given frames, and closes the connection if told to.
async fn send(ending: &[Bytes], close: bool) -> (Vec<Seen>, u64) {
    let store = TestStore::new().await;
    store.create("loans", Mode::State).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    let (sender, mut receiver) = mpsc::unbounded_channel();
    let server = tokio::spawn(serve(store.node.clone(), listener, sender));
    client.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await.unwrap();
    client.write_all(&frame(4, 0, 0, &[])).await.unwrap();
    client.write_all(&headers()).await.unwrap();
    let mut seen = vec![receiver.recv().await.unwrap()];
    let messages = super::framed(&[header(full("loans")), values(rows(&[1, 2]))]);
    client.write_all(&frame(0, 0, 1, &messages)).await.unwrap();
    for frame in ending {
        client.write_all(frame).await.unwrap();
    }
    let client = (!close).then_some(client);
    seen.push(receiver.recv().await.unwrap());
    drop(client);
    server.await.unwrap();
    // What was begun comes to its end before the store is looked at: a commit waits for its turn.
    store.create("after", Mode::State).await;
    (seen, store.node.database().head().unwrap().sequence.get())
}

#[tokio::test]
async fn streams_that_end_commit_and_those_that_are_cut_do_not() {
    let end_stream = frame(0, 1, 1, &[]);
    let (seen, head) = send(&[end_stream], false).await;
    assert_eq!((seen, head), (vec![Seen::Begun, Seen::Answered(None)], 2));

    let reset = |code: u32| frame(3, 0, 1, &code.to_be_bytes());
    let go_away = frame(7, 0, 0, &[0; 8]);
    for (ending, close) in [
        (vec![reset(CANCEL)], false),
        (vec![reset(NO_ERROR)], false),
        (vec![reset(2)], false),
        (vec![], true),
        (vec![go_away], true),
    ] {
        let (seen, head) = send(&ending, close).await;
        let is_refused = match &seen[1] {
            Seen::Answered(status) => status.as_ref().is_some_and(|code| code == "10"),
            Seen::Dropped => true,
            Seen::Begun => false,
        };
        assert!(is_refused, "{ending:?}: {seen:?}");
        assert_eq!(head, 1, "{ending:?}: half a put was committed");
    }
}
