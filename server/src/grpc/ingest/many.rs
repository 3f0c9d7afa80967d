//! Puts and withdrawals one after the other, many on their way at once.
//!
//! Invariants: they enter the writer's queue in the order in which they came, and are answered in that order; what has
//! begun goes on when the client goes away, since it may carry the entries of others; nothing begins after a failure
//! that is no refusal, and what had begun by then is answered as it ended; after an answer that was not taken there is
//! no other, since the client would take it for the one that is missing.

use std::pin::Pin;
use std::task::Poll;

use calotype_proto::unread::put_many_request::Deed;
use calotype_proto::v1::put_many_response::Answer;
use calotype_proto::{unread as sent, v1};
use calotype_storage::Receipt;
use calotype_storage::evaluate::Proposal;
use futures::future::{self, BoxFuture, FutureExt};
use futures::stream::{FuturesOrdered, StreamExt};
use prost::Message;
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Code, Status, Streaming};
use tracing::Instrument;

use super::header::put_parts;
use super::{answered, whole, withdrawal};
use crate::admission::PutPermit;
use crate::caller::Caller;
use crate::intake::{Intake, in_time};
use crate::node::Node;
use crate::status::{Field, exhausted, invalid, of_store};
use crate::transport::caught;

/// Deeds of one client that are on their way at once.
const BEGUN_MAX: usize = 32;

/// The answers, in order.
pub(super) type Answers = ReceiverStream<Result<v1::PutManyResponse, Status>>;

type Outcome = Result<Receipt, Status>;

/// Takes deeds until the client has no more.
pub(super) fn run(node: &Node, caller: Caller, requests: Streaming<sent::PutManyRequest>) -> Answers {
    let (answers, receiver) = mpsc::channel(BEGUN_MAX);
    let (worker, last) = (node.clone(), answers.clone());
    let many =
        Many { node: node.clone(), caller, answers, begun: FuturesOrdered::new(), open: true, unread: false };
    let work = async move {
        if let Err(panicked) = caught(&worker, Box::pin(many.run(requests))).await {
            drop(last.send(Err(panicked)).await);
        }
    };
    node.work().spawn(work.in_current_span());
    ReceiverStream::new(receiver)
}

struct Many {
    node: Node,
    caller: Caller,
    answers: mpsc::Sender<Result<v1::PutManyResponse, Status>>,
    begun: FuturesOrdered<BoxFuture<'static, Outcome>>,
    /// Whether more is taken.
    open: bool,
    /// Whether an answer was not taken.
    unread: bool,
}

impl Many {
    async fn run(mut self, mut requests: Streaming<sent::PutManyRequest>) {
        let mut lost = None;
        loop {
            let room = self.open && self.begun.len() < BEGUN_MAX;
            tokio::select! {
                biased;
                Some(outcome) = self.begun.next(), if !self.begun.is_empty() => self.answer(outcome).await,
                message = in_time(&self.node, &self.caller, requests.message()), if room => match message {
                    Ok(Some(message)) => self.begin(message).await,
                    Ok(None) => self.open = false,
                    Err(error) => {
                        lost = Some(error);
                        self.open = false;
                    }
                },
                else => break,
            }
        }
        if self.unread {
            let stall = self.node.limits().stall_time_max;
            let what = format!(
                "the client read no answer for stall_time_max = {stall:?}: what is not answered may be committed"
            );
            lost = Some(exhausted("stall_time_max", what, None));
        }
        if let Some(error) = lost {
            // A client that has gone needs no reason.
            drop(self.answers.send(Err(error)).await);
        }
    }

    /// Begins a deed: when this returns it stands in the writer's queue, after those before it.
    async fn begin(&mut self, message: sent::PutManyRequest) {
        let proposed = caught(&self.node, proposal(&self.node, &self.caller, message)).await;
        let (proposal, permit) = match proposed.and_then(|proposed| proposed) {
            Ok(proposed) => proposed,
            Err(status) => {
                self.open &= is_refusal(&status);
                return self.begun.push_back(future::ready(Err(status)).boxed());
            }
        };
        let node = self.node.clone();
        let mut commit = Box::pin(async move {
            let outcome = caught(&node, node.database().commit(proposal)).await;
            // Also after a refusal, which may have been found by catching up.
            node.follower().announce(node.database());
            drop(permit);
            let outcome = outcome.and_then(|outcome| outcome.map_err(|error| of_store(&error)));
            match &outcome {
                Ok(receipt) => node.metrics().committed(receipt.replayed),
                Err(_) => node.metrics().put_failed(),
            }
            outcome
        });
        // A commit enters the queue when it is polled for the first time.
        let first = future::poll_fn(|context| Poll::Ready(Pin::new(&mut commit).poll(context))).await;
        self.begun.push_back(match first {
            Poll::Ready(outcome) => future::ready(outcome).boxed(),
            Poll::Pending => commit,
        });
    }

    async fn answer(&mut self, outcome: Outcome) {
        if self.unread {
            return;
        }
        let answer = match outcome {
            Ok(receipt) => Answer::Receipt(answered(&receipt)),
            Err(status) => {
                self.open &= is_refusal(&status);
                // It is not what the request ends with, so that nobody else counts it.
                self.node.metrics().ran_into(&status);
                Answer::Status(encoded(&status).into())
            }
        };
        let answer = Ok(v1::PutManyResponse { answer: Some(answer) });
        let sent = timeout(self.node.limits().stall_time_max, self.answers.send(answer)).await;
        // One that reads no answers gets none, and no more of it is taken.
        self.unread = sent.is_err();
        self.open &= matches!(sent, Ok(Ok(())));
    }
}

/// What a message proposes, and the memory that it holds.
async fn proposal(
    node: &Node,
    caller: &Caller,
    message: sent::PutManyRequest,
) -> Result<(Proposal, Option<PutPermit>), Status> {
    match message.deed {
        None => Err(invalid(Field("deed"), "is missing: expected put or withdraw")),
        Some(Deed::Withdraw(request)) => Ok((withdrawal(caller, &request)?, None)),
        Some(Deed::Put(request)) => {
            let put = put_parts(caller, &request.put)?;
            let data = request.data.ok_or_else(|| {
                invalid(
                    Field("data"),
                    "is missing: send rows or arrow_stream; an empty full has columns and no rows",
                )
            })?;
            let mut intake = Intake::new(node)?;
            let rows = whole(node, &put, data, &mut intake).await?;
            let schema = rows.finish(&mut intake)?;
            let (proposal, permit) = intake.proposal(node, put, schema)?;
            Ok((proposal, Some(permit)))
        }
    }
}

/// Whether a deed was unfit, so that those after it may go on.
fn is_refusal(status: &Status) -> bool {
    matches!(
        status.code(),
        Code::InvalidArgument
            | Code::NotFound
            | Code::AlreadyExists
            | Code::FailedPrecondition
            | Code::OutOfRange
    )
}

/// A status as trailers carry it: a `google.rpc.Status`.
fn encoded(status: &Status) -> Vec<u8> {
    if !status.details().is_empty() {
        return status.details().to_vec();
    }
    let message = status.message().to_owned();
    tonic_types::pb::Status { code: status.code().into(), message, details: Vec::new() }.encode_to_vec()
}
