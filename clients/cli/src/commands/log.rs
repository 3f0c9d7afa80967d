//! `log`: what was committed, entry by entry.

use calotype_client::{EntryCounts, LogEntry, RecordsQuestion};
use calotype_storage::database::Access;
use calotype_storage::name::ContextName;
use clap::Args;
use futures::TryStreamExt;

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
    let client = session.open(Access::Read).await?;
    if let Some(context) = &args.context {
        client.context(context.as_str()).await?;
    }
    let mut listing = Listing::new(&COLUMNS);
    let question = RecordsQuestion {
        context: args.context.as_ref().map(ToString::to_string),
        from: args.from,
        newest_first: args.from.is_none(),
        with_bytes: false,
    };
    let mut records = client.records(&question);
    while listing.len() < args.limit
        && let Some(record) = records.try_next().await?
    {
        let mut entries = record.entries;
        if args.from.is_none() {
            entries.reverse();
        }
        for entry in entries.iter().take(args.limit - listing.len()) {
            listing.push(row(entry));
        }
    }
    listing.print(session)
}

/// The columns of an entry of the log.
pub(crate) const COLUMNS: [(&str, Kind); 12] = [
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
];

/// An entry of the log as a row of these.
pub(crate) fn row(entry: &LogEntry) -> Vec<Cell> {
    let count = |count: fn(&EntryCounts) -> u64| {
        Cell::option(entry.counts.as_ref(), |counts| Cell::count(count(counts)))
    };
    vec![
        Cell::text(format_args!("{}.{}", entry.commit, entry.entry)),
        Cell::Instant(entry.system_time.micros()),
        Cell::text(&entry.context),
        Cell::text(&entry.kind),
        Cell::option(entry.cutoff, |cutoff| Cell::Instant(cutoff.micros())),
        count(|counts| counts.rows),
        count(|counts| counts.asserted),
        count(|counts| counts.retracted),
        Cell::text(&entry.principal),
        Cell::option(entry.reason.as_ref(), Cell::text),
        Cell::option(entry.request_id.as_ref(), Cell::text),
        Cell::text(&entry.record_hash),
    ]
}
