//! Puts in one message or in many, and withdrawals.

mod header;
mod many;
mod rows;

use calotype_proto::v1;
use calotype_proto::v1::ingest_service_server::{IngestService, IngestServiceServer};
use calotype_storage::Receipt;
use calotype_storage::evaluate::{Deed, Proposal, Withdraw};
use calotype_storage::identity::Sequence;
use calotype_storage::put::PutOptions;
use tonic::{Request, Response, Status, Streaming};

use self::header::put_parts;
use self::rows::Rows;
use super::values;
use crate::caller::Caller;
use crate::intake::{self, Intake, PutParts, at_work, in_time};
use crate::node::Node;
use crate::status::{Field, invalid};

/// The service over a node.
pub fn service(node: Node) -> IngestServiceServer<Ingest> {
    let max = node.limits().ingest_message_bytes_max;
    IngestServiceServer::new(Ingest { node }).max_decoding_message_size(max)
}

/// Takes puts.
#[derive(Clone, Debug)]
pub struct Ingest {
    node: Node,
}

#[tonic::async_trait]
impl IngestService for Ingest {
    async fn put(&self, request: Request<v1::PutRequest>) -> Result<Response<v1::PutResponse>, Status> {
        let caller = Caller::of(&request)?;
        let taken = self.clone().take(caller, request.into_inner());
        let receipt = Some(at_work(&self.node, taken).await?);
        Ok(Response::new(v1::PutResponse { receipt }))
    }

    async fn put_stream(
        &self,
        request: Request<Streaming<v1::PutStreamRequest>>,
    ) -> Result<Response<v1::PutStreamResponse>, Status> {
        intake::check_whole(&request)?;
        let caller = Caller::of(&request)?;
        let taken = self.clone().take_stream(caller, request.into_inner());
        let receipt = Some(at_work(&self.node, taken).await?);
        Ok(Response::new(v1::PutStreamResponse { receipt }))
    }

    async fn withdraw_cutoff(
        &self,
        request: Request<v1::WithdrawCutoffRequest>,
    ) -> Result<Response<v1::WithdrawCutoffResponse>, Status> {
        let caller = Caller::of(&request)?;
        let withdrawal = withdrawal(&caller, &request.into_inner())?;
        let receipt = intake::commit(&self.node, withdrawal).await?;
        Ok(Response::new(v1::WithdrawCutoffResponse { receipt: Some(answered(&receipt)) }))
    }

    type PutManyStream = many::Answers;

    async fn put_many(
        &self,
        request: Request<Streaming<v1::PutManyRequest>>,
    ) -> Result<Response<many::Answers>, Status> {
        let caller = Caller::of(&request)?;
        Ok(Response::new(many::run(&self.node, caller, request.into_inner())))
    }
}

/// Reads a withdrawal.
fn withdrawal(caller: &Caller, request: &v1::WithdrawCutoffRequest) -> Result<Proposal, Status> {
    let context = values::context_name(Field("context"), &request.context)?;
    let cutoff = request.cutoff.as_ref().ok_or_else(|| invalid(Field("cutoff"), "is missing"))?;
    let cutoff = values::valid_time(Field("cutoff"), cutoff)?;
    let recorded_at = request.recorded_at.as_ref();
    let options = PutOptions {
        principal: caller.principal.clone(),
        idempotency_key: values::request_id(Field("request_id"), &request.request_id)?,
        reason: values::reason(Field("reason"), &request.reason)?,
        recorded_at: values::system_time_or_none(Field("recorded_at"), recorded_at)?,
        expected_commit: request.expected_commit.map(Sequence::new),
        ..PutOptions::default()
    };
    Ok(Proposal::Withdraw(Withdraw { deed: Deed { context, options }, cutoff }))
}

