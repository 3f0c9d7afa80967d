//! T30: statements that want to be too much. The process stays within its memory, lives, and answers others.

mod crossed;
mod statements;

use std::sync::Arc;
use std::time::Duration;

use arrow_array::{ArrayRef, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use calotype_client::{CaptureMode, Client, ClientError, NewContext, OpenEnd, PutOptions, SqlQuestion};
use calotype_wire::process::Served;
use futures::future::join_all;
use tokio::time::{Instant, sleep, timeout};
use tonic::Code;

use super::book::once;
use super::plan;
use statements::statements;

/// What a statement may take.
const MEMORY: u64 = 128 << 20;
/// Statements at once.
const AT_ONCE: u64 = 2;
/// How long a statement may take.
const TIME_MAX: &str = "1s";
/// How long a turn may stay taken after that.
const RELEASE_MAX: Duration = Duration::from_secs(5);
/// How long the simple statement may take in between.
const PATIENCE: Duration = Duration::from_secs(20);
/// Rows of the context.
const ROWS: i64 = 100_000;

async fn fill(client: &Client) {
    let new = NewContext {
        name: "big".into(),
        key: vec!["id".into()],
        mode: CaptureMode::Events,
        ..NewContext::default()
    };
    client.create_context(&new).await.unwrap();
    let mixed = |id: i64| id.wrapping_mul(0x9e37_79b9_7f4a_7c15_u64.cast_signed());
    let ids: ArrayRef = Arc::new(Int64Array::from_iter_values(0..ROWS));
    let names: ArrayRef = Arc::new(StringArray::from_iter_values(
        (0..ROWS).map(|id| format!("{:016x} a rather long name", mixed(id))),
    ));
    let groups: ArrayRef = Arc::new(Int64Array::from_iter_values((0..ROWS).map(|id| mixed(id) & 7)));
    let from: ArrayRef = Arc::new(
        TimestampMicrosecondArray::from_iter_values((0..ROWS).map(|id| 1_000_000 + id)).with_timezone("UTC"),
    );
    let columns = [("id", ids), ("name", names), ("part", groups), ("_valid_from", from)];
    let batch = RecordBatch::try_from_iter(columns).unwrap();
    let facts = PutOptions { valid_to: OpenEnd::Open, ..PutOptions::facts("big") };
    client.put_arrow(&facts, batch.schema(), &[batch]).await.unwrap();
}

/// Asks, reads all of the answer, and keeps nothing of it.
async fn ask(client: &Client, text: &str) -> Result<u64, ClientError> {
    let mut answer = client.sql(&SqlQuestion::new(text)).await?;
    let mut rows = 0;
    while let Some(batch) = answer.next().await? {
        rows += batch.num_rows() as u64;
    }
    Ok(rows)
}

/// How a statement ended, in a word. A limit and a refusal are right, and so is an answer; a defect is not.
fn outcome(name: &str, result: &Result<u64, ClientError>) -> String {
    match result {
        Ok(rows) => format!("{rows} rows"),
        Err(error) => {
            let codes = [Code::InvalidArgument, Code::ResourceExhausted, Code::DeadlineExceeded];
            let text: String = error.to_string().chars().take(150).collect();
            if codes.contains(&error.code()) {
                format!("{} {text}", error.reason().unwrap_or_default())
            } else {
                format!("DEFECT {name} {:?} {text}", error.code())
            }
        }
    }
}

/// Waits until no statement is worked on.
async fn rests(server: &Served) -> Duration {
    let begun = Instant::now();
    while server.metric("calotype_statements").await.unwrap() > 0 && begun.elapsed() < PATIENCE {
        // polls: the metrics, until no statement is worked on
        sleep(Duration::from_millis(5)).await;
    }
    begun.elapsed()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hostile_statements_stay_within_their_memory() {
    let (_folder, plan) = plan();
    let plan = plan
        .with(format!("limits.sql_memory_bytes_max={MEMORY}"))
        .with(format!("limits.sql_statements_max={AT_ONCE}"))
        .with("limits.sql_spill_bytes_max=268435456")
        .with(format!("limits.query_time_max={TIME_MAX}"));
    // As docs/server.md says: what is freed goes back to the system, so that what is in use can be seen.
    let plan = plan
        .with_variable("MALLOC_ARENA_MAX", "1")
        .with_variable("MALLOC_TRIM_THRESHOLD_", "1048576")
        .with_variable("MALLOC_MMAP_THRESHOLD_", "262144");
    let mut server = plan.start().await.unwrap();
    let client = server.client(once()).await.unwrap();
    fill(&client).await;
    ask(&client, "SELECT part, count(*) FROM big GROUP BY part ORDER BY part").await.unwrap();
    let base = server.usage().unwrap().resident;
    let mut wrong = Vec::new();
    let written = statements().into_iter().map(|(name, text)| (name.to_owned(), text));
    let all: Vec<(String, String)> = written.chain(crossed::statements()).collect();
    assert!(all.len() >= 200, "{} statements", all.len());
    for (name, text) in &all {
        server.forget_peak().unwrap();
        let before = server.usage().unwrap().resident;
        let begun = Instant::now();
        let result = ask(&client, text).await;
        let took = begun.elapsed();
        let released = rests(&server).await;
        if !server.is_running().unwrap() {
            wrong.push(format!("{name} ended the server"));
            break;
        }
        // What the C library kept of those before is not this statement's.
        let peak = server.usage().unwrap().resident_most.saturating_sub(before);
        let kept = before.saturating_sub(base);
        let outcome = outcome(name, &result);
        println!(
            "{name}: {} MiB of {} ({} before), {} ms, {} ms after: {outcome}",
            peak >> 20,
            MEMORY >> 20,
            kept >> 20,
            took.as_millis(),
            released.as_millis()
        );
        if outcome.starts_with("DEFECT") {
            wrong.push(outcome);
        }
        if peak > MEMORY / 4 * 5 {
            wrong.push(format!("{name} took {} MiB", peak >> 20));
        }
        if kept > MEMORY / 4 * 5 {
            wrong.push(format!("before {name}, {} MiB were kept", kept >> 20));
        }
        if released > RELEASE_MAX {
            wrong.push(format!("{name} went on for {} ms", released.as_millis()));
        }
        let simple = timeout(PATIENCE, ask(&client, "SELECT count(*) FROM big")).await;
        if !matches!(simple, Ok(Ok(1))) {
            wrong.push(format!("after {name}, a simple statement: {simple:?}"));
        }
    }
    server.forget_peak().unwrap();
    join_all(all.iter().step_by(5).map(|(_, text)| ask(&client, text))).await;
    rests(&server).await;
    let peak = server.usage().unwrap().resident_most.saturating_sub(base);
    println!("at once: {} MiB", peak >> 20);
    if peak > AT_ONCE * MEMORY / 4 * 5 {
        wrong.push(format!("at once they took {} MiB", peak >> 20));
    }
    assert!(ask(&client, "SELECT count(*) FROM big").await.is_ok());
    assert_eq!(server.metric("calotype_panics_total").await.unwrap(), 0, "a statement panicked");
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), all.len(), wrong.join("\n"));
}
