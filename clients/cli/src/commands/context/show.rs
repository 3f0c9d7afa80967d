//! `context list` and `context show`.

use calotype_query::times::settled_time;
use calotype_storage::context::Context;
use calotype_storage::database::{Access, Database};
use calotype_storage::name::ContextName;
use calotype_storage::record::Mode;
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
    let database = session.open(Access::Read).await?;
    let mut listing = Listing::new(&[
        ("context", Kind::Text),
        ("key", Kind::Text),
        ("mode", Kind::Text),
        ("import", Kind::Text),
        ("schema_version", Kind::Number),
        ("entries", Kind::Number),
        ("settled_to", Kind::Instant),
    ]);
    for name in database.contexts()? {
        let context = database.context(&name)?;
        listing.push(vec![
            Cell::text(&name),
            Cell::text(context.key_names().join(", ")),
            Cell::text(mode(&context)),
            Cell::text(import(&context)),
            Cell::option(context.schema(), |schema| Cell::count(schema.version().get().into())),
            Cell::count(context.entries().len() as u64),
            Cell::option(settled(&database, &context), Cell::instant),
        ]);
    }
    listing.print(session)
}

/// Runs `context show`: what it is, then its schema versions.
///
/// # Errors
/// [`CliError`] says why not.
pub(super) async fn run(session: &Session, args: &ShowArgs) -> Result<(), CliError> {
    let database = session.open(Access::Read).await?;
    let context = database.context(&args.context)?;
    if session.format()? == Format::Table {
        about(&database, &context).print(session)?;
    }
    columns(&context).print(session)
}

fn about(database: &Database, context: &Context) -> Listing {
    let mut listing = Listing::of_one();
    listing.say("context", context.name());
    listing.say("key", context.key_names().join(", "));
    listing.say("mode", mode(context));
    listing.say("import", import(context));
    if let Some(ppm) = context.max_retracted_ppm() {
        listing.say("max retracted", format!("{}.{:06}", ppm / 1_000_000, ppm % 1_000_000));
    }
    let settled = settled(database, context);
    listing.say("settled to", settled.map_or("nothing committed yet".into(), |at| at.to_string()));
    let puts = context.entries().iter().filter(|entry| entry.put().is_some());
    let withdrawn = context.entries().iter().filter(|entry| entry.kind() == "withdraw");
    listing.say("puts", puts.count());
    listing.say("withdrawals", withdrawn.count());
    listing.say("cutoffs", context.cutoffs().iter().count());
    listing.say("keyframes", context.keyframes().len());
    listing.say("schema versions", context.schemas().len());
    if let Some(record) = context.newest_record() {
        listing.say("newest commit", record);
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
    let mut before = Vec::new();
    for (since, schema) in context.schemas() {
        // Of later versions, what they brought.
        for (place, field) in schema.fields().iter().enumerate() {
            if before.contains(field) {
                continue;
            }
            let null = match (schema.is_key(place), field.nullable) {
                (true, _) => "key",
                (false, true) => "allowed",
                (false, false) => "refused",
            };
            listing.push(vec![
                Cell::count(schema.version().get().into()),
                Cell::instant(*since),
                Cell::count(field.id.get().into()),
                Cell::text(&field.name),
                Cell::text(field.field_type),
                Cell::text(null),
                Cell::option(field.class, |class| Cell::text(class.as_str())),
            ]);
        }
        before = schema.fields().to_vec();
    }
    listing
}

fn mode(context: &Context) -> &'static str {
    match context.mode() {
        Mode::State => "state",
        Mode::Events => "events",
    }
}

fn import(context: &Context) -> &'static str {
    match (context.created().import, context.is_importing()) {
        (false, _) => "no",
        (true, true) => "open",
        (true, false) => "ended",
    }
}

fn settled(database: &Database, context: &Context) -> Option<calotype_storage::SystemTime> {
    settled_time(context, database.head().map(|head| head.newest_time))
}
