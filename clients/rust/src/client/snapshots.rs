//! Sealed snapshots, and the verification of what the store holds.

use calotype_proto::v1;

use super::pages::{Listing, pages, whole};
use super::{Client, method};
use crate::answer::{Answer, RowAnswer};
use crate::client::operations::OperationHandle;
use crate::convert::{Present, each};
use crate::error::ClientError;
use crate::retry::Repeat;
use crate::snapshot::Snapshot;
use crate::time::ValidTime;

impl Client {
    /// The snapshots of a context in the order in which they were sealed; of one cutoff, where there is one.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn snapshots(
        &self,
        context: &str,
        cutoff: Option<ValidTime>,
    ) -> Result<Vec<Snapshot>, ClientError> {
        whole(self.list_snapshots(context, cutoff)).await
    }

    /// As [`Self::snapshots`], page by page.
    pub fn list_snapshots(&self, context: &str, cutoff: Option<ValidTime>) -> Listing<Snapshot> {
        let (client, context) = (self.clone(), context.to_owned());
        pages(move |page_token| {
            let (client, context) = (client.clone(), context.clone());
            async move {
                let cutoff = cutoff.map(Into::into);
                let message = v1::ListSnapshotsRequest { context, cutoff, page_size: 0, page_token };
                let read =
                    |reply: v1::ListSnapshotsResponse| Ok((each(reply.snapshots)?, reply.next_page_token));
                client
                    .call(Repeat::Safe, message, method!(client.snapshot_service(), list_snapshots), read)
                    .await
            }
        })
    }

    /// A snapshot by its id.
    ///
    /// # Errors
    /// [`ClientError`]; `NOT_FOUND` where there is none.
    pub async fn snapshot(&self, id: &str) -> Result<Snapshot, ClientError> {
        let message = v1::GetSnapshotRequest { id: id.to_owned() };
        let read = |reply: v1::GetSnapshotResponse| reply.snapshot.present("snapshot")?.try_into();
        self.call(Repeat::Safe, message, method!(self.snapshot_service(), get_snapshot), read).await
    }

    /// The rows of a snapshot, as Arrow.
    ///
    /// # Errors
    /// [`ClientError`]; `NOT_FOUND` where there is none.
    pub async fn read_snapshot(&self, id: &str) -> Result<Answer, ClientError> {
        let message = v1::ReadSnapshotRequest { id: id.to_owned(), format: v1::RowFormat::Arrow.into() };
        let (header, parts) = self.ask(message, method!(self.snapshot_service(), read_snapshot)).await?;
        Answer::new(header, parts)
    }

    /// The rows of a snapshot, as typed values.
    ///
    /// # Errors
    /// [`ClientError`]; `NOT_FOUND` where there is none.
    pub async fn read_snapshot_rows(&self, id: &str) -> Result<RowAnswer, ClientError> {
        let message = v1::ReadSnapshotRequest { id: id.to_owned(), format: v1::RowFormat::Values.into() };
        let (header, parts) = self.ask(message, method!(self.snapshot_service(), read_snapshot)).await?;
        RowAnswer::new(header, parts)
    }

    /// Starts to compare what the store says of itself with what it holds. Level 1: chain and Merkle root; 2: packs
    /// are there; 3: every byte of them; 4: every chunk, snapshot and keyframe. Never retried: each time starts one.
    ///
    /// # Errors
    /// [`ClientError`].
    pub async fn verify(&self, level: u32) -> Result<OperationHandle, ClientError> {
        let message = v1::VerifyStoreRequest { level };
        let read = |reply: v1::VerifyStoreResponse| reply.operation.present("operation")?.try_into();
        let operation =
            self.call(Repeat::Unsafe, message, method!(self.snapshot_service(), verify_store), read).await?;
        Ok(OperationHandle::new(self.clone(), operation))
    }
}
