//! `context create`: a context, and the store where there is none.

use calotype_client::{CaptureMode, Column, NewContext};
use calotype_storage::database::Access;
use calotype_storage::name::{ContextName, Reason};
use clap::{Args, ValueEnum};

use super::super::receipt;
use crate::error::CliError;
use crate::session::Session;
use crate::value;

const EXAMPLES: &str = "\
Examples:
  calotype context create loans --key loan_id
  calotype context create payments --mode events --key account,payment_id \\
      --column account:string --column payment_id:int64 --column amount:'decimal128(18, 2)':required
  calotype context create history --key id --import     for data with known times of its own
";

/// How a context is made.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct CreateArgs {
    /// Its name: a-z, 0-9 and _
    name: ContextName,
    /// The columns that identify an entity, in their order
    #[arg(long, value_name = "COLUMN,..", value_delimiter = ',', required = true)]
    key: Vec<String>,
    /// How state reaches it: as statements for cutoffs (extracts), or as facts with periods
    #[arg(long, value_enum, default_value = "state")]
    mode: ModeArg,
    /// Start open for import: each put brings the time at which its source knew it
    #[arg(long)]
    import: bool,
    /// A column, if they shall not be taken from the first put
    #[arg(long, value_name = "NAME:TYPE[:nullable|required][:CLASS]", value_parser = value::column)]
    column: Vec<Column>,
    /// The greatest share of known keys that a full may retract, such as 0.2
    #[arg(long, value_name = "SHARE", value_parser = value::share)]
    max_retracted: Option<u32>,
    /// Why, for the log
    #[arg(long)]
    reason: Option<Reason>,
}

/// How state reaches a context.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum ModeArg {
    /// Extracts: what holds at a cutoff
    State,
    /// Facts: what holds over a period
    Events,
}

/// Runs `context create`.
///
/// # Errors
/// [`CliError`] says why not.
pub(super) async fn run(session: &Session, args: CreateArgs) -> Result<(), CliError> {
    let client = session.open(Access::Create).await?;
    let new = NewContext {
        name: args.name.to_string(),
        mode: match args.mode {
            ModeArg::State => CaptureMode::State,
            ModeArg::Events => CaptureMode::Events,
        },
        columns: columns(args.column, &args.key),
        key: args.key,
        import: args.import,
        max_retracted_ppm: args.max_retracted,
        reason: super::text(args.reason),
    };
    let created = client.create_context(&new).await?;
    let what = if created.created { "context" } else { "the same context was" };
    receipt::print(session, what, &created.receipt)
}

/// The declared columns; those of the key are never null.
fn columns(mut columns: Vec<Column>, key: &[String]) -> Vec<Column> {
    for column in &mut columns {
        column.key = key.contains(&column.name);
        column.nullable &= !column.key;
    }
    columns
}
