//! Statements of SQL through the transport: the same through every door, and what they held is given back when they end.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use arrow_array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use arrow_flight::{FlightClient, Ticket};
use arrow_select::concat::concat_batches;
use calotype_client::{Client, ClientError, NewContext, PutOptions, SqlQuestion, ValidTime, Value};
use calotype_server::limits::Limits;
use calotype_storage::backend::Backend;
use calotype_storage::database::{Access, Database, OpenOptions, StateFolder};
use calotype_wire::serving::{Server, limits};
use futures::StreamExt;
use serde_json::json;
use tokio::time::{Instant, sleep};
use tonic::Code;

use crate::places::Place;

/// How soon all must be given back.
const SOON: Duration = Duration::from_millis(100);
/// Answers that are dropped.
const CANCELS: usize = 12;
/// How long this test waits before it calls it a leak.
const PATIENCE: Duration = Duration::from_secs(10);

async fn fill(client: &Client, rows: i64) {
    let new = NewContext { name: "big".into(), key: vec!["id".into()], ..NewContext::default() };
    client.create_context(&new).await.unwrap();
    let ids: ArrayRef = Arc::new(Int64Array::from_iter_values(0..rows));
    // In no order, so that sorting has something to do.
    let name = |id: i64| {
        format!("{:016x} a rather long name", id.wrapping_mul(0x9e37_79b9_7f4a_7c15_u64.cast_signed()))
    };
    let names: ArrayRef = Arc::new(StringArray::from_iter_values((0..rows).map(name)));
    let batch = RecordBatch::try_from_iter([("id", ids), ("name", names)]).unwrap();
    let full = PutOptions::full("big", ValidTime::from_micros(10));
    client.put_arrow(&full, batch.schema(), &[batch]).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_door_gives_the_same_answer() {
    let server = Server::start(Place::memory().open().await, limits());
    let client = server.client().await;
    fill(&client, 20_000).await;
    let question = SqlQuestion {
        parameters: vec![Value::Int(15_000)],
        ..SqlQuestion::new("SELECT name, id FROM big WHERE id >= $1 ORDER BY name")
    };
    let mut answer = client.sql(&question).await.unwrap();
    let claim = answer.claim().clone();
    assert!(claim.settled && claim.reads.len() == 1 && claim.settled_to.is_some());
    let batches = answer.read_all().await.unwrap();
    let end = answer.end().unwrap().clone();
    assert_eq!((end.rows, batches.iter().map(RecordBatch::num_rows).sum::<usize>()), (5_000, 5_000));
    let mut rows = client.sql_rows(&question).await.unwrap();
    assert_eq!(rows.claim().reads[0].record, claim.reads[0].record);
    assert_eq!((rows.read_all().await.unwrap().len(), rows.end()), (5_000, Some(&end)));

    let ticket = json!({"sql": question.text, "parameters": [15_000]}).to_string();
    let mut flight = FlightClient::new(server.channel().await);
    let mut stream = flight.do_get(Ticket::new(ticket)).await.unwrap();
    let mut seen = Vec::new();
    while let Some(batch) = stream.next().await {
        seen.push(batch.unwrap());
    }
    // Without the metadata of the schema, where Flight carries the claim.
    let schema = batches[0].schema();
    let bare = |batch: RecordBatch| RecordBatch::try_new(schema.clone(), batch.columns().to_vec()).unwrap();
    let seen: Vec<RecordBatch> = seen.into_iter().map(bare).collect();
    assert_eq!(concat_batches(&schema, &seen).unwrap(), concat_batches(&schema, &batches).unwrap());
    assert!(client.explain_sql(&question).await.unwrap().contains("ScanExec"));
    server.stop().await;
}

/// Files below a folder.
fn files(folder: &Path) -> usize {
    let Ok(entries) = std::fs::read_dir(folder) else { return 0 };
    let entries = entries.flatten().map(|entry| entry.path());
    entries.map(|path| if path.is_dir() { files(&path) } else { 1 }).sum()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cancelled_statement_gives_memory_turn_and_files_back() {
    let state = tempfile::tempdir().unwrap();
    let options = OpenOptions::new(Access::Create, StateFolder::At(state.path().to_owned()));
    let database = Database::open(Backend::memory(), options).await.unwrap();
    let tight = Limits { sql_memory_bytes_max: 48 << 20, sql_statements_max: 1, ..limits() };
    let server = Server::start(database, tight);
    let client = server.client().await;
    fill(&client, 600_000).await;
    let spilled = state.path().join("spill");
    let mut times = Vec::new();
    let text = "SELECT id, name || name AS n FROM big ORDER BY n";
    for number in 0..CANCELS {
        // Through both doors, after some batches or none.
        if number % 2 == 0 {
            let mut answer = client.sql(&SqlQuestion::new(text)).await.unwrap();
            for _ in 0..=number % 5 {
                assert!(answer.next().await.unwrap().is_some());
            }
            assert!(files(&spilled) > 0, "it is larger than its memory");
            assert_eq!(server.metric("calotype_statements "), 1);
        } else {
            let mut flight = FlightClient::new(server.channel().await);
            let mut stream = flight.do_get(Ticket::new(json!({ "sql": text }).to_string())).await.unwrap();
            for _ in 0..=number % 5 {
                assert!(stream.next().await.unwrap().is_ok());
            }
        }
        let begun = Instant::now();
        while files(&spilled) > 0 || server.metric("calotype_statements ") > 0 {
            assert!(begun.elapsed() < PATIENCE, "{} files are left", files(&spilled));
            // polls: the folder and the metrics, until nothing is held
            sleep(Duration::from_millis(1)).await;
        }
        times.push(begun.elapsed());
    }
    println!("given back after {times:?}");
    assert!(times.iter().min().unwrap() < &SOON, "{times:?}");
    // The turn too.
    let mut answer = client.sql(&SqlQuestion::new("SELECT 1")).await.unwrap();
    assert_eq!(answer.read_all().await.unwrap().len(), 1);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn too_little_memory_and_disk_end_a_statement_by_name() {
    let tight = Limits { sql_memory_bytes_max: 1 << 20, sql_spill_bytes_max: 0, ..limits() };
    let server = Server::start(Place::memory().open().await, tight);
    let client = server.client().await;
    fill(&client, 50_000).await;
    let failed = async |text: &str| -> ClientError {
        match client.sql(&SqlQuestion::new(text)).await {
            Err(error) => error,
            Ok(mut answer) => answer.read_all().await.unwrap_err(),
        }
    };
    for text in [
        "SELECT id, name || name AS n FROM big ORDER BY n",
        "SELECT name, count(*) FROM big GROUP BY name",
        "SELECT a.id FROM big a JOIN big b ON a.name = b.name",
    ] {
        let error = failed(text).await;
        assert_eq!(error.code(), Code::ResourceExhausted, "{text}: {error}");
        assert_eq!(error.reason(), Some("LIMIT_REACHED"), "{text}: {error}");
    }
    let refused = |limit: &str| server.metric(&format!("calotype_refusals_total{{limit=\"{limit}\"}}"));
    assert!(refused("sql_memory_bytes_max") + refused("sql_spill_bytes_max") >= 3);
    assert_eq!(server.metric("calotype_statements "), 0);
    assert_eq!(server.metric("calotype_panics_total"), 0);
    server.stop().await;
}
