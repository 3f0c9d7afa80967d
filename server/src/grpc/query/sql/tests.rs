//! Statements over gRPC, and what is refused of them.

use std::time::Duration;

use calotype_proto::v1::answer_part::Part as Piece;
use calotype_proto::v1::query_service_server::QueryService as _;
use calotype_proto::v1::{AnswerEnd, AnswerHeader, ExplainSqlRequest, RowFormat, SqlRequest, Value as Sent};
use calotype_storage::record::Mode;
use prost_types::Timestamp;
use tonic::Code;

use super::super::Queries;
use super::*;
use crate::limits::Limits;
use crate::status::{limit, reason};
use crate::test_store::{TestStore, drain, limits, request as sent};
use crate::views::Views;

fn queries(store: &TestStore) -> Queries {
    Queries { node: store.node.clone() }
}

/// Three loans: from 10 microseconds on, and the first one anew from 20 on.
async fn fill(store: &TestStore) {
    store.create("loans", Mode::Events).await;
    store.facts("loans", &[(1, "a", 10), (2, "b", 10), (3, "c", 10)]).await;
    store.facts("loans", &[(1, "d", 20)]).await;
}

async fn loans() -> TestStore {
    let store = TestStore::new().await;
    fill(&store).await;
    store
}

struct Told {
    header: AnswerHeader,
    lines: Vec<String>,
    end: AnswerEnd,
}

async fn sql(store: &TestStore, asked: SqlRequest) -> Result<Told, Status> {
    let stream = queries(store).sql(sent(asked)).await?.into_inner();
    let (parts, error) = drain(stream).await;
    if let Some(error) = error {
        return Err(error);
    }
    let mut parts = parts.into_iter().map(|part| part.part.unwrap().part.unwrap());
    let Some(Piece::Header(header)) = parts.next() else { panic!("a header comes first") };
    let Some(Piece::End(end)) = parts.next_back() else { panic!("an end comes last") };
    let mut lines = Vec::new();
    for part in parts {
        let Piece::Rows(batch) = part else { panic!("rows lie between") };
        lines.extend(batch.rows.iter().map(|row| {
            let text = |value: &Sent| match &value.kind {
                None => "null".into(),
                Some(Kind::IntValue(value)) => value.to_string(),
                Some(Kind::StringValue(text) | Kind::DecimalValue(text)) => text.clone(),
                Some(other) => format!("{other:?}"),
            };
            row.values.iter().map(text).collect::<Vec<_>>().join(" ")
        }));
    }
    assert_eq!(end.rows, lines.len() as u64);
    Ok(Told { header, lines, end })
}

fn text(text: &str) -> SqlRequest {
    SqlRequest { text: text.into(), ..SqlRequest::default() }
}

fn value(kind: Kind) -> Sent {
    Sent { kind: Some(kind) }
}

#[tokio::test]
async fn statements_are_answered_with_their_claim() {
    let store = loans().await;
    let told = sql(&store, text("SELECT id, name FROM loans ORDER BY id DESC")).await.unwrap();
    assert_eq!(told.lines, ["3 c", "2 b", "1 d"]);
    assert!(told.header.claim.is_none() && told.header.arrow_schema.is_empty());
    let names: Vec<_> = told.header.columns.iter().map(|column| column.name.as_str()).collect();
    assert_eq!(names, ["id", "name"]);
    let claim = told.header.statement_claim.unwrap();
    assert!(claim.settled && claim.settled_to == claim.reads[0].known_at);
    assert_eq!((claim.reads.len(), claim.reads[0].context.as_str(), claim.reads_more), (1, "loans", 0));

    // Two points of one context are two readings; the first line of the answer to neither is the other's.
    let two = "SELECT a.name, b.name FROM loans FOR VALID_TIME AS OF $1::timestamp AS a \
               JOIN loans FOR VALID_TIME AS OF $2::timestamp AS b ON a.id = b.id WHERE a.id = $3";
    let at = |micros: i32| value(Kind::TimestampValue(Timestamp { seconds: 0, nanos: micros * 1000 }));
    let asked = SqlRequest { parameters: vec![at(15), at(20), value(Kind::UintValue(1))], ..text(two) };
    let told = sql(&store, asked).await.unwrap();
    assert_eq!(told.lines, ["a d"]);
    assert_eq!(told.header.statement_claim.unwrap().reads.len(), 2);

    // A statement that asks what an as-of asks has its result hash.
    let same = sql(&store, text("SELECT * FROM loans ORDER BY id")).await.unwrap();
    let asked = v1::AsOfRequest { context: "loans".into(), ..v1::AsOfRequest::default() };
    let (parts, _) = drain(queries(&store).as_of(sent(asked)).await.unwrap().into_inner()).await;
    let end = parts.into_iter().last().unwrap().part.unwrap().part.unwrap();
    assert_eq!(end, Piece::End(same.end));
}

