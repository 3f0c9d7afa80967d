//! The commands, a file each.

pub(crate) mod as_of;
pub(crate) mod completions;
pub(crate) mod config;
pub(crate) mod context;
pub(crate) mod diff;
pub(crate) mod get;
pub(crate) mod health;
pub(crate) mod history;
pub(crate) mod import;
pub(crate) mod log;
pub(crate) mod materialise;
pub(crate) mod put;
pub(crate) mod rebuild_index;
pub(crate) mod receipt;
pub(crate) mod serve;
pub(crate) mod snapshot;
pub(crate) mod sql;
pub(crate) mod status;
pub(crate) mod verify;
pub(crate) mod watch;
pub(crate) mod withdraw;

use std::io::Write;

use crate::args::{Command, exit_codes};
use crate::error::CliError;
use crate::output::OutputError;
use crate::session::Session;

/// Runs a command.
///
/// # Errors
/// [`CliError`] says why not, and how the process ends.
pub(crate) async fn run(session: &Session, command: Command) -> Result<(), CliError> {
    match command {
        Command::Demo(args) => crate::demo::run(session, &args).await,
        Command::Serve(args) => serve::run(session, &args).await,
        Command::Config(command) => config::run(session, &command),
        Command::Health => health::run(session).await,
        Command::Context(command) => context::run(session, command).await,
        Command::Put(args) => put::run(session, *args).await,
        Command::Withdraw(args) => withdraw::run(session, args).await,
        Command::Import(args) => import::run(session, &args).await,
        Command::AsOf(args) => as_of::run(session, args).await,
        Command::Get(args) => get::run(session, args).await,
        Command::History(args) => history::run(session, args).await,
        Command::Diff(args) => diff::run(session, args).await,
        Command::Sql(args) => sql::run(session, *args).await,
        Command::Explain(args) => sql::explain(session, *args).await,
        Command::Snapshot(command) => snapshot::run(session, command).await,
        Command::Log(args) => log::run(session, &args).await,
        Command::Watch(args) => watch::run(session, args).await,
        Command::Status => status::run(session).await,
        Command::Verify(args) => verify::run(session, &args).await,
        Command::RebuildIndex(_) => rebuild_index::run(session).await,
        Command::Materialise(args) => materialise::run(session, args).await,
        Command::Completions(args) => completions::run(session, &args),
        Command::ExitCodes => {
            let mut out = session.out()?;
            let written = out.write_all(exit_codes().as_bytes()).and_then(|()| out.flush());
            Ok(written.map_err(OutputError::Write)?)
        }
    }
}
