//! The door over real connections, with Arrow's own client.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "whatever is not expected is refused, also kinds that come later"
)]

use std::sync::Arc;

use arrow_array::{Int64Array, RecordBatch, StringArray};
use arrow_flight::decode::DecodedPayload;
use arrow_flight::encode::FlightDataEncoderBuilder;
use arrow_flight::error::FlightError;
use arrow_flight::{Action, FlightClient, FlightDescriptor, Ticket as FlightTicket};
use calotype_storage::backend::Backend;
use calotype_storage::database::{Access, Database, OpenOptions, StateFolder};
use futures::{StreamExt, TryStreamExt};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_stream::wrappers::TcpListenerStream;
use tokio_util::task::AbortOnDropHandle;
use tonic::Code;
use tonic::transport::{Channel, Server};

use super::*;
use crate::caller::Caller;
use crate::intake::whole;
use crate::limits::Limits;
use crate::page_token::TokenKey;
use crate::telemetry::metrics::Metrics;

struct World {
    client: FlightClient,
    _server: AbortOnDropHandle<()>,
}

async fn node(limits: Limits) -> Node {
    let options = OpenOptions::new(Access::Create, StateFolder::Memory);
    let database = Database::open(Backend::memory(), options).await.unwrap();
    let metrics = Arc::new(Metrics::new());
    Node::new(database, limits, metrics, TokenKey::new([7; 32]), tokio::runtime::Handle::current())
}

/// Serves a node as the transport would.
async fn serve(node: Node, listener: TcpListener) {
    let arrive = |request: http::Request<Body>| {
        let mut request = whole(request).map(Body::new);
        let principal = Caller::principal(request.headers().get("calotype-principal")).unwrap();
        let caller = Caller { request_id: "1".into(), principal, deadline: None };
        request.extensions_mut().insert(caller);
        request
    };
    let door = service(node);
    let server = Server::builder().layer(tower::util::MapRequestLayer::new(arrive)).add_service(door);
    server.serve_with_incoming(TcpListenerStream::new(listener)).await.unwrap();
}

async fn world(limits: Limits) -> World {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = AbortOnDropHandle::new(tokio::spawn(serve(node(limits).await, listener)));
    let channel = Channel::from_shared(format!("http://{address}")).unwrap().connect().await.unwrap();
    World { client: FlightClient::new(channel), _server: server }
}

fn rows(ids: std::ops::Range<i64>) -> RecordBatch {
    let names: StringArray = ids.clone().map(|id| Some(format!("name {id}"))).collect();
    let ids: Int64Array = ids.collect();
    RecordBatch::try_from_iter([("id", Arc::new(ids) as _), ("name", Arc::new(names) as _)]).unwrap()
}

/// An answer, read to its end.
#[derive(Debug)]
struct Read {
    claim: Value,
    batches: Vec<RecordBatch>,
    end: Value,
}

impl Read {
    fn rows(&self) -> usize {
        self.batches.iter().map(RecordBatch::num_rows).sum()
    }
}

