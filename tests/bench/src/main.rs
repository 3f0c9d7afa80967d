//! Measurements of the embedded store, and of a server through the wire: each prints its figure for several runs.
//!
//! `cargo xtask bench` builds it with the release profile and runs all of it.

mod bih;
mod book;
mod machine;
mod measures;
mod sh1;
mod wire;

use std::path::PathBuf;

use anyhow::Result;
use clap::{Parser, Subcommand};

use crate::bih::BihArguments;
use crate::sh1::Sh1Arguments;
use crate::wire::{PointsArguments, WireArguments};

/// Measures the embedded store, or a server.
#[derive(Debug, Parser)]
#[command(subcommand_negates_reqs = true, args_conflicts_with_subcommands = true)]
struct Arguments {
    #[command(subcommand)]
    what: Option<What>,
    /// Rows of the full extract.
    #[arg(long, default_value_t = 1_000_000)]
    rows: usize,
    /// How often each measure is taken.
    #[arg(long, default_value_t = 5)]
    runs: usize,
    /// Where stores are made; a folder on the disk to be measured.
    #[arg(long)]
    directory: Option<PathBuf>,
    /// The binary `calotype`, for the measure of the bulletin feed; left out, that measure is left out.
    #[arg(long, requires = "feed")]
    calotype: Option<PathBuf>,
    /// The feed of the bulletins.
    #[arg(long)]
    feed: Option<PathBuf>,
    /// Opens a store, asks one question, and prints how long that took: run by the measure of opening.
    #[arg(long, hide = true)]
    open: Option<PathBuf>,
    /// Puts deltas until it is killed: run by the measure of opening.
    #[arg(long, hide = true)]
    until_killed: Option<PathBuf>,
}

/// What else can be measured.
#[derive(Debug, Subcommand)]
enum What {
    /// A server of its own, through the wire.
    Wire(WireArguments),
    /// Points by several clients, of a server that runs.
    Points(PointsArguments),
    /// The bitemporal benchmark SH1, in a server of its own.
    Sh1(Sh1Arguments),
    /// The benchmark after TPC-BiH, of a server of its own.
    Bih(BihArguments),
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    match arguments.what {
        Some(What::Wire(arguments)) => return wire::run(&arguments),
        Some(What::Points(arguments)) => return wire::points(&arguments),
        Some(What::Sh1(arguments)) => return sh1::run(&arguments),
        Some(What::Bih(arguments)) => return bih::run(&arguments),
        None => {}
    }
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
