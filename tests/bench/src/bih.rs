//! The benchmark after TPC-BiH: loading, scenario by scenario, and every question, none of which counts before its
//! answer agrees with the oracle's.
//!
//! Results are no official TPC results.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::PathBuf;

use anyhow::{Result, ensure};
use arrow_array::RecordBatch;
use arrow_flight::Ticket;
use arrow_flight::decode::FlightRecordBatchStream;
use arrow_flight::error::FlightError;
use calotype_client::Client;
use calotype_temporal::bih::base::Thousandths;
use calotype_temporal::bih::check::check;
use calotype_temporal::bih::event_file;
use calotype_temporal::bih::history::{History, Scale};
use calotype_temporal::bih::load;
use calotype_temporal::bih::oracle::Oracle;
use calotype_temporal::bih::queries::{Expected, Instants, Question, questions, states, tpch_questions};
use clap::Args;
use futures::TryStreamExt as _;
use serde_json::json;
use tokio::time::Instant;

use crate::machine::{float, folder_bytes};
use crate::measures;
use crate::wire::{Server, runtime};

/// The first runs of a question, which do not count.
const WARM_UP: usize = 3;

/// What is loaded and asked, of a server of its own.
#[derive(Debug, Args)]
pub(crate) struct BihArguments {
    /// The binary `calotype`.
    #[arg(long)]
    calotype: PathBuf,
    /// Scale of version 0, as TPC-H counts; in thousandths at least.
    #[arg(long, default_value = "0.01")]
    scale: Thousandths,
    /// Scale of the history: 1 is a million scenarios; left out, that of version 0.
    #[arg(long)]
    history: Option<Thousandths>,
    /// Which history of that size.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Scenarios that go together in one call.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    together: u32,
    /// How often each question is asked; the first three do not count.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u64).range(4..))]
    runs: u64,
    /// Where the store is made.
    #[arg(long)]
    directory: Option<PathBuf>,
    /// Where the event file is written, for other systems to load.
    #[arg(long)]
    events: Option<PathBuf>,
}

/// Loads a history into a server of its own and asks all questions.
///
/// # Errors
/// The server does not start or answer, or an answer does not agree; the latter only after all were asked.
pub(crate) fn run(arguments: &BihArguments) -> Result<()> {
    let BihArguments { scale, seed, .. } = *arguments;
    let history = History::generate(Scale { base: scale, history: arguments.history.unwrap_or(scale), seed });
    let text = event_file::text(&history);
    println!("event file: {} bytes, SHA-256 {}", text.len(), event_file::digest(&text));
    if let Some(path) = &arguments.events {
        std::fs::write(path, &text)?;
    }
    drop(text);
    let idle = history.scenarios.iter().filter(|scenario| !scenario.done).count();
    println!("scenarios: {}, of which {idle} found nothing to do", history.scenarios.len());
    let oracle = Oracle::new(&history.facts);
    let folder = measures::working_folder(arguments.directory.as_deref())?;
    let store = folder.path().join("store");
    runtime()?.block_on(async {
        let server = Server::start(&arguments.calotype, &store, &[]).await?;
        let client = Client::connect(&server.url()).await?;
        load_history(&client, &history, arguments.together).await?;
        println!("store after loading: {} bytes", folder_bytes(&store));
        for state in states(Instants::of(&history)?) {
            load::put_state(&client, &oracle, state.point, state.suffix).await?;
        }
        let mut all = questions(&history, &oracle)?;
        all.extend(tpch_questions(&history)?);
        let runs = usize::try_from(arguments.runs)?;
        let failures = ask_all(&client, &all, runs).await?;
        println!("memory of the server, most at any time: {} MiB", server.memory_peak_mib());
        ensure!(failures.is_empty(), "{} answers do not count:\n{}", failures.len(), failures);
        Ok(())
    })
}

