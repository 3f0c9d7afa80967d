//! Group commit: proposals in, one record, answers out.
//!
//! Whoever waits and finds the writer free leads: it takes all that is ready, and
//! never waits when nothing else is in flight. Invariants: a slot is decided
//! before the next is tried; a lost slot means that the winner is applied and every
//! proposal evaluated anew; nothing is acknowledged before it is durable and
//! applied; after an unknown outcome that cannot be settled, the writer stops.

mod build;
mod slot;

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use futures::channel::oneshot;
use futures::future::{Either, select};
use futures::lock::Mutex as AsyncMutex;

use self::build::build;
use self::slot::{Decision, decide_slot, upload};
use crate::context::{Context, KnownEntry};
use crate::database::Inner;
use crate::error::Error;
use crate::evaluate::{Deed, Materialise, Proposal, newest_point};
use crate::identity::{EntryId, RecordHash, SnapshotId};
use crate::name::ContextName;
use crate::pack::Pack;
use crate::put::{Extract, PutOptions, prepare};
use crate::record::{Body, Counts, Record, record_hash};
use crate::refusal::Refusal;
use crate::time::SystemTime;

/// Proposals that one record takes at most.
const ENTRIES_MAX: usize = 256;
/// A keyframe is made when this many entries with facts have gathered since the last.
pub const DELTAS_PER_KEYFRAME: usize = 64;

/// What a commit answers, once it is durable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// The entry's place in the log.
    pub id: EntryId,
    /// The hash of its record.
    pub record_hash: RecordHash,
    /// When the database knows it from.
    pub system_time: SystemTime,
    /// What it amounted to.
    pub counts: Counts,
    /// Schema version of the context after it; 0 before the first.
    pub schema_version: u32,
    /// The snapshot it sealed.
    pub snapshot: Option<SnapshotId>,
    /// Whether it had been committed before, under the same idempotency key.
    pub replayed: bool,
}

/// A proposal that waits for its answer.
struct Ticket {
    proposal: Arc<Proposal>,
    extract: Option<Arc<Extract>>,
    reply: oneshot::Sender<Result<Receipt, Error>>,
}

/// The writer's queue.
#[derive(Default)]
pub(crate) struct Committer {
    queue: Mutex<Vec<Ticket>>,
    lead: AsyncMutex<Lead>,
}

impl std::fmt::Debug for Committer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Committer")
    }
}

/// What only the leader touches.
#[derive(Default)]
struct Lead {
    /// A record whose slot was tried and not decided, because the leader was dropped in between.
    undecided: Option<Undecided>,
}

struct Undecided {
    record: Built,
    bytes: Bytes,
}

/// A record in the making, with those who wait for it.
struct Built {
    record: Record,
    tickets: Vec<Ticket>,
    packs: Vec<Pack>,
}

impl Committer {
    fn queue(&self) -> std::sync::MutexGuard<'_, Vec<Ticket>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Commits a proposal, together with whatever else is ready.
    pub(crate) async fn commit(&self, inner: &Inner, proposal: Arc<Proposal>) -> Result<Receipt, Error> {
        let extract = prepare_for(inner, &proposal)?;
        let (reply, mut answer) = oneshot::channel();
        self.queue().push(Ticket { proposal, extract, reply });
        loop {
            match select(self.lead.lock(), &mut answer).await {
                Either::Right((answered, _)) => return answered.unwrap_or(Err(Error::OutcomeUnknown)),
                Either::Left((mut lead, _)) => match answer.try_recv() {
                    Ok(Some(answered)) => return answered,
                    Ok(None) => self.lead(inner, &mut lead).await,
                    Err(_) => return Err(Error::OutcomeUnknown),
                },
            }
        }
    }

    /// Commits what is in the queue now. Who comes later leads in turn, so that nobody leads for ever.
    async fn lead(&self, inner: &Inner, lead: &mut Lead) {
        if let Some(undecided) = lead.undecided.take()
            && let Some(lost) = self.decide(inner, lead, undecided).await
        {
            self.queue().splice(0..0, lost);
        }
        let tickets = {
            let mut queue = self.queue();
            let count = queue.len().min(ENTRIES_MAX);
            queue.drain(..count).collect::<Vec<_>>()
        };
        for context in self.commit_tickets(inner, lead, tickets).await {
            keep_keyframe(inner, self, lead, &context).await;
        }
    }

    /// Commits some proposals, in one record or several. Returns the contexts that changed.
    async fn commit_tickets(
        &self,
        inner: &Inner,
        lead: &mut Lead,
        mut tickets: Vec<Ticket>,
    ) -> Vec<ContextName> {
        let mut touched = Vec::new();
        for _ in 0..inner.lost_slots_max {
            if tickets.is_empty() {
                return touched;
            }
            if let Err(error) = inner.writable() {
                answer_all(tickets, &error);
                return touched;
            }
            let (built, later) = build(inner, tickets).await;
            tickets = later;
            let Some(built) = built else { continue };
            let contexts: Vec<_> = built.record.entries.iter().map(|entry| entry.context.clone()).collect();
            if let Err(error) = upload(inner, &built.packs).await {
                inner.reader.unstage();
                answer_all(built.tickets, &error);
                continue;
            }
            let bytes = Bytes::from(built.record.to_bytes());
            let lost = self.decide(inner, lead, Undecided { record: built, bytes }).await;
            match lost {
                None => touched.extend(contexts),
                Some(mut again) => {
                    again.append(&mut tickets);
                    tickets = again;
                }
            }
        }
        answer_all(tickets, &Error::Overtaken { attempts: inner.lost_slots_max });
        touched
    }