impl World {
    async fn act(&mut self, name: &str, body: Value) -> Result<Value, FlightError> {
        let action = Action { r#type: name.to_owned(), body: body.to_string().into() };
        let results: Vec<_> = self.client.do_action(action).await?.try_collect().await?;
        assert_eq!(results.len(), 1);
        Ok(serde_json::from_slice(&results[0]).unwrap())
    }

    async fn put(&mut self, descriptor: Value, batches: Vec<RecordBatch>) -> Result<Value, FlightError> {
        let stream = FlightDataEncoderBuilder::new()
            .with_flight_descriptor(Some(FlightDescriptor::new_cmd(descriptor.to_string())))
            .with_schema(rows(0..0).schema())
            .build(futures::stream::iter(batches.into_iter().map(Ok)));
        let results: Vec<_> = self.client.do_put(stream).await?.try_collect().await?;
        assert_eq!(results.len(), 1);
        Ok(serde_json::from_slice(&results[0].app_metadata).unwrap())
    }

    async fn get(&mut self, ticket: impl ToString) -> Result<Read, FlightError> {
        let stream = self.client.do_get(FlightTicket::new(ticket.to_string())).await?;
        let mut stream = stream.into_inner();
        let (mut claim, mut batches, mut end) = (Value::Null, Vec::new(), Value::Null);
        while let Some(data) = stream.next().await {
            let data = data?;
            match data.payload {
                DecodedPayload::Schema(schema) => {
                    claim = serde_json::from_str(&schema.metadata()["calotype.claim"]).unwrap();
                }
                DecodedPayload::RecordBatch(batch) => {
                    assert_eq!(end, Value::Null, "rows after the end");
                    let metadata = data.inner.app_metadata;
                    if metadata.is_empty() {
                        batches.push(batch);
                    } else {
                        assert_eq!(batch.num_rows(), 0);
                        end = serde_json::from_slice(&metadata).unwrap();
                    }
                }
                DecodedPayload::None => panic!("a message without content"),
            }
        }
        Ok(Read { claim, batches, end: end["calotype.end"].clone() })
    }

    /// A context of statements with one full of so many rows.
    async fn with_full(limits: Limits, count: i64) -> Self {
        let mut world = world(limits).await;
        let create = json!({"name": "people", "key": ["id"], "mode": "state"});
        world.act("create_context", create).await.unwrap();
        let full = json!({"context": "people", "kind": "full", "cutoff": "2026-01-01T00:00:00Z"});
        let batches = (0..count).step_by(1000).map(|from| rows(from..count.min(from + 1000))).collect();
        let result = world.put(full, batches).await.unwrap();
        assert_eq!(result["asserted"], count);
        world
    }
}

fn refused(outcome: Result<impl std::fmt::Debug, FlightError>) -> (Code, String) {
    match outcome.unwrap_err() {
        FlightError::Tonic(status) => (status.code(), status.message().to_owned()),
        other => panic!("{other}"),
    }
}

const AT: &str = "2026-02-01T00:00:00.000000Z";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_put_is_answered_with_claim_and_end() {
    let mut world = World::with_full(Limits::default(), 2500).await;
    for compression in ["none", "lz4", "zstd"] {
        let ticket = json!({"as_of": {"context": "people", "valid_at": AT, "compression": compression}});
        let read = world.get(ticket).await.unwrap();
        assert_eq!(read.rows(), 2500);
        assert_eq!(read.end["rows"], 2500);
        assert_eq!(read.end["result_hash"].as_str().unwrap().len(), 64);
        assert_eq!(read.claim["valid_at"], AT);
        assert_eq!(read.claim["settled"], true);
        let all = arrow_select::concat::concat_batches(&read.batches[0].schema(), &read.batches).unwrap();
        assert_eq!(all.columns(), rows(0..2500).columns());
    }
    let one = json!({"as_of": {"context": "people", "key": {"id": "7"}, "columns": ["name"], "system_columns": true}});
    let read = world.get(one).await.unwrap();
    assert_eq!((read.rows(), read.batches[0].num_columns()), (1, 5));
    let none = json!({"as_of": {"context": "people", "keys": [{"id": -1}]}, "at_least": 1});
    let read = world.get(none).await.unwrap();
    assert_eq!((read.rows(), &read.end["rows"]), (0, &json!(0)));
    let snapshot = read.claim["snapshot"]["id"].as_str().unwrap();
    assert_eq!(world.get(json!({"snapshot": snapshot})).await.unwrap().rows(), 2500);
    let history = json!({"history": {"context": "people", "key": {"id": 7}, "form": "rectangles"}});
    assert_eq!(world.get(history).await.unwrap().rows(), 1);
    let diff = json!({"diff": {"context": "people", "from": {"valid_at": "2025-01-01T00:00:00Z"}, "to": {}}});
    let read = world.get(diff).await.unwrap();
    assert_eq!((read.rows(), read.batches[0].schema().field(0).name().as_str()), (2500, "_change"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn parts_in_their_order_are_the_whole_answer() {
    let limits = Limits { endpoint_rows: 1000, endpoints_max: 3, ..Limits::default() };
    let mut world = World::with_full(limits, 60_000).await;
    let ticket = json!({"as_of": {"context": "people", "compression": "lz4"}});
    let info = world.client.get_flight_info(FlightDescriptor::new_cmd(ticket.to_string())).await.unwrap();
    assert!(info.ordered && info.endpoint.len() > 1 && info.endpoint.len() <= 3, "{}", info.endpoint.len());
    let about: Value = serde_json::from_slice(&info.app_metadata).unwrap();
    let claim = &about["calotype.claim"];
    let mut batches = Vec::new();
    // What is put afterwards is no part of the answer.
    let delta = json!({"context": "people", "kind": "delta", "cutoff": "2026-01-01T00:00:00Z"});
    world.put(delta, vec![rows(70_000..70_001)]).await.unwrap();
    for endpoint in &info.endpoint {
        assert!(endpoint.location.is_empty());
        let ticket = String::from_utf8(endpoint.ticket.clone().unwrap().ticket.to_vec()).unwrap();
        let read = world.get(ticket).await.unwrap();
        assert_eq!(
            (&read.claim["valid_at"], &read.claim["known_at"]),
            (&claim["valid_at"], &claim["known_at"])
        );
        assert!(read.rows() > 0);
        batches.extend(read.batches);
    }
    let schema = info.clone().try_decode_schema().unwrap();
    assert!(schema.metadata().contains_key("calotype.claim"));
    let all = arrow_select::concat::concat_batches(&batches[0].schema(), &batches).unwrap();
    assert_eq!(all.columns(), rows(0..60_000).columns());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn messages_keep_to_their_size() {
    let limits = Limits { sent_batch_bytes: 64 << 10, sent_message_bytes_max: 96 << 10, ..Limits::default() };
    let mut world = World::with_full(limits, 30_000).await;
    let read = world.get(json!({"as_of": {"context": "people"}})).await.unwrap();
    assert_eq!(read.rows(), 30_000);
    assert!(read.batches.len() >= 8, "{}", read.batches.len());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tickets_are_for_servers_that_have_seen_as_much() {
    let mut world = World::with_full(Limits::default(), 10).await;
    let asked = json!({"as_of": {"context": "people"}});
    let info = world.client.get_flight_info(FlightDescriptor::new_cmd(asked.to_string())).await.unwrap();
    for endpoint in info.endpoint {
        let ticket: Value = serde_json::from_slice(&endpoint.ticket.unwrap().ticket).unwrap();
        assert_eq!(ticket["at_least"], 1, "{ticket}");
    }
}

#[tokio::test]
async fn refusals_name_the_place() {
    let mut world = World::with_full(Limits::default(), 10).await;
    let found = refused(world.get(json!({"as_of": {"context": "people", "colums": []}})).await);
    assert_eq!(found, (Code::InvalidArgument, "as_of: no field 'colums'; did you mean 'columns'?".into()));
    let found = refused(world.get(json!({"as_of": {"context": "people", "key": {"idd": 7}}})).await);
    assert_eq!(found, (Code::InvalidArgument, "as_of.key: lacks key column 'id' (int64)".into()));
    let found = refused(world.get(json!({"as_of": {"context": "people", "key": {"id": 7, "x": 1}}})).await);
    assert_eq!(found, (Code::InvalidArgument, "as_of.key: 'x' is no key column; did you mean 'id'?".into()));
    assert_eq!(refused(world.get(json!({"as_of": {"context": "peeple"}})).await).0, Code::NotFound);
    assert_eq!(refused(world.get(json!({"sql": "SELEC 1"})).await).0, Code::InvalidArgument);
    let injected = json!({"as_of": {"context": "people", "where": "true) UNION SELECT (1"}});
    assert_eq!(refused(world.get(injected).await).0, Code::InvalidArgument);
    let late = json!({"as_of": {"context": "people"}, "at_least": 999});
    assert_eq!(refused(world.get(late).await).0, Code::Unavailable);
    let future = json!({"as_of": {"context": "people", "known_at": "9000-01-01T00:00:00Z"}});
    assert_eq!(refused(world.get(future).await).0, Code::OutOfRange);
    let facts = json!({"context": "people", "kind": "facts"});
    assert_eq!(refused(world.put(facts, vec![rows(0..1)]).await).0, Code::FailedPrecondition);
    let other = json!({"name": "people", "key": ["name"], "mode": "state"});
    assert_eq!(refused(world.act("create_context", other).await).0, Code::AlreadyExists);
    let cutoff = json!({"context": "people", "cutoff": "2020-01-01T00:00:00Z"});
    assert_eq!(refused(world.act("withdraw_cutoff", cutoff).await).0, Code::NotFound);
    let found = refused(world.act("go_liv", json!({})).await);
    assert_eq!(found, (Code::InvalidArgument, "action: no action 'go_liv'; did you mean 'go_live'?".into()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn statements_are_answered_and_described() {
    let mut world = World::with_full(Limits::default(), 2500).await;
    let ticket =
        json!({"sql": "SELECT id, name FROM people WHERE id >= $1 ORDER BY id", "parameters": [2000]});
    let read = world.get(&ticket).await.unwrap();
    assert_eq!((read.rows(), &read.end["rows"]), (500, &json!(500)));
    assert_eq!(read.claim["reads"][0]["context"], "people");
    assert_eq!(read.claim["settled"], true);
    // The same rows as those of a state have their hash.
    let state = world.get(json!({"as_of": {"context": "people", "where": "id >= 2000"}})).await.unwrap();
    assert_eq!(state.end, read.end);
    let named =
        json!({"sql": "SELECT count(*) FROM people WHERE name = $name", "parameters": {"name": "name 7"}});
    assert_eq!(world.get(named).await.unwrap().rows(), 1);

    // What is described is what is answered, whatever is committed in between.
    let command = || FlightDescriptor::new_cmd(ticket.to_string());
    let info = world.client.get_flight_info(command()).await.unwrap();
    assert_eq!(info.endpoint.len(), 1);
    let described: Value = serde_json::from_slice(&info.app_metadata).unwrap();
    let again =
        json!({"context": "people", "kind": "full", "cutoff": "2026-01-02T00:00:00Z", "expected_rows": 1});
    world.put(again, vec![rows(0..1)]).await.unwrap();
    assert_eq!(world.get(&ticket).await.unwrap().rows(), 0);
    let given = info.endpoint[0].ticket.clone().unwrap().ticket;
    let given: Value = serde_json::from_slice(&given).unwrap();
    assert!(given["settings"]["calotype.valid_time"].is_string() && given["at_least"] == 1, "{given}");
    let answered = world.get(&given).await.unwrap();
    assert_eq!((answered.rows(), &answered.end), (500, &read.end));
    let described = &described["calotype.claim"]["reads"][0];
    for field in ["valid_at", "known_at", "record", "snapshot"] {
        assert_eq!(answered.claim["reads"][0][field], described[field]);
    }

    let schema = world.client.get_schema(command()).await.unwrap();
    assert_eq!(schema.fields().iter().map(|field| field.name().as_str()).collect::<Vec<_>>(), ["id", "name"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_lets_rows_of_a_state_through() {
    let limits = Limits { endpoint_rows: 1000, endpoints_max: 3, ..Limits::default() };
    let mut world = World::with_full(limits, 60_000).await;
    let ask = |more: Value| {
        let mut as_of = json!({"context": "people"});
        as_of.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        json!({"as_of": as_of})
    };
    let ids = |read: &Read| -> Vec<i64> {
        let id = |batch: &RecordBatch| -> Vec<i64> {
            let ids = batch.column_by_name("id").unwrap().as_any().downcast_ref::<Int64Array>().unwrap();
            ids.values().to_vec()
        };
        read.batches.iter().flat_map(id).collect()
    };
    let read =
        world.get(ask(json!({"where": "id % 1000 = 7 AND name LIKE 'name %' AND id < 2500"}))).await.unwrap();
    assert_eq!(ids(&read), [7, 1007, 2007]);
    // The claim is that of the state.
    assert_eq!((&read.claim["context"], &read.claim["settled"]), (&json!("people"), &json!(true)));
    // A column that is not wanted may decide; keys, columns and system columns mean what they mean without it.
    let read = world.get(ask(json!({"where": "name = 'name 7'", "columns": ["id"]}))).await.unwrap();
    assert_eq!((ids(&read), read.batches[0].num_columns()), (vec![7], 1));
    let keys = json!({"where": "id > 5", "keys": [{"id": 3}, {"id": 9}], "columns": ["name", "id"]});
    let read = world.get(ask(keys)).await.unwrap();
    assert_eq!((ids(&read), read.batches[0].schema().field(0).name().as_str()), (vec![9], "name"));
    let system = json!({"where": "_valid_from >= '2026-01-01' AND id < 2", "system_columns": true});
    let read = world.get(ask(system)).await.unwrap();
    assert_eq!((ids(&read), read.batches[0].num_columns()), (vec![0, 1], 6));
    assert_eq!(world.get(ask(json!({"where": "id < 0"}))).await.unwrap().rows(), 0);
    // All rows: the same hash as without it.
    let all = world.get(ask(json!({}))).await.unwrap();
    assert_eq!(world.get(ask(json!({"where": "true"}))).await.unwrap().end, all.end);

    // Parts of an answer are parts of the filtered one.
    let command = FlightDescriptor::new_cmd(ask(json!({"where": "id % 2 = 0"})).to_string());
    let info = world.client.get_flight_info(command).await.unwrap();
    assert!(info.endpoint.len() > 1);
    let mut found = Vec::new();
    for endpoint in info.endpoint {
        let ticket = String::from_utf8(endpoint.ticket.unwrap().ticket.to_vec()).unwrap();
        found.extend(ids(&world.get(ticket).await.unwrap()));
    }
    assert!(found.iter().copied().eq((0..60_000).step_by(2)));

    for (predicate, expected) in [
        ("", "cannot be read"),
        ("id", "true or false"),
        ("nought = 1", "nought"),
        ("id = 1; DROP TABLE people", "the end of the predicate"),
        ("true ORDER BY id", "the end of the predicate"),
        ("id IN (SELECT id FROM people)", "no query"),
        ("EXISTS (SELECT 1)", "no query"),
        ("count(*) > 1", ""),
        ("row_number() OVER () = 1", "a window"),
        ("id = $1", "$1"),
        ("id = 1 --", ""),
    ] {
        let read = world.get(ask(json!({"where": predicate}))).await;
        if predicate.ends_with("--") {
            assert_eq!(ids(&read.unwrap()), [1], "a comment is no part of it");
            continue;
        }
        let (code, message) = refused(read);
        assert_eq!(code, Code::InvalidArgument, "{predicate}: {message}");
        assert!(message.contains(expected), "{predicate}: {message}");
    }
    let deep = format!("{}true{}", "(".repeat(20_000), ")".repeat(20_000));
    assert_eq!(refused(world.get(ask(json!({"where": deep}))).await).0, Code::InvalidArgument);
    let found = refused(world.get(ask(json!({"where": "true", "columns": ["nought"]}))).await);
    assert!(found.1.contains("nought"), "{}", found.1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn contexts_are_created_changed_listed_and_withdrawn_from() {
    let mut world = World::with_full(Limits::default(), 10).await;
    let loans = json!({"name": "loans", "key": ["id"], "mode": "state", "import": true, "max_retracted": 0.1,
        "columns": [{"name": "id", "type": "int64"}, {"name": "name", "type": "utf8", "class": "personal"}]});
    let created = world.act("create_context", loans.clone()).await.unwrap();
    assert_eq!(created, json!({"context": "loans", "schema_version": 1, "created": true}));
    assert_eq!(world.act("create_context", loans).await.unwrap()["created"], false);
    let rename = json!({"context": "loans", "rename": {"from": "name", "to": "label"}});
    assert_eq!(world.act("alter_context", rename).await.unwrap()["schema_version"], 2);
    assert_eq!(world.act("go_live", json!({"context": "loans"})).await.unwrap()["context"], "loans");
    let listed: Vec<_> =
        world.client.list_flights(r#"{"prefix":"loa"}"#).await.unwrap().try_collect().await.unwrap();
    assert_eq!(listed.len(), 1);
    let names: Vec<_> =
        listed[0].clone().try_decode_schema().unwrap().fields().iter().map(|f| f.name().clone()).collect();
    assert_eq!(names, ["id", "label"]);
    let all: Vec<_> = world.client.list_flights("").await.unwrap().try_collect().await.unwrap();
    assert_eq!(all.len(), 2);
    let withdraw = json!({"context": "people", "cutoff": "2026-01-01T00:00:00Z", "reason": "sent too early"});
    let withdrawn = world.act("withdraw_cutoff", withdraw).await.unwrap();
    assert_eq!((&withdrawn["retracted"], &withdrawn["snapshot"]), (&json!(10), &Value::Null));
    assert_eq!(world.get(json!({"as_of": {"context": "people"}})).await.unwrap().rows(), 0);
    let path = FlightDescriptor::new_path(vec!["people".into()]);
    assert_eq!(world.client.get_schema(path).await.unwrap().fields().len(), 2);
    let actions: Vec<_> = world.client.list_actions().await.unwrap().try_collect().await.unwrap();
    assert_eq!(actions.len(), 4);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_context_without_columns_answers_no_columns() {
    let mut world = world(Limits::default()).await;
    world.act("create_context", json!({"name": "empty", "key": ["id"], "mode": "events"})).await.unwrap();
    let filtered = world.get(json!({"as_of": {"context": "empty", "where": "id = 1"}})).await.unwrap();
    assert_eq!((filtered.rows(), &filtered.claim["not_yet_known"]), (0, &json!(true)));
    let read = world.get(json!({"as_of": {"context": "empty", "key": {"id": 1}}})).await.unwrap();
    assert_eq!((read.rows(), &read.end["rows"], &read.claim["not_yet_known"]), (0, &json!(0), &json!(true)));
    let nothing = json!({"context": "empty", "kind": "facts", "valid_to": "open"});
    let found = refused(world.put(nothing, vec![]).await);
    assert_eq!(found.0, Code::InvalidArgument, "{}", found.1);
}