impl Ingest {
    async fn take(self, caller: Caller, request: v1::PutRequest) -> Result<v1::Receipt, Status> {
        let put = put_parts(&caller, request.put)?;
        self.node.follower().know(&self.node, &put.context).await;
        let mut intake = Intake::new(&self.node)?;
        let data = request.data.ok_or_else(|| {
            invalid(
                Field("data"),
                "is missing: send rows or arrow_stream; an empty full has columns, no rows and expected_rows 0",
            )
        })?;
        let rows = whole(&self.node, &put, data, &mut intake)?;
        self.commit(intake, put, rows).await
    }

    async fn take_stream(
        self,
        caller: Caller,
        mut stream: Streaming<v1::PutStreamRequest>,
    ) -> Result<v1::Receipt, Status> {
        let first = in_time(&self.node, &caller, stream.message()).await?;
        let Some(v1::put_stream_request::Part::Put(header)) = first.and_then(|message| message.part) else {
            return Err(invalid(Field("put"), "is missing: the first message carries the header"));
        };
        let put = put_parts(&caller, Some(header))?;
        self.node.follower().know(&self.node, &put.context).await;
        let mut intake = Intake::new(&self.node)?;
        let mut rows: Option<Rows> = None;
        while let Some(message) = in_time(&self.node, &caller, stream.message()).await? {
            let part = message.part;
            let part = part.ok_or_else(|| invalid(Field("part"), "is missing: expected rows or arrow"))?;
            rows = Some(self.part(&put, part, rows, &mut intake)?);
        }
        // Here the client has ended its stream itself: all that cuts it short is an error above.
        let rows = rows.ok_or_else(|| {
            let what = "brought no columns: an empty full has columns, no rows and expected_rows 0";
            invalid(Field("part"), what)
        })?;
        self.commit(intake, put, rows).await
    }

    /// Takes a part of a stream after its header.
    fn part(
        &self,
        put: &PutParts,
        part: v1::put_stream_request::Part,
        rows: Option<Rows>,
        intake: &mut Intake,
    ) -> Result<Rows, Status> {
        match part {
            v1::put_stream_request::Part::Put(_) => {
                Err(invalid(Field("put"), "came twice: the first message alone carries the header"))
            }
            v1::put_stream_request::Part::Rows(batch) => {
                let mut rows = rows.map_or_else(|| Rows::of_values(&self.node, put), Ok)?;
                rows.values(batch, intake)?;
                Ok(rows)
            }
            v1::put_stream_request::Part::Arrow(message) => {
                let mut rows = rows.unwrap_or_else(|| Rows::of_arrow(&self.node));
                rows.arrow(&message, intake)?;
                Ok(rows)
            }
        }
    }

    async fn commit(&self, mut intake: Intake, put: PutParts, rows: Rows) -> Result<v1::Receipt, Status> {
        let schema = rows.finish(&mut intake)?;
        let receipt = intake.commit(&self.node, put, schema).await?;
        Ok(answered(&receipt))
    }
}

/// Takes the rows of a put that came in one message.
fn whole(
    node: &Node,
    put: &PutParts,
    data: v1::put_request::Data,
    intake: &mut Intake,
) -> Result<Rows, Status> {
    match data {
        v1::put_request::Data::Rows(batch) => {
            let mut rows = Rows::of_values(node, put)?;
            rows.values(batch, intake)?;
            Ok(rows)
        }
        v1::put_request::Data::ArrowStream(bytes) => Rows::of_stream(node, &bytes, intake),
    }
}

/// A receipt as it is answered.
pub(super) fn answered(receipt: &Receipt) -> v1::Receipt {
    v1::Receipt {
        commit: receipt.id.record.get(),
        entry: receipt.id.place,
        record_hash: receipt.record_hash.to_string(),
        system_time: Some(values::timestamp(receipt.system_time)),
        rows: receipt.counts.rows,
        asserted: receipt.counts.asserted,
        retracted: receipt.counts.retracted,
        unchanged: receipt.counts.unchanged,
        duplicates: receipt.counts.duplicates,
        schema_version: receipt.schema_version,
        snapshot: receipt.snapshot.map(|id| id.to_string()).unwrap_or_default(),
        replayed: receipt.replayed,
    }
}

#[cfg(test)]
mod tests;
