//! T31: calls of every kind are cancelled at random points. Whatever they held is given back at once, and others are
//! served.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use arrow_array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use arrow_flight::encode::FlightDataEncoderBuilder;
use arrow_flight::{FlightClient, FlightDescriptor, Ticket};
use calotype_client::{CaptureMode, Client, NewContext, PutOptions, ValidTime};
use calotype_oracle::Seed;
use calotype_proto::v1;
use calotype_proto::v1::context_service_client::ContextServiceClient;
use calotype_proto::v1::ingest_service_client::IngestServiceClient;
use calotype_proto::v1::log_service_client::LogServiceClient;
use calotype_proto::v1::operation_service_client::OperationServiceClient;
use calotype_proto::v1::query_service_client::QueryServiceClient;
use calotype_server::limits::Limits;
use calotype_wire::serving::{Server, limits};
use futures::{Future, StreamExt, stream};
use serde_json::json;
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep, timeout};
use tonic::Request;
use tonic::transport::Channel;

use crate::places::Place;

const ROWS: i64 = 20_000;
/// Calls that are cancelled together.
const TOGETHER: u32 = 16;
const ROUNDS: u64 = 40;
/// How soon all must be given back.
const SOON: Duration = Duration::from_millis(100);
/// How long this test waits before it calls it a leak.
const PATIENCE: Duration = Duration::from_secs(10);

type Call = Pin<Box<dyn Future<Output = ()> + Send>>;

fn rows(count: i64) -> RecordBatch {
    let ids: ArrayRef = Arc::new(Int64Array::from_iter_values(0..count));
    let names: ArrayRef =
        Arc::new(StringArray::from_iter_values((0..count).map(|id| format!("a rather long name, {id}"))));
    RecordBatch::try_from_iter([("id", ids), ("name", names)]).unwrap()
}

fn at(micros: i32) -> prost_types::Timestamp {
    prost_types::Timestamp { seconds: 0, nanos: micros * 1000 }
}

/// Reads some messages of a stream, then no more, as a client does that has lost interest.
async fn read<T>(answer: Result<tonic::Response<tonic::Streaming<T>>, tonic::Status>, messages: u32) {
    let Ok(answer) = answer else { return };
    let mut stream = answer.into_inner();
    for _ in 0..messages {
        if !matches!(stream.message().await, Ok(Some(_))) {
            return;
        }
    }
    std::future::pending::<()>().await;
}

fn as_of(format: v1::RowFormat) -> v1::AsOfRequest {
    v1::AsOfRequest { context: "big".into(), format: format.into(), ..Default::default() }
}

/// Questions.
fn question(channel: Channel, kind: u32, messages: u32) -> Call {
    let mut query = QueryServiceClient::new(channel.clone());
    match kind {
        0 => Box::pin(async move { read(query.as_of(as_of(v1::RowFormat::Arrow)).await, messages).await }),
        1 => Box::pin(async move { read(query.as_of(as_of(v1::RowFormat::Values)).await, messages).await }),
        2 => Box::pin(async move {
            let form = v1::HistoryForm::Rectangles.into();
            let request = v1::HistoryRequest { context: "big".into(), form, ..Default::default() };
            read(query.history(request).await, messages).await;
        }),
        3 => Box::pin(async move {
            let from = Some(v1::Point { valid_at: Some(at(1)), known_at: None });
            let request = v1::DiffRequest { context: "big".into(), from, ..Default::default() };
            read(query.diff(request).await, messages).await;
        }),
        4 => Box::pin(async move {
            let value = v1::Value { kind: Some(v1::value::Kind::IntValue(7)) };
            let key = Some(v1::Key { columns: [("id".to_owned(), value)].into() });
            let request = v1::GetEntityRequest { context: "big".into(), key, ..Default::default() };
            query.get_entity(request).await.ok();
        }),
        // A commit that is not there: the call waits.
        5 => Box::pin(async move {
            let request = v1::AsOfRequest { at_least: Some(1 << 40), ..as_of(v1::RowFormat::Arrow) };
            read(query.as_of(request).await, messages).await;
        }),
        // Sorted, so that all of it is read before the first row comes.
        6 => Box::pin(async move {
            let text = "SELECT * FROM big ORDER BY name DESC".to_owned();
            read(query.sql(v1::SqlRequest { text, ..Default::default() }).await, messages).await;
        }),
        7 => Box::pin(async move {
            let text = "SELECT * FROM big".to_owned();
            query.explain_sql(v1::ExplainSqlRequest { text, ..Default::default() }).await.ok();
        }),
        _ => Box::pin(async move {
            let mut flight = FlightClient::new(channel);
            let ticket = Ticket::new(json!({"as_of": {"context": "big"}}).to_string());
            let Ok(mut answer) = flight.do_get(ticket).await else { return };
            for _ in 0..messages {
                if !matches!(answer.next().await, Some(Ok(_))) {
                    return;
                }
            }
            std::future::pending::<()>().await;
        }),
    }
}

