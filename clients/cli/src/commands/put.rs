//! `put`: an extract or facts from a file, in one commit.

mod read;

use std::convert::Infallible;
use std::io::{self, BufRead, IsTerminal, Write};
use std::path::PathBuf;

use calotype_client::{
    CaptureMode, Client, Context, CutoffSemantics, OnDuplicate, OpenEnd, Position, PutKind, PutOptions,
    Receipt, RequestId, SystemTime, ValidTime,
};
use calotype_storage::database::Access;
use calotype_storage::error::Error;
use calotype_storage::identity::SnapshotId;
use calotype_storage::name::{ContextName, IdempotencyKey, Reason};
use calotype_storage::record::Mode;
use calotype_storage::refusal::{ModeTakes, Refusal};
use clap::{Args, ValueEnum};
use futures::StreamExt;

use super::receipt;
use crate::error::CliError;
use crate::input::{Extract, type_name};
use crate::listing::{Cell, Kind, Listing};
use crate::output::progress::Progress;
use crate::session::Session;
use crate::value;

const EXAMPLES: &str = "\
Examples:
  calotype put loans march.csv --kind full --cutoff 2026-04-01T00:00:00Z --expected-rows 21000
  calotype put loans fix.ndjson --kind delta --cutoff 2026-04-01T00:00:00Z --reason 'ticket 4711'
  calotype put payments april.parquet --kind facts --valid-to open --idempotency-key april-1
  calotype put loans export.csv --kind full --cutoff 2026-05-01T00:00:00Z \\
      --delimiter ';' --encoding latin-1 --rename LoanID=loan_id --total balance=1234.50

A full says something about every key: a key that is missing is absent from the cutoff on. A delta
speaks about its own keys; a column _op with assert or retract may say which of them are gone.
Facts bring their own periods in the columns _valid_from and _valid_to.
";

/// Rows between two steps of the progress.
const ROWS_AT_ONCE: usize = 16_384;

/// What is put, and how.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct PutArgs {
    /// The context
    context: ContextName,
    /// The file: CSV, TSV, NDJSON, Parquet or Arrow; - for standard input
    file: PathBuf,
    /// What the file says
    #[arg(long, value_enum)]
    kind: KindArg,
    /// The instant C that a full or delta is about, RFC 3339
    #[arg(long, value_name = "TIME", value_parser = ValidTime::parse)]
    cutoff: Option<ValidTime>,
    /// When the source knew it; while the context is open for import
    #[arg(long, value_name = "TIME", value_parser = SystemTime::parse)]
    recorded_at: Option<SystemTime>,
    /// What facts without an end mean
    #[arg(long, value_enum, help = "What a missing _valid_to of facts means")]
    valid_to: Option<ValidToArg>,
    /// Makes a repetition the same put: it is answered with the first receipt
    #[arg(long, value_name = "KEY")]
    idempotency_key: Option<IdempotencyKey>,
    /// Why, for the log
    #[arg(long)]
    reason: Option<Reason>,
    /// How many rows the producer counted; another number refuses the put
    #[arg(long, value_name = "N")]
    expected_rows: Option<u64>,
    /// A total as the producer added it up; another total refuses the put
    #[arg(long, value_name = "COLUMN=AMOUNT", value_parser = value::pair)]
    total: Vec<(String, String)>,
    /// Let the file add nullable columns, widen types and leave nullable columns out
    #[arg(long)]
    evolve: bool,
    /// Withdraw first what is known at the cutoff
    #[arg(long)]
    replace: bool,
    /// Which row counts where a key comes more than once
    #[arg(long, value_enum, default_value = "refuse")]
    on_duplicate: OnDuplicateArg,
    /// The newest commit to the context that the producer knows; another one refuses the put
    #[arg(long, value_name = "N")]
    expected_commit: Option<u64>,
    /// The snapshot that it was made from
    #[arg(long, value_name = "ID")]
    parent: Option<SnapshotId>,
    /// Promise that every fact with valid time up to here has been delivered
    #[arg(long, value_name = "TIME", value_parser = ValidTime::parse)]
    watermark: Option<ValidTime>,
    /// How far a source has been read: offsets after FROM, up to TO
    #[arg(long, value_name = "SOURCE/PARTITION/EPOCH/FROM/TO", value_parser = value::position)]
    position: Vec<Position>,
    /// How the cutoff was chosen; names it and moves nothing
    #[arg(long, value_enum, default_value = "event-time")]
    semantics: SemanticsArg,
    /// Do not ask before the first put fixes the context's columns
    #[arg(long, short)]
    yes: bool,
    #[command(flatten)]
    read: read::ReadArgs,
}

