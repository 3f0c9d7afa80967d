//! `snapshot list` and `snapshot show`.

use calotype_query::{LocalPolicy, snapshot};
use calotype_storage::ValidTime;
use calotype_storage::database::Access;
use calotype_storage::identity::SnapshotId;
use calotype_storage::name::ContextName;
use clap::{Args, Subcommand};

use crate::claim::ClaimArgs;
use crate::console;
use crate::error::CliError;
use crate::listing::{Cell, Kind, Listing};
use crate::session::Session;

/// What to do with snapshots.
#[derive(Debug, Subcommand)]
pub(crate) enum SnapshotCommand {
    /// List the sealed snapshots of a context
    List(ListArgs),
    /// Show what a snapshot claims, or its rows
    Show(ShowArgs),
}

/// Which snapshots.
#[derive(Debug, Args)]
pub(crate) struct ListArgs {
    /// The context
    context: ContextName,
    /// Only those of this cutoff
    #[arg(long, value_name = "TIME", value_parser = ValidTime::parse)]
    cutoff: Option<ValidTime>,
}

/// Which snapshot.
#[derive(Debug, Args)]
pub(crate) struct ShowArgs {
    /// The snapshot's id
    id: SnapshotId,
    /// Print its rows
    #[arg(long)]
    rows: bool,
    #[command(flatten)]
    claim: ClaimArgs,
}

/// Runs a command about snapshots.
///
/// # Errors
/// [`CliError`] says why not.
pub(crate) async fn run(session: &Session, command: SnapshotCommand) -> Result<(), CliError> {
    match command {
        SnapshotCommand::List(args) => list(session, &args).await,
        SnapshotCommand::Show(args) => show(session, &args).await,
    }
}

async fn list(session: &Session, args: &ListArgs) -> Result<(), CliError> {
    let database = session.open(Access::Read).await?;
    let context = database.context(&args.context)?;
    let mut listing = Listing::new(&[
        ("cutoff", Kind::Instant),
        ("revision", Kind::Number),
        ("kind", Kind::Text),
        ("rows", Kind::Number),
        ("known_at", Kind::Instant),
        ("completeness", Kind::Text),
        ("commit", Kind::Text),
        ("snapshot", Kind::Text),
    ])
    .whole();
    for entry in context.entries() {
        let header = entry.put().and_then(|put| put.snapshot.as_ref());
        let (Some(header), Some(id)) = (header, entry.snapshot) else {
            continue;
        };
        if args.cutoff.is_some_and(|cutoff| cutoff.micros() != header.cutoff) {
            continue;
        }
        listing.push(vec![
            Cell::Instant(header.cutoff),
            Cell::count(header.revision.into()),
            Cell::text(header.kind.as_str()),
            Cell::count(header.rows),
            Cell::Instant(header.known_at),
            Cell::text(&header.completeness),
            Cell::text(entry.id),
            Cell::text(id),
        ]);
    }
    listing.print(session)
}

async fn show(session: &Session, args: &ShowArgs) -> Result<(), CliError> {
    let database = session.open(Access::Read).await?;
    if args.rows {
        let answer = snapshot(&database, &LocalPolicy, session.principal(), args.id).await?;
        console::print(session, answer, &args.claim).await?;
        return Ok(());
    }
    let (context, entry) = database.snapshot(args.id)?;
    let mut listing = Listing::of_one();
    listing.say("snapshot", args.id);
    listing.say("context", context.name());
    if let Some(header) = entry.put().and_then(|put| put.snapshot.as_ref()) {
        let time = |micros| ValidTime::from_micros(micros).map_or_else(String::new, |time| time.to_string());
        listing.say("kind", header.kind.as_str());
        listing.say("cutoff", time(header.cutoff));
        listing.say("semantics", super::log::semantics(header.semantics));
        listing.say("known at", time(header.known_at));
        listing.say("revision", header.revision);
        listing.say("rows", header.rows);
        listing.say("schema version", header.schema_version);
        listing.say("completeness", &header.completeness);
        listing.say("reconciliation", "none");
        if let Some(parent) = &header.parent {
            listing.say("parent", parent);
        }
        listing.say("content root", &header.content_root);
        listing.say("lineage", &header.lineage);
    }
    listing.say("commit", entry.id);
    listing.say("principal", &entry.entry.principal);
    if let Some(reason) = &entry.entry.reason {
        listing.say("reason", reason);
    }
    listing.print(session)
}
