//! Contexts: create, list, show, alter, go live.

mod create;
mod show;

use calotype_client::{Alteration, GoLive, RequestId};
use calotype_storage::database::Access;
use calotype_storage::name::{ContextName, Reason};
use clap::{Args, Subcommand};

use super::receipt;
use crate::error::CliError;
use crate::session::Session;
use crate::value;

/// What to do with contexts.
#[derive(Debug, Subcommand)]
pub(crate) enum ContextCommand {
    /// Create a context, and the store where there is none
    Create(create::CreateArgs),
    /// List all contexts
    List,
    /// Show what a context is made of
    Show(show::ShowArgs),
    /// Rename a column, or set how much a full may retract
    Alter(AlterArgs),
    /// End import for good: from now on the database gives the system time itself
    GoLive(GoLiveArgs),
}

/// How a context is changed.
#[derive(Debug, Args)]
pub(crate) struct AlterArgs {
    /// The context
    context: ContextName,
    /// Rename a column; its past answers keep the old name
    #[arg(long, value_name = "FROM=TO", value_parser = value::pair)]
    rename: Option<(String, String)>,
    /// The greatest share of known keys that a full may retract, such as 0.2
    #[arg(long, value_name = "SHARE", value_parser = value::share)]
    max_retracted: Option<u32>,
    /// Why, for the log
    #[arg(long)]
    reason: Option<Reason>,
}

/// Which context goes live.
#[derive(Debug, Args)]
pub(crate) struct GoLiveArgs {
    /// The context
    context: ContextName,
    /// Why, for the log
    #[arg(long)]
    reason: Option<Reason>,
}

/// Runs a command about contexts.
///
/// # Errors
/// [`CliError`] says why not.
pub(crate) async fn run(session: &Session, command: ContextCommand) -> Result<(), CliError> {
    match command {
        ContextCommand::Create(args) => create::run(session, args).await,
        ContextCommand::List => show::list(session).await,
        ContextCommand::Show(args) => show::run(session, &args).await,
        ContextCommand::Alter(args) => {
            let client = session.open(Access::Write).await?;
            let alteration = Alteration {
                context: args.context.to_string(),
                rename: args.rename,
                max_retracted_ppm: args.max_retracted,
                reason: text(args.reason),
                request_id: RequestId::None,
            };
            let altered = client.alter_context(&alteration).await?;
            receipt::print(session, "change", &altered.receipt)
        }
        ContextCommand::GoLive(args) => {
            let client = session.open(Access::Write).await?;
            let go_live = GoLive {
                context: args.context.to_string(),
                reason: text(args.reason),
                request_id: RequestId::None,
            };
            let altered = client.go_live(&go_live).await?;
            receipt::print(session, "end of import", &altered.receipt)
        }
    }
}

fn text(reason: Option<Reason>) -> Option<String> {
    reason.map(|reason| reason.to_string())
}
