//! `history`: all that was ever said about one entity, as a table or as a picture.

use std::io::Write;

use calotype_client::{HistoryForm, HistoryQuestion, SystemTime, TimeRange, ValidTime};
use calotype_storage::database::Access;
use calotype_storage::name::ContextName;
use clap::{Args, ValueEnum};

use crate::claim::ClaimArgs;
use crate::console;
use crate::error::CliError;
use crate::key::key_of;
use crate::output::{Format, OutputError, TableOptions};
use crate::session::Session;

pub(crate) mod picture;

const EXAMPLES: &str = "\
Examples:
  calotype history loans 4711
  calotype history loans 4711 --draw --columns status
  calotype history loans 4711 --form rectangles --valid-from 2026-03-01T00:00:00Z

Facts are told as they came, retractions too. Rectangles say of each fact over which valid time it
was the one to go by, and from when to when it was known to be.
";
/// The ends of either time axis, microseconds: the first whole second that is kept, and the last instant.
const ENDS: [i64; 2] = [i64::MIN / 1_000_000 * 1_000_000, i64::MAX - 1];
/// How wide a picture is where the terminal does not say.
const WIDTH: usize = 100;

/// What is asked.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct HistoryArgs {
    /// The context
    context: ContextName,
    /// The entity: a value for each key column, by name or in the key's order
    #[arg(required = true, value_name = "COLUMN=VALUE")]
    key: Vec<String>,
    /// How the history is told
    #[arg(long, value_enum, default_value = "facts")]
    form: FormArg,
    /// Only what overlaps valid time from here on
    #[arg(long, value_name = "TIME", value_parser = ValidTime::parse)]
    valid_from: Option<ValidTime>,
    /// Only what overlaps valid time before here
    #[arg(long, value_name = "TIME", value_parser = ValidTime::parse)]
    valid_to: Option<ValidTime>,
    /// Only what was known from here on
    #[arg(long, value_name = "TIME", value_parser = SystemTime::parse)]
    known_from: Option<SystemTime>,
    /// Only what was known before here
    #[arg(long, value_name = "TIME", value_parser = SystemTime::parse)]
    known_to: Option<SystemTime>,
    /// Which columns, in which order [default: all]
    #[arg(long, value_name = "COLUMN,..", value_delimiter = ',')]
    columns: Option<Vec<String>>,
    /// Draw both time axes as text
    #[arg(long)]
    draw: bool,
    #[command(flatten)]
    claim: ClaimArgs,
}

/// How a history is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum FormArg {
    /// Every fact as it came
    Facts,
    /// When each fact was the one to go by
    Rectangles,
}

/// Runs `history`.
///
/// # Errors
/// [`CliError`] says why not.
pub(crate) async fn run(session: &Session, args: HistoryArgs) -> Result<(), CliError> {
    let client = session.open(Access::Read).await?;
    let context = client.context(args.context.as_str()).await?;
    let form = match args.form {
        FormArg::Facts if !args.draw => HistoryForm::Facts,
        FormArg::Facts | FormArg::Rectangles => HistoryForm::Rectangles,
    };
    let question = HistoryQuestion {
        context: args.context.to_string(),
        keys: key_of(&context, &args.key)?.into(),
        form,
        valid: range(args.valid_from, args.valid_to, ENDS.map(ValidTime::from_micros)),
        known: match (args.known_from, args.known_to) {
            // Without an end, up to the settled time: the answer stays the same for ever.
            (Some(from), None) => {
                TimeRange::Between(from, context.settled_to.map_or(from, |to| to.max(from)))
            }
            (from, to) => range(from, to, ENDS.map(SystemTime::from_micros)),
        },
        columns: args.columns.unwrap_or_default(),
        ..HistoryQuestion::default()
    };
    let answer = client.history(&question).await?;
    if !args.draw {
        return console::print(session, answer, &args.claim).await;
    }
    let (schema, claim) = (answer.schema().clone(), answer.claim().clone());
    let (batches, end) = console::collect(answer).await?;
    let width = TableOptions::default().width.unwrap_or(WIDTH);
    let text = picture::draw(&schema, &batches, &context.key, width)?;
    let mut out = session.out()?;
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).map_err(OutputError::Write)?;
    args.claim.tell(session, Format::Table, &claim, &end)
}

/// All of an axis, or the part of it from one instant to before another.
fn range<T>(from: Option<T>, to: Option<T>, [first, last]: [T; 2]) -> TimeRange<T> {
    match (from, to) {
        (None, None) => TimeRange::All,
        (from, Some(to)) => TimeRange::FromTo(from.unwrap_or(first), to),
        (Some(from), None) => TimeRange::Between(from, last),
    }
}