/// Puts that never come to their end, and calls of other services.
fn other(channel: Channel, kind: u32, messages: u32) -> Call {
    match kind {
        0 => Box::pin(async move {
            let header = v1::PutHeader {
                context: "small".into(),
                kind: v1::PutKind::Delta.into(),
                cutoff: Some(at(10)),
                ..Default::default()
            };
            let mut parts = vec![v1::put_stream_request::Part::Put(header)];
            for id in 0..messages {
                let value = |kind| v1::Value { kind: Some(kind) };
                let row = vec![
                    value(v1::value::Kind::IntValue(id.into())),
                    value(v1::value::Kind::StringValue("never".repeat(1000))),
                ];
                let columns = vec!["id".to_owned(), "name".to_owned()];
                let rows = v1::RowBatch { columns, rows: vec![v1::Row { values: row }] };
                parts.push(v1::put_stream_request::Part::Rows(rows));
            }
            let parts = parts.into_iter().map(|part| v1::PutStreamRequest { part: Some(part) });
            let endless = stream::iter(parts.collect::<Vec<_>>()).chain(stream::pending());
            IngestServiceClient::new(channel).put_stream(endless).await.ok();
        }),
        1 => Box::pin(async move {
            let descriptor = json!({"context": "small", "kind": "delta", "cutoff": "1970-01-01T00:00:10Z"});
            let batches = (0..=messages).map(|_| Ok(rows(100)));
            let endless = stream::iter(batches.collect::<Vec<_>>()).chain(stream::pending());
            let data = FlightDataEncoderBuilder::new()
                .with_flight_descriptor(Some(FlightDescriptor::new_cmd(descriptor.to_string())))
                .with_schema(rows(0).schema())
                .build(endless);
            if let Ok(mut results) = FlightClient::new(channel).do_put(data).await {
                results.next().await;
            }
        }),
        2 => Box::pin(async move {
            let request = v1::WatchContextRequest { context: "small".into(), since: None };
            read(LogServiceClient::new(channel).watch_context(request).await, messages).await;
        }),
        3 => Box::pin(async move {
            LogServiceClient::new(channel).list_records(v1::ListRecordsRequest::default()).await.ok();
        }),
        4 => Box::pin(async move {
            // Answers have begun before the deeds end: dropping them alone leaves the other half open, which is no cancel.
            let (_open, gone) = oneshot::channel::<()>();
            let deeds = stream::pending::<v1::PutManyRequest>().take_until(gone);
            read(IngestServiceClient::new(channel).put_many(deeds).await, messages).await;
        }),
        5 => Box::pin(async move {
            let mut flight = FlightClient::new(channel);
            let ticket = json!({"as_of": {"context": "big"}}).to_string();
            flight.get_flight_info(FlightDescriptor::new_cmd(ticket)).await.ok();
        }),
        6 => Box::pin(async move {
            OperationServiceClient::new(channel)
                .list_operations(v1::ListOperationsRequest::default())
                .await
                .ok();
        }),
        _ => Box::pin(async move {
            ContextServiceClient::new(channel).list_contexts(v1::ListContextsRequest::default()).await.ok();
        }),
    }
}

