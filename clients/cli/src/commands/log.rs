//! `log`: what was committed, entry by entry.

use calotype_storage::database::{Access, Database};
use calotype_storage::error::Error;
use calotype_storage::identity::{EntryId, RecordHash, Sequence};
use calotype_storage::name::ContextName;
use calotype_storage::record::{Body, Counts, CutoffSemantics, Entry};
use calotype_storage::time::ValidTime;
use clap::Args;

use crate::error::CliError;
use crate::listing::{Cell, Kind, Listing};
use crate::session::Session;

/// Which part of the log.
#[derive(Debug, Args)]
pub(crate) struct LogArgs {
    /// Only what concerns this context
    #[arg(long)]
    context: Option<ContextName>,
    /// How many entries at most
    #[arg(long, value_name = "N", default_value_t = 20)]
    limit: usize,
    /// Begin with this commit and go forward [default: begin with the newest and go back]
    #[arg(long, value_name = "COMMIT")]
    from: Option<u64>,
}

/// Runs `log`.
///
/// # Errors
/// [`CliError`] says why not.
pub(crate) async fn run(session: &Session, args: &LogArgs) -> Result<(), CliError> {
    let database = session.open(Access::Read).await?;
    if let Some(context) = &args.context {
        database.context(context)?;
    }
    let mut listing = Listing::new(&[
        ("commit", Kind::Text),
        ("known_since", Kind::Instant),
        ("context", Kind::Text),
        ("kind", Kind::Text),
        ("cutoff", Kind::Instant),
        ("rows", Kind::Number),
        ("asserted", Kind::Number),
        ("retracted", Kind::Number),
        ("principal", Kind::Text),
        ("reason", Kind::Text),
        ("idempotency_key", Kind::Text),
        ("record_hash", Kind::Text),
    ]);
    let records = database.head().map_or(0, |head| head.sequence.get() + 1);
    let numbers: Box<dyn Iterator<Item = u64> + Send> = match args.from {
        Some(from) => Box::new(from..records),
        None => Box::new((0..records).rev()),
    };
    for number in numbers {
        let mut entries = read(&database, number).await?;
        if args.from.is_none() {
            entries.reverse();
        }
        for (id, entry, hash) in entries {
            if listing.len() >= args.limit {
                return listing.print(session);
            }
            if args.context.as_ref().is_none_or(|context| *context == entry.context) {
                listing.push(row(id, &entry, hash));
            }
        }
    }
    listing.print(session)
}

async fn read(database: &Database, number: u64) -> Result<Vec<(EntryId, Entry, RecordHash)>, CliError> {
    let sequence = Sequence::new(number);
    let slot = database.record(sequence).await?;
    let slot = slot.ok_or(Error::MissingRecord { missing: number, found: number + 1 })?;
    let entry = |(place, entry)| {
        let id = EntryId { record: sequence, place };
        (id, entry, slot.hash)
    };
    Ok((0..).zip(slot.record.entries).map(entry).collect())
}

fn row(id: EntryId, entry: &Entry, hash: RecordHash) -> Vec<Cell> {
    let (kind, cutoff, counts) = deed(&entry.body);
    let count = |count: fn(&Counts) -> u64| Cell::option(counts.as_ref(), |all| Cell::count(count(all)));
    vec![
        Cell::text(id),
        Cell::instant(entry.system_time),
        Cell::text(&entry.context),
        Cell::text(kind),
        Cell::option(cutoff, Cell::instant),
        count(|counts| counts.rows),
        count(|counts| counts.asserted),
        count(|counts| counts.retracted),
        Cell::text(&entry.principal),
        Cell::option(entry.reason.as_ref(), Cell::text),
        Cell::option(entry.idempotency_key.as_ref(), Cell::text),
        Cell::text(hash),
    ]
}

fn deed(body: &Body) -> (&'static str, Option<ValidTime>, Option<Counts>) {
    match body {
        Body::Create(_) => ("create", None, None),
        Body::Alter(_) => ("alter", None, None),
        Body::GoLive(_) => ("go_live", None, None),
        Body::Facts(put) => ("facts", None, Some(put.counts)),
        Body::Full(put) => ("full", put.cutoff, Some(put.counts)),
        Body::Delta(put) => ("delta", put.cutoff, Some(put.counts)),
        Body::Withdraw(withdraw) => ("withdraw", Some(withdraw.cutoff), Some(withdraw.counts)),
        Body::Materialise(_) => ("materialise", None, None),
    }
}

/// How a cutoff was chosen, in words.
pub(crate) fn semantics(semantics: CutoffSemantics) -> &'static str {
    match semantics {
        CutoffSemantics::EventTime => "event time",
        CutoffSemantics::ProcessingTime => "processing time",
        CutoffSemantics::BusinessEffective => "business effective",
        CutoffSemantics::Offset => "offset",
    }
}
