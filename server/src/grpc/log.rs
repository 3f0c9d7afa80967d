//! The log: its head, its records, and what is committed to a context as it comes.

mod entry;
mod records;
mod watch;

#[cfg(test)]
mod tests;

use std::pin::Pin;

use calotype_proto::v1;
use calotype_proto::v1::log_service_server::{LogService, LogServiceServer};
use calotype_storage::error::Error;
use calotype_storage::identity::{RecordHash, Sequence};
use calotype_storage::merkle::LogHash;
use futures::Stream;
use tonic::{Request, Response, Status};

use super::values::timestamp;
use crate::caller::Caller;
use crate::node::Node;
use crate::status;

/// The service over a node.
pub fn service(node: Node) -> LogServiceServer<Log> {
    let max = node.limits().control_message_bytes_max;
    LogServiceServer::new(Log { node }).max_decoding_message_size(max)
}

/// Shows the log.
#[derive(Debug)]
pub struct Log {
    node: Node,
}

#[tonic::async_trait]
impl LogService for Log {
    type WatchContextStream = Pin<Box<dyn Stream<Item = Result<v1::WatchContextResponse, Status>> + Send>>;

    async fn get_head(
        &self,
        request: Request<v1::GetHeadRequest>,
    ) -> Result<Response<v1::GetHeadResponse>, Status> {
        let caller = Caller::of(&request)?;
        let at_least = request.get_ref().at_least.map(Sequence::new);
        self.node.follower().see(&self.node, at_least, caller.deadline).await?;
        let _permit = self.node.admission().query(&caller.principal).await?;
        let node = self.node.clone();
        // Counting packs reads the whole list of them.
        let counted = self.node.work().spawn(async move { head(&node) });
        let head = counted.await.map_err(|_| status::internal("the head was not counted"))?;
        head.map(Response::new).map_err(|error| status::of_store(&error))
    }

    async fn list_records(
        &self,
        request: Request<v1::ListRecordsRequest>,
    ) -> Result<Response<v1::ListRecordsResponse>, Status> {
        let caller = Caller::of(&request)?;
        records::list(&self.node, &caller, request.into_inner()).await.map(Response::new)
    }

    async fn watch_context(
        &self,
        request: Request<v1::WatchContextRequest>,
    ) -> Result<Response<Self::WatchContextStream>, Status> {
        let caller = Caller::of(&request)?;
        let watch = watch::Watch::begin(&self.node, &caller, request.into_inner()).await?;
        Ok(Response::new(Box::pin(watch.into_messages())))
    }
}

fn head(node: &Node) -> Result<v1::GetHeadResponse, Error> {
    let database = node.database();
    let head = database.head();
    let index = |error| Error::Damaged { object: "the index".into(), what: format!("{error}") };
    let packs = database.index().packs().map_err(index)?;
    let root =
        head.as_ref().map_or_else(calotype_storage::merkle::Frontier::default, |head| head.frontier.clone());
    Ok(v1::GetHeadResponse {
        store: database.backend().name().to_owned(),
        store_id: database.store_id().to_string(),
        records: head.as_ref().map_or(0, |head| head.sequence.get() + 1),
        newest_commit: head.as_ref().map(|head| head.sequence.get()),
        newest_time: head.as_ref().map(|head| timestamp(head.newest_time)),
        newest_record_hash: head.as_ref().map(|head| head.hash.to_string()).unwrap_or_default(),
        root: RecordHash::new(root.root::<LogHash>()).to_string(),
        contexts: database.contexts()?.len() as u64,
        packs: packs.len() as u64,
        pack_bytes: packs.iter().map(|(_, bytes)| bytes).sum(),
        chunks: database.index().chunk_count().map_err(index)?,
        index: database.state().display().to_string(),
        server_version: env!("CARGO_PKG_VERSION").to_owned(),
    })
}
