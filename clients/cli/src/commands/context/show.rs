//! `context list` and `context show`.

use calotype_client::{Column, Context};
use calotype_storage::database::Access;
use calotype_storage::name::ContextName;
use clap::Args;

use crate::error::CliError;
use crate::listing::{Cell, Kind, Listing};
use crate::output::Format;
use crate::session::Session;

/// Which context is shown.
#[derive(Debug, Args)]
pub(crate) struct ShowArgs {
    /// The context
    context: ContextName,
}

/// Runs `context list`.
///
/// # Errors
/// [`CliError`] says why not.
pub(super) async fn list(session: &Session) -> Result<(), CliError> {
    let client = session.open(Access::Read).await?;
    let mut listing = Listing::new(&[
        ("context", Kind::Text),
        ("key", Kind::Text),
        ("mode", Kind::Text),
        ("import", Kind::Text),
        ("schema_version", Kind::Number),
        ("entries", Kind::Number),
        ("settled_to", Kind::Instant),
    ]);
    for context in client.contexts().await? {
        listing.push(vec![
            Cell::text(&context.name),
            Cell::text(context.key.join(", ")),
            Cell::text(context.mode.as_str()),
            Cell::text(import(&context)),
            Cell::option(context.schema_versions.last(), |schema| Cell::count(schema.version.into())),
            Cell::count(context.entries),
            Cell::option(context.settled_to, |at| Cell::Instant(at.micros())),
        ]);
    }
    listing.print(session)
}

/// Runs `context show`: what it is, then its schema versions.
///
/// # Errors
/// [`CliError`] says why not.
pub(super) async fn run(session: &Session, args: &ShowArgs) -> Result<(), CliError> {
    let client = session.open(Access::Read).await?;
    let context = client.context(args.context.as_str()).await?;
    if session.format()? == Format::Table {
        about(&context).print(session)?;
    }
    columns(&context).print(session)
}

fn about(context: &Context) -> Listing {
    let mut listing = Listing::of_one();
    listing.say("context", &context.name);
    listing.say("key", context.key.join(", "));
    listing.say("mode", context.mode.as_str());
    listing.say("import", import(context));
    if let Some(ppm) = context.max_retracted_ppm {
        listing.say("max retracted", format!("{}.{:06}", ppm / 1_000_000, ppm % 1_000_000));
    }
    let settled = context.settled_to;
    listing.say("settled to", settled.map_or("nothing committed yet".into(), |at| at.to_string()));
    listing.say("puts", context.puts);
    listing.say("withdrawals", context.withdrawals);
    listing.say("cutoffs", context.cutoffs);
    listing.say("keyframes", context.keyframes);
    listing.say("schema versions", context.schema_versions.len());
    if let Some(commit) = context.newest_commit {
        listing.say("newest commit", commit);
    }
    listing
}

/// The columns of every schema version.
fn columns(context: &Context) -> Listing {
    let mut listing = Listing::new(&[
        ("schema_version", Kind::Number),
        ("since", Kind::Instant),
        ("field", Kind::Number),
        ("column", Kind::Text),
        ("type", Kind::Text),
        ("null", Kind::Text),
        ("class", Kind::Text),
    ]);
    let mut before: &[Column] = &[];
    for schema in &context.schema_versions {
        // Of later versions, what they brought.
        for column in schema.columns.iter().filter(|column| !before.contains(column)) {
            let null = match (column.key, column.nullable) {
                (true, _) => "key",
                (false, true) => "allowed",
                (false, false) => "refused",
            };
            listing.push(vec![
                Cell::count(schema.version.into()),
                Cell::Instant(schema.since.micros()),
                Cell::option(column.field_id, |id| Cell::count(id.into())),
                Cell::text(&column.name),
                Cell::text(&column.type_name),
                Cell::text(null),
                Cell::option(column.class.as_ref(), Cell::text),
            ]);
        }
        before = &schema.columns;
    }
    listing
}

fn import(context: &Context) -> &'static str {
    match (context.import, context.importing) {
        (false, _) => "no",
        (true, true) => "open",
        (true, false) => "ended",
    }
}
