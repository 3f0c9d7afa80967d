//! `status`: the store in a few lines.

use calotype_storage::database::Access;
use calotype_storage::error::Error;

use crate::error::CliError;
use crate::listing::Listing;
use crate::session::Session;

/// Runs `status`.
///
/// # Errors
/// [`CliError`] says why not.
pub(crate) async fn run(session: &Session) -> Result<(), CliError> {
    let database = session.open(Access::Read).await?;
    let broken = |error: &dyn std::error::Error| Error::State {
        path: database.state().to_owned(),
        reason: error.to_string(),
    };
    let packs = database.index().packs().map_err(|error| broken(&error))?;
    let chunks = database.index().chunk_count().map_err(|error| broken(&error))?;
    let mut listing = Listing::of_one();
    listing.say("store", database.backend().name());
    listing.say("store id", database.store_id());
    listing.say("index", database.state().display());
    match database.head() {
        None => listing.say("records", 0),
        Some(head) => {
            listing.say("records", head.sequence.get() + 1);
            listing.say("newest time", head.newest_time);
            listing.say("newest record", head.hash);
            listing.say("Merkle root", database.root());
        }
    }
    listing.say("contexts", database.contexts()?.len());
    listing.say("packs", packs.len());
    listing.say("bytes in packs", packs.iter().map(|(_, bytes)| bytes).sum::<u64>());
    listing.say("chunks", chunks);
    listing.print(session)
}
