//! What a commit answered.

use calotype_storage::commit::Receipt;

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
    let counts = receipt.counts;
    listing.push(vec![
        Cell::count(receipt.id.record.get()),
        Cell::count(receipt.id.place.into()),
        Cell::instant(receipt.system_time),
        Cell::count(counts.rows),
        Cell::count(counts.asserted),
        Cell::count(counts.retracted),
        Cell::count(counts.unchanged),
        Cell::count(counts.duplicates),
        Cell::count(receipt.schema_version.into()),
        Cell::option(receipt.snapshot, Cell::text),
        Cell::text(receipt.record_hash),
        Cell::Truth(receipt.replayed),
    ]);
    if format != Format::Table {
        return listing.print(session);
    }
    let again = if receipt.replayed { " before, under the same idempotency key" } else { "" };
    let mut text = Listing::of_one();
    text.say("done", format!("{what} committed{again}"));
    text.say("commit", receipt.id);
    text.say("known since", receipt.system_time);
    if counts != calotype_storage::record::Counts::default() {
        text.say(
            "rows",
            format!(
                "{}: {} facts assert, {} retract, {} unchanged",
                counts.rows, counts.asserted, counts.retracted, counts.unchanged
            ),
        );
    }
    if counts.duplicates > 0 {
        text.say("duplicates", format!("{} rows dropped", counts.duplicates));
    }
    text.say("schema version", receipt.schema_version);
    if let Some(snapshot) = receipt.snapshot {
        text.say("snapshot", snapshot);
    }
    text.print(session)
}
