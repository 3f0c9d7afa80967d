//! `materialise`: a keyframe, which makes later reads faster and changes no answer.

use calotype_client::{Point, SystemTime, ValidTime};
use calotype_storage::database::Access;
use calotype_storage::name::ContextName;
use clap::Args;

use super::receipt;
use crate::error::CliError;
use crate::session::Session;

/// Where the keyframe stands.
#[derive(Debug, Args)]
pub(crate) struct MaterialiseArgs {
    /// The context
    context: ContextName,
    /// Its valid time [default: the newest cutoff]
    #[arg(long, value_name = "TIME", value_parser = ValidTime::parse)]
    valid_at: Option<ValidTime>,
    /// Its system time [default: that of the newest entry]
    #[arg(long, value_name = "TIME", value_parser = SystemTime::parse)]
    known_at: Option<SystemTime>,
}

/// Runs `materialise`.
///
/// # Errors
/// [`CliError`] says why not.
pub(crate) async fn run(session: &Session, args: MaterialiseArgs) -> Result<(), CliError> {
    let client = session.open(Access::Write).await?;
    let point = Point { valid_at: args.valid_at, known_at: args.known_at };
    let keyframe = client.materialise(args.context.as_str(), Some(point), None).await?;
    receipt::print(session, "keyframe", &keyframe.receipt)
}
