//! `put`: an extract or facts from a file, in one commit.

mod read;

use std::io::{self, BufRead, IsTerminal, Write};
use std::path::PathBuf;

use calotype_storage::context::Context;
use calotype_storage::database::Access;
use calotype_storage::error::Error;
use calotype_storage::identity::{Sequence, SnapshotId};
use calotype_storage::name::{ContextName, IdempotencyKey, Reason};
use calotype_storage::put::{OnDuplicate, OpenEnd, Put, PutKind, PutOptions};
use calotype_storage::record::{CutoffSemantics, Mode, Position};
use calotype_storage::refusal::Refusal;
use calotype_storage::{SystemTime, ValidTime};
use clap::{Args, ValueEnum};

use super::receipt;
use crate::error::CliError;
use crate::input::{Extract, type_name};
use crate::listing::{Cell, Kind, Listing};
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
    let database = session.open(Access::Write).await?;
    let context = database.context(&args.context)?;
    check_kind(&context, args.kind)?;
    let extract = args.read.read(session, &args.file, context.schema().map(AsRef::as_ref))?;
    if context.schema().is_none() {
        confirm_schema(session, &context, &extract, args.yes)?;
    }
    let file = args.file.display().to_string();
    let rows = extract.rows;
    let put = args.put(session, extract)?;
    let what = format!("{} of {rows} rows", put.kind.as_str());
    let receipt = database.put(put).await.map_err(|source| {
        if matches!(source, Error::Refused(_)) { CliError::Refused { file, source } } else { source.into() }
    })?;
    receipt::print(session, &what, &receipt)
}

/// A kind that does not go with the context is refused before the file is read.
fn check_kind(context: &Context, kind: KindArg) -> Result<(), CliError> {
    let takes_facts = context.mode() == Mode::Events;
    if takes_facts == (kind == KindArg::Facts) {
        return Ok(());
    }
    let found = match kind {
        KindArg::Full => "full",
        KindArg::Delta => "delta",
        KindArg::Facts => "facts",
    };
    let refusal = Refusal::Mode {
        context: context.name().clone(),
        expected: calotype_storage::refusal::ModeTakes(context.mode()),
        found,
    };
    Err(Error::from(refusal).into())
}

impl PutArgs {
    fn put(self, session: &Session, extract: Extract) -> Result<Put, CliError> {
        let kind = self.put_kind()?;
        Ok(Put {
            context: self.context,
            kind,
            schema: extract.schema,
            batches: extract.batches,
            options: PutOptions {
                principal: session.principal().clone(),
                idempotency_key: self.idempotency_key,
                reason: self.reason,
                recorded_at: self.recorded_at,
                semantics: match self.semantics {
                    SemanticsArg::EventTime => CutoffSemantics::EventTime,
                    SemanticsArg::ProcessingTime => CutoffSemantics::ProcessingTime,
                    SemanticsArg::BusinessEffective => CutoffSemantics::BusinessEffective,
                    SemanticsArg::Offset => CutoffSemantics::Offset,
                },
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
                expected_commit: self.expected_commit.map(Sequence::new),
                parent: self.parent,
            },
        })
    }

    fn put_kind(&self) -> Result<PutKind, CliError> {
        let needed = |kind| {
            let refusal = Error::from(Refusal::NoCutoff(kind));
            self.cutoff.ok_or_else(|| CliError::from(refusal))
        };
        let refuse = |option, kind| {
            let refusal = Refusal::Option { option, kind };
            Err(Error::from(refusal).into())
        };
        Ok(match self.kind {
            KindArg::Full | KindArg::Delta if self.valid_to.is_some() => {
                return refuse("--valid-to", "full or delta");
            }
            KindArg::Facts if self.cutoff.is_some() => return refuse("--cutoff", "facts"),
            KindArg::Full => PutKind::Full { cutoff: needed("full")? },
            KindArg::Delta => PutKind::Delta { cutoff: needed("delta")? },
            KindArg::Facts => PutKind::Facts {
                valid_to: self.valid_to.map(|valid_to| match valid_to {
                    ValidToArg::Open => OpenEnd::Open,
                    ValidToArg::UntilNext => OpenEnd::UntilNext,
                }),
            },
        })
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
        let null = match (context.key_names().contains(field.name()), field.is_nullable()) {
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
        context.name()
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