/// What a file says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum KindArg {
    /// All entities at the cutoff
    Full,
    /// Some entities at the cutoff
    Delta,
    /// Facts with periods
    Facts,
}

/// What a missing `_valid_to` means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum ValidToArg {
    /// No end
    Open,
    /// Until what is known next
    UntilNext,
}

/// What becomes of repeated keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum OnDuplicateArg {
    /// The file is refused
    Refuse,
    /// The first row counts
    First,
    /// The last row counts
    Last,
}

/// How a cutoff was chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum SemanticsArg {
    /// All that is effective up to it
    EventTime,
    /// As observed by the platform at it
    ProcessingTime,
    /// The end of a business day
    BusinessEffective,
    /// Source positions
    Offset,
}

/// Runs `put`.
///
/// # Errors
/// [`CliError`] names file, row and field of what is refused; nothing is applied then.
pub(crate) async fn run(session: &Session, args: PutArgs) -> Result<(), CliError> {
    let client = session.open(Access::Write).await?;
    let context = client.context(args.context.as_str()).await?;
    check_kind(&args.context, context.mode, args.kind)?;
    let schema = context.schema_versions.last();
    let extract = args.read.read(session, &args.file, schema)?;
    if schema.is_none() {
        confirm_schema(session, &context, &extract, args.yes)?;
    }
    let file = args.file.display().to_string();
    let what = format!("{} of {} rows", args.kind.as_str(), extract.rows);
    let options = args.options()?;
    let receipt = send(session, &client, &options, extract).await.map_err(|error| error.of_file(file))?;
    receipt::print(session, &what, &receipt)
}

/// Sends the rows and shows how many are on their way.
async fn send(
    session: &Session,
    client: &Client,
    options: &PutOptions,
    extract: Extract,
) -> Result<Receipt, CliError> {
    let progress = Progress::count("sending rows", session.quiet());
    let (mut done, all) = (0, extract.rows);
    let slices = extract.batches.into_iter().flat_map(|batch| {
        let starts = (0..batch.num_rows()).step_by(ROWS_AT_ONCE);
        starts.map(move |start| batch.slice(start, ROWS_AT_ONCE.min(batch.num_rows() - start)))
    });
    let slices = futures::stream::iter(slices).map(move |slice| {
        progress.set(done, all);
        done += slice.num_rows() as u64;
        Ok::<_, Infallible>(slice)
    });
    Ok(client.put_arrow_stream(options, extract.schema, slices).await?)
}

/// A kind that does not go with the context is refused before the file is read.
fn check_kind(context: &ContextName, mode: CaptureMode, kind: KindArg) -> Result<(), CliError> {
    let mode = match mode {
        CaptureMode::State => Mode::State,
        CaptureMode::Events => Mode::Events,
    };
    if (mode == Mode::Events) == (kind == KindArg::Facts) {
        return Ok(());
    }
    let context = context.clone();
    let refusal = Refusal::Mode { context, expected: ModeTakes(mode), found: kind.as_str() };
    Err(Error::from(refusal).into())
}

impl KindArg {
    fn as_str(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Delta => "delta",
            Self::Facts => "facts",
        }
    }
}

