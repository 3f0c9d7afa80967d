//! What a command asks: a client, and the store that it serves itself where there is no server.

use std::ops::Deref;

use calotype_client::Client;

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

    /// Makes the index of a store served here reach the disk, so that the next opening has nothing to replay.
    ///
    /// # Errors
    /// The disk would not.
    pub(crate) fn sync_index(&self) -> Result<(), CliError> {
        match &self.embedded {
            Some(embedded) => Ok(embedded.database().sync_index()?),
            None => Ok(()),
        }
    }
}

impl Deref for Connection {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.client
    }
}