#[tokio::test]
async fn parameters_settings_and_views_belong_to_the_request() {
    let store = loans().await;
    let every = "SELECT $flag, $text, $number, $decimal, $date, $none";
    let named = [
        ("flag", value(Kind::BoolValue(true))),
        ("text", value(Kind::StringValue("';--".into()))),
        ("number", value(Kind::UintValue(u64::MAX))),
        ("decimal", value(Kind::DecimalValue("-12.30".into()))),
        ("date", value(Kind::DateValue(-1))),
        ("none", Sent::default()),
    ];
    let named_parameters = named.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
    let told = sql(&store, SqlRequest { named_parameters, ..text(every) }).await.unwrap();
    assert_eq!(told.lines, ["BoolValue(true) ';-- 18446744073709551615 -12.30 1969-12-31 null"]);

    let settings = [("calotype.valid_time".into(), "1970-01-01T00:00:00.000015Z".into())].into();
    let views = [("first".into(), "SELECT * FROM loans WHERE id = 1".into())].into();
    let asked = SqlRequest { settings, views, ..text("SELECT name FROM first") };
    assert_eq!(sql(&store, asked).await.unwrap().lines, ["a"]);
    // Nothing of it is left.
    let error = sql(&store, text("SELECT name FROM first")).await.err().unwrap();
    assert_eq!(error.code(), Code::NotFound);
    assert_eq!(sql(&store, text("SELECT name FROM loans WHERE id = 1")).await.unwrap().lines, ["d"]);
}

#[tokio::test]
async fn views_of_the_server_can_be_named_and_replaced() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("first.sql"), "SELECT name FROM loans WHERE id = 1;\n").unwrap();
    let store = TestStore::with_views(limits(), Views::read(folder.path()).unwrap()).await;
    fill(&store).await;
    assert_eq!(sql(&store, text("SELECT * FROM first")).await.unwrap().lines, ["d"]);
    let views = [("first".into(), "SELECT name FROM loans WHERE id = 2".into())].into();
    let asked = SqlRequest { views, ..text("SELECT * FROM first") };
    assert_eq!(sql(&store, asked).await.unwrap().lines, ["b"]);
}

