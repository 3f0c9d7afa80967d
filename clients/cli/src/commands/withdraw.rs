//! `withdraw`: takes back all that was said at a cutoff.

use calotype_client::{RequestId, SystemTime, ValidTime, Withdrawal};
use calotype_storage::database::Access;
use calotype_storage::name::{ContextName, IdempotencyKey, Reason};
use clap::Args;

use super::receipt;
use crate::error::CliError;
use crate::session::Session;

const EXAMPLES: &str = "\
Example:
  calotype withdraw loans --cutoff 2026-04-01T00:00:00Z --reason 'test file sent by mistake'

Nothing is deleted: what was known before stays known at its system times.
";

/// What is withdrawn.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct WithdrawArgs {
    /// The context
    context: ContextName,
    /// The cutoff, RFC 3339
    #[arg(long, value_name = "TIME", value_parser = ValidTime::parse)]
    cutoff: ValidTime,
    /// When the source knew it; while the context is open for import
    #[arg(long, value_name = "TIME", value_parser = SystemTime::parse)]
    recorded_at: Option<SystemTime>,
    /// Makes a repetition the same withdrawal
    #[arg(long, value_name = "KEY")]
    idempotency_key: Option<IdempotencyKey>,
    /// Why, for the log
    #[arg(long)]
    reason: Option<Reason>,
    /// The newest commit to the context that you know; another one refuses the withdrawal
    #[arg(long, value_name = "N")]
    expected_commit: Option<u64>,
}

/// Runs `withdraw`.
///
/// # Errors
/// [`CliError`] says why not.
pub(crate) async fn run(session: &Session, args: WithdrawArgs) -> Result<(), CliError> {
    let client = session.open(Access::Write).await?;
    let withdrawal = Withdrawal {
        recorded_at: args.recorded_at,
        request_id: args.idempotency_key.map_or(RequestId::None, |key| RequestId::Is(key.to_string())),
        reason: args.reason.map(|reason| reason.to_string()),
        expected_commit: args.expected_commit,
        ..Withdrawal::of(args.context.as_str(), args.cutoff)
    };
    let receipt = client.withdraw(&withdrawal).await?;
    receipt::print(session, "withdrawal", &receipt)
}
