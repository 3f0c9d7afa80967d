//! A streamed answer: its header, its rows as fast as the client takes them, its end.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use calotype_proto::v1::answer_part::Part as Piece;
use calotype_proto::v1::{AnswerHeader, AnswerPart};
use calotype_query::{Answer, QueryError};
use futures::Stream;
use tonic::Status;

use super::request::{Format, columns};
use super::rows::RowEncoder;
use crate::answer::{Part, Running, run};
use crate::caller::Caller;
use crate::grpc::claim;
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

/// Runs a question and streams its answer.
///
/// # Errors
/// The question is refused, or there is no room for it.
pub(crate) async fn stream<Response, Ask, Asked>(
    node: &Node,
    caller: &Caller,
    format: Format,
    ask: Ask,
    wrap: fn(AnswerPart) -> Response,
) -> Result<AnswerStream<Response>, Status>
where
    Ask: FnOnce(Node) -> Asked + Send + 'static,
    Asked: Future<Output = Result<Answer, QueryError>> + Send,
{
    let encoder = RowEncoder::new(format, node.limits());
    let running = run(node, caller, ask, move |_| Ok(encoder)).await?;
    let header = AnswerHeader {
        columns: columns(node, &running.schema, &running.claim)?,
        claim: Some(claim::claim(&running.claim)),
        arrow_schema: match format {
            Format::Values => bytes::Bytes::new(),
            Format::Arrow => schema_message(&running.schema),
        },
    };
    let header = Some(AnswerPart { part: Some(Piece::Header(header)) });
    Ok(AnswerStream { header, running, wrap, ended: false })
}
