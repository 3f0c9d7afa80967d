//! `context create`: a context, and the store where there is none.

use calotype_storage::database::Access;
use calotype_storage::evaluate::CreateContext;
use calotype_storage::name::{ContextName, Reason};
use calotype_storage::record::{CreateEntry, FieldWire, Listed, Mode, SchemaWire};
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
    column: Vec<FieldWire>,
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
    let database = session.open(Access::Create).await?;
    let definition = CreateEntry {
        mode: match args.mode {
            ModeArg::State => Mode::State,
            ModeArg::Events => Mode::Events,
        },
        schema: schema(args.column, &args.key),
        key: args.key,
        import: args.import,
        max_retracted_ppm: args.max_retracted,
    };
    let create = CreateContext { deed: super::deed(session, args.name, args.reason), definition };
    let receipt = database.create_context(create).await?;
    let what = if receipt.replayed { "the same context was" } else { "context" };
    receipt::print(session, what, &receipt)
}

/// The declared columns; those of the key are never null.
fn schema(columns: Vec<FieldWire>, key: &[String]) -> Option<Listed<SchemaWire>> {
    if columns.is_empty() {
        return None;
    }
    let numbered = |(id, mut field): (u32, FieldWire)| {
        field.id = id;
        field.nullable &= !key.contains(&field.name);
        field
    };
    Some(Listed::Inline(SchemaWire {
        version: 1,
        key: key.to_vec(),
        fields: (1..).zip(columns).map(numbered).collect(),
    }))
}
