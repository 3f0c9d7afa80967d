//! A claim is the same JSON wherever it comes from: the engine, the typed client, Flight.

use std::sync::Arc;

use arrow_array::{ArrayRef, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use calotype_client::{
    AsOfQuestion, CaptureMode, CutoffSemantics, NewContext, Position, PutOptions, SystemTime, ValidTime,
    Withdrawal,
};
use calotype_query::offsets::OffsetVector;
use calotype_query::{AsOfRequest, LocalPolicy, Point, resolve};
use calotype_storage::name::ContextName;
use calotype_wire::doors::{Doors, point, told};
use calotype_wire::serving::{Server, limits};
use serde_json::{Value as Json, json};

use crate::places::Place;

/// A server, its doors, and what is known so far.
struct World {
    server: Server,
    doors: Doors,
    newest: i64,
}

fn rows(count: i64) -> RecordBatch {
    let ids: ArrayRef = Arc::new(Int64Array::from_iter_values(0..count));
    let names: ArrayRef = Arc::new(StringArray::from_iter_values((0..count).map(|id| format!("n{id}"))));
    RecordBatch::try_from_iter([("id", ids), ("name", names)]).unwrap()
}

/// Facts from instant 5 on, the first half with offsets of one partition.
fn facts(count: i64) -> RecordBatch {
    let from = TimestampMicrosecondArray::from_iter_values((0..count).map(|_| 5)).with_timezone("UTC");
    let partition: StringArray = (0..count).map(|id| (id < count / 2).then_some("p0")).collect();
    let offset: Int64Array = (0..count).map(|id| (id < count / 2).then_some(id)).collect();
    let mut columns: Vec<(String, ArrayRef)> = vec![
        ("_valid_from".into(), Arc::new(from)),
        ("_partition".into(), Arc::new(partition)),
        ("_offset".into(), Arc::new(offset)),
    ];
    let rows = rows(count);
    for (field, column) in rows.schema().fields().iter().zip(rows.columns()) {
        columns.push((field.name().clone(), Arc::clone(column)));
    }
    RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(n, c)| (n, c, true))).unwrap()
}

fn positions(count: i64) -> Vec<Position> {
    let position = |n: i64| Position {
        source: "feed".into(),
        partition: format!("p{n}"),
        epoch: 3,
        from: -1,
        // Beyond what a double holds.
        to: 9_007_199_254_740_993 + n,
    };
    (0..count).map(position).collect()
}

impl World {
    async fn new() -> Self {
        let server = Server::here(Place::memory().open().await, limits());
        let doors = Doors::of(&server).await;
        Self { server, doors, newest: 1 }
    }

    async fn create(&mut self, name: &str, mode: CaptureMode, import: bool) {
        let key = vec!["id".into()];
        let new = NewContext { name: name.into(), key, mode, import, ..NewContext::default() };
        let created = self.doors.client.create_context(&new).await.unwrap();
        self.newest = self.newest.max(created.receipt.system_time.micros());
    }

    async fn put(&mut self, options: PutOptions, rows: RecordBatch) {
        let receipt = self.doors.client.put_arrow(&options, rows.schema(), &[rows]).await.unwrap();
        self.newest = receipt.system_time.micros();
    }

    /// The claim at a point, compared through every door.
    async fn claim(&self, context: &str, valid_at: i64, known_at: i64, offsets: Option<i64>) -> Json {
        let point = point(valid_at, known_at);
        let vector = offsets.map(|to| Position { to, ..positions(1).remove(0) });
        let question =
            AsOfQuestion { offsets: vector.into_iter().collect(), ..AsOfQuestion::new(context, point) };
        let over_grpc = told(self.doors.client.as_of(&question).await.unwrap()).await.unwrap().claim;
        let values = self.doors.client.as_of_rows(&question).await.unwrap();
        assert_eq!(values.claim().to_json(), over_grpc);

        let engine = Point {
            valid_at: calotype_storage::ValidTime::from_micros(valid_at),
            known_at: calotype_storage::SystemTime::from_micros(known_at),
        };
        let vector = |to| OffsetVector::from([(("feed".to_owned(), "p0".to_owned()), (3, to))]);
        let name = ContextName::parse(context).unwrap();
        let request = AsOfRequest { offsets: offsets.map(vector), ..AsOfRequest::new(name, engine) };
        let answer = resolve(self.server.node.database(), &LocalPolicy, &request).await.unwrap();
        assert_eq!(over_grpc, answer.claim().to_json(), "the client's and the engine's");

        if offsets.is_none() {
            let ticket = json!({"as_of": {
                "context": context, "valid_at": point.valid_at.unwrap(), "known_at": point.known_at.unwrap(),
            }});
            let over_flight = self.doors.get(&ticket).await.unwrap().claim;
            assert_eq!(over_grpc, over_flight, "over gRPC and over Flight");
        }
        serde_json::from_str(&over_grpc).unwrap()
    }
}

