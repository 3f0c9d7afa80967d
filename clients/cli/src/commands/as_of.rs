//! `as-of`: the state at a valid time, as known at a system time.

use calotype_client::{AsOfQuestion, Point, Position, SystemTime, ValidTime};
use calotype_storage::database::Access;
use calotype_storage::name::ContextName;
use clap::Args;

use crate::claim::ClaimArgs;
use crate::console;
use crate::error::CliError;
use crate::key::keys_of;
use crate::session::Session;
use crate::value;

const EXAMPLES: &str = "\
Examples:
  calotype as-of loans --valid-at 2026-04-01T00:00:00Z
  calotype as-of loans --valid-at 2026-04-01T00:00:00Z --known-at 2026-04-02T09:00:00Z \\
      --columns loan_id,balance --format csv --output loans.csv --claim-file claim.json

Times are RFC 3339 with Z or an offset. --valid-at left out means now; --known-at left out means the
settled time: all that is known, up to where nothing can be added any more.
";

/// What is asked.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct AsOfArgs {
    /// The context
    context: ContextName,
    #[command(flatten)]
    point: PointArgs,
    /// One entity alone: a value for each key column
    #[arg(long, value_name = "COLUMN=VALUE")]
    key: Vec<String>,
    /// Which columns, in which order [default: all]
    #[arg(long, value_name = "COLUMN,..", value_delimiter = ',')]
    columns: Option<Vec<String>>,
    /// Only rows for which this predicate of SQL holds, such as "balance > 100"
    #[arg(long, value_name = "PREDICATE")]
    r#where: Option<String>,
    /// Add the periods and system times of the rows
    #[arg(long)]
    system_columns: bool,
    /// Answer in this schema version [default: the one in force at the system time]
    #[arg(long, value_name = "N")]
    schema_version: Option<u32>,
    /// Only facts at or below this source position; may be given for each partition
    #[arg(long, value_name = "SOURCE/PARTITION=EPOCH:OFFSET", value_parser = value::offset)]
    offsets: Vec<Position>,
    #[command(flatten)]
    claim: ClaimArgs,
}

/// A point on both axes.
#[derive(Clone, Copy, Debug, Default, Args)]
pub(crate) struct PointArgs {
    /// Valid time: when it holds [default: now]
    #[arg(long, value_name = "TIME", value_parser = ValidTime::parse)]
    pub(crate) valid_at: Option<ValidTime>,
    /// System time: as known then [default: the settled time]
    #[arg(long, value_name = "TIME", value_parser = SystemTime::parse)]
    pub(crate) known_at: Option<SystemTime>,
}

impl From<PointArgs> for Point {
    fn from(args: PointArgs) -> Self {
        Self { valid_at: args.valid_at, known_at: args.known_at }
    }
}

/// Runs `as-of`.
///
/// # Errors
/// [`CliError`] says why not.
pub(crate) async fn run(session: &Session, args: AsOfArgs) -> Result<(), CliError> {
    let client = session.open(Access::Read).await?;
    let context = client.context(args.context.as_str()).await?;
    let question = AsOfQuestion {
        keys: keys_of(&context, &args.key)?,
        columns: args.columns.unwrap_or_default(),
        predicate: args.r#where,
        system_columns: args.system_columns,
        schema_version: args.schema_version,
        offsets: args.offsets,
        ..AsOfQuestion::new(args.context.as_str(), args.point.into())
    };
    let answer = client.as_of(&question).await?;
    console::print(session, answer, &args.claim).await
}
