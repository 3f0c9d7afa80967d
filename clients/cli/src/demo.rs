//! `demo`.
use clap::Args;
use crate::error::CliError;
use crate::session::Session;
/// Args.
#[derive(Debug, Args)]
pub(crate) struct DemoArgs {}
/// Runs.
pub(crate) async fn run(_session: &Session, _args: &DemoArgs) -> Result<(), CliError> { Ok(()) }