/// A put that a deadline ends, which the server watches too.
async fn deadline(channel: Channel, millis: u64) {
    let mut request = Request::new(stream::pending::<v1::PutStreamRequest>());
    request.set_timeout(Duration::from_millis(millis));
    IngestServiceClient::new(channel).put_stream(request).await.unwrap_err();
}

async fn server() -> (Server, Client) {
    let limits = Limits { at_least_time_max: Duration::from_mins(1), puts_max: 200, ..limits() };
    let server = Server::start(Place::memory().open().await, limits);
    let client = server.client().await;
    for name in ["big", "small"] {
        let key = vec!["id".into()];
        let new = NewContext { name: name.into(), key, mode: CaptureMode::State, ..NewContext::default() };
        client.create_context(&new).await.unwrap();
    }
    let rows = rows(ROWS);
    let big = PutOptions::full("big", ValidTime::from_micros(10));
    client.put_arrow(&big, rows.schema(), &[rows]).await.unwrap();
    (server, client)
}

/// What is held for calls: all of it belongs to somebody.
const HELD: [&str; 6] = [
    "calotype_requests_in_flight{",
    "calotype_queries ",
    "calotype_statements ",
    "calotype_watches ",
    "calotype_puts_open ",
    "calotype_puts_held_bytes ",
];

fn held(server: &Server) -> Vec<i64> {
    HELD.iter().map(|name| server.metric(name)).collect()
}

/// How long it takes until nothing is held any more.
async fn until_free(server: &Server, story: &str) -> Duration {
    let begun = Instant::now();
    loop {
        let held = held(server);
        if held.iter().all(|held| *held == 0) {
            return begun.elapsed();
        }
        assert!(begun.elapsed() < PATIENCE, "{story}: still held: {HELD:?} {held:?}");
        // polls: the metrics, until nothing is held
        sleep(Duration::from_millis(1)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_cancelled_calls_held_is_given_back_at_once() {
    let (server, client) = server().await;
    let mut seed = Seed::new(31);
    let mut times = Vec::new();
    let mut highest = vec![0; HELD.len()];
    for round in 0..ROUNDS {
        let channel = server.channel().await;
        let mut calls = Vec::new();
        for _ in 0..TOGETHER {
            let messages = seed.below(4);
            let call = match seed.below(18) {
                kind @ 0..9 => question(channel.clone(), kind, messages),
                9 => Box::pin(deadline(channel.clone(), 1 + u64::from(seed.below(8)))),
                kind => other(channel.clone(), kind - 10, messages),
            };
            // Each is dropped where it then stands: not sent yet, waiting, in the midst of its answer.
            let patience = Duration::from_micros(u64::from(seed.below(12_000)));
            calls.push(tokio::spawn(async move { drop(timeout(patience, call).await) }));
        }
        let watched = async {
            for call in calls {
                for (highest, held) in highest.iter_mut().zip(held(&server)) {
                    *highest = held.max(*highest);
                }
                call.await.unwrap();
            }
        };
        watched.await;
        times.push(until_free(&server, &format!("round {round}")).await);
    }
    assert!(highest.iter().all(|highest| *highest > 0), "each was held at some time: {HELD:?} {highest:?}");
    times.sort();
    println!(
        "given back after {:?} (median), {:?} (longest)",
        times[times.len() / 2],
        times[times.len() - 1]
    );
    assert!(times[times.len() * 9 / 10] < SOON, "{times:?}");
    let head = client.head().await.unwrap();
    assert_eq!(head.records, 3, "puts that were cut short have committed nothing");
    let small = PutOptions::delta("small", ValidTime::from_micros(10));
    client.put_arrow(&small, rows(1).schema(), &[rows(1)]).await.unwrap();
    assert_eq!(server.metric("calotype_panics_total"), 0);
    server.stop().await;
}
