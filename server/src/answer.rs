//! Runs a question on the pool that works, and hands its parts to a door as fast as the client takes them.
//!
//! Invariants: at most [`AHEAD`] encoded parts wait for the client; a question keeps its turn only while it is worked on,
//! so that clients that read slowly keep nobody waiting; dropping the [`Running`] stops the work at its
//! next batch and gives everything back; whatever ends without an [`End`] ends with an error.

use std::future::Future;
use std::pin::pin;
use std::time::Duration;

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use calotype_query::{Answer, Claim, End, QueryError};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, timeout, timeout_at};
use tokio_util::task::AbortOnDropHandle;
use tonic::Status;
use tracing::Instrument;

use crate::admission::Permit;
use crate::caller::Caller;
use crate::ipc::encoded_bytes;
use crate::node::Node;
use crate::status::{self, HasStatus};

/// Parts that wait for the client.
pub const AHEAD: usize = 2;

/// How long a question keeps its turn while its client takes nothing: others work meanwhile.
const PAUSE_AFTER: Duration = Duration::from_millis(10);

/// A part of an answer, encoded as the door wants it.
#[derive(Clone, Debug)]
pub enum Part<T> {
    /// Rows.
    Batch(T),
    /// The end: nothing was cut short.
    End(End),
}

/// An answer as it is computed, whatever computes it.
pub trait Answering: Send + 'static {
    /// What it rests on.
    type Claim: Clone + Send + 'static;
    /// Why there is none, or no more of it.
    type Error: HasStatus + Send;

    /// Its columns.
    fn schema(&self) -> &SchemaRef;

    /// What it rests on.
    fn claim(&self) -> &Self::Claim;

    /// The next rows; `None` at the end.
    fn next(&mut self) -> impl Future<Output = Result<Option<RecordBatch>, Self::Error>> + Send;

    /// What closes it, once [`Self::next`] has come to the end.
    fn end(&self) -> Option<End>;
}

impl Answering for Answer {
    type Claim = Claim;
    type Error = QueryError;

    fn schema(&self) -> &SchemaRef {
        self.schema()
    }

    fn claim(&self) -> &Claim {
        self.claim()
    }

    fn next(&mut self) -> impl Future<Output = Result<Option<RecordBatch>, QueryError>> + Send {
        self.next()
    }

    fn end(&self) -> Option<End> {
        self.end()
    }
}

/// An answer that is being computed.
#[derive(Debug)]
pub struct Running<T> {
    /// Its columns.
    pub schema: SchemaRef,
    parts: mpsc::Receiver<Result<Part<T>, Status>>,
    _work: AbortOnDropHandle<()>,
}

impl<T> Running<T> {
    /// The next part; `None` after the end or an error.
    pub async fn next(&mut self) -> Option<Result<Part<T>, Status>> {
        self.parts.recv().await
    }

    /// As [`Self::next`], for streams that are polled.
    pub fn poll_next(
        &mut self,
        context: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<Part<T>, Status>>> {
        self.parts.poll_recv(context)
    }
}

/// What a door does with rows: cuts and encodes a batch, on the pool that works.
pub trait Encode: Send + 'static {
    /// What goes out.
    type Part: Send + 'static;

    /// Encodes a batch as any number of parts.
    ///
    /// # Errors
    /// The batch cannot be sent.
    fn encode(&mut self, batch: RecordBatch) -> Result<Vec<Self::Part>, Status>;

    /// What is still held back, once there are no more rows.
    ///
    /// # Errors
    /// As [`Self::encode`].
    fn finish(&mut self) -> Result<Vec<Self::Part>, Status> {
        Ok(Vec::new())
    }
}

/// Runs a question: waits for a turn, computes the answer's beginning, and goes on in the background. `ask` makes
/// the answer; `encoder` is made once the schema is known. What the answer rests on comes beside it.
///
/// # Errors
/// The question is refused, or there is no room for it.
pub async fn run<Ask, Asked, A, MakeEncoder, E>(
    node: &Node,
    caller: &Caller,
    ask: Ask,
    encoder: MakeEncoder,
) -> Result<(A::Claim, Running<E::Part>), Status>
where
    Ask: FnOnce(Node) -> Asked + Send + 'static,
    Asked: Future<Output = Result<A, A::Error>> + Send,
    A: Answering,
    MakeEncoder: FnOnce(&SchemaRef) -> Result<E, Status> + Send + 'static,
    E: Encode,
{
    let permit = node.admission().query(&caller.principal).await?;
    let (begun, beginning) = oneshot::channel();
    let (sender, parts) = mpsc::channel(AHEAD);
    let (until, deadline) = (until(node, caller), caller.deadline);
    let worker = node.clone();
    let work = async move {
        let answer = match timeout_at(until, ask(worker.clone())).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(error)) => return drop(begun.send(Err(error.status()))),
            Err(_) => return drop(begun.send(Err(too_slow(until, deadline)))),
        };
        let encoder = match encoder(answer.schema()) {
            Ok(encoder) => encoder,
            Err(error) => return drop(begun.send(Err(error))),
        };
        if begun.send(Ok((SchemaRef::clone(answer.schema()), answer.claim().clone()))).is_err() {
            return;
        }
        let pump = Pump { node: worker, sender: sender.clone(), encoder, rows: 0, bytes: 0, permit };
        let outcome = timeout_at(until, pump.run(answer)).await;
        let outcome = outcome.unwrap_or_else(|_| Err(too_slow(until, deadline)));
        if let Err(error) = outcome {
            drop(timeout(Duration::from_secs(1), sender.send(Err(error))).await);
        }
    };
    let work = AbortOnDropHandle::new(node.work().spawn(work.in_current_span()));
    let (schema, claim) =
        beginning.await.unwrap_or_else(|_| Err(status::internal("the question ended without an answer")))?;
    Ok((claim, Running { schema, parts, _work: work }))
}

