//! Group commit: proposals in, one record, answers out.
//!
//! Whoever waits and finds the writer free leads: it takes all that is ready, and
//! never waits when nothing else is in flight. Invariants: a slot is decided
//! before the next is tried; a lost slot means that the winner is applied and every
//! proposal evaluated anew; nothing is acknowledged before it is durable and
//! applied; after an unknown outcome that cannot be settled, the writer stops.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use futures::channel::oneshot;
use futures::future::{Either, select};
use futures::lock::Mutex as AsyncMutex;

use crate::backend::Created;
use crate::context::{Context, KnownEntry};
use crate::database::Inner;
use crate::error::Error;
use crate::evaluate::{Deed, Evaluated, Materialise, Proposal, differs, evaluate, newest_point};
use crate::identity::{EntryId, Nonce, PackDigest, RecordHash, Sequence, SnapshotId};
use crate::index::Applied;
use crate::log::{read_slot, slot_path};
use crate::name::ContextName;
use crate::pack::Pack;
use crate::planted::{Bug, is_planted, old_head};
use crate::put::{Extract, PutOptions, prepare};
use crate::reader::pack_path;
use crate::record::{BYTES_MAX, Body, Counts, FORMAT, Record, record_hash};
use crate::refusal::Refusal;
use crate::time::SystemTime;

