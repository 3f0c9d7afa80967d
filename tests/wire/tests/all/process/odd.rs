//! Requests that are too large, half, compressed or of no known kind: a clear refusal, nothing kept, the others served.

use std::time::Duration;

use bytes::Bytes;
use calotype_client::{CaptureMode, Client, NewContext, OpenEnd, PutOptions, Row};
use calotype_proto::v1;
use calotype_proto::v1::ingest_service_client::IngestServiceClient;
use calotype_proto::v1::log_service_client::LogServiceClient;
use calotype_proto::v1::put_stream_request::Part;
use calotype_wire::bare::{GRPC, ask};
use calotype_wire::process::frames::message;
use calotype_wire::process::{PATIENCE, Served};
use futures::future::join_all;
use http::Request;
use prost::Message as _;
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_stream::wrappers::ReceiverStream;
use tonic::body::Body;
use tonic::client::GrpcService as _;
use tonic::transport::Channel;
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use super::book::{BOOK, check, create, once, put};
use super::plan;

const MIB: usize = 1 << 20;

async fn channel(server: &Served) -> Channel {
    Channel::from_shared(format!("http://{}", server.address())).unwrap().connect().await.unwrap()
}

const PUT: &str = "/calotype.v1.IngestService/Put";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn requests_of_no_known_kind_are_refused() {
    let (_folder, plan) = plan();
    let server = plan.start().await.unwrap();
    let client = server.client(once()).await.unwrap();
    create(&client).await.unwrap();
    let (told, _) = put(&client, 0, 0).await.unwrap();
    let channel = channel(&server).await;
    let code = |(_, status): (u16, Option<Status>)| status.map(|status| status.code());

    let empty = || message(false, &[]);
    for path in ["/calotype.v1.IngestService/Nothing", "/nobody.v9.Service/Put", "/", "/a/b/c"] {
        assert_eq!(code(ask(&channel, path, &[GRPC], empty()).await), Some(Code::Unimplemented), "{path}");
    }
    let (code_of_http, status) = ask(&channel, PUT, &[("content-type", "text/plain")], empty()).await;
    assert!(code_of_http == 415 || status.is_some_and(|status| status.code() != Code::Ok), "{code_of_http}");
    let (code_of_http, status) = ask(&channel, PUT, &[], empty()).await;
    assert!(code_of_http == 415 || status.is_some_and(|status| status.code() != Code::Ok), "{code_of_http}");

    // Thousand times as large when it is decompressed: it is not.
    let bomb = [&[31, 139, 8, 0, 0, 0, 0, 0, 0, 255][..], &vec![0; 100_000]].concat();
    let before = server.usage().unwrap().resident_most;
    let bombed = ask(&channel, PUT, &[GRPC, ("grpc-encoding", "gzip")], message(true, &bomb)).await;
    assert_eq!(code(bombed), Some(Code::Unimplemented));
    let bombed = ask(&channel, PUT, &[GRPC], message(true, &bomb)).await;
    assert!(matches!(code(bombed), Some(Code::Unimplemented | Code::InvalidArgument | Code::Internal)));

    // Longer than is taken, or than it says.
    let long = message(false, &vec![10; 17 * MIB]);
    assert_eq!(code(ask(&channel, PUT, &[GRPC], long).await), Some(Code::ResourceExhausted));
    let mut claimed = message(false, &[10, 0]);
    claimed[1..5].copy_from_slice(&u32::MAX.to_be_bytes());
    assert_eq!(code(ask(&channel, PUT, &[GRPC], claimed).await), Some(Code::ResourceExhausted));
    let mut half = message(false, &[10, 0]);
    half[4] = 200;
    let half = code(ask(&channel, PUT, &[GRPC], half).await);
    assert!(matches!(half, Some(Code::InvalidArgument | Code::Aborted)), "{half:?}");
    let garbage = code(ask(&channel, PUT, &[GRPC], message(false, &[255; 64])).await);
    assert_eq!(garbage, Some(Code::InvalidArgument));
    let mut records = LogServiceClient::new(channel);
    let context = "c".repeat(5 * MIB);
    let refused =
        records.list_records(v1::ListRecordsRequest { context, ..Default::default() }).await.unwrap_err();
    assert_eq!(refused.code(), Code::ResourceExhausted);
    let grown = server.usage().unwrap().resident_most - before;
    assert!(grown < 96 << 20, "{grown} bytes more");
    check(&client, &[told]).await;
    assert_eq!(server.metric("calotype_panics_total").await.unwrap(), 0);
}

