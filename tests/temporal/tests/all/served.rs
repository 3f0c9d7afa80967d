//! A server over memory, and a client of it.

use std::sync::Arc;

use arrow_array::RecordBatch;
use calotype_client::{Client, Options, RetryPolicy, SqlQuestion};
use calotype_server::limits::Limits;
use calotype_server::node::Node;
use calotype_server::page_token::TokenKey;
use calotype_server::serve;
use calotype_server::telemetry::metrics::Metrics;
use calotype_storage::backend::Backend;
use calotype_storage::database::{Access, Database, OpenOptions, StateFolder};
use tokio::runtime::Handle;

/// A store in a folder of its own, served within this process.
pub(crate) struct Served {
    pub(crate) client: Client,
    _folder: tempfile::TempDir,
}

impl Served {
    pub(crate) async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let backend = Backend::local(&folder.path().join("store"), true).unwrap();
        let state = StateFolder::Under(folder.path().join("state"));
        let database = Database::open(backend, OpenOptions::new(Access::Create, state)).await.unwrap();
        let metrics = Arc::new(Metrics::new());
        let node = Node::new(database, Limits::default(), metrics, TokenKey::new([7; 32]), Handle::current());
        let channel = serve::local(node).await.unwrap();
        let options = Options { retries: RetryPolicy::NEVER, ..Options::default() };
        Self { client: Client::from_channel(channel, options).unwrap(), _folder: folder }
    }

    /// All rows of the answer to a statement.
    pub(crate) async fn ask(&self, sql: &str) -> anyhow::Result<Vec<RecordBatch>> {
        let mut answer = self.client.sql(&SqlQuestion::new(sql)).await?;
        let mut batches = Vec::new();
        while let Some(batch) = answer.next().await? {
            batches.push(batch);
        }
        Ok(batches)
    }
}
