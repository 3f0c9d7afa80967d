//! How a put comes in, whichever door it comes through: gathered within the limits, then committed whole.
//!
//! Invariants: memory is held by the put's permit from the moment rows are taken until they are durable; a put whose
//! stream did not come to its own end commits nothing; once a commit has begun, no client that goes away and no
//! deadline can cut it, since it may carry the entries of others.

mod memory;
mod whole;

use std::future::Future;
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::{DataType, SchemaRef};
use bytes::Bytes;
use calotype_storage::Receipt;
use calotype_storage::context::Context;
use calotype_storage::error::Error;
use calotype_storage::evaluate::Proposal;
use calotype_storage::name::ContextName;
use calotype_storage::put::{Put, PutKind, PutOptions};
use tokio::task::JoinError;
use tokio::time::{Instant, timeout_at};
use tokio_util::task::AbortOnDropHandle;
use tonic::Status;
use tracing::Instrument;

#[cfg(test)]
pub(crate) use self::whole::mark;
pub use self::whole::{WholeBody, check_whole, whole};
use crate::admission::PutPermit;
use crate::caller::Caller;
use crate::follow::stopping;
use crate::node::Node;
use crate::status;
use crate::telemetry::metrics::Metrics;
use memory::Held;

/// All of a put but its rows.
#[derive(Clone, Debug)]
pub struct PutParts {
    /// Into which context.
    pub context: ContextName,
    /// What it says.
    pub kind: PutKind,
    /// The rest.
    pub options: PutOptions,
}

/// A put that is coming in.
#[derive(Debug)]
pub struct Intake {
    metrics: Arc<Metrics>,
    permit: PutPermit,
    batches: Vec<RecordBatch>,
    held: Held,
    rows: u64,
    rows_max: u64,
}

impl Intake {
    /// Begins a put.
    ///
    /// # Errors
    /// Too many puts are being taken.
    pub fn new(node: &Node) -> Result<Self, Status> {
        Ok(Self {
            metrics: Arc::clone(node.metrics()),
            permit: node.admission().put()?,
            batches: Vec::new(),
            held: Held::default(),
            rows: 0,
            rows_max: node.limits().put_rows_max,
        })
    }

    /// Takes rows.
    ///
    /// # Errors
    /// The put has too many, or takes too much memory.
    pub fn push(&mut self, batch: RecordBatch) -> Result<(), Status> {
        let rows = batch.num_rows();
        self.rows = self.rows.saturating_add(rows as u64);
        if self.rows > self.rows_max {
            let what =
                format!("the put has more than put_rows_max = {} rows: put it in parts", self.rows_max);
            return Err(status::exhausted("put_rows_max", what, None));
        }
        let bytes = self.held.take(&batch);
        self.permit.grow(bytes)?;
        self.metrics.received(rows, bytes);
        if rows > 0 {
            self.batches.push(batch);
        }
        Ok(())
    }

    /// Reads rows that take `bytes` of memory while they are read.
    ///
    /// # Errors
    /// That of `read`, or the put takes too much memory.
    pub fn reading<T>(
        &mut self,
        bytes: usize,
        read: impl FnOnce() -> Result<T, Status>,
    ) -> Result<T, Status> {
        self.permit.grow(bytes)?;
        let outcome = read();
        self.permit.shrink(bytes);
        outcome
    }

    /// Takes memory for the columns of the context that the put leaves out: they are nulls, which are written as any
    /// other value.
    ///
    /// # Errors
    /// The put takes too much memory.
    fn take_absent(&mut self, node: &Node, context: &ContextName, schema: &SchemaRef) -> Result<(), Status> {
        // A context that is not there is for the store to refuse.
        let Ok(context) = node.database().context(context) else { return Ok(()) };
        let fields = context.schema().map(|schema| schema.fields()).unwrap_or_default();
        let absent = fields.iter().filter(|field| schema.column_with_name(field.name.as_str()).is_none());
        let rows = usize::try_from(self.rows).unwrap_or(usize::MAX);
        // Texts and bytes have offsets of 32 bits; a byte more for what marks the null.
        let width = |data_type: DataType| data_type.primitive_width().unwrap_or(4) + 1;
        let each: usize = absent.map(|field| width(field.field_type.to_arrow())).sum();
        self.permit.grow(rows.saturating_mul(each))
    }

    /// How many rows have come.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// Replaces the batches by others of the same rows, as which they are to be committed.
    ///
    /// # Errors
    /// That of `change`, or the put takes too much memory.
    pub fn change(
        &mut self,
        change: impl FnOnce(Vec<RecordBatch>) -> Result<Vec<RecordBatch>, Status>,
    ) -> Result<(), Status> {
        self.batches = change(std::mem::take(&mut self.batches))?;
        let grown = self.batches.iter().map(|batch| self.held.take(batch)).sum();
        self.permit.grow(grown)
    }

