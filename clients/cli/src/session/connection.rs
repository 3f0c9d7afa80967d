//! What a command asks: a client, and the store that it serves itself where there is no server.

use std::ops::Deref;

use calotype_client::Client;
use calotype_storage::database::Database;

use super::embedded::Embedded;
use crate::error::CliError;

/// What a command asks.
#[derive(Debug)]
pub(crate) struct Connection {
    client: Client,
    embedded: Option<Embedded>,
}

impl Connection {
    /// To a server.
    pub(super) fn remote(client: Client) -> Self {
        Self { client, embedded: None }
    }

    /// To a store that is served within this process.
    pub(super) fn embedded(embedded: Embedded) -> Self {
        Self { client: embedded.client().clone(), embedded: Some(embedded) }
    }

    /// The store, where it is served within this process.
    pub(crate) fn database(&self) -> Option<&Database> {
        self.embedded.as_ref().map(Embedded::database)
    }

    /// Makes the index of a store served here reach the disk, so that the next opening has nothing to replay.
    ///
    /// # Errors
    /// The disk would not.
    pub(crate) fn sync_index(&self) -> Result<(), CliError> {
        self.database().map_or(Ok(()), |database| Ok(database.sync_index()?))
    }
}

impl Deref for Connection {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.client
    }
}
