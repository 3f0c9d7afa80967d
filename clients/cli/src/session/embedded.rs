//! A store that is served within this process, for commands that name the store itself.
//!
//! The limits that keep a server's clients from each other are lifted: the only client is the command.

use std::sync::Arc;
use std::time::Duration;

use calotype_client::{Client, Options};
use calotype_server::Node;
use calotype_server::limits::Limits;
use calotype_server::serve;
use calotype_server::telemetry::metrics::Metrics;
use calotype_storage::database::Database;
use tokio::runtime::Handle;

use crate::error::CliError;
use crate::serving::random_tokens;

/// Longer than anybody waits.
const NEVER: Duration = Duration::from_hours(10 * 365 * 24);
/// The largest message, bytes.
const MESSAGE_BYTES_MAX: usize = 1 << 30;

/// A store that is served within this process.
#[derive(Debug)]
pub(crate) struct Embedded {
    database: Database,
    client: Client,
}

impl Embedded {
    /// Serves a store to a client of its own.
    ///
    /// # Errors
    /// An option of the client makes no sense.
    pub(super) async fn start(database: Database, options: Options) -> Result<Self, CliError> {
        let metrics = Arc::new(Metrics::new());
        let tokens = random_tokens()?;
        let node = Node::new(database.clone(), limits(), metrics, tokens, Handle::current());
        let channel = serve::local(node).await?;
        Ok(Self { database, client: Client::from_channel(channel, options)? })
    }

    /// The store.
    pub(crate) fn database(&self) -> &Database {
        &self.database
    }

    /// The client.
    pub(super) fn client(&self) -> &Client {
        &self.client
    }
}

/// Those of a server without the ones that stand between clients.
fn limits() -> Limits {
    Limits {
        control_message_bytes_max: MESSAGE_BYTES_MAX,
        ingest_message_bytes_max: MESSAGE_BYTES_MAX,
        ipc_body_bytes_max: MESSAGE_BYTES_MAX,
        ipc_raw_bytes_max: MESSAGE_BYTES_MAX,
        ipc_rows_max: usize::MAX,
        queries_max: 1024,
        points_per_principal_max: 1024,
        queries_per_principal_max: 1024,
        query_time_max: NEVER,
        stall_time_max: NEVER,
        put_stall_time_max: NEVER,
        put_time_max: NEVER,
        result_rows_max: u64::MAX,
        result_bytes_max: u64::MAX,
        request_bytes_max: usize::MAX,
        keys_max: usize::MAX,
        put_rows_max: u64::MAX,
        put_bytes_max: u64::MAX,
        ingest_bytes_max: usize::MAX,
        puts_max: 1024,
        ..Limits::default()
    }
}