fn header(request_id: &str) -> v1::PutHeader {
    v1::PutHeader {
        context: BOOK.into(),
        kind: v1::PutKind::Facts.into(),
        valid_to: v1::OpenEnd::Open.into(),
        request_id: request_id.into(),
        ..v1::PutHeader::default()
    }
}

/// Rows that take about a mebibyte.
fn mebibyte() -> v1::RowBatch {
    use v1::value::Kind;
    let since = prost_types::Timestamp { seconds: 1, nanos: 0 };
    let text = "t".repeat(MIB / 16);
    let row = |part| {
        let kinds = [
            Kind::IntValue(9),
            Kind::IntValue(0),
            Kind::IntValue(part),
            Kind::TimestampValue(since),
            Kind::StringValue(text.clone()),
        ];
        v1::Row { values: kinds.map(|kind| v1::Value { kind: Some(kind) }).to_vec() }
    };
    let columns = ["writer", "number", "part", "_valid_from", "text"].map(str::to_owned).to_vec();
    v1::RowBatch { columns, rows: (0..16).map(row).collect() }
}

/// A put that has begun: its parts go through the sender, its answer comes from the task.
struct Begun {
    parts: mpsc::Sender<v1::PutStreamRequest>,
    answer: tokio::task::JoinHandle<Result<v1::PutStreamResponse, Status>>,
}

impl Begun {
    async fn new(channel: Channel, request_id: &str) -> Self {
        let (parts, receiver) = mpsc::channel(1);
        let answer = tokio::spawn(async move {
            let answer = IngestServiceClient::new(channel).put_stream(ReceiverStream::new(receiver)).await;
            answer.map(tonic::Response::into_inner)
        });
        let begun = Self { parts, answer };
        begun.send(Part::Put(header(request_id))).await;
        begun
    }

    /// Sends a part; one that was refused already takes no more.
    async fn send(&self, part: Part) {
        drop(timeout(PATIENCE, self.parts.send(v1::PutStreamRequest { part: Some(part) })).await.unwrap());
    }

