//! What the clients of these tests write, and how it is looked for afterwards: each writer counts its puts up, each put
//! has a few rows under a request id of its own.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow_array::{ArrayRef, Int64Array, RecordBatch, TimestampMicrosecondArray};
use arrow_flight::FlightDescriptor;
use arrow_flight::encode::FlightDataEncoderBuilder;
use calotype_client::{
    AsOfQuestion, CaptureMode, Client, ClientError, Instant, LogEntry, NewContext, OpenEnd, Options, Point,
    PutOptions, Receipt, RecordsQuestion, RetryPolicy, Row, ValidTime, Value,
};
use futures::{StreamExt as _, TryStreamExt as _};

/// The context.
pub(super) const BOOK: &str = "book";
/// Rows of a put.
const PARTS: i64 = 3;
/// The same, as lengths are counted.
const LENGTH: usize = 3;
/// Since when all facts hold, microseconds.
const SINCE: i64 = 1_000_000;

/// A receipt that a client got.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Told {
    pub(super) writer: i64,
    pub(super) number: i64,
    pub(super) commit: u64,
    pub(super) entry: u32,
    pub(super) record_hash: String,
}

/// How a put goes in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Door {
    /// One message.
    Message,
    /// A stream of Arrow messages.
    Stream,
    /// Arrow Flight.
    Flight,
}

impl Door {
    /// The door that a writer uses.
    pub(super) fn of(writer: i64) -> Self {
        match writer % 3 {
            0 => Self::Message,
            1 => Self::Stream,
            _ => Self::Flight,
        }
    }
}

/// A client that tries everything once.
pub(super) fn once() -> Options {
    Options { retries: RetryPolicy::NEVER, ..Options::default() }
}

pub(super) async fn create(client: &Client) -> Result<(), ClientError> {
    let key = ["writer", "number", "part"].map(str::to_owned).to_vec();
    let new = NewContext { name: BOOK.into(), key, mode: CaptureMode::Events, ..NewContext::default() };
    client.create_context(&new).await.map(drop)
}

fn request_id(writer: i64, number: i64) -> String {
    format!("{writer}-{number}")
}

/// Puts, and says what the receipt says, and whether it had been put before.
pub(super) async fn put(client: &Client, writer: i64, number: i64) -> Result<(Told, bool), String> {
    let told = match Door::of(writer) {
        Door::Message => put_rows(client, writer, number).await,
        Door::Stream => put_batch(client, writer, number).await,
        Door::Flight => return flight(client, writer, number).await,
    };
    told.map_err(|error| format!("{:?}: {error}", error.code()))
}

fn options(writer: i64, number: i64) -> PutOptions {
    let request_id = request_id(writer, number).into();
    PutOptions { valid_to: OpenEnd::Open, request_id, ..PutOptions::facts(BOOK) }
}

/// Puts in one message.
pub(super) async fn put_rows(client: &Client, writer: i64, number: i64) -> Result<(Told, bool), ClientError> {
    let row = |part: i64| {
        let since = Value::Timestamp(Instant::from_micros(SINCE));
        Row(vec![writer.into(), number.into(), part.into(), since])
    };
    let rows: Vec<Row> = (0..PARTS).map(row).collect();
    let columns = ["writer", "number", "part", "_valid_from"];
    let receipt = client.put_rows(&options(writer, number), &columns, &rows).await?;
    Ok(told(writer, number, receipt))
}

async fn put_batch(client: &Client, writer: i64, number: i64) -> Result<(Told, bool), ClientError> {
    let batch = batch(writer, number);
    let receipt = client.put_arrow(&options(writer, number), batch.schema(), &[batch]).await?;
    Ok(told(writer, number, receipt))
}

fn told(writer: i64, number: i64, receipt: Receipt) -> (Told, bool) {
    let told = Told {
        writer,
        number,
        commit: receipt.commit,
        entry: receipt.entry,
        record_hash: receipt.record_hash,
    };
    (told, receipt.replayed)
}

fn batch(writer: i64, number: i64) -> RecordBatch {
    let same = |value: i64| -> ArrayRef { Arc::new(Int64Array::from(vec![value; LENGTH])) };
    let since = TimestampMicrosecondArray::from(vec![SINCE; LENGTH]).with_timezone("UTC");
    let parts: ArrayRef = Arc::new((0..PARTS).collect::<Int64Array>());
    let columns = [
        ("writer", same(writer)),
        ("number", same(number)),
        ("part", parts),
        ("_valid_from", Arc::new(since)),
    ];
    RecordBatch::try_from_iter(columns).unwrap()
}