/// Version 0, then the scenarios: time for all, and by kind of scenario where each is a call of its own.
async fn load_history(client: &Client, history: &History, together: u32) -> Result<()> {
    load::create(client).await?;
    let start = Instant::now();
    load::put_scenarios(client, history, [0].into_iter()).await?;
    println!("version 0: {:.2} s", start.elapsed().as_secs_f64());
    let mut times: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
    let start = Instant::now();
    let together = usize::try_from(together)?;
    for scenarios in history.scenarios.chunks(together) {
        let call = Instant::now();
        load::put_scenarios(client, history, scenarios.iter().map(|scenario| scenario.number)).await?;
        let time = call.elapsed().as_secs_f64() * 1e3;
        if let ([scenario], 1) = (scenarios, together) {
            // What found nothing to do sent nothing.
            if scenario.done {
                times.entry(scenario.kind.name()).or_default().push(time);
            }
        }
        times.entry("all calls").or_default().push(time);
    }
    let seconds = start.elapsed().as_secs_f64();
    let count = float(u64::try_from(history.scenarios.len())?);
    println!("scenarios, {together} a call: {seconds:.2} s, {:.1} scenarios/s", count / seconds);
    println!("{:<28} {:>8} {:>12} {:>12}", "scenario", "calls", "p50 ms", "p97 ms");
    for (name, times) in &mut times {
        times.sort_by(f64::total_cmp);
        println!("{name:<28} {:>8} {:>12.2} {:>12.2}", times.len(), share(times, 50), share(times, 97));
    }
    load::go_live(client).await
}

/// Asks each question, prints a line for it, and gathers those that do not count.
async fn ask_all(client: &Client, questions: &[Question], runs: usize) -> Result<String> {
    println!(
        "{:<20} {:>8} {:>12} {:>12} {:>12} {:>12}",
        "question", "rows", "first ms", "p50 ms", "p95 ms", "of plain"
    );
    let mut failures = String::new();
    for question in questions {
        match measure(client, question, runs).await {
            Ok(line) => println!("{line}"),
            Err(error) => {
                println!("{:<20} does not count", question.name);
                writeln!(failures, "{error:#}")?;
            }
        }
    }
    Ok(failures)
}

async fn measure(client: &Client, question: &Question, runs: usize) -> Result<String> {
    let start = Instant::now();
    let first = ask(client, &question.sql).await;
    let first_ms = start.elapsed().as_secs_f64() * 1e3;
    drop(first);
    let rows = check(question, async |sql: &str| ask(client, sql).await).await?;
    let times = times(client, &question.sql, runs).await?;
    let median = share(&times, 50);
    // Class H says how much slower the past is than tables that hold nothing else.
    let factor = match &question.expected {
        Expected::SameAs(plain) => {
            format!("{:.2}", median / share(&self::times(client, plain, runs).await?, 50))
        }
        Expected::Rows(_) | Expected::Ordered(_) => String::new(),
    };
    let name = &question.name;
    let tail = share(&times, 95);
    Ok(format!("{name:<20} {rows:>8} {first_ms:>12.2} {median:>12.2} {tail:>12.2} {factor:>12}"))
}

/// Times of a question in milliseconds, sorted, without the first ones.
async fn times(client: &Client, sql: &str, runs: usize) -> Result<Vec<f64>> {
    let mut times = Vec::with_capacity(runs);
    for run in 0..runs {
        let start = Instant::now();
        ask(client, sql).await?;
        if run >= WARM_UP {
            times.push(start.elapsed().as_secs_f64() * 1e3);
        }
    }
    times.sort_by(f64::total_cmp);
    Ok(times)
}

/// Asks in SQL over Arrow Flight.
async fn ask(client: &Client, sql: &str) -> Result<Vec<RecordBatch>> {
    let ticket = Ticket { ticket: serde_json::to_vec(&json!({ "sql": sql }))?.into() };
    let data = client.flight().do_get(ticket).await?.into_inner();
    let batches = FlightRecordBatchStream::new_from_flight_data(data.map_err(FlightError::from));
    Ok(batches.try_collect().await?)
}

/// The figure below which so many hundredths of sorted figures lie.
fn share(sorted: &[f64], hundredths: usize) -> f64 {
    let at = sorted.len().saturating_sub(1) * hundredths / 100;
    sorted.get(at).copied().unwrap_or(0.0)
}