    async fn refusal(self) -> Status {
        timeout(PATIENCE, self.answer).await.unwrap().unwrap().unwrap_err()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_put_that_stalls_ends_and_leaves_nothing() {
    let (_folder, plan) = plan();
    let server = plan.with("limits.put_stall_time_max=300ms").start().await.unwrap();
    let client = server.client(once()).await.unwrap();
    create(&client).await.unwrap();
    let (told, _) = put(&client, 0, 0).await.unwrap();
    let channel = channel(&server).await;
    let silent = Begun::new(channel.clone(), "silent").await;
    let half = Begun::new(channel, "half").await;
    half.send(Part::Rows(mebibyte())).await;
    for begun in [silent, half] {
        let refusal = begun.refusal().await;
        assert_eq!(refusal.code(), Code::ResourceExhausted, "{refusal:?}");
        assert!(refusal.message().contains("put_stall_time_max"), "{refusal:?}");
    }
    let limit = "calotype_refusals_total{limit=\"put_stall_time_max\"}";
    assert!(server.metric(limit).await.unwrap() >= 2);
    check(&client, &[told]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_put_whose_client_goes_on_for_ever_ends_and_leaves_nothing() {
    let (_folder, plan) = plan();
    let server = plan.with("limits.put_time_max=300ms").start().await.unwrap();
    let client = server.client(once()).await.unwrap();
    create(&client).await.unwrap();
    let (told, _) = put(&client, 0, 0).await.unwrap();
    let begun = Begun::new(channel(&server).await, "endless").await;
    let rows = v1::RowBatch { rows: mebibyte().rows[..1].to_vec(), ..mebibyte() };
    let more = || v1::PutStreamRequest { part: Some(Part::Rows(rows.clone())) };
    // Until it is refused, and takes no more.
    while timeout(PATIENCE, begun.parts.send(more())).await.unwrap().is_ok() {}
    let refusal = begun.refusal().await;
    assert_eq!(refusal.code(), Code::ResourceExhausted, "{refusal:?}");
    assert!(refusal.message().contains("put_time_max"), "{refusal:?}");
    assert!(server.metric("calotype_refusals_total{limit=\"put_time_max\"}").await.unwrap() >= 1);
    check(&client, &[told]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn half_sent_puts_hold_no_more_than_they_may() {
    const BEGUN: usize = 24;
    let (_folder, plan) = plan();
    let plan = plan
        .with("limits.put_bytes_max=8MiB")
        .with("limits.ingest_bytes_max=8MiB")
        .with("limits.put_stall_time_max=20s");
    let server = plan.start().await.unwrap();
    let client = server.client(once()).await.unwrap();
    create(&client).await.unwrap();
    let (told, _) = put(&client, 0, 0).await.unwrap();
    let mut begun = Vec::new();
    for number in 0..BEGUN {
        let put = Begun::new(channel(&server).await, &format!("half {number}")).await;
        put.send(Part::Rows(mebibyte())).await;
        begun.push(put);
    }
    // What is held stays held; the rest is refused at once, and told when to come again.
    let limit = "calotype_refusals_total{limit=\"ingest_bytes_max\"}";
    server.metric_becomes(limit, |refused| refused >= BEGUN as u64 - 8).await.unwrap();
    let mut refused = 0;
    let mut held = Vec::new();
    for put in begun {
        if put.answer.is_finished() || held.len() >= 8 {
            let refusal = put.refusal().await;
            assert_eq!(refusal.code(), Code::ResourceExhausted, "{refusal:?}");
            assert!(refusal.get_details_retry_info().is_some(), "{refusal:?}");
            refused += 1;
        } else {
            held.push(put);
        }
    }
    assert!(refused >= BEGUN - 8 && !held.is_empty(), "{refused} refused, {} held", held.len());
    for put in held {
        put.answer.abort();
    }
    server.metric_becomes("calotype_requests_in_flight{door=\"grpc\"}", |open| open == 0).await.unwrap();
    // All of it was given back.
    let large = Begun::new(channel(&server).await, "large").await;
    large.send(Part::Rows(mebibyte())).await;
    let Begun { parts, answer } = large;
    drop(parts);
    let receipt = timeout(PATIENCE, answer).await.unwrap().unwrap();
    // The column is new: the refusal of the store itself, not of a limit.
    let refusal = receipt.unwrap_err();
    assert_ne!(refusal.code(), Code::ResourceExhausted, "{refusal:?}");
    check(&client, &[told]).await;
}

/// As above, but of each put there is only half a message, which no handler has seen.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn halves_of_messages_hold_no_more_than_they_may() {
    const BEGUN: usize = 24;
    let (_folder, plan) = plan();
    let server =
        plan.with("limits.put_bytes_max=8MiB").with("limits.ingest_bytes_max=8MiB").start().await.unwrap();
    let client = server.client(once()).await.unwrap();
    create(&client).await.unwrap();
    let (told, _) = put(&client, 0, 0).await.unwrap();
    let mut half = message(false, &vec![0; 2 * MIB]);
    half.truncate(MIB - 1000);
    let half = Bytes::from(half);
    let mut asked = Vec::new();
    for _ in 0..BEGUN {
        let (parts, receiver) = mpsc::channel(1);
        parts.send(Ok::<_, Status>(http_body::Frame::data(half.clone()))).await.unwrap();
        let body = Body::new(http_body_util::StreamBody::new(ReceiverStream::new(receiver)));
        let request = Request::post(PUT).header(GRPC.0, GRPC.1).body(body).unwrap();
        let mut channel = channel(&server).await;
        std::future::poll_fn(|context| channel.poll_ready(context)).await.unwrap();
        let answer = channel.call(request);
        asked.push((parts, tokio::spawn(async move { answer.await.unwrap() }), channel));
    }
    let limit = "calotype_refusals_total{limit=\"ingest_bytes_max\"}";
    server.metric_becomes(limit, |refused| refused >= BEGUN as u64 - 8).await.unwrap();
    // The good client's put needs little, and finds it.
    let (other, _) = put(&client, 0, 1).await.unwrap();
    for (parts, answer, channel) in asked {
        if answer.is_finished() {
            let status = Status::from_header_map(answer.await.unwrap().headers()).unwrap();
            assert_eq!(status.code(), Code::ResourceExhausted, "{status:?}");
            assert!(status.get_details_retry_info().is_some(), "{status:?}");
        } else {
            answer.abort();
        }
        drop((parts, channel));
    }
    server.metric_becomes("calotype_connections", |open| open == 1).await.unwrap();
    check(&client, &[told, other]).await;
}

/// Nulls take two bytes on the wire and forty in memory.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn values_that_grow_when_they_are_read_are_counted() {
    let (_folder, plan) = plan();
    let server =
        plan.with("limits.put_bytes_max=64MiB").with("limits.ingest_bytes_max=64MiB").start().await.unwrap();
    let client = server.client(once()).await.unwrap();
    create(&client).await.unwrap();
    let (told, _) = put(&client, 0, 0).await.unwrap();
    let before = server.usage().unwrap().resident_most;
    // One row of eight million nulls; as many rows of none; as many columns without a name.
    let nulls = v1::Row { values: vec![v1::Value::default(); 15 * MIB / 2] };
    let nulls = v1::RowBatch { columns: vec!["writer".into()], rows: vec![nulls] };
    let empty = v1::RowBatch { columns: vec!["writer".into()], rows: vec![v1::Row::default(); 15 * MIB / 2] };
    let nameless = v1::RowBatch { columns: vec![String::new(); 15 * MIB / 2], rows: Vec::new() };
    let positions = v1::PutHeader { positions: vec![v1::Position::default(); 15 * MIB / 2], ..header("p") };
    let of =
        |rows| v1::PutRequest { put: Some(header("bomb")), data: Some(v1::put_request::Data::Rows(rows)) };
    let mut bombs: Vec<Bytes> =
        [nulls, empty, nameless].map(|rows| message(false, &of(rows).encode_to_vec()).into()).to_vec();
    let rows = Some(v1::put_request::Data::Rows(v1::RowBatch::default()));
    let heavy = v1::PutRequest { put: Some(positions), data: rows };
    bombs.push(message(false, &heavy.encode_to_vec()).into());
    for bomb in bombs {
        let channels = join_all((0..2).map(|_| channel(&server))).await;
        let asked = channels.iter().map(|channel| ask(channel, PUT, &[GRPC], bomb.to_vec()));
        for (_, status) in join_all(asked).await {
            let status = status.unwrap();
            let refused = [Code::ResourceExhausted, Code::InvalidArgument].contains(&status.code());
            assert!(refused, "{status:?}");
        }
    }
    let grown = server.usage().unwrap().resident_most - before;
    eprintln!("{} MiB more at most", grown >> 20);
    assert!(grown < 192 << 20, "{grown} bytes more");
    check(&client, &[told]).await;
}

/// Keys and columns take two bytes on the wire and up to ninety in memory, as long as a question waits for a commit.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn questions_that_grow_when_they_are_read_are_counted() {
    let (_folder, plan) = plan();
    let server = plan.start().await.unwrap();
    let client = server.client(once()).await.unwrap();
    create(&client).await.unwrap();
    let (told, _) = put(&client, 0, 0).await.unwrap();
    let before = server.usage().unwrap().resident_most;
    let keys = v1::AsOfRequest {
        context: "writer".into(),
        keys: vec![v1::Key::default(); 3 * MIB / 2],
        at_least: Some(1_000_000_000),
        ..Default::default()
    };
    let columns = v1::CreateContextRequest {
        name: "wide".into(),
        columns: vec![v1::Column::default(); 3 * MIB / 2],
        ..Default::default()
    };
    for (path, bomb) in [
        ("/calotype.v1.QueryService/AsOf", keys.encode_to_vec()),
        ("/calotype.v1.ContextService/CreateContext", columns.encode_to_vec()),
    ] {
        let channels = join_all((0..24).map(|_| channel(&server))).await;
        let bomb = message(false, &bomb);
        let asked = channels.iter().map(|channel| ask(channel, path, &[GRPC], bomb.clone()));
        let mut refused = 0;
        for (_, status) in join_all(asked).await {
            let code = status.unwrap().code();
            assert!(
                [Code::ResourceExhausted, Code::Unavailable, Code::InvalidArgument].contains(&code),
                "{code:?}"
            );
            refused += usize::from(code == Code::ResourceExhausted);
        }
        assert!(refused > 0, "{path}: nobody was refused");
    }
    let grown = server.usage().unwrap().resident_most - before;
    eprintln!("{} MiB more at most", grown >> 20);
    assert!(grown < 384 << 20, "{grown} bytes more");
    check(&client, &[told]).await;
}

/// A column that a put leaves out takes as much memory as one that it brings.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn columns_that_are_left_out_are_counted() {
    let (_folder, plan) = plan();
    let server = plan.with("limits.put_bytes_max=64MiB").start().await.unwrap();
    let client = server.client(once()).await.unwrap();
    let wide = wide(&client).await;
    let before = server.usage().unwrap().resident_most;
    let schema = wide.schema();
    let options = PutOptions { valid_to: OpenEnd::Open, evolve: true, ..PutOptions::facts("wide") };
    let refusal = client.put_arrow(&options, schema, &[wide]).await.unwrap_err();
    assert_eq!(refusal.code(), Code::ResourceExhausted, "{refusal:?}");
    let grown = server.usage().unwrap().resident_most - before;
    eprintln!("{} MiB more at most", grown >> 20);
    assert!(grown < 64 << 20, "{grown} bytes more");
    client.head().await.unwrap();
}

/// A context of a thousand columns, and many rows of its key alone.
async fn wide(client: &Client) -> arrow_array::RecordBatch {
    use arrow_array::{ArrayRef, Int8Array, TimestampMicrosecondArray};
    let key = vec!["id".to_owned()];
    let new = NewContext { name: "wide".into(), key, mode: CaptureMode::Events, ..NewContext::default() };
    client.create_context(&new).await.unwrap();
    let mut columns: Vec<String> = (0..1000).map(|number| format!("column_{number}")).collect();
    let mut row: Vec<calotype_client::Value> = vec![1_i64.into(); 1000];
    columns.extend(["id".to_owned(), "_valid_from".to_owned()]);
    row.extend([1_i64.into(), calotype_client::Instant::from_micros(1).into()]);
    let options = PutOptions { valid_to: OpenEnd::Open, ..PutOptions::facts("wide") };
    client.put_rows(&options, &columns, &[Row(row)]).await.unwrap();
    let ids: ArrayRef = std::sync::Arc::new(Int8Array::from(vec![1; 200_000]));
    let since = TimestampMicrosecondArray::from(vec![1; 200_000]).with_timezone("UTC");
    let since: ArrayRef = std::sync::Arc::new(since);
    arrow_array::RecordBatch::try_from_iter([("id", ids), ("_valid_from", since)]).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn far_more_requests_than_are_taken_are_refused_and_the_rest_is_right() {
    const CONNECTIONS: usize = 24;
    const EACH: i64 = 40;
    let (_folder, plan) = plan();
    let plan = plan
        .with("limits.queries_per_principal_max=2")
        .with("limits.queries_queued_max=4")
        .with("limits.puts_max=3")
        .with("limits.requests_per_connection_max=16");
    let server = plan.start().await.unwrap();
    let client = server.client(once()).await.unwrap();
    create(&client).await.unwrap();
    let (told, _) = put(&client, 0, 0).await.unwrap();
    let before = server.usage().unwrap().resident;
    let clients = join_all((0..CONNECTIONS).map(|_| server.client(once()))).await;
    let asked = clients.iter().zip(1_i64..).flat_map(|(client, number)| {
        let client = client.as_ref().unwrap().clone();
        (0..EACH).map(move |each| one_of_many(client.clone(), number, each))
    });
    let tasks: Vec<_> = asked.map(tokio::spawn).collect();
    let (mut taken, mut refused, mut receipts) = (0, 0, vec![told]);
    for outcome in join_all(tasks).await {
        match outcome.unwrap() {
            Ok(receipt) => {
                taken += 1;
                receipts.extend(receipt);
            }
            Err(error) => {
                assert_eq!(error.code(), Code::ResourceExhausted, "{error:?}");
                assert!(
                    error.retry_after().is_some_and(|after| after <= Duration::from_secs(5)),
                    "{error:?}"
                );
                refused += 1;
            }
        }
    }
    let grown = server.usage().unwrap().resident.saturating_sub(before);
    eprintln!("{taken} taken, {refused} refused, {} KiB more", grown >> 10);
    assert!(taken > 0 && refused > 0, "{taken} taken, {refused} refused");
    assert!(grown < 128 << 20, "{grown} bytes more");
    let refusals = [
        "queries_queued_max",
        "queries_waiting_max",
        "query_wait_max",
        "puts_max",
        "requests_per_connection_max",
    ];
    let mut counted = 0;
    for limit in refusals {
        counted += server.metric(&format!("calotype_refusals_total{{limit=\"{limit}\"}}")).await.unwrap();
    }
    assert_eq!(counted, refused, "each refusal is counted under its limit");
    super::book::holds(&client, &receipts).await;
}

/// A put or a question; a receipt where it was a put.
async fn one_of_many(
    client: Client,
    connection: i64,
    number: i64,
) -> Result<Option<super::book::Told>, calotype_client::ClientError> {
    if number % 4 == 0 {
        // Message writers alone, whose numbers are multiples of three.
        let told = super::book::put_rows(&client, 3 * connection, number).await?;
        return Ok(Some(told.0));
    }
    let rows = super::book::rows(&client, None).await?;
    assert_eq!(rows[&(0, 0)], 3, "an answer that was given is right");
    Ok(None)
}
