//! `snapshot list` and `snapshot show`.

use calotype_client::{Completeness, ValidTime};
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
    let client = session.open(Access::Read).await?;
    let snapshots = client.snapshots(args.context.as_str(), args.cutoff).await?;
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
    for snapshot in snapshots {
        listing.push(vec![
            Cell::Instant(snapshot.cutoff.micros()),
            Cell::count(snapshot.revision.into()),
            Cell::text(&snapshot.kind),
            Cell::count(snapshot.rows),
            Cell::Instant(snapshot.known_at.micros()),
            Cell::text(completeness(&snapshot.completeness)),
            Cell::text(format_args!("{}.{}", snapshot.commit, snapshot.entry)),
            Cell::text(&snapshot.id),
        ]);
    }
    listing.print(session)
}

async fn show(session: &Session, args: &ShowArgs) -> Result<(), CliError> {
    let client = session.open(Access::Read).await?;
    let id = args.id.to_string();
    if args.rows {
        let answer = client.read_snapshot(&id).await?;
        return console::print(session, answer, &args.claim).await;
    }
    let snapshot = client.snapshot(&id).await?;
    let mut listing = Listing::of_one();
    listing.say("snapshot", &snapshot.id);
    listing.say("context", &snapshot.context);
    listing.say("kind", &snapshot.kind);
    listing.say("cutoff", snapshot.cutoff);
    listing.say("semantics", snapshot.semantics.replace('_', " "));
    listing.say("known at", snapshot.known_at);
    listing.say("revision", snapshot.revision);
    listing.say("rows", snapshot.rows);
    listing.say("schema version", snapshot.schema_version);
    listing.say("completeness", completeness(&snapshot.completeness));
    listing.say("reconciliation", &snapshot.reconciliation);
    if let Some(parent) = &snapshot.parent {
        listing.say("parent", parent);
    }
    listing.say("content root", &snapshot.content_root);
    listing.say("lineage", &snapshot.lineage);
    listing.say("commit", format_args!("{}.{}", snapshot.commit, snapshot.entry));
    listing.say("principal", &snapshot.principal);
    if let Some(reason) = &snapshot.reason {
        listing.say("reason", reason);
    }
    listing.print(session)
}

/// Completeness as a snapshot's header spells it.
fn completeness(completeness: &Completeness) -> String {
    match &completeness.reason {
        Some(reason) => format!("{}: {reason}", completeness.status),
        None => completeness.status.clone(),
    }
}
