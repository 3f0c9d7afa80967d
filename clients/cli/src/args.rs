//! The command line: what all commands share, and the list of commands.

use std::path::PathBuf;

use calotype_storage::name::Principal;
use clap::{Args, Parser, Subcommand};

use crate::commands::{
    as_of, completions, config, context, diff, get, history, import, log, materialise, put, rebuild_index,
    serve, snapshot, sql, verify, watch, withdraw,
};
use crate::demo;
use crate::output::Format;

const EXAMPLES: &str = "\
Start here:
  calotype demo                                     two years of real, corrected data, explained
  calotype --store ./loans.store context create loans --key loan_id
  calotype --store ./loans.store put loans march.csv --kind full --cutoff 2026-04-01T00:00:00Z
  calotype --store ./loans.store as-of loans --valid-at 2026-04-01T00:00:00Z
  calotype serve --store ./loans.store              then the same commands with --server HOST:PORT

Words:
  valid time (true on) says when something holds in the business world, system time (known on) when
  the store came to know it. Every question can name both; every answer says what it rests on.
";

const EXIT_CODES: &str = "\
Exit codes:
   0  done
   1  another failure
   2  the command line itself is wrong
   3  refused: malformed or unfit data or arguments; nothing was applied
   4  not found: store, context, snapshot, cutoff or file
   5  exists already
   6  the context or store is not in the state that this needs
   7  a system time that has not come
   8  full: disk, or more rows or bytes than are taken at once
   9  unavailable: try again later
  10  damaged: something stored is not what its name says

Formats: a table where the output is a terminal, else NDJSON, or what --format or the name of the
--output file says. Messages, claims and progress go to standard error.
";

/// A database that remembers what was true when, and what was known when.
#[derive(Debug, Parser)]
#[command(name = "calotype", version, after_help = EXAMPLES, after_long_help = const_format())]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) command: Command,
}

fn const_format() -> String {
    format!("{EXAMPLES}\n{EXIT_CODES}")
}

/// What all commands share.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Options of every command")]
pub(crate) struct Global {
    /// Where the store lies: a folder, or a URL such as `s3://bucket/prefix` [env: `CALOTYPE_STORE`]
    #[arg(
        long,
        global = true,
        help = "Where the store lies: a folder, or a URL such as s3://bucket/prefix [env: CALOTYPE_STORE]",
        value_name = "PATH|URL",
        conflicts_with = "server"
    )]
    pub(crate) store: Option<String>,
    /// The server that has the store, instead of the store itself [env: `CALOTYPE_SERVER`]
    #[arg(
        long,
        global = true,
        help = "The server that has the store, instead of the store itself [env: CALOTYPE_SERVER]",
        value_name = "HOST:PORT"
    )]
    pub(crate) server: Option<String>,
    /// Where the local index is kept; it is a cache and can always be rebuilt [default: beside a
    /// local store, else in the user's cache folder]
    #[arg(long, global = true, value_name = "DIR")]
    pub(crate) state: Option<PathBuf>,
    /// Who does this, as the log keeps it
    #[arg(long, global = true, env = "CALOTYPE_PRINCIPAL", value_name = "NAME", default_value = "local")]
    pub(crate) principal: Principal,
    /// No progress, claims or notes; errors only
    #[arg(long, short, global = true)]
    pub(crate) quiet: bool,
    /// How answers are written [default: table on a terminal, else ndjson]
    #[arg(long, global = true, value_enum)]
    pub(crate) format: Option<Format>,
    /// Where answers are written instead of standard output
    #[arg(long, short, global = true, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Load two years of real bulletins and show what the database does with them
    Demo(demo::DemoArgs),
    /// Serve a store over gRPC and Arrow Flight
    Serve(Box<serve::ServeArgs>),
    /// Show, print and check the settings of a server
    #[command(subcommand)]
    Config(config::ConfigCommand),
    /// Ask a server whether it serves
    Health,
    /// Create, list, show and change contexts
    #[command(subcommand)]
    Context(context::ContextCommand),
    /// Put an extract or facts from a file
    Put(Box<put::PutArgs>),
    /// Take back all that was said at a cutoff
    Withdraw(withdraw::WithdrawArgs),
    /// Import a feed of files with the times at which each was known
    Import(import::ImportArgs),
    /// The state at a valid time, as known at a system time
    AsOf(as_of::AsOfArgs),
    /// One entity, with the claim behind the answer
    Get(get::GetArgs),
    /// All that was ever said about one entity, on both time axes
    History(history::HistoryArgs),
    /// What differs between two points in time, and which commit caused it
    Diff(diff::DiffArgs),
    /// The answer to a statement of temporal SQL
    Sql(Box<sql::SqlArgs>),
    /// How a statement of SQL would be answered: its plan, and what it reads
    Explain(Box<sql::StatementArgs>),
    /// List and show sealed snapshots
    #[command(subcommand)]
    Snapshot(snapshot::SnapshotCommand),
    /// The log of commits
    Log(log::LogArgs),
    /// Print what is committed to a context, as it comes
    Watch(watch::WatchArgs),
    /// The store in a few lines
    Status,
    /// Check that the store is what it claims to be; repairs nothing
    Verify(verify::VerifyArgs),
    /// Throw the local index away and make it anew from the store
    RebuildIndex(rebuild_index::RebuildIndexArgs),
    /// Write a keyframe, which makes later reads faster and changes no answer
    Materialise(materialise::MaterialiseArgs),
    /// Print a completion script for a shell
    Completions(completions::CompletionsArgs),
    /// Print what the exit codes mean
    #[command(after_help = EXIT_CODES)]
    ExitCodes,
}

/// The exit codes as a text.
pub(crate) fn exit_codes() -> &'static str {
    EXIT_CODES
}