    /// Brings a slot to a decision. Returns the tickets if somebody else won it.
    async fn decide(&self, inner: &Inner, lead: &mut Lead, undecided: Undecided) -> Option<Vec<Ticket>> {
        let sequence = undecided.record.record.sequence;
        let nonce = undecided.record.record.nonce;
        let bytes = undecided.bytes.clone();
        // Kept where the next leader finds it, should this one be dropped while it waits.
        lead.undecided = Some(undecided);
        let outcome = decide_slot(inner, sequence, nonce, &bytes).await;
        let Undecided { record: built, .. } = lead.undecided.take().expect("kept above");
        inner.reader.unstage();
        match outcome {
            Ok(Decision::Ours) => {
                acknowledge(inner, built, &bytes).await;
                None
            }
            Ok(Decision::Others) => match inner.catch_up().await {
                Ok(_) => Some(built.tickets),
                Err(error) => {
                    answer_all(built.tickets, &error);
                    None
                }
            },
            Err(error) => {
                answer_all(built.tickets, &error);
                None
            }
        }
    }
}

/// Answers; who no longer waits does not mind.
fn answer(ticket: Ticket, outcome: Result<Receipt, Error>) {
    ticket.reply.send(outcome).ok();
}

/// Answers all with one error.
fn answer_all(tickets: Vec<Ticket>, error: &Error) {
    for ticket in tickets {
        answer(ticket, Err(error.clone()));
    }
}

/// Prepares a put for the context as it is now, before it waits for its turn.
fn prepare_for(inner: &Inner, proposal: &Proposal) -> Result<Option<Arc<Extract>>, Error> {
    let Proposal::Put(put) = proposal else {
        return Ok(None);
    };
    let context = inner.context(&put.context)?.ok_or_else(|| Refusal::NoContext(put.context.clone()))?;
    let key = put.options.idempotency_key.as_ref();
    let used = key.map(|key| inner.idempotent(&put.context, &put.options.principal, key)).transpose()?;
    if let Some(entry) = used.flatten().and_then(|id| context.entry_at(id)) {
        // Committed before: its columns may have other names since.
        let then = context.with_schemas_before(entry.system_time());
        return Ok(Some(Arc::new(prepare(put, &then, inner.limits)?)));
    }
    Ok(Some(Arc::new(prepare(put, &context, inner.limits)?)))
}

/// Applies a record that is ours and answers those who wait for it.
async fn acknowledge(inner: &Inner, built: Built, bytes: &Bytes) {
    let hash = record_hash(bytes);
    let sequence = built.record.sequence;
    let applied = inner.apply(built.record, hash, &built.packs).await;
    for (place, ticket) in (0..).zip(built.tickets) {
        let id = EntryId { record: sequence, place };
        let receipt = applied.as_ref().map_err(Clone::clone).and_then(|()| {
            let context = inner.context(ticket.proposal.context())?;
            let found = context.as_ref().and_then(|context| {
                let entry = context.entry_at(id)?;
                Some(inner.receipt(context, entry, false))
            });
            found
                .transpose()?
                .ok_or_else(|| Error::damaged("the index", "it lacks an entry that was applied"))
        });
        answer(ticket, receipt);
    }
}

/// Makes a keyframe when enough deltas have gathered. It is a convenience: a failure is not the client's.
async fn keep_keyframe(inner: &Inner, committer: &Committer, lead: &mut Lead, name: &ContextName) {
    let Ok(Some(context)) = inner.context(name) else {
        return;
    };
    if !inner.makes_keyframes || context.deltas_since_keyframe() < DELTAS_PER_KEYFRAME {
        return;
    }
    let Some((valid, known)) = newest_point(&context) else {
        return;
    };
    drop(context);
    let deed = Deed { context: name.clone(), options: PutOptions::default() };
    let proposal = Arc::new(Proposal::Materialise(Materialise { deed, valid, known }));
    let (reply, _) = oneshot::channel();
    Box::pin(committer.commit_tickets(inner, lead, vec![Ticket { proposal, extract: None, reply }])).await;
}

impl Inner {
    /// The receipt of an entry.
    pub(crate) fn receipt(
        &self,
        context: &Context,
        known: &KnownEntry,
        replayed: bool,
    ) -> Result<Receipt, Error> {
        let counts = match &known.entry.body {
            Body::Facts(put) | Body::Full(put) | Body::Delta(put) => put.counts,
            Body::Withdraw(withdraw) => withdraw.counts,
            Body::Create(_) | Body::Alter(_) | Body::GoLive(_) | Body::Materialise(_) => Counts::default(),
        };
        let schema = context.schema_at(known.system_time());
        Ok(Receipt {
            id: known.id,
            record_hash: self.record_hash(known.id.record)?,
            system_time: known.system_time(),
            counts,
            schema_version: schema.map_or(0, |schema| schema.version().get()),
            snapshot: known.snapshot,
            replayed,
        })
    }
}
