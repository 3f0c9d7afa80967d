//! Questions over gRPC, and what is refused of them.

use std::time::Duration;

use calotype_proto::v1::answer_part::Part as Piece;
use calotype_proto::v1::value::Kind;
use calotype_proto::v1::{
    AnswerEnd, AnswerHeader, AnswerPart, AsOfRequest, DiffRequest, GetEntityRequest, HistoryForm,
    HistoryRequest, Key, Point, Position, Row, RowFormat, TimeRange, Value,
};
use calotype_storage::record::Mode;
use prost::Message;
use prost_types::Timestamp;
use tonic::Code;

use super::*;
use crate::limits::Limits;
use crate::test_store::{TestStore, drain, limits, request};

fn queries(store: &TestStore) -> Queries {
    Queries { node: store.node.clone() }
}

/// Three loans: from 10 microseconds on, and the first one anew from 20 on.
async fn loans() -> TestStore {
    let store = TestStore::new().await;
    store.create("loans", Mode::Events).await;
    store.facts("loans", &[(1, "a", 10), (2, "b", 10), (3, "c", 10)]).await;
    store.facts("loans", &[(1, "d", 20)]).await;
    store
}

fn at(micros: i32) -> Timestamp {
    Timestamp { seconds: 0, nanos: micros * 1000 }
}

#[expect(clippy::unnecessary_wraps, reason = "as messages hold it")]
fn valid_at(micros: i32) -> Option<Point> {
    Some(Point { valid_at: Some(at(micros)), known_at: None })
}

fn key(id: i64) -> Key {
    Key { columns: [("id".into(), Value { kind: Some(Kind::IntValue(id)) })].into() }
}

fn kind(row: &Row, place: usize) -> &Kind {
    row.values[place].kind.as_ref().unwrap()
}

/// A row as text: its values one after the other.
fn line(row: &Row) -> String {
    let text = |value: &Value| match &value.kind {
        None => "null".into(),
        Some(Kind::IntValue(value)) => value.to_string(),
        Some(Kind::StringValue(text)) => text.clone(),
        Some(other) => format!("{other:?}"),
    };
    row.values.iter().map(text).collect::<Vec<_>>().join(" ")
}

/// An answer of values that came whole.
struct Told {
    header: AnswerHeader,
    rows: Vec<Row>,
    batches: usize,
    end: AnswerEnd,
}

fn told(parts: Vec<AnswerPart>) -> Told {
    let mut parts = parts.into_iter().map(|part| part.part.unwrap());
    let Some(Piece::Header(header)) = parts.next() else { panic!("a header comes first") };
    let Some(Piece::End(end)) = parts.next_back() else { panic!("an end comes last") };
    let mut rows = Vec::new();
    let mut batches = 0;
    for part in parts {
        let Piece::Rows(batch) = part else { panic!("rows lie between") };
        assert!(!batch.rows.is_empty() && batch.columns.is_empty());
        rows.extend(batch.rows);
        batches += 1;
    }
    assert_eq!(end.rows, rows.len() as u64);
    Told { header, rows, batches, end }
}

async fn as_of(store: &TestStore, asked: AsOfRequest) -> Result<Told, Status> {
    let stream = queries(store).as_of(request(asked)).await?.into_inner();
    let (parts, error) = drain(stream).await;
    error.map_or_else(|| Ok(told(parts.into_iter().map(|part| part.part.unwrap()).collect())), Err)
}

async fn history(store: &TestStore, asked: HistoryRequest) -> Result<Vec<String>, Status> {
    let stream = queries(store).history(request(asked)).await?.into_inner();
    let (parts, error) = drain(stream).await;
    let told =
        error.map_or_else(|| Ok(told(parts.into_iter().map(|part| part.part.unwrap()).collect())), Err)?;
    Ok(told.rows.iter().map(|row| line(row).split(' ').take(2).collect::<Vec<_>>().join(" ")).collect())
}

