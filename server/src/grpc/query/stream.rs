//! A streamed answer: its header, its rows as fast as the client takes them, its end.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use arrow_schema::Schema;
use calotype_proto::v1::answer_part::Part as Piece;
use calotype_proto::v1::{AnswerHeader, AnswerPart};
use calotype_query::Claim;
#[cfg(feature = "sql")]
use calotype_sql::StatementClaim;
use futures::Stream;
use tonic::Status;

use super::request::{Format, columns};
use super::rows::RowEncoder;
use crate::answer::{Answering, Part, Running, run};
use crate::caller::Caller;
use crate::grpc::claim;
#[cfg(feature = "sql")]
use crate::grpc::values;
use crate::ipc::encode::schema_message;
use crate::node::Node;
use crate::status;

/// An answer as it comes; each part is wrapped as the method's own response. Dropping it stops the work.
pub struct AnswerStream<Response> {
    header: Option<AnswerPart>,
    running: Running<AnswerPart>,
    wrap: fn(AnswerPart) -> Response,
    /// Whether the end or an error has been handed over.
    ended: bool,
}

impl<Response> std::fmt::Debug for AnswerStream<Response> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AnswerStream").field("ended", &self.ended).finish_non_exhaustive()
    }
}

impl<Response> Stream for AnswerStream<Response> {
    type Item = Result<Response, Status>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let wrap = self.wrap;
        if let Some(header) = self.header.take() {
            return Poll::Ready(Some(Ok(wrap(header))));
        }
        if self.ended {
            return Poll::Ready(None);
        }
        let next = ready!(self.running.poll_next(context));
        Poll::Ready(Some(match next {
            Some(Ok(Part::Batch(part))) => Ok(wrap(part)),
            Some(Ok(Part::End(end))) => {
                self.ended = true;
                Ok(wrap(AnswerPart { part: Some(Piece::End(claim::end(&end))) }))
            }
            Some(Err(error)) => {
                self.ended = true;
                Err(error)
            }
            // The work panicked: what has come so far must not pass for the whole.
            None => {
                self.ended = true;
                Err(status::internal("the answer was cut short"))
            }
        }))
    }
}

/// A claim as the header of an answer carries it.
pub(crate) trait Claimed {
    /// The header with the claim and what is known of the columns.
    ///
    /// # Errors
    /// What the claim names cannot be read any more.
    fn header(&self, node: &Node, schema: &Schema) -> Result<AnswerHeader, Status>;
}

impl Claimed for Claim {
    fn header(&self, node: &Node, schema: &Schema) -> Result<AnswerHeader, Status> {
        let columns = columns(node, schema, self)?;
        Ok(AnswerHeader { columns, claim: Some(claim::claim(self)), ..AnswerHeader::default() })
    }
}

#[cfg(feature = "sql")]
impl Claimed for StatementClaim {
    fn header(&self, _: &Node, schema: &Schema) -> Result<AnswerHeader, Status> {
        let columns = values::columns(schema, None);
        let statement_claim = Some(claim::statement_claim(self)?);
        Ok(AnswerHeader { columns, statement_claim, ..AnswerHeader::default() })
    }
}

/// Runs a question and streams its answer.
///
/// # Errors
/// The question is refused, or there is no room for it.
pub(crate) async fn stream<Response, Ask, Asked, A>(
    node: &Node,
    caller: &Caller,
    format: Format,
    ask: Ask,
    wrap: fn(AnswerPart) -> Response,
) -> Result<AnswerStream<Response>, Status>
where
    Ask: FnOnce(Node) -> Asked + Send + 'static,
    Asked: Future<Output = Result<A, A::Error>> + Send,
    A: Answering<Claim: Claimed>,
{
    let encoder = RowEncoder::new(format, node.limits());
    let (claim, running) = run(node, caller, ask, move |_| Ok(encoder)).await?;
    let mut header = claim.header(node, &running.schema)?;
    if format == Format::Arrow {
        header.arrow_schema = schema_message(&running.schema);
    }
    let header = Some(AnswerPart { part: Some(Piece::Header(header)) });
    Ok(AnswerStream { header, running, wrap, ended: false })
}
