//! `status`: the store in a few lines.

use calotype_storage::database::Access;

use crate::error::CliError;
use crate::listing::Listing;
use crate::session::Session;

/// Runs `status`.
///
/// # Errors
/// [`CliError`] says why not.
pub(crate) async fn run(session: &Session) -> Result<(), CliError> {
    let client = session.open(Access::Read).await?;
    let head = client.head().await?;
    let mut listing = Listing::of_one();
    listing.say("store", head.store);
    listing.say("store id", head.store_id);
    listing.say("index", head.index);
    listing.say("records", head.records);
    if let Some(newest) = head.newest_time {
        listing.say("newest time", newest);
        listing.say("newest record", head.newest_record_hash);
        listing.say("Merkle root", head.root);
    }
    listing.say("contexts", head.contexts);
    listing.say("packs", head.packs);
    listing.say("bytes in packs", head.pack_bytes);
    listing.say("chunks", head.chunks);
    listing.print(session)
}