impl PutArgs {
    fn options(self) -> Result<PutOptions, CliError> {
        self.check_options()?;
        Ok(PutOptions {
            context: self.context.to_string(),
            kind: match self.kind {
                KindArg::Full => PutKind::Full,
                KindArg::Delta => PutKind::Delta,
                KindArg::Facts => PutKind::Facts,
            },
            cutoff: self.cutoff,
            recorded_at: self.recorded_at,
            valid_to: match self.valid_to {
                None => OpenEnd::Refused,
                Some(ValidToArg::Open) => OpenEnd::Open,
                Some(ValidToArg::UntilNext) => OpenEnd::UntilNext,
            },
            request_id: self.idempotency_key.map_or(RequestId::None, |key| RequestId::Is(key.to_string())),
            reason: self.reason.map(|reason| reason.to_string()),
            positions: self.position,
            watermark: self.watermark,
            evolve: self.evolve,
            replace: self.replace,
            on_duplicate: match self.on_duplicate {
                OnDuplicateArg::Refuse => OnDuplicate::Refuse,
                OnDuplicateArg::First => OnDuplicate::First,
                OnDuplicateArg::Last => OnDuplicate::Last,
            },
            expected_rows: self.expected_rows,
            totals: self.total.into_iter().collect(),
            expected_commit: self.expected_commit,
            parent: self.parent.map(|parent| parent.to_string()),
            semantics: match self.semantics {
                SemanticsArg::EventTime => CutoffSemantics::EventTime,
                SemanticsArg::ProcessingTime => CutoffSemantics::ProcessingTime,
                SemanticsArg::BusinessEffective => CutoffSemantics::BusinessEffective,
                SemanticsArg::Offset => CutoffSemantics::Offset,
            },
        })
    }

    /// Options that do not go with the kind are refused by the names that they have here.
    fn check_options(&self) -> Result<(), CliError> {
        let refusal = match self.kind {
            KindArg::Full | KindArg::Delta if self.valid_to.is_some() => {
                Refusal::Option { option: "--valid-to", kind: "full or delta" }
            }
            KindArg::Full | KindArg::Delta if self.cutoff.is_none() => Refusal::NoCutoff(self.kind.as_str()),
            KindArg::Facts if self.cutoff.is_some() => Refusal::Option { option: "--cutoff", kind: "facts" },
            KindArg::Full | KindArg::Delta | KindArg::Facts => return Ok(()),
        };
        Err(Error::from(refusal).into())
    }
}

/// Shows the columns that a first put fixes, and asks where somebody can be asked.
fn confirm_schema(
    session: &Session,
    context: &Context,
    extract: &Extract,
    yes: bool,
) -> Result<(), CliError> {
    let mut listing = Listing::new(&[("column", Kind::Text), ("type", Kind::Text), ("null", Kind::Text)]);
    let fields = extract.schema.fields().iter();
    for field in fields.filter(|field| !field.name().starts_with('_')) {
        let null = match (context.key.contains(field.name()), field.is_nullable()) {
            (true, _) => "key",
            (false, true) => "allowed",
            (false, false) => "refused",
        };
        listing.push(vec![
            Cell::text(field.name()),
            Cell::text(type_name(field.data_type())),
            Cell::text(null),
        ]);
    }
    if session.quiet() {
        return Ok(());
    }
    eprintln!(
        "Context '{}' has no columns yet. This put gives it these, as read from the file:",
        context.name
    );
    listing.show()?;
    if yes || !io::stdin().is_terminal() || !io::stderr().is_terminal() {
        return Ok(());
    }
    eprint!("Types can be declared with --type NAME:TYPE. Commit with these? [y/N] ");
    let mut line = String::new();
    let asked = io::stderr().flush().and_then(|()| io::stdin().lock().read_line(&mut line));
    match (asked, line.trim().to_ascii_lowercase().as_str()) {
        (Ok(_), "y" | "yes") => Ok(()),
        _ => Err(CliError::NotConfirmed),
    }
}