#[tokio::test]
async fn of_statements() {
    let mut world = World::new().await;
    world.create("loans", CaptureMode::State, false).await;
    let created = world.newest;
    let nothing = world.claim("loans", 10, created, None).await;
    assert_eq!((&nothing["schema_version"], &nothing["snapshot"]), (&Json::Null, &Json::Null));
    let before = world.claim("loans", 10, created - 1_000_000, None).await;
    assert_eq!((&before["not_yet_known"], &before["record"]), (&json!(true), &Json::Null));

    let at = ValidTime::from_micros(10_000_000);
    world.put(PutOptions { expected_rows: Some(4), ..PutOptions::full("loans", at) }, rows(4)).await;
    let claim = world.claim("loans", 95_000_000, world.newest, None).await;
    assert_eq!(claim["completeness"]["status"], "complete");
    assert_eq!((&claim["behind_seconds"], &claim["snapshot"]["kind"]), (&json!(85), &json!("full")));
    let early = world.claim("loans", 9_000_000, world.newest, None).await;
    assert_eq!(early["completeness"]["reason"], "no full");
    let semantics =
        [CutoffSemantics::ProcessingTime, CutoffSemantics::BusinessEffective, CutoffSemantics::Offset];
    let words = ["processing_time", "business_effective", "offset"];
    for ((semantics, word), second) in semantics.into_iter().zip(words).zip(11..) {
        let at = ValidTime::from_micros(second * 1_000_000);
        let options = PutOptions { semantics, positions: positions(17), ..PutOptions::delta("loans", at) };
        world.put(options, rows(2)).await;
        let claim = world.claim("loans", second * 1_000_000, world.newest, None).await;
        assert_eq!(claim["snapshot"]["semantics"], word);
        assert_eq!(claim["positions"].as_array().unwrap().len(), 16);
        assert_eq!((&claim["positions_more"], &claim["positions"][0]["epoch"]), (&json!(1), &json!(3)));
        assert!(claim["positions"][0]["to"].as_str().unwrap().starts_with("900719925474"));
    }
    let withdrawn = world.doors.client.withdraw(&Withdrawal::of("loans", at)).await.unwrap();
    let claim = world.claim("loans", 95_000_000, withdrawn.system_time.micros(), None).await;
    assert_eq!(claim["completeness"]["reason"], "no full");
    // Not settled: later than all that is known, and not in the future.
    let now = world.server.node.database().now().micros();
    let claim = world.claim("loans", 10_000_000, now, None).await;
    assert_eq!(claim["settled"], false);
    assert!(claim["settled_to"].is_string());
}

#[tokio::test]
async fn of_facts_by_watermark_and_by_offsets() {
    let mut world = World::new().await;
    world.create("moves", CaptureMode::Events, false).await;
    let open = calotype_client::OpenEnd::Open;
    let options = PutOptions {
        valid_to: open,
        watermark: Some(ValidTime::from_micros(50_000_000)),
        positions: positions(1),
        ..PutOptions::facts("moves")
    };
    world.put(options, facts(8)).await;
    let claim = world.claim("moves", 10, world.newest, None).await;
    assert_eq!((&claim["completeness"]["status"], &claim["behind_seconds"]), (&json!("complete"), &json!(0)));
    let claim = world.claim("moves", 60_000_000, world.newest, None).await;
    assert_eq!(
        (&claim["completeness"]["reason"], &claim["behind_seconds"]),
        (&json!("no watermark"), &json!(10))
    );
    world.put(PutOptions { valid_to: open, ..PutOptions::facts("moves") }, facts(6)).await;
    let claim = world.claim("moves", 10, world.newest, Some(2)).await;
    assert_eq!(claim["completeness"]["reason"], "offsets");
    assert_eq!(claim["offsets"]["facts_without_position"], 6);
    assert_eq!(
        claim["offsets"]["vector"],
        json!([{"source": "feed", "partition": "p0", "epoch": 3, "to": "2"}])
    );
}

#[tokio::test]
async fn of_a_context_that_is_open_for_import() {
    let mut world = World::new().await;
    world.create("ledger", CaptureMode::State, true).await;
    let recorded = 1_000_000_000_000_000;
    for (number, kind) in [PutOptions::full, PutOptions::delta].into_iter().enumerate() {
        let at = i64::try_from(number).unwrap() * 1_000_000;
        let recorded_at = Some(SystemTime::from_micros(recorded + at));
        let options = PutOptions { recorded_at, ..kind("ledger".to_owned(), ValidTime::from_micros(at)) };
        world.put(options, rows(3)).await;
        let claim = world.claim("ledger", at, recorded + at, None).await;
        assert_eq!((&claim["settled"], &claim["record"]["entry"]), (&json!(true), &json!(0)));
    }
    let claim = world.claim("ledger", 5, recorded, None).await;
    assert_eq!(claim["settled_to"], SystemTime::from_micros(recorded + 1_000_000).to_string());
}