    /// Commits the put: to be called only after the client has ended its stream itself. Dropping the wait does not
    /// undo the commit.
    ///
    /// # Errors
    /// The store refuses the put, or cannot keep it.
    pub async fn commit(self, node: &Node, put: PutParts, schema: SchemaRef) -> Result<Receipt, Status> {
        let (proposal, permit) = self.proposal(node, put, schema)?;
        detached(node, proposal, Some(permit)).await
    }

    /// What the put proposes, and the memory that it holds: to be given back when the proposal is decided.
    ///
    /// # Errors
    /// The put takes too much memory.
    pub fn proposal(
        mut self,
        node: &Node,
        put: PutParts,
        schema: SchemaRef,
    ) -> Result<(Proposal, PutPermit), Status> {
        let PutParts { context, kind, options } = put;
        self.take_absent(node, &context, &schema)?;
        let put = Put { context, kind, schema, batches: self.batches, options };
        Ok((Proposal::Put(Arc::new(put)), self.permit))
    }
}

/// The body of a message of rows in memory of its own. Arrays are slices of it and stay until the put ends; as slices
/// of the whole message, whatever else a client had put into that would stay as well, and be counted nowhere.
pub fn own(body: &Bytes) -> Bytes {
    Bytes::copy_from_slice(body)
}

/// The context that a put goes to, also where another server has created it a moment ago.
///
/// # Errors
/// There is none, or the store cannot be read.
pub async fn context(node: &Node, name: &ContextName) -> Result<Arc<Context>, Status> {
    node.follower().know(node, name).await;
    node.database().context(name).map_err(|error| status::of_store(&error))
}

/// Commits any other deed, as safe from clients that go away as a put. Dropping the wait does not undo the commit.
///
/// # Errors
/// The store refuses the deed, or cannot keep it.
pub async fn commit(node: &Node, proposal: Proposal) -> Result<Receipt, Status> {
    detached(node, proposal, None).await
}

async fn detached(node: &Node, proposal: Proposal, permit: Option<PutPermit>) -> Result<Receipt, Status> {
    let worker = node.clone();
    let commit = async move {
        let head = worker.database().head().map(|head| head.sequence);
        let mut outcome = worker.database().commit(proposal.clone()).await;
        // A node that lags behind must not refuse what another has made possible: asked once more, on a head that was
        // looked up after the deed had come.
        if matches!(outcome, Err(Error::Refused(_))) && worker.follower().is_beyond(&worker, head).await {
            outcome = worker.database().commit(proposal).await;
        }
        // Also after a refusal, which may have been found by catching up.
        worker.follower().announce(worker.database());
        drop(permit);
        match &outcome {
            Ok(receipt) => worker.metrics().committed(receipt.replayed),
            Err(_) => worker.metrics().put_failed(),
        }
        outcome.map_err(|error| status::of_store(&error))
    };
    ended(node, node.work().spawn(commit.in_current_span()).await)
}

/// Takes a put where work is done, so that the runtime of the connections never waits for it. Dropping the wait ends
/// it, unless its commit has begun.
///
/// # Errors
/// That of the work, or it panicked.
pub async fn at_work<T: Send + 'static>(
    node: &Node,
    work: impl Future<Output = Result<T, Status>> + Send + 'static,
) -> Result<T, Status> {
    ended(node, AbortOnDropHandle::new(node.work().spawn(work.in_current_span())).await)
}

fn ended<T>(node: &Node, outcome: Result<Result<T, Status>, JoinError>) -> Result<T, Status> {
    match outcome {
        Ok(outcome) => outcome,
        Err(error) if error.is_panic() => {
            node.metrics().panicked();
            Err(status::internal("the work panicked: whether something was committed can be seen in the log"))
        }
        Err(_) => Err(stopping()),
    }
}

/// The next message of a put, in time: a client that sends nothing for `put_stall_time_max`, or not all before its
/// deadline, loses its put.
///
/// # Errors
/// That of the stream, or the client took too long.
pub async fn in_time<T>(
    node: &Node,
    caller: &Caller,
    next: impl Future<Output = Result<Option<T>, Status>>,
) -> Result<Option<T>, Status> {
    let stall = node.limits().put_stall_time_max;
    let limit = Instant::now() + stall;
    let until = caller.deadline.map_or(limit, |deadline| deadline.min(limit));
    if let Ok(message) = timeout_at(until, next).await {
        return message.map_err(|error| status::of_codec(&error).unwrap_or(error));
    }
    if caller.deadline == Some(until) {
        return Err(status::deadline_exceeded("the deadline passed before all of the put had come"));
    }
    let what = format!("nothing of the put came for put_stall_time_max = {stall:?}");
    Err(status::exhausted("put_stall_time_max", what, None))
}

#[cfg(test)]
mod tests;
