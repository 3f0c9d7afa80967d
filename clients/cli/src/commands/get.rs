//! `get`: one entity, column by column, with the claim behind the answer.

use calotype_client::AsOfQuestion;
use calotype_storage::database::Access;
use calotype_storage::name::ContextName;
use clap::Args;

use super::as_of::PointArgs;
use crate::claim::ClaimArgs;
use crate::console;
use crate::error::CliError;
use crate::key::key_of;
use crate::listing::Listing;
use crate::output::Format;
use crate::session::Session;

const EXAMPLES: &str = "\
Examples:
  calotype get loans loan_id=4711
  calotype get loans 4711 --valid-at 2026-04-01T00:00:00Z --known-at 2026-04-02T09:00:00Z
";

/// What is asked.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct GetArgs {
    /// The context
    context: ContextName,
    /// The entity: a value for each key column, by name or in the key's order
    #[arg(required = true, value_name = "COLUMN=VALUE")]
    key: Vec<String>,
    #[command(flatten)]
    point: PointArgs,
    #[command(flatten)]
    claim: ClaimArgs,
}

/// Runs `get`.
///
/// # Errors
/// [`CliError`] says why not.
pub(crate) async fn run(session: &Session, args: GetArgs) -> Result<(), CliError> {
    let client = session.open(Access::Read).await?;
    let context = client.context(args.context.as_str()).await?;
    let question = AsOfQuestion {
        keys: key_of(&context, &args.key)?.into(),
        system_columns: true,
        ..AsOfQuestion::new(args.context.as_str(), args.point.into())
    };
    let answer = client.as_of(&question).await?;
    let format = session.format()?;
    if format != Format::Table {
        return console::print(session, answer, &args.claim).await;
    }
    let schema = answer.schema().clone();
    let claim = answer.claim().clone();
    let (batches, end) = console::collect(answer).await?;
    match console::texts(&batches)?.pop() {
        None => session.note("Nothing holds for this key at these times."),
        Some(row) => {
            let mut listing = Listing::of_one();
            for (field, text) in schema.fields().iter().zip(row) {
                listing.say(field.name(), text.unwrap_or_else(|| "-".to_owned()));
            }
            listing.print(session)?;
        }
    }
    args.claim.tell(session, format, &claim, &end)
}
