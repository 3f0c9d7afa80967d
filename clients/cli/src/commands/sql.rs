//! `sql` and `explain`: a statement of temporal SQL, its answer or its plan.

mod parameter;
mod place;

use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use calotype_client::{ClientError, SqlQuestion, SystemTime, ValidTime};
use calotype_storage::database::Access;
use clap::Args;

use crate::claim::ClaimArgs;
use crate::console;
use crate::error::CliError;
use crate::output::OutputError;
use crate::session::Session;
use parameter::Parameter;

const EXAMPLES: &str = "\
Examples:
  calotype sql \"SELECT status, sum(balance) FROM loans GROUP BY status\"
  calotype sql \"SELECT * FROM loans WHERE loan_id = \\$1\" --param 4711 \\
      --valid-at 2026-04-01T00:00:00Z --format csv --output loans.csv --claim-file claim.json
  calotype sql --file report.sql --view open=open.sql --param region=north
  echo 'SELECT 1' | calotype sql -
  calotype explain --file report.sql

A parameter is true, false, null, a number such as 12.30, or text; text that looks like something
else stands in quotes: \"'12'\". Statements only read.
";
/// Bytes of the longest text or view.
const TEXT_BYTES_MAX: u64 = 1 << 20;

/// A statement.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct StatementArgs {
    /// The statement; - reads it from standard input
    #[arg(value_name = "TEXT", required_unless_present = "file", conflicts_with = "file")]
    text: Option<String>,
    /// A file with the statement
    #[arg(long, short, value_name = "FILE")]
    file: Option<PathBuf>,
    /// The value of $1, $2, .. in turn, or of $NAME
    #[arg(long, value_name = "VALUE|NAME=VALUE", allow_hyphen_values = true)]
    param: Vec<String>,
    /// A setting of the statement, as SET would set it
    #[arg(long, value_name = "NAME=VALUE", value_parser = pair)]
    set: Vec<(String, String)>,
    /// A file whose query is a view of the statement
    #[arg(long, value_name = "NAME=FILE", value_parser = pair)]
    view: Vec<(String, String)>,
    /// Valid time of tables that name none [default: now]
    #[arg(long, value_name = "TIME", value_parser = ValidTime::parse, conflicts_with = "snapshot")]
    valid_at: Option<ValidTime>,
    /// System time of tables that name none [default: the settled time]
    #[arg(long, value_name = "TIME", value_parser = SystemTime::parse, conflicts_with = "snapshot")]
    known_at: Option<SystemTime>,
    /// Both times of a snapshot, by its id
    #[arg(long, value_name = "ID")]
    snapshot: Option<String>,
}

/// A statement whose answer is wanted.
#[derive(Debug, Args)]
pub(crate) struct SqlArgs {
    #[command(flatten)]
    statement: StatementArgs,
    /// Print the plan instead of the answer
    #[arg(long)]
    explain: bool,
    #[command(flatten)]
    claim: ClaimArgs,
}

/// Runs `sql`.
///
/// # Errors
/// [`CliError`] says why not.
pub(crate) async fn run(session: &Session, args: SqlArgs) -> Result<(), CliError> {
    if args.explain {
        return explain(session, args.statement).await;
    }
    let question = args.statement.question()?;
    let client = session.open(Access::Read).await?;
    let answer = client.sql(&question).await.map_err(|error| refused(error, &question.text))?;
    console::print(session, answer, &args.claim).await.map_err(|error| {
        if let CliError::Client(error) = error { refused(error, &question.text) } else { error }
    })
}

/// Runs `explain`.
///
/// # Errors
/// [`CliError`] says why not.
pub(crate) async fn explain(session: &Session, args: StatementArgs) -> Result<(), CliError> {
    let question = args.question()?;
    let client = session.open(Access::Read).await?;
    let plan = client.explain_sql(&question).await.map_err(|error| refused(error, &question.text))?;
    let mut out = session.out()?;
    writeln!(out, "{}", plan.trim_end()).and_then(|()| out.flush()).map_err(OutputError::Write)?;
    Ok(())
}

impl StatementArgs {
    fn question(self) -> Result<SqlQuestion, CliError> {
        let text = match (self.text, &self.file) {
            (Some(text), _) if text != "-" => text,
            (_, Some(file)) if file.as_os_str() != "-" => read(file)?,
            _ => read_from(Path::new("standard input"), std::io::stdin().lock())?,
        };
        let mut question = SqlQuestion::new(text);
        for parameter in self.param {
            match Parameter::read(&parameter) {
                Parameter::Named(name, value) => drop(question.named_parameters.insert(name, value)),
                Parameter::Next(value) => question.parameters.push(value),
            }
        }
        question.settings.extend(self.set);
        let set = [
            ("calotype.valid_time", self.valid_at.map(|at| at.to_string())),
            ("calotype.system_time", self.known_at.map(|at| at.to_string())),
            ("calotype.snapshot", self.snapshot),
        ];
        for (name, value) in set {
            question.settings.extend(value.map(|value| (name.to_owned(), value)));
        }
        for (name, file) in self.view {
            question.views.insert(name, read(Path::new(&file))?);
        }
        Ok(question)
    }
}

/// The error of a statement: with its place, where the server names one.
fn refused(error: ClientError, text: &str) -> CliError {
    let place = error.server().and_then(|error| place::shown(error, text)).unwrap_or_default();
    CliError::Statement { refusal: error, place }
}

fn pair(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("expected NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}

fn read(path: &Path) -> Result<String, CliError> {
    let failed = |source| CliError::File { action: "read", path: path.to_owned(), source };
    read_from(path, std::fs::File::open(path).map_err(failed)?)
}

fn read_from(path: &Path, reader: impl Read) -> Result<String, CliError> {
    let failed = |source| CliError::File { action: "read", path: path.to_owned(), source };
    let mut text = String::new();
    reader.take(TEXT_BYTES_MAX + 1).read_to_string(&mut text).map_err(failed)?;
    if text.len() as u64 > TEXT_BYTES_MAX {
        return Err(CliError::Argument {
            argument: "the statement",
            found: path.display().to_string(),
            expected: format!("at most {TEXT_BYTES_MAX} bytes"),
        });
    }
    Ok(text)
}