#[tokio::test]
async fn a_state_is_filtered_by_a_predicate() {
    let store = loans().await;
    let ask = async |asked: v1::AsOfRequest| {
        let (parts, error) = drain(queries(&store).as_of(sent(asked)).await?.into_inner()).await;
        error.map_or(Ok(parts), Err)
    };
    let asked =
        v1::AsOfRequest { context: "loans".into(), r#where: "name > 'b'".into(), ..Default::default() };
    let parts = ask(asked.clone()).await.unwrap();
    let parts: Vec<Piece> = parts.into_iter().map(|part| part.part.unwrap().part.unwrap()).collect();
    let (Some(Piece::Header(header)), Some(Piece::End(end))) = (parts.first(), parts.last()) else {
        panic!("a header and an end: {parts:?}")
    };
    assert_eq!((end.rows, header.claim.as_ref().unwrap().context.as_str()), (2, "loans"));
    assert!(header.columns[0].key && header.statement_claim.is_none());
    // With offsets too, whose claim says what they left out.
    let offsets = vec![v1::Position { source: "s".into(), ..v1::Position::default() }];
    let parts = ask(v1::AsOfRequest { offsets, ..asked.clone() }).await.unwrap();
    let Some(Piece::Header(header)) = parts[0].clone().part.unwrap().part else { panic!("a header") };
    assert_eq!(header.claim.unwrap().offsets.unwrap().facts_without_position, 4);
    let wrong = v1::AsOfRequest { r#where: "nought".into(), ..asked };
    assert_eq!(ask(wrong).await.unwrap_err().code(), Code::InvalidArgument);
}

#[tokio::test]
async fn arrow_comes_where_it_is_asked_for() {
    let store = loans().await;
    let asked = SqlRequest { format: RowFormat::Arrow.into(), ..text("SELECT count(*) AS n FROM loans") };
    let (parts, error) = drain(queries(&store).sql(sent(asked)).await.unwrap().into_inner()).await;
    assert!(error.is_none());
    let parts: Vec<Piece> = parts.into_iter().map(|part| part.part.unwrap().part.unwrap()).collect();
    let [Piece::Header(header), Piece::Arrow(arrow), Piece::End(end)] = &parts[..] else {
        panic!("a header, a batch, an end: {parts:?}")
    };
    let schema = arrow_ipc::convert::try_schema_from_flatbuffer_bytes(&header.arrow_schema).unwrap();
    assert_eq!(schema.field(0).name(), "n");
    let message = arrow_ipc::root_as_message(&arrow.header).unwrap();
    assert_eq!((message.header_as_record_batch().unwrap().length(), end.rows), (1, 1));
}

#[tokio::test]
async fn plans_are_for_people() {
    let store = loans().await;
    let asked = ExplainSqlRequest {
        text: "SELECT name FROM loans WHERE id = $1".into(),
        parameters: vec![value(Kind::IntValue(1))],
        ..ExplainSqlRequest::default()
    };
    let plan = queries(&store).explain_sql(sent(asked)).await.unwrap().into_inner().plan;
    assert!(plan.contains("keys=1 named"), "{plan}");
    let asked = ExplainSqlRequest { text: "SELECT".into(), ..ExplainSqlRequest::default() };
    assert_eq!(queries(&store).explain_sql(sent(asked)).await.unwrap_err().code(), Code::InvalidArgument);
}

#[tokio::test]
async fn statements_are_refused_with_a_reason() {
    let store = loans().await;
    let refused = async |asked: SqlRequest, code, why: &str, what: &str| {
        let error = sql(&store, asked).await.err().unwrap();
        assert_eq!(error.code(), code, "{error}");
        assert_eq!(reason(&error).as_deref(), Some(why), "{error}");
        assert!(error.message().contains(what), "{error}");
    };
    let bad = Code::InvalidArgument;
    refused(text(""), bad, "SQL_REFUSED", "no statement").await;
    refused(text("SELEC 1"), bad, "SQL_SYNTAX", "SELEC").await;
    refused(text("SELECT * FROM loans FOR VALID_TIME AS 1"), bad, "SQL_CLAUSE", "line 1, column").await;
    refused(text("SELECT nought FROM loans"), bad, "SQL_PLAN", "nought").await;
    refused(text("SELECT 1 / (id - id) FROM loans"), bad, "SQL_VALUE", "ivide by zero").await;
    for writes in ["DROP TABLE loans", "INSERT INTO loans VALUES (1)", "SELECT 1; DELETE FROM loans"] {
        refused(text(writes), bad, "SQL_REFUSED", "only read").await;
    }
    let future = "SELECT * FROM loans FOR SYSTEM_TIME AS OF '9000-01-01'";
    refused(text(future), Code::OutOfRange, "KNOWN_AT_IN_FUTURE", "").await;
    refused(SqlRequest { format: 7, ..text("SELECT 1") }, bad, "INVALID_FIELD", "format").await;
    let double = SqlRequest { parameters: vec![value(Kind::DoubleValue(0.5))], ..text("SELECT $1") };
    refused(double, bad, "INVALID_FIELD", "parameters[0]").await;
    let wrong = [("x".to_owned(), value(Kind::DecimalValue("1e3".into())))].into();
    let wrong = SqlRequest { named_parameters: wrong, ..text("SELECT $x") };
    refused(wrong, bad, "INVALID_FIELD", "named_parameters['x']").await;
    let settings = [("calotype.nothing".into(), "1".into())].into();
    refused(SqlRequest { settings, ..text("SELECT 1") }, bad, "SQL_REFUSED", "calotype.nothing").await;
    let ahead = SqlRequest { at_least: Some(99), ..text("SELECT 1") };
    refused(ahead, Code::Unavailable, "NODE_BEHIND", "99").await;
}

#[tokio::test]
async fn hostile_texts_are_refused_and_not_fatal() {
    let store = loans().await;
    for deep in [
        format!("SELECT {}1{}", "(".repeat(50_000), ")".repeat(50_000)),
        format!("SELECT {}1", "-".repeat(90_000).replace("--", "- -")),
        format!("SELECT {}true", "NOT ".repeat(90_000)),
        format!("SELECT * FROM {}loans{}", "(SELECT * FROM ".repeat(9_000), ")".repeat(9_000)),
        format!("SELECT 1{}", " + 1".repeat(45_000)),
        format!("SELECT 1{}", " UNION ALL SELECT 1".repeat(20_000)),
        format!("SELECT {}1{}", "CASE WHEN true THEN ".repeat(9_000), " END".repeat(9_000)),
        "x".repeat(2 << 20),
        "SELECT ".to_owned() + &"1, ".repeat(60_000) + "1",
    ] {
        let error = sql(&store, text(&deep)).await.err().unwrap();
        let expected = [Code::InvalidArgument, Code::ResourceExhausted];
        assert!(expected.contains(&error.code()), "{} {error}", &deep[..60]);
    }
    assert_eq!(sql(&store, text("SELECT 1")).await.unwrap().lines, ["1"]);
}

#[tokio::test]
async fn a_statement_that_needs_too_much_memory_ends_by_name() {
    let small = Limits { sql_memory_bytes_max: 1 << 20, sql_spill_bytes_max: 0, ..limits() };
    let store = TestStore::with(small).await;
    store.create("loans", Mode::Events).await;
    let name = "x".repeat(100);
    let rows: Vec<_> = (0..50_000).map(|id| (id, name.as_str(), 1)).collect();
    store.facts("loans", &rows).await;
    let sorted = "SELECT id, name || id::text AS n FROM loans ORDER BY n DESC";
    let error = sql(&store, text(sorted)).await.err().unwrap();
    assert_eq!(error.code(), Code::ResourceExhausted, "{error}");
    assert!(limit(&error).is_some_and(|name| name.starts_with("sql_")), "{error}");
    // What needs none is answered.
    assert_eq!(sql(&store, text("SELECT count(*) FROM loans")).await.unwrap().lines, ["50000"]);
}

#[tokio::test]
async fn statements_wait_for_their_turn() {
    let one = Limits { sql_statements_max: 1, sent_batch_bytes: 4096, ..limits() };
    let store = TestStore::with(one).await;
    store.create("loans", Mode::Events).await;
    let rows: Vec<_> = (0..20_000).map(|id| (id, "a name", 1)).collect();
    store.facts("loans", &rows).await;
    // More than may wait for the client: it keeps its turn while the client does not read.
    let first = queries(&store).sql(sent(text("SELECT * FROM loans"))).await.unwrap().into_inner();
    let mut second = sent(text("SELECT 2"));
    let soon = tokio::time::Instant::now() + Duration::from_millis(50);
    let caller = Caller { deadline: Some(soon), ..Caller::of(&second).unwrap() };
    second.extensions_mut().insert(caller);
    assert_eq!(queries(&store).sql(second).await.err().unwrap().code(), Code::DeadlineExceeded);
    // Other questions do not wait for it.
    let asked = v1::AsOfRequest { context: "loans".into(), ..v1::AsOfRequest::default() };
    assert!(queries(&store).as_of(sent(asked)).await.is_ok());
    drop(first);
    assert_eq!(sql(&store, text("SELECT 3")).await.unwrap().lines, ["3"]);
}
