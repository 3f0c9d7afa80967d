//! What a commit answered.

use calotype_client::Receipt;

use crate::error::CliError;
use crate::listing::Listing;
use crate::output::Format;
use crate::session::Session;

/// Prints a receipt: a line for people, all of it for programs.
///
/// # Errors
/// The output did not take it.
pub(crate) fn print(session: &Session, what: &str, receipt: &Receipt) -> Result<(), CliError> {
    use crate::listing::{Cell, Kind};
    let format = session.format()?;
    let mut listing = Listing::new(&[
        ("commit", Kind::Number),
        ("entry", Kind::Number),
        ("system_time", Kind::Instant),
        ("rows", Kind::Number),
        ("asserted", Kind::Number),
        ("retracted", Kind::Number),
        ("unchanged", Kind::Number),
        ("duplicates", Kind::Number),
        ("schema_version", Kind::Number),
        ("snapshot", Kind::Text),
        ("record_hash", Kind::Text),
        ("replayed", Kind::Truth),
    ]);
    listing.push(vec![
        Cell::count(receipt.commit),
        Cell::count(receipt.entry.into()),
        Cell::Instant(receipt.system_time.micros()),
        Cell::count(receipt.rows),
        Cell::count(receipt.asserted),
        Cell::count(receipt.retracted),
        Cell::count(receipt.unchanged),
        Cell::count(receipt.duplicates),
        Cell::count(receipt.schema_version.into()),
        Cell::option(receipt.snapshot.as_ref(), Cell::text),
        Cell::text(&receipt.record_hash),
        Cell::Truth(receipt.replayed),
    ]);
    if format != Format::Table {
        return listing.print(session);
    }
    let again = if receipt.replayed { " before, under the same idempotency key" } else { "" };
    let mut text = Listing::of_one();
    text.say("done", format!("{what} committed{again}"));
    text.say("commit", format_args!("{}.{}", receipt.commit, receipt.entry));
    text.say("known since", receipt.system_time);
    let counts = [receipt.rows, receipt.asserted, receipt.retracted, receipt.unchanged, receipt.duplicates];
    if counts.iter().any(|count| *count > 0) {
        text.say(
            "rows",
            format!(
                "{}: {} facts assert, {} retract, {} unchanged",
                receipt.rows, receipt.asserted, receipt.retracted, receipt.unchanged
            ),
        );
    }
    if receipt.duplicates > 0 {
        text.say("duplicates", format!("{} rows dropped", receipt.duplicates));
    }
    text.say("schema version", receipt.schema_version);
    if let Some(snapshot) = &receipt.snapshot {
        text.say("snapshot", snapshot);
    }
    text.print(session)
}
