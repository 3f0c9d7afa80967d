//! One entity at one point: the fast path. It is answered where it was read, since handing it to another pool
//! would take longer than the answer.

use calotype_proto::v1;
use calotype_query::resolve;
use tonic::Status;

use super::request;
use crate::answer::{too_slow, until};
use crate::caller::Caller;
use crate::grpc::{claim, values};
use crate::ipc::encoded_bytes;
use crate::node::Node;
use crate::status;

/// Answers what one entity is.
pub(super) async fn get(
    node: &Node,
    caller: &Caller,
    asked: v1::GetEntityRequest,
) -> Result<v1::GetEntityResponse, Status> {
    let asked = request::entity(node, caller, asked).await?;
    let _permit = node.admission().point(&caller.principal).await?;
    let answered = async {
        let mut answer = resolve(node.database(), node.policy(), &asked).await?;
        let (mut row, mut bytes) = (None, 0);
        while let Some(batch) = answer.next().await? {
            bytes += encoded_bytes(&batch);
            row = row.or_else(|| values::row_batch(&batch).rows.pop());
        }
        Ok((answer, row, bytes))
    };
    let until = until(node, caller);
    let (answer, row, bytes) = match tokio::time::timeout_at(until, answered).await {
        Ok(answered) => answered.map_err(|error| status::of_query(&error))?,
        Err(_) => return Err(too_slow(until, caller.deadline)),
    };
    node.metrics().sent(usize::from(row.is_some()), bytes);
    let end = answer.end().ok_or_else(|| status::internal("an answer ended without its end"))?;
    Ok(v1::GetEntityResponse {
        columns: request::columns(node, answer.schema(), answer.claim())?,
        row,
        claim: Some(claim::claim(answer.claim())),
        end: Some(claim::end(&end)),
    })
}
