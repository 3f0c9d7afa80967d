//! `diff`: what differs between two points, and which commit caused it.

use arrow_schema::SchemaRef;
use calotype_client::{DiffQuestion, Point, SystemTime, ValidTime};
use calotype_storage::database::Access;
use calotype_storage::name::ContextName;
use clap::Args;

use crate::claim::ClaimArgs;
use crate::console;
use crate::error::CliError;
use crate::key::keys_of;
use crate::output::{Format, TableOptions};
use crate::session::Session;

pub(crate) mod differing;

const EXAMPLES: &str = "\
Examples:
  what a correction changed: one valid time, two system times
    calotype diff loans --valid-at 2026-04-01T00:00:00Z \\
        --from-known 2026-04-02T09:00:00Z --to-known 2026-04-05T09:00:00Z
  what April brought: two valid times, as known now
    calotype diff loans --from-valid 2026-04-01T00:00:00Z --to-valid 2026-05-01T00:00:00Z

The first column, _change, is added, removed, or changed_from and changed_to in two rows; the last
ones name the commit that caused the row to differ.
";

/// What is asked.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct DiffArgs {
    /// The context
    context: ContextName,
    /// The valid time of both points
    #[arg(long, value_name = "TIME", value_parser = ValidTime::parse,
          conflicts_with_all = ["from_valid", "to_valid"])]
    valid_at: Option<ValidTime>,
    /// The valid time of the first point [default: now]
    #[arg(long, value_name = "TIME", value_parser = ValidTime::parse)]
    from_valid: Option<ValidTime>,
    /// The system time of the first point [default: the settled time]
    #[arg(long, value_name = "TIME", value_parser = SystemTime::parse)]
    from_known: Option<SystemTime>,
    /// The valid time of the second point [default: now]
    #[arg(long, value_name = "TIME", value_parser = ValidTime::parse)]
    to_valid: Option<ValidTime>,
    /// The system time of the second point [default: the settled time]
    #[arg(long, value_name = "TIME", value_parser = SystemTime::parse)]
    to_known: Option<SystemTime>,
    /// One entity alone: a value for each key column
    #[arg(long, value_name = "COLUMN=VALUE")]
    key: Vec<String>,
    /// Which columns are written [default: all; in a table, the key and those that differ]. All of
    /// them are compared all the same
    #[arg(long, value_name = "COLUMN,..", value_delimiter = ',')]
    columns: Option<Vec<String>>,
    #[command(flatten)]
    claim: ClaimArgs,
}

/// Runs `diff`.
///
/// # Errors
/// [`CliError`] says why not.
pub(crate) async fn run(session: &Session, args: DiffArgs) -> Result<(), CliError> {
    let client = session.open(Access::Read).await?;
    let context = client.context(args.context.as_str()).await?;
    // A valid time that both leave out is the same: one reading of the clock at the start of the request.
    let point = |valid: Option<ValidTime>, known_at| Point { valid_at: args.valid_at.or(valid), known_at };
    let question = DiffQuestion {
        context: args.context.to_string(),
        from: point(args.from_valid, args.from_known),
        to: point(args.to_valid, args.to_known),
        keys: keys_of(&context, &args.key)?,
        at_least: None,
    };
    let answer = client.diff(&question).await?;
    let format = session.format()?;
    if args.columns.is_none() && format != Format::Table {
        return console::print(session, answer, &args.claim).await;
    }
    let (schema, claim) = (answer.schema().clone(), answer.claim().clone());
    let (batches, end) = console::collect(answer).await?;
    let places = match &args.columns {
        Some(columns) => named(&schema, columns)?,
        None => differing::places(&schema, &batches, &context.key)?,
    };
    let table = TableOptions::default();
    console::write_columns(&schema, &batches, &places, format, session.out()?, table)?;
    args.claim.tell(session, format, &claim, &end)
}

/// The places of some columns, between the column that says what changed and those that say why.
///
/// # Errors
/// There is no such column.
pub(crate) fn named(schema: &SchemaRef, columns: &[String]) -> Result<Vec<usize>, CliError> {
    let mut places = Vec::new();
    for name in columns {
        let found = schema.fields().iter().position(|field| field.name() == name);
        places.push(found.ok_or_else(|| CliError::Argument {
            argument: "--columns",
            found: name.clone(),
            expected: "columns of the context".to_owned(),
        })?);
    }
    let system = |first: bool| {
        let fields = schema.fields().iter().enumerate();
        fields
            .filter(move |(place, field)| field.name().starts_with('_') && (*place == 0) == first)
            .map(|(place, _)| place)
    };
    Ok(system(true).chain(places).chain(system(false)).collect())
}