async fn flight(client: &Client, writer: i64, number: i64) -> Result<(Told, bool), String> {
    let command = serde_json::json!({
        "context": BOOK, "kind": "facts", "valid_to": "open", "idempotency_key": request_id(writer, number),
    });
    let descriptor = FlightDescriptor::new_cmd(command.to_string());
    let messages = FlightDataEncoderBuilder::new()
        .with_flight_descriptor(Some(descriptor))
        .build(futures::stream::iter([Ok(batch(writer, number))]))
        .map(Result::unwrap);
    let say = |status: tonic::Status| format!("{:?}: {}", status.code(), status.message());
    let mut results = client.flight().do_put(messages).await.map_err(say)?.into_inner();
    let result = results.message().await.map_err(say)?.ok_or("no result")?;
    let result: serde_json::Value = serde_json::from_slice(&result.app_metadata).unwrap();
    let number_of = |name: &str| result[name].as_u64().unwrap();
    let told = Told {
        writer,
        number,
        commit: number_of("commit"),
        entry: u32::try_from(number_of("entry")).unwrap(),
        record_hash: result["record_hash"].as_str().unwrap().to_owned(),
    };
    Ok((told, result["replayed"].as_bool().unwrap()))
}

/// Looks for all receipts in the log and in the data: each put is there once and whole, none is there in part, and
/// each writer's numbers have no gap.
pub(super) async fn check(client: &Client, told: &[Told]) {
    let mut numbers: BTreeMap<i64, Vec<i64>> = BTreeMap::new();
    for entry in holds(client, told).await {
        numbers.entry(entry.writer).or_default().push(entry.number);
    }
    for (writer, found) in numbers {
        let expected: Vec<i64> = (0..).take(found.len()).collect();
        assert_eq!(found, expected, "writer {writer}: each once, in order");
    }
}

/// As [`check`], where numbers may have gaps; says what is in the log.
pub(super) async fn holds(client: &Client, told: &[Told]) -> Vec<Told> {
    // First, because it waits until the server has seen the newest commit, where another server made it.
    let rows = rows(client, told.iter().map(|told| told.commit).max()).await.unwrap();
    let question = RecordsQuestion { context: Some(BOOK.into()), ..RecordsQuestion::default() };
    let records: Vec<_> = client.records(&question).try_collect().await.unwrap();
    let entries = records.into_iter().flat_map(|record| record.entries);
    let logged: Vec<Told> = entries.filter_map(|entry| logged(&entry)).collect();
    let distinct: BTreeSet<_> = logged.iter().cloned().collect();
    assert_eq!(logged.len(), distinct.len(), "a put was committed twice");
    for told in told {
        assert!(distinct.contains(told), "{told:?} was acknowledged and is not in the log");
    }
    let expected: BTreeMap<(i64, i64), i64> =
        logged.iter().map(|entry| ((entry.writer, entry.number), PARTS)).collect();
    assert_eq!(rows, expected, "rows of each put that is in the log, and no others");
    logged
}

fn logged(entry: &LogEntry) -> Option<Told> {
    let (writer, number) = entry.request_id.as_deref()?.split_once('-')?;
    Some(Told {
        writer: writer.parse().ok()?,
        number: number.parse().ok()?,
        commit: entry.commit,
        entry: entry.entry,
        record_hash: entry.record_hash.clone(),
    })
}

/// How many rows of each writer's puts can be read.
pub(super) async fn rows(
    client: &Client,
    at_least: Option<u64>,
) -> Result<BTreeMap<(i64, i64), i64>, ClientError> {
    let point = Point { valid_at: Some(ValidTime::from_micros(SINCE)), known_at: None };
    let columns = vec!["writer".into(), "number".into()];
    let question = AsOfQuestion { columns, at_least, ..AsOfQuestion::new(BOOK, point) };
    let mut answer = client.as_of(&question).await?;
    let mut rows = BTreeMap::new();
    while let Some(batch) = answer.next().await? {
        let column = |name: &str| batch.column_by_name(name).unwrap().as_any().downcast_ref().unwrap();
        let (writers, numbers): (&Int64Array, &Int64Array) = (column("writer"), column("number"));
        for (writer, number) in writers.values().iter().zip(numbers.values()) {
            *rows.entry((*writer, *number)).or_default() += 1;
        }
    }
    Ok(rows)
}
