//! `materialise`: a keyframe, which makes later reads faster and changes no answer.

use calotype_storage::database::Access;
use calotype_storage::evaluate::{Deed, Materialise, newest_point};
use calotype_storage::name::ContextName;
use calotype_storage::put::PutOptions;
use calotype_storage::refusal::Refusal;
use calotype_storage::{SystemTime, ValidTime};
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
    let database = session.open(Access::Write).await?;
    let context = database.context(&args.context)?;
    let Some((valid, known)) = newest_point(&context) else {
        let refusal = Refusal::NoSchema(args.context);
        return Err(calotype_storage::error::Error::from(refusal).into());
    };
    let materialise = Materialise {
        deed: Deed {
            context: args.context,
            options: PutOptions { principal: session.principal().clone(), ..PutOptions::default() },
        },
        valid: args.valid_at.unwrap_or(valid),
        known: args.known_at.unwrap_or(known),
    };
    let receipt = database.materialise(materialise).await?;
    receipt::print(session, "keyframe", &receipt)
}