fn loans_request() -> AsOfRequest {
    AsOfRequest { context: "loans".into(), point: valid_at(30), ..AsOfRequest::default() }
}

#[tokio::test]
async fn an_entity_is_answered_with_its_claim() {
    let store = loans().await;
    let asked = GetEntityRequest {
        context: "loans".into(),
        key: Some(key(1)),
        point: valid_at(15),
        ..GetEntityRequest::default()
    };
    let ask = async |asked| queries(&store).get_entity(request(asked)).await.map(Response::into_inner);
    let answer = ask(asked.clone()).await.unwrap();
    assert_eq!(line(&answer.row.unwrap()), "1 a");
    let names: Vec<_> = answer.columns.iter().map(|column| (column.name.as_str(), column.key)).collect();
    assert_eq!(names, [("id", true), ("name", false)]);
    assert_eq!((answer.columns[0].r#type.as_str(), answer.columns[0].field_id), ("int64", 1));
    let claim = answer.claim.unwrap();
    assert_eq!((claim.context.as_str(), claim.valid_at, claim.settled), ("loans", Some(at(15)), true));
    assert_eq!((claim.record.unwrap().commit, claim.schema_version), (2, Some(1)));
    assert_eq!(claim.settled_to, claim.known_at);
    let end = answer.end.unwrap();
    assert_eq!(end.rows, 1);
    // The stream of the same question hashes to the same.
    let same = AsOfRequest { keys: vec![key(1)], point: asked.point, ..loans_request() };
    assert_eq!(as_of(&store, same).await.unwrap().end, end);

    let later = GetEntityRequest { point: valid_at(20), columns: vec!["name".into()], ..asked.clone() };
    assert_eq!(line(&ask(later.clone()).await.unwrap().row.unwrap()), "d");
    let system = GetEntityRequest { system_columns: true, ..later };
    let answer = ask(system).await.unwrap();
    assert_eq!(answer.columns.len(), 5);
    assert_eq!(kind(&answer.row.unwrap(), 1), &Kind::TimestampValue(at(20)));
    let nobody = GetEntityRequest { key: Some(key(9)), ..asked.clone() };
    let answer = ask(nobody).await.unwrap();
    assert_eq!((answer.row, answer.end.unwrap().rows, answer.columns.len()), (None, 0, 2));
    let seen = GetEntityRequest { at_least: Some(2), ..asked };
    assert!(ask(seen).await.is_ok());
}

#[tokio::test]
async fn entities_are_refused_by_field() {
    let store = loans().await;
    let asked =
        GetEntityRequest { context: "loans".into(), key: Some(key(1)), ..GetEntityRequest::default() };
    let refused = async |asked: GetEntityRequest, code, what: &str| {
        let error = queries(&store).get_entity(request(asked)).await.unwrap_err();
        assert_eq!(error.code(), code, "{error}");
        assert!(error.message().contains(what), "{error}");
    };
    let finer = Some(Point { valid_at: Some(Timestamp { seconds: 0, nanos: 1 }), known_at: None });
    let future = Some(Point { valid_at: None, known_at: Some(Timestamp { seconds: 1 << 40, nanos: 0 }) });
    refused(GetEntityRequest { context: "Loans".into(), ..asked.clone() }, Code::InvalidArgument, "context")
        .await;
    refused(GetEntityRequest { context: "none".into(), ..asked.clone() }, Code::NotFound, "none").await;
    refused(GetEntityRequest { key: None, ..asked.clone() }, Code::InvalidArgument, "key").await;
    refused(GetEntityRequest { point: finer, ..asked.clone() }, Code::InvalidArgument, "point.valid_at")
        .await;
    refused(GetEntityRequest { point: future, ..asked.clone() }, Code::OutOfRange, "").await;
    let unknown = GetEntityRequest { columns: vec!["nought".into()], ..asked.clone() };
    refused(unknown, Code::InvalidArgument, "nought").await;
    let version = GetEntityRequest { schema_version: Some(7), ..asked.clone() };
    refused(version, Code::NotFound, "7").await;
    refused(GetEntityRequest { at_least: Some(99), ..asked }, Code::Unavailable, "99").await;
    let around = queries(&store).get_entity(Request::new(GetEntityRequest::default())).await;
    assert_eq!(around.unwrap_err().code(), Code::Internal);
}

#[tokio::test]
async fn a_peer_answers_what_was_just_committed_elsewhere() {
    let store = loans().await;
    let peer = store.peer().await;
    let receipt = store.facts("loans", &[(4, "e", 10)]).await;
    let asked = AsOfRequest { at_least: Some(receipt.id.record.get()), ..loans_request() };
    assert_eq!(as_of(&peer, asked).await.unwrap().rows.len(), 4);
}

#[tokio::test]
async fn states_come_as_values_and_as_arrow() {
    let store = loans().await;
    let values = as_of(&store, loans_request()).await.unwrap();
    assert_eq!(values.rows.iter().map(line).collect::<Vec<_>>(), ["1 d", "2 b", "3 c"]);
    assert!(values.header.arrow_schema.is_empty());
    let asked = AsOfRequest { format: RowFormat::Arrow.into(), ..loans_request() };
    let stream = queries(&store).as_of(request(asked)).await.unwrap().into_inner();
    let (parts, error) = drain(stream).await;
    assert!(error.is_none());
    let parts: Vec<Piece> = parts.into_iter().map(|part| part.part.unwrap().part.unwrap()).collect();
    let [Piece::Header(header), Piece::Arrow(arrow), Piece::End(end)] = &parts[..] else {
        panic!("a header, a batch, an end: {parts:?}")
    };
    assert_eq!((end, &header.columns), (&values.end, &values.header.columns));
    assert_eq!(header.claim.as_ref().unwrap().valid_at, values.header.claim.unwrap().valid_at);
    let schema = arrow_ipc::convert::try_schema_from_flatbuffer_bytes(&header.arrow_schema).unwrap();
    assert_eq!(schema.fields().len(), 2);
    let message = arrow_ipc::root_as_message(&arrow.header).unwrap();
    assert_eq!(message.header_as_record_batch().unwrap().length(), 3);
    assert_eq!(usize::try_from(message.bodyLength()).unwrap(), arrow.body.len());
}

#[tokio::test]
async fn large_answers_are_cut_so_that_each_part_fits() {
    let small = Limits { sent_batch_bytes: 4096, sent_message_bytes_max: 8192, ..limits() };
    let store = TestStore::with(small).await;
    store.create("loans", Mode::Events).await;
    let names: Vec<String> = (0..2000).map(|id| "x".repeat(if id % 500 == 7 { 6000 } else { 10 })).collect();
    let rows: Vec<(i64, &str, i64)> = (0..).zip(&names).map(|(id, name)| (id, name.as_str(), 1)).collect();
    store.facts("loans", &rows).await;
    let values = as_of(&store, loans_request()).await.unwrap();
    assert!(values.batches > 10, "{}", values.batches);
    let ids = values.rows.iter().map(|row| kind(row, 0).clone());
    assert!(ids.eq((0..2000).map(Kind::IntValue)));
    for format in [RowFormat::Values, RowFormat::Arrow] {
        let asked = AsOfRequest { format: format.into(), ..loans_request() };
        let (parts, error) = drain(queries(&store).as_of(request(asked)).await.unwrap().into_inner()).await;
        assert!(error.is_none());
        assert!(parts.iter().all(|part| part.encoded_len() <= 8192), "{format:?}");
        assert!(parts.len() > 10);
    }
    store.facts("loans", &[(7, &"x".repeat(9000), 2)]).await;
    let error = as_of(&store, loans_request()).await.err().unwrap();
    assert_eq!(error.code(), Code::ResourceExhausted);
}

#[tokio::test]
async fn states_are_refused_by_field() {
    let store = loans().await;
    let refused = async |asked: AsOfRequest, code, what: &str| {
        let error = as_of(&store, asked).await.err().unwrap();
        assert_eq!(error.code(), code, "{error}");
        assert!(error.message().contains(what), "{error}");
    };
    refused(AsOfRequest { format: 3, ..loans_request() }, Code::InvalidArgument, "format").await;
    refused(AsOfRequest { context: "none".into(), ..loans_request() }, Code::NotFound, "none").await;
    let wrong = AsOfRequest { keys: vec![key(1), Key::default()], ..loans_request() };
    refused(wrong, Code::InvalidArgument, "keys[1]").await;
    let position = Position { source: "s".into(), partition: "p".into(), ..Position::default() };
    let twice = AsOfRequest { offsets: vec![position.clone(), position.clone()], ..loans_request() };
    refused(twice, Code::InvalidArgument, "offsets[1]").await;
    let offsets = as_of(&store, AsOfRequest { offsets: vec![position], ..loans_request() }).await.unwrap();
    let claim = offsets.header.claim.unwrap().offsets.unwrap();
    assert_eq!((offsets.rows.len(), claim.vector.len(), claim.facts_without_position), (0, 1, 4));
    store.create("books", Mode::State).await;
    store.full("books", 5, &[(1, "a")]).await;
    let position = Position { source: "s".into(), ..Position::default() };
    let stated = AsOfRequest { context: "books".into(), offsets: vec![position], ..loans_request() };
    refused(stated, Code::FailedPrecondition, "books").await;
    let few = Limits { keys_max: 1, ..limits() };
    let store = TestStore::with(few).await;
    store.create("loans", Mode::Events).await;
    store.facts("loans", &[(1, "a", 1)]).await;
    let many = AsOfRequest { keys: vec![key(1), key(2)], ..loans_request() };
    assert_eq!(as_of(&store, many).await.err().unwrap().code(), Code::ResourceExhausted);
}

#[tokio::test]
async fn histories_have_forms_and_ranges_of_both_axes() {
    let store = loans().await;
    let asked = HistoryRequest { context: "loans".into(), keys: vec![key(1)], ..HistoryRequest::default() };
    assert_eq!(history(&store, asked.clone()).await.unwrap(), ["1 a", "1 d"]);
    let rectangles = HistoryRequest { form: HistoryForm::Rectangles.into(), ..asked.clone() };
    assert_eq!(history(&store, rectangles.clone()).await.unwrap(), ["1 a", "1 a", "1 d"]);
    let range = |from: Option<i32>, to: Option<i32>, to_inclusive| {
        Some(TimeRange { from: from.map(at), to: to.map(at), to_inclusive })
    };
    let valid = async |valid| {
        let asked = HistoryRequest { valid, ..rectangles.clone() };
        history(&store, asked).await.map(|rows| rows.len())
    };
    assert_eq!(valid(range(None, None, false)).await.unwrap(), 3);
    assert_eq!(valid(range(Some(20), None, false)).await.unwrap(), 2);
    assert_eq!(valid(range(Some(5), Some(20), false)).await.unwrap(), 1);
    assert_eq!(valid(range(Some(5), Some(20), true)).await.unwrap(), 3);
    let known = store.node.database().context(&crate::test_store::name("loans")).unwrap();
    let times: Vec<_> = known.entries().iter().map(|entry| entry.system_time()).collect();
    let known = async |from: usize, to: Option<usize>, to_inclusive| {
        let time = |place: usize| crate::grpc::values::timestamp(times[place]);
        let known = Some(TimeRange { from: Some(time(from)), to: to.map(time), to_inclusive });
        history(&store, HistoryRequest { known, ..asked.clone() }).await.unwrap()
    };
    assert_eq!(known(1, None, false).await, ["1 a"]);
    assert_eq!(known(2, None, false).await, ["1 a", "1 d"]);
    assert_eq!(known(1, Some(2), false).await, ["1 a"]);
    assert_eq!(known(1, Some(2), true).await, ["1 a", "1 d"]);
}

#[tokio::test]
async fn ranges_are_refused_by_field() {
    let store = loans().await;
    let asked = HistoryRequest { context: "loans".into(), ..HistoryRequest::default() };
    let refused = async |asked: HistoryRequest, what: &str| {
        let error = history(&store, asked).await.unwrap_err();
        assert_eq!(error.code(), Code::InvalidArgument, "{error}");
        assert!(error.message().contains(what), "{error}");
    };
    let range = |from: Option<i32>, to: Option<i32>, to_inclusive| {
        Some(TimeRange { from: from.map(at), to: to.map(at), to_inclusive })
    };
    refused(HistoryRequest { form: 3, ..asked.clone() }, "form").await;
    refused(HistoryRequest { format: -1, ..asked.clone() }, "format").await;
    refused(HistoryRequest { valid: range(None, Some(1), false), ..asked.clone() }, "valid.from").await;
    refused(HistoryRequest { known: range(None, Some(1), true), ..asked.clone() }, "known.from").await;
    refused(HistoryRequest { known: range(Some(1), None, true), ..asked.clone() }, "known.to_inclusive")
        .await;
    refused(HistoryRequest { valid: range(None, None, true), ..asked.clone() }, "valid.to_inclusive").await;
    refused(HistoryRequest { valid: range(Some(2), Some(2), false), ..asked.clone() }, "empty").await;
    let finer = Some(TimeRange { from: Some(Timestamp { seconds: 0, nanos: 7 }), ..TimeRange::default() });
    refused(HistoryRequest { known: finer, ..asked.clone() }, "known.from").await;
    refused(HistoryRequest { columns: vec!["nought".into()], ..asked }, "nought").await;
}

#[tokio::test]
async fn differences_name_their_fields_and_their_cause() {
    let store = loans().await;
    let asked = DiffRequest {
        context: "loans".into(),
        from: valid_at(15),
        to: valid_at(25),
        ..DiffRequest::default()
    };
    let (parts, error) =
        drain(queries(&store).diff(request(asked.clone())).await.unwrap().into_inner()).await;
    assert!(error.is_none());
    let told = told(parts.into_iter().map(|part| part.part.unwrap()).collect());
    let lines: Vec<String> =
        told.rows.iter().map(|row| line(row).split(' ').take(4).collect::<Vec<_>>().join(" ")).collect();
    assert_eq!(lines, ["changed_from 1 a 2.0", "changed_to 1 d 2.0"]);
    let names: Vec<&str> = told.header.columns.iter().map(|column| column.name.as_str()).collect();
    assert_eq!(names, ["_change", "id", "name", "_entry", "_system_from"]);
    let finer = Some(Point { valid_at: Some(Timestamp { seconds: 0, nanos: 1 }), known_at: None });
    let wrong = DiffRequest { to: finer, ..asked };
    let error = queries(&store).diff(request(wrong)).await.unwrap_err();
    assert_eq!(error.code(), Code::InvalidArgument);
    assert!(error.message().contains("to.valid_at"), "{error}");
}

#[tokio::test]
async fn an_answer_that_takes_too_long_is_cut_with_an_error() {
    let store = TestStore::with(Limits { query_time_max: Duration::ZERO, ..limits() }).await;
    store.create("loans", Mode::Events).await;
    // So much that it gives way on the way.
    let rows: Vec<_> = (0..100_000).map(|id| (id, "a", 1)).collect();
    store.facts("loans", &rows).await;
    assert_eq!(as_of(&store, loans_request()).await.err().unwrap().code(), Code::DeadlineExceeded);
}
