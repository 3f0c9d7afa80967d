//! `rebuild-index`: the local index is a cache; it can be thrown away at any time.

use calotype_storage::database::{Access, StateFolder, remove_index};
use clap::Args;

use crate::error::CliError;
use crate::listing::Listing;
use crate::session::Session;

/// Numbered state folders that are looked at.
const FOLDERS_MAX: u32 = 64;

/// Nothing to choose.
#[derive(Debug, Args)]
pub(crate) struct RebuildIndexArgs {}

/// Runs `rebuild-index`.
///
/// # Errors
/// [`CliError`] says why not.
pub(crate) async fn run(session: &Session) -> Result<(), CliError> {
    match session.state()? {
        StateFolder::At(folder) => remove_index(&folder)?,
        StateFolder::Under(parent) => {
            for number in 0..FOLDERS_MAX {
                let folder = parent.join(number.to_string());
                if folder.is_dir() {
                    remove_index(&folder)?;
                }
            }
        }
        StateFolder::Memory => {}
    }
    let database = session.open_store(Access::Read).await?;
    database.sync_index()?;
    let mut listing = Listing::of_one();
    listing.say("done", "index rebuilt from the store");
    listing.say("index", database.state().display());
    let records = database.head().map_or(0, |head| head.sequence.get() + 1);
    listing.say("records", records);
    listing.print(session)
}