/// Runs a question that is answered at once and whole: waits for a turn, and answers on the pool that works.
///
/// # Errors
/// The question is refused, or there is no room for it.
pub async fn once<Ask, Asked, T>(node: &Node, caller: &Caller, ask: Ask) -> Result<T, Status>
where
    Ask: FnOnce(Node) -> Asked + Send + 'static,
    Asked: Future<Output = Result<T, Status>> + Send,
    T: Send + 'static,
{
    let _permit = node.admission().query(&caller.principal).await?;
    let worker = node.clone();
    let work = async move { ask(worker).await };
    let work = AbortOnDropHandle::new(node.work().spawn(work.in_current_span()));
    let until = until(node, caller);
    let ended = timeout_at(until, work).await;
    let ended = ended.map_err(|_| too_slow(until, caller.deadline))?;
    ended.unwrap_or_else(|error| {
        Err(status::internal(format_args!("the question ended without an answer: {error}")))
    })
}

/// When work on a question ends: at the caller's deadline, or at the limit.
pub fn until(node: &Node, caller: &Caller) -> Instant {
    let limit = Instant::now() + node.limits().query_time_max;
    caller.deadline.map_or(limit, |deadline| deadline.min(limit))
}

/// What a question gets that took until the time that [`until`] said.
pub fn too_slow(until: Instant, deadline: Option<Instant>) -> Status {
    if deadline == Some(until) {
        return status::deadline_exceeded("the question took longer than its deadline: ask for less at once");
    }
    status::too_long("query_time_max", "the question took longer than query_time_max: ask for less at once")
}

struct Pump<E: Encode> {
    node: Node,
    sender: mpsc::Sender<Result<Part<E::Part>, Status>>,
    encoder: E,
    rows: u64,
    bytes: u64,
    permit: Permit,
}

impl<E: Encode> Pump<E> {
    async fn run<A: Answering>(mut self, mut answer: A) -> Result<(), Status> {
        loop {
            let batch = answer.next().await.map_err(|error| error.status())?;
            let Some(batch) = batch else {
                for part in self.encoder.finish()? {
                    self.send(Part::Batch(part)).await?;
                }
                let end = answer.end().ok_or_else(|| status::internal("an answer ended without its end"))?;
                return self.send(Part::End(end)).await;
            };
            self.count(&batch)?;
            for part in self.encoder.encode(batch)? {
                self.send(Part::Batch(part)).await?;
            }
            // Other work gets a turn, and a question that nobody wants any more ends here.
            tokio::task::yield_now().await;
        }
    }

    fn count(&mut self, batch: &RecordBatch) -> Result<(), Status> {
        // Not what lies behind the arrays: many slices share it.
        let (rows, bytes) = (batch.num_rows(), encoded_bytes(batch));
        self.rows += rows as u64;
        self.bytes += bytes as u64;
        let limits = self.node.limits();
        for (name, found, limit) in [
            ("result_rows_max", self.rows, limits.result_rows_max),
            ("result_bytes_max", self.bytes, limits.result_bytes_max),
        ] {
            if found > limit {
                let what = format!("the answer has more than {limit} {name}: ask for parts of it");
                return Err(status::exhausted(name, what, None));
            }
        }
        self.node.metrics().sent(rows, bytes);
        Ok(())
    }

    /// Hands a part over; a client that does not read loses its answer, and its turn before that.
    async fn send(&mut self, part: Part<E::Part>) -> Result<(), Status> {
        let stall = self.node.limits().stall_time_max;
        let until = Instant::now() + stall;
        let mut room = pin!(self.sender.reserve());
        let mut found = timeout(PAUSE_AFTER.min(stall), room.as_mut()).await;
        let paused = found.is_err();
        if paused {
            self.permit.pause();
            found = timeout_at(until, room).await;
        }
        match found {
            Ok(Ok(room)) => room.send(Ok(part)),
            Ok(Err(_)) => return Err(status::cancelled("the client went away")),
            Err(_) => {
                let what = format!("the client read nothing for {} s", stall.as_secs());
                return Err(status::exhausted("stall_time_max", what, None));
            }
        }
        if paused {
            self.permit.resume().await;
        }
        Ok(())
    }
}