/// Proposals that one record takes at most.
const ENTRIES_MAX: usize = 256;
/// How often a slot with an unknown outcome is tried again before the writer stops.
const ATTEMPTS_MAX: u32 = 12;
/// Slots lost in a row before a proposal is answered with an error.
const LOST_SLOTS_MAX: u32 = 10_000;
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
    pub(crate) async fn commit(&self, inner: &Inner, proposal: Proposal) -> Result<Receipt, Error> {
        let proposal = Arc::new(proposal);
        let extract = prepare_for(inner, &proposal)?;
        let (reply, mut answer) = oneshot::channel();
        self.queue().push(Ticket { proposal, extract, reply });
        loop {
            match select(self.lead.lock(), &mut answer).await {
                Either::Right((answered, _)) => return answered.unwrap_or_else(|_| Err(dropped())),
                Either::Left((mut lead, _)) => {
                    if let Ok(Some(answered)) = answer.try_recv() {
                        return answered;
                    }
                    self.lead(inner, &mut lead).await;
                }
            }
        }
    }

    /// Commits all that is in the queue.
    async fn lead(&self, inner: &Inner, lead: &mut Lead) {
        if let Some(undecided) = lead.undecided.take() {
            self.decide(inner, lead, undecided).await;
        }
        loop {
            let tickets = {
                let mut queue = self.queue();
                let count = queue.len().min(ENTRIES_MAX);
                queue.drain(..count).collect::<Vec<_>>()
            };
            if tickets.is_empty() {
                return;
            }
            let touched = self.commit_tickets(inner, lead, tickets).await;
            for context in touched {
                keep_keyframe(inner, self, lead, &context).await;
            }
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
        for _ in 0..LOST_SLOTS_MAX {
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
                if inner.backend.has_directories() && error.code() != crate::error::Code::ResourceExhausted {
                    inner.poison(&error);
                }
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
        let error = Error::Store {
            action: "commit to",
            path: "log".into(),
            reason: "other writers took every slot".into(),
            full: false,
        };
        answer_all(tickets, &error);
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

fn dropped() -> Error {
    Error::Poisoned("the commit was dropped before it was decided".into())
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

/// Prepares a put for the context as it is now; one that was committed before, for the context as it was then: its
/// columns may have other names since.
fn prepare_for(inner: &Inner, proposal: &Proposal) -> Result<Option<Arc<Extract>>, Error> {
    let Proposal::Put(put) = proposal else {
        return Ok(None);
    };
    let context = inner.context(&put.context)?.ok_or_else(|| Refusal::NoContext(put.context.clone()))?;
    if let Some(key) = &put.options.idempotency_key
        && let Some(id) = inner.idempotent(&put.context, &put.options.principal, key)?
        && let Some(entry) = context.entry_at(id)
    {
        let then = context.with_schemas_before(entry.system_time());
        return Ok(Some(Arc::new(prepare(put, &then, inner.limits)?)));
    }
    Ok(Some(Arc::new(prepare(put, &context, inner.limits)?)))
}

/// Evaluates tickets one after the other, each on top of those before it. Those that are refused, or were committed
/// before, are answered; what does not fit into the record is left for the next.
async fn build(inner: &Inner, tickets: Vec<Ticket>) -> (Option<Built>, Vec<Ticket>) {
    let head = inner.head();
    let now = inner.clock.now();
    if let Some(newest) = head.as_ref().map(|head| head.newest_time)
        && newest.micros().saturating_sub(now.micros()) > inner.clock_behind_max_micros
    {
        let error = Error::ClockBehind { clock: now, newest };
        answer_all(tickets, &error);
        return (None, Vec::new());
    }
    let rising = |head: &Applied| now.max(head.newest_time.next());
    let wall = head.as_ref().filter(|_| !is_planted(Bug::TrustsClock)).map_or(now, rising);
    let mut record = Record {
        format: FORMAT,
        sequence: head.as_ref().map_or(Sequence::FIRST, |head| head.sequence.next()),
        wall_time: wall,
        prev: head.as_ref().map_or(RecordHash::BEFORE_FIRST, |head| head.hash),
        nonce: Nonce::new(inner.entropy.draw()),
        entries: Vec::new(),
    };
    let mut batch = Batch {
        built: Vec::new(),
        contexts: BTreeMap::new(),
        waiting: BTreeMap::new(),
        next_live: wall,
        bytes: record.to_bytes().len(),
    };
    for ticket in &tickets {
        *batch.waiting.entry(ticket.proposal.context().clone()).or_default() += 1;
    }
    let mut later = Vec::new();
    let mut packs = Vec::new();
    for ticket in tickets {
        batch.waiting.entry(ticket.proposal.context().clone()).and_modify(|waiting| *waiting -= 1);
        if batch.holds_key_of(&ticket.proposal) || batch.bytes > BYTES_MAX / 2 {
            later.push(ticket);
            continue;
        }
        match batch.evaluate(inner, &record, ticket).await {
            Outcome::Entry(entry) => {
                let (ticket, evaluated) = *entry;
                inner.reader.stage(&evaluated.packs);
                batch.bytes += serde_json::to_vec(&evaluated.entry).map_or(0, |json| json.len() + 1);
                packs.extend(evaluated.packs);
                record.entries.push(evaluated.entry);
                batch.built.push(ticket);
            }
            Outcome::Answered => {}
        }
    }
    if record.entries.is_empty() {
        inner.reader.unstage();
        return (None, later);
    }
    assert!(record.to_bytes().len() <= BYTES_MAX, "every field of an entry is bounded, so that it fits");
    (Some(Built { record, tickets: batch.built, packs }), later)
}

/// The entries of a record in the making, and the contexts as they would be after them.
struct Batch {
    built: Vec<Ticket>,
    contexts: BTreeMap<ContextName, Context>,
    /// Proposals of each context that are still to be evaluated.
    waiting: BTreeMap<ContextName, usize>,
    next_live: SystemTime,
    bytes: usize,
}

enum Outcome {
    Entry(Box<(Ticket, Evaluated)>),
    Answered,
}

impl Batch {
    /// Whether an entry before it in the same record used the same idempotency key.
    fn holds_key_of(&self, proposal: &Proposal) -> bool {
        let options = proposal.options();
        options.idempotency_key.is_some()
            && self.built.iter().any(|other| {
                other.proposal.context() == proposal.context()
                    && other.proposal.options().principal == options.principal
                    && other.proposal.options().idempotency_key == options.idempotency_key
            })
    }

    async fn evaluate(&mut self, inner: &Inner, record: &Record, mut ticket: Ticket) -> Outcome {
        match self.try_evaluate(inner, record, &mut ticket).await {
            Ok(Ok(evaluated)) => Outcome::Entry(Box::new((ticket, evaluated))),
            Ok(Err(receipt)) => {
                answer(ticket, Ok(receipt));
                Outcome::Answered
            }
            Err(error) => {
                answer(ticket, Err(error));
                Outcome::Answered
            }
        }
    }

    /// The entry, or the receipt of the same put committed before.
    async fn try_evaluate(
        &mut self,
        inner: &Inner,
        record: &Record,
        ticket: &mut Ticket,
    ) -> Result<Result<Evaluated, Receipt>, Error> {
        let proposal = Arc::clone(&ticket.proposal);
        let name = proposal.context();
        let committed = inner.context(name)?;
        if let Some(receipt) = replayed(inner, committed.as_deref(), &proposal, ticket.extract.as_deref())? {
            return Ok(Err(receipt));
        }
        let committed = old_head(&proposal, committed);
        let context = self.contexts.get(name).or(committed.as_deref());
        if let (Proposal::Put(put), Some(context)) = (&*proposal, context) {
            let in_force = context.schema().map(|schema| schema.version());
            if ticket.extract.as_ref().is_none_or(|extract| extract.prepared_for != in_force) {
                ticket.extract = Some(Arc::new(prepare(put, context, inner.limits)?));
            }
        }
        let (system, is_live) = system_time(context, &proposal, record.wall_time, self.next_live)?;
        let evaluated =
            evaluate(&inner.setting, context, &proposal, ticket.extract.as_deref(), system).await?;
        if is_live {
            self.next_live = system.next();
        }
        let place = u32::try_from(record.entries.len()).expect("a record is bounded");
        let id = EntryId { record: record.sequence, place };
        let entry = inner.hydrate_staged(evaluated.entry.clone(), &evaluated.packs).await?;
        let damaged = |error| Error::damaged("an entry in the making", error);
        let is_last = self.waiting.get(name).is_none_or(|waiting| *waiting == 0);
        match context {
            None => {
                let context = Context::create(id, entry).map_err(damaged)?;
                self.contexts.insert(name.clone(), context);
            }
            // Nobody in this record will look at the context again: checking is enough.
            Some(context) if is_last => context.check(id, &entry).map_err(damaged)?,
            Some(context) => {
                let mut context = context.clone();
                context.apply(id, entry).map_err(damaged)?;
                self.contexts.insert(name.clone(), context);
            }
        }
        Ok(Ok(evaluated))
    }
}

/// The receipt of a proposal that was committed before.
fn replayed(
    inner: &Inner,
    context: Option<&Context>,
    proposal: &Proposal,
    extract: Option<&Extract>,
) -> Result<Option<Receipt>, Error> {
    let options = proposal.options();
    if let (Proposal::Create(create), Some(context)) = (proposal, context)
        && differs(context.created(), &create.definition).is_none()
    {
        return Ok(context.entries().first().map(|entry| inner.receipt(context, entry, true)));
    }
    let Some(key) = options.idempotency_key.as_ref().filter(|_| !is_planted(Bug::ForgetsKeys)) else {
        return Ok(None);
    };
    let Some(context) = context else {
        return Ok(None);
    };
    let Some(id) = inner.idempotent(proposal.context(), &options.principal, key)? else {
        return Ok(None);
    };
    let entry = context
        .entry_at(id)
        .ok_or_else(|| Error::damaged("the index", "it names an entry that is not there"))?;
    if entry.entry.put_digest != Some(proposal.digest(extract)) {
        return Err(Refusal::IdempotencyKeyReused { key: key.clone(), commit: id.record }.into());
    }
    Ok(Some(inner.receipt(context, entry, true)))
}

/// When an entry is known from, and whether that is live time.
fn system_time(
    context: Option<&Context>,
    proposal: &Proposal,
    wall: SystemTime,
    next_live: SystemTime,
) -> Result<(SystemTime, bool), Error> {
    let recorded_at = proposal.options().recorded_at.filter(|_| proposal.is_data());
    let Some(context) = context else {
        return Ok(creation_time(proposal, wall, next_live));
    };
    let newest = context.newest_system_time();
    if !context.is_importing() {
        if recorded_at.is_some() {
            return Err(Refusal::RecordedAt(context.name().clone()).into());
        }
        return Ok((newest.map_or(next_live, |newest| next_live.max(newest.next())), true));
    }
    match (recorded_at, proposal) {
        (Some(found), _) => {
            if found >= wall {
                return Err(Refusal::RecordedAtFuture { found, now: wall }.into());
            }
            match newest {
                Some(newest) if found <= newest => {
                    Err(Refusal::RecordedAtOrder { context: context.name().clone(), found, newest }.into())
                }
                _ => Ok((found, false)),
            }
        }
        (None, Proposal::GoLive(_)) => Ok((next_live, true)),
        (None, _) if proposal.is_data() => Err(Refusal::NoRecordedAt(context.name().clone()).into()),
        // A keyframe says nothing new: it takes no microsecond from the source.
        (None, Proposal::Materialise(_)) => Ok((newest.unwrap_or(SystemTime::FIRST), false)),
        // Other deeds about the context itself stay within what has been imported.
        (None, Proposal::Create(_) | Proposal::Alter(_) | Proposal::Put(_) | Proposal::Withdraw(_)) => {
            Ok((newest.map_or(SystemTime::FIRST, SystemTime::next), false))
        }
    }
}

/// A context that starts open for import is created before anything that is imported into it.
fn creation_time(proposal: &Proposal, wall: SystemTime, next_live: SystemTime) -> (SystemTime, bool) {
    if let Proposal::Create(create) = proposal
        && create.definition.import
    {
        return (SystemTime::FIRST, false);
    }
    (next_live.max(wall), true)
}

/// Uploads packs. A pack that is there already must be the same.
async fn upload(inner: &Inner, packs: &[Pack]) -> Result<(), Error> {
    for pack in packs {
        upload_pack(inner, pack).await?;
    }
    Ok(())
}

async fn upload_pack(inner: &Inner, pack: &Pack) -> Result<(), Error> {
    let path = pack_path(pack.digest);
    let mut last = None;
    for _ in 0..ATTEMPTS_MAX {
        match inner.backend.create(&path, pack.bytes.clone()).await {
            Created::Yes => return Ok(()),
            Created::Exists => match inner.backend.read(&path, crate::pack::BYTES_MAX).await? {
                Some(_) if is_planted(Bug::TrustsPack) => return Ok(()),
                Some(found) if PackDigest::new(blake3::hash(&found).into()) == pack.digest => {
                    return inner.sync_pack_directory(&path);
                }
                Some(_) => return Err(Error::damaged(&path, "its bytes do not hash to its name")),
                None => {}
            },
            // On a local disk a failed sync must never be retried into success.
            Created::Unknown(error) if inner.backend.has_directories() => return Err(error),
            Created::Unknown(error) => last = Some(error),
        }
    }
    Err(last.unwrap_or_else(|| Error::damaged(&path, "it exists and does not")))
}

enum Decision {
    Ours,
    Others,
}

/// Creates a slot, again with the same bytes until it is known whose it is.
async fn decide_slot(
    inner: &Inner,
    sequence: Sequence,
    nonce: Nonce,
    bytes: &Bytes,
) -> Result<Decision, Error> {
    let path = slot_path(sequence);
    let mut last = None;
    for _ in 0..ATTEMPTS_MAX {
        let created = inner.backend.create(&path, bytes.clone()).await;
        if let Created::Yes = created {
            return Ok(Decision::Ours);
        }
        if let Created::Unknown(error) = created {
            if inner.backend.has_directories() {
                return local_failure(inner, sequence, error).await;
            }
            last = Some(error);
            continue;
        }
        match read_slot(&inner.backend, sequence).await {
            Ok(Some(_)) if is_planted(Bug::TakesAnySlot) => return Ok(Decision::Ours),
            Ok(Some(slot)) if slot.record.nonce == nonce => {
                inner.sync_or_poison()?;
                return Ok(Decision::Ours);
            }
            Ok(Some(_)) => return Ok(Decision::Others),
            // Another's create was refused before it took effect: the slot is still free.
            Ok(None) => {}
            Err(error @ (Error::Damaged { .. } | Error::Newer { .. })) => return Err(error),
            Err(error) => last = Some(error),
        }
    }
    let error = last.unwrap_or_else(|| Error::damaged(&path, "it exists and does not"));
    inner.poison(&error);
    Err(error)
}

/// A local disk that failed: if the slot is certainly free and the disk was only full, nothing has happened;
/// else nobody knows what will be there after a crash, and the writer stops.
async fn local_failure(inner: &Inner, sequence: Sequence, error: Error) -> Result<Decision, Error> {
    if is_planted(Bug::AcknowledgesFailure) {
        return Ok(Decision::Ours);
    }
    let is_full = matches!(error, Error::Store { full: true, .. });
    let is_free = matches!(inner.backend.size(&slot_path(sequence)).await, Ok(None));
    if !(is_full && is_free) {
        inner.poison(&error);
    }
    Err(error)
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
            found.ok_or_else(|| Error::damaged("the index", "it lacks an entry that was applied"))
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
    pub(crate) fn receipt(&self, context: &Context, known: &KnownEntry, replayed: bool) -> Receipt {
        let counts = match &known.entry.body {
            Body::Facts(put) | Body::Full(put) | Body::Delta(put) => put.counts,
            Body::Withdraw(withdraw) => withdraw.counts,
            Body::Create(_) | Body::Alter(_) | Body::GoLive(_) | Body::Materialise(_) => Counts::default(),
        };
        let schema = context.schema_at(known.system_time());
        Receipt {
            id: known.id,
            record_hash: self.record_hash(known.id.record).unwrap_or(RecordHash::BEFORE_FIRST),
            system_time: known.system_time(),
            counts,
            schema_version: schema.map_or(0, |schema| schema.version().get()),
            snapshot: known.snapshot,
            replayed,
        }
    }
}
