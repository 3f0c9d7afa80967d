//! The doors of a server, for histories of the oracle: each put goes in through one of them, each question may be
//! asked through all.

mod asking;
mod putting;

use arrow_array::RecordBatch;
use arrow_flight::{Action, FlightClient};
use bytes::Bytes;
use calotype_client::tonic::transport::Channel;
use calotype_client::{Alteration, CaptureMode, Client, Column, NewContext};
use calotype_storage::time::SystemTime;
use futures::TryStreamExt;
use serde_json::{Value as Json, json};

pub use self::asking::{Asking, Told, point, told};
pub use self::putting::{Committed, Putting};
use crate::failure::Failure;
use crate::serving::Server;

/// The context that histories go to.
pub const CONTEXT: &str = "oracle";

/// The doors of a server.
#[derive(Clone, Debug)]
pub struct Doors {
    /// The typed client.
    pub client: Client,
}

impl Doors {
    /// The doors of a server, behind a client that retries nothing.
    ///
    /// # Panics
    /// If it cannot be reached.
    pub async fn of(server: &Server) -> Self {
        Self { client: server.client().await }
    }

    /// Arrow's own client, over the same connection.
    pub fn flight(&self) -> FlightClient {
        let channel: Channel = self.client.channel();
        FlightClient::new(channel)
    }

    /// Creates the context of histories; the commit.
    ///
    /// # Errors
    /// As the server answers.
    pub async fn create(&self, mode: CaptureMode) -> Result<u64, Failure> {
        let columns = vec![Column::new("k", "int64"), Column::new("v", "uint32")];
        let new = NewContext {
            name: CONTEXT.into(),
            key: vec!["k".into()],
            mode,
            columns,
            ..NewContext::default()
        };
        Ok(self.client.create_context(&new).await?.receipt.commit)
    }

    /// Renames a column.
    ///
    /// # Errors
    /// As the server answers.
    pub async fn rename(&self, from: &str, to: &str) -> Result<(), Failure> {
        let rename = Some((from.to_owned(), to.to_owned()));
        let alteration = Alteration { context: CONTEXT.into(), rename, ..Alteration::default() };
        self.client.alter_context(&alteration).await?;
        Ok(())
    }

    /// Does an action; its answer as JSON.
    ///
    /// # Errors
    /// As the server answers.
    ///
    /// # Panics
    /// If the answer is not one JSON object.
    pub async fn act(&self, name: &str, body: &Json) -> Result<Json, Failure> {
        let action = Action { r#type: name.to_owned(), body: body.to_string().into() };
        let results: Vec<Bytes> = self.flight().do_action(action).await?.try_collect().await?;
        assert_eq!(results.len(), 1, "{name} answers one object");
        Ok(serde_json::from_slice(&results[0]).expect("an action answers JSON"))
    }
}

/// An instant as JSON has it.
fn instant(micros: i64) -> Json {
    json!(SystemTime::from_micros(micros).expect("an ordinary instant").to_string())
}

/// How many rows batches have.
fn rows_of(batches: &[RecordBatch]) -> u64 {
    batches.iter().map(|batch| batch.num_rows() as u64).sum()
}
