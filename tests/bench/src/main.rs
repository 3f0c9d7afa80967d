//! Measurements of the embedded store: each prints its figure for several runs.
//!
//! `cargo xtask bench` builds it with the release profile and runs all of it.

mod book;
mod machine;
mod measures;

use anyhow::Result;
use clap::Parser;

/// Measures the embedded store.
#[derive(Debug, Parser)]
struct Arguments {
    /// Rows of the full extract.
    #[arg(long, default_value_t = 1_000_000)]
    rows: usize,
    /// How often each measure is taken.
    #[arg(long, default_value_t = 5)]
    runs: usize,
    /// Where stores are made; a folder on the disk to be measured.
    #[arg(long)]
    directory: Option<std::path::PathBuf>,
    /// The binary `calotype`, for the measure of the bulletin feed; left out, that measure is left out.
    #[arg(long, requires = "feed")]
    calotype: Option<std::path::PathBuf>,
    /// The feed of the bulletins.
    #[arg(long)]
    feed: Option<std::path::PathBuf>,
    /// Opens a store, asks one question, and prints how long that took: run by the measure of opening.
    #[arg(long, hide = true)]
    open: Option<std::path::PathBuf>,
    /// Puts deltas until it is killed: run by the measure of opening.
    #[arg(long, hide = true)]
    until_killed: Option<std::path::PathBuf>,
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    if let Some(store) = &arguments.open {
        return measures::open(store);
    }
    if let Some(store) = &arguments.until_killed {
        return measures::put_until_killed(store);
    }
    if let (Some(calotype), Some(feed)) = (&arguments.calotype, &arguments.feed) {
        measures::feed(calotype, feed, arguments.runs, arguments.directory.as_deref())?;
    }
    measures::all(arguments.rows, arguments.runs, arguments.directory.as_deref())
}
