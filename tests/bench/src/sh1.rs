//! SH1 through the wire: loading a tier into a server process of its own.

use std::path::PathBuf;

use anyhow::{Result, ensure};
use arrow_array::RecordBatch;
use calotype_client::{Client, SqlQuestion};
use calotype_temporal::sh1::{Tier, answers, create, events, load, stream_sha256, timings};
use clap::Args;
use tokio::time::Instant;

use crate::machine::{float, folder_bytes};
use crate::measures;
use crate::wire::{Server, runtime, show};

/// What is measured of SH1.
#[derive(Debug, Args)]
pub(crate) struct Sh1Arguments {
    /// The binary `calotype`.
    #[arg(long)]
    calotype: PathBuf,
    /// The size: dev, T25k or T100k.
    #[arg(long, default_value = "T25k")]
    tier: Tier,
    /// How often each measure is taken.
    #[arg(long, default_value_t = 5)]
    runs: usize,
    /// Where stores are made.
    #[arg(long)]
    directory: Option<PathBuf>,
}

/// Checks stream and oracle of a tier, loads it as often as asked for, each time into a new store, and asks the last one.
///
/// # Errors
/// Stream or answers of the tier are not what they must be, or a server does not start or answer.
pub(crate) fn run(arguments: &Sh1Arguments) -> Result<()> {
    let Sh1Arguments { calotype, tier, runs, directory } = arguments;
    let folder = measures::working_folder(directory.as_deref())?;
    let events = events(*tier);
    let sha256 = stream_sha256(&events);
    let published = tier.published_sha256();
    ensure!(sha256 == published, "the stream of {} has SHA-256 {sha256}; expected {published}", tier.name());
    let answers = answers(&events);
    let (sha256, expected) = (answers.sha256(), tier.answers_sha256());
    ensure!(
        sha256 == expected,
        "the oracle's answers to {} have SHA-256 {sha256}; expected {expected}",
        tier.name()
    );
    println!("SH1 {}: {} events, {runs} runs; median (least to most)", tier.name(), events.len());
    runtime()?.block_on(async {
        let mut loads = Vec::new();
        for run in 0..*runs {
            let store = folder.path().join(format!("sh1-{run}"));
            let server = Server::start(calotype, &store, &[]).await?;
            let client = Client::connect(server.address.as_str()).await?;
            let start = Instant::now();
            create(&client).await?;
            let loaded = load(&client, &events).await?;
            loads.push(start.elapsed().as_secs_f64() * 1e3);
            if run == 0 {
                println!("{} puts of {} rows", loaded.puts, loaded.rows);
                println!(
                    "{:<66} {:>12.1} MiB",
                    "bytes of the store",
                    float(folder_bytes(&store)) / 1_048_576.0
                );
            }
            if run + 1 == *runs {
                let ask = async |sql: &str| ask(&client, sql).await;
                println!("{}", timings(&answers, *runs, ask).await?);
                println!(
                    "{:<66} {:>12} MiB",
                    "memory of the server, most at any time",
                    server.memory_peak_mib()
                );
            }
        }
        show("SH1 load, durable", "ms", loads);
        Ok(())
    })
}

/// All rows of the answer to a statement.
async fn ask(client: &Client, sql: &str) -> Result<Vec<RecordBatch>> {
    let mut answer = client.sql(&SqlQuestion::new(sql)).await?;
    let mut batches = Vec::new();
    while let Some(batch) = answer.next().await? {
        batches.push(batch);
    }
    Ok(batches)
}
