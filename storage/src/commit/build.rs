//! Building a record: proposals evaluated one after the other, each on top of those
//! before it.
//!
//! Invariants: live system times rise strictly over the log; a context open for
//! import takes the times its source brings; what was committed before under the
//! same idempotency key is answered, not committed again.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{Built, Receipt, Ticket, answer, answer_all};
use crate::context::{Context, KnownEntry};
use crate::database::Inner;
use crate::error::Error;
use crate::evaluate::{Evaluated, Proposal, differs, evaluate};
use crate::identity::{EntryId, Nonce, RecordHash, Sequence};
use crate::index::Applied;
use crate::name::{ContextName, IdempotencyKey};
use crate::planted::{Bug, is_planted, old_head};
use crate::put::{Put, prepare};
use crate::record::{BYTES_MAX, FORMAT, Record};
use crate::refusal::Refusal;
use crate::time::SystemTime;

impl Ticket {
    /// Prepares the put for a context, unless it is prepared for the same schema already.
    pub(super) fn prepare(&mut self, inner: &Inner, put: &Put, context: &Context) -> Result<(), Error> {
        if self.extract.as_ref().is_none_or(|extract| extract.prepared_for.as_ref() != context.schema()) {
            self.extract = Some(Arc::new(prepare(put, context, inner.limits)?));
        }
        Ok(())
    }
}

/// Evaluates tickets one after the other, each on top of those before it. Those that are refused, or were committed
/// before, are answered; what does not fit into the record is left for the next.
pub(super) async fn build(inner: &Inner, tickets: Vec<Ticket>) -> (Option<Built>, Vec<Ticket>) {
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
    let mut tickets = tickets.into_iter();
    while let Some(ticket) = tickets.next() {
        batch.waiting.entry(ticket.proposal.context().clone()).and_modify(|waiting| *waiting -= 1);
        if batch.must_wait(&ticket.proposal) || batch.bytes > BYTES_MAX / 2 {
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
            Outcome::Overtaken(ticket) => {
                inner.reader.unstage();
                let again = batch.built.into_iter().chain(later).chain([*ticket]).chain(tickets);
                return (None, again.collect());
            }
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
    /// A record of others was applied since the head was looked at: the slot is lost before it was tried.
    Overtaken(Box<Ticket>),
}

impl Batch {
    /// Whether an entry before it in the same record used the same idempotency key or created the same context:
    /// it may be the same again, which the next record will tell.
    fn must_wait(&self, proposal: &Proposal) -> bool {
        let options = proposal.options();
        if matches!(proposal, Proposal::Create(_)) && self.contexts.contains_key(proposal.context()) {
            return true;
        }
        options.idempotency_key.is_some()
            && self.built.iter().any(|other| {
                other.proposal.context() == proposal.context()
                    && other.proposal.options().principal == options.principal
                    && other.proposal.options().idempotency_key == options.idempotency_key
            })
    }

    async fn evaluate(&mut self, inner: &Inner, record: &Record, mut ticket: Ticket) -> Outcome {
        let committed = match inner.context(ticket.proposal.context()) {
            Ok(committed) => committed,
            Err(error) => {
                answer(ticket, Err(error));
                return Outcome::Answered;
            }
        };
        let newest = committed.as_ref().and_then(|context| context.entries().last());
        if newest.is_some_and(|newest| newest.id.record >= record.sequence) {
            return Outcome::Overtaken(Box::new(ticket));
        }
        match self.try_evaluate(inner, record, &mut ticket, committed).await {
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
        committed: Option<Arc<Context>>,
    ) -> Result<Result<Evaluated, Receipt>, Error> {
        let proposal = Arc::clone(&ticket.proposal);
        let name = proposal.context();
        if let Some(receipt) = replayed(inner, committed.as_deref(), ticket)? {
            return Ok(Err(receipt));
        }
        let committed = old_head(&proposal, committed);
        let context = self.contexts.get(name).or(committed.as_deref());
        if let (Proposal::Put(put), Some(context)) = (&*proposal, context) {
            ticket.prepare(inner, put, context)?;
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
fn replayed(inner: &Inner, context: Option<&Context>, ticket: &mut Ticket) -> Result<Option<Receipt>, Error> {
    let proposal = Arc::clone(&ticket.proposal);
    let Some(context) = context else { return Ok(None) };
    if let Proposal::Create(create) = &*proposal
        && differs(context.created(), &create.definition).is_none()
    {
        let first = context.entries().first();
        return first.map(|entry| inner.receipt(context, entry, true)).transpose();
    }
    let Some((key, entry)) = used_before(inner, context, &proposal)? else { return Ok(None) };
    if let Proposal::Put(put) = &*proposal {
        // Its columns may have other names since: compared as they were then.
        ticket.prepare(inner, put, &context.with_schemas_before(entry.system_time()))?;
    }
    if entry.entry.put_digest != Some(proposal.digest(ticket.extract.as_deref())) {
        return Err(Refusal::IdempotencyKeyReused { key, commit: entry.id.record }.into());
    }
    inner.receipt(context, entry, true).map(Some)
}

/// The entry that used a proposal's idempotency key.
fn used_before<'a>(
    inner: &Inner,
    context: &'a Context,
    proposal: &Proposal,
) -> Result<Option<(IdempotencyKey, &'a KnownEntry)>, Error> {
    let options = proposal.options();
    let Some(key) = options.idempotency_key.as_ref().filter(|_| !is_planted(Bug::ForgetsKeys)) else {
        return Ok(None);
    };
    let Some(id) = inner.idempotent(proposal.context(), &options.principal, key)? else {
        return Ok(None);
    };
    let missing = || Error::damaged("the index", "it names an entry that is not there");
    Ok(Some((key.clone(), context.entry_at(id).ok_or_else(missing)?)))
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
