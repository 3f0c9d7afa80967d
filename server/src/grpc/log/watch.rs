//! What is committed to a context, as it comes: in order, each entry once, none left out.
//!
//! Entries are looked up only when the client has taken those before: nothing is queued for a slow one but a few
//! that are shared with the context anyway. A sign of life carries a token too, so that a client that starts again
//! later need not read what was committed to others in the meantime.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use calotype_proto::v1;
use calotype_proto::v1::watch_context_request::Since;
use calotype_storage::context::KnownEntry;
use calotype_storage::identity::{EntryId, Sequence};
use calotype_storage::name::ContextName;
use futures::{Stream, stream};
use tokio::sync::watch::Receiver;
use tokio::time::{Instant, sleep_until};
use tonic::Status;

use super::entry;
use crate::admission::Permit;
use crate::caller::Caller;
use crate::follow::stopping;
use crate::grpc::snapshots::{entry_bytes, entry_id};
use crate::grpc::values::context_name;
use crate::node::Node;
use crate::status::{self, Field, invalid};

/// What resume tokens are made for.
const PURPOSE: &str = "WatchContext";
/// Entries that are looked up at once.
const ENTRIES_AHEAD: usize = 64;
/// The place after every entry of a record.
const AFTER_ALL: u32 = u32::MAX;

/// After how long a client hears from a watch that has no entry for it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pauses {
    /// That others have committed.
    pub(super) news: Duration,
    /// That the server lives.
    pub(super) life: Duration,
}

const PAUSES: Pauses = Pauses { news: Duration::from_secs(1), life: Duration::from_secs(10) };

/// A watch of a context.
pub(super) struct Watch {
    node: Node,
    context: ContextName,
    /// What tokens are bound to.
    digested: Vec<u8>,
    heads: Receiver<Option<Sequence>>,
    /// The last place that was told of; `None` before the first.
    told: Option<EntryId>,
    ready: VecDeque<Arc<KnownEntry>>,
    spoke_at: Instant,
    pub(super) pauses: Pauses,
    deadline: Option<Instant>,
    ended: bool,
    _permit: Permit,
}

impl Watch {
    /// Begins a watch after a commit or a token; without either, at the context's first entry.
    pub(super) async fn begin(
        node: &Node,
        caller: &Caller,
        request: v1::WatchContextRequest,
    ) -> Result<Self, Status> {
        let context = context_name(Field("context"), &request.context)?;
        node.policy().may_read(&caller.principal, &context).map_err(|error| status::of_query(&error))?;
        let digested = [node.database().store_id().as_bytes(), context.as_str().as_bytes()].concat();
        let told = match request.since {
            None => None,
            Some(Since::AfterCommit(commit)) => {
                Some(EntryId { record: Sequence::new(commit), place: AFTER_ALL })
            }
            Some(Since::ResumeToken(token)) => Some(resumed(node, &digested, &token)?),
        };
        let permit = node.admission().watch(&caller.principal)?;
        // Whoever has heard of a commit from another node hears nothing older from this one.
        node.follower().see(node, told.map(|told| told.record), caller.deadline).await?;
        node.database().context(&context).map_err(|error| status::of_store(&error))?;
        Ok(Self {
            node: node.clone(),
            context,
            digested,
            heads: node.follower().heads(),
            told,
            ready: VecDeque::new(),
            spoke_at: Instant::now(),
            pauses: PAUSES,
            deadline: caller.deadline,
            ended: false,
            _permit: permit,
        })
    }

    /// The messages; they end with an error.
    pub(super) fn into_messages(self) -> impl Stream<Item = Result<v1::WatchContextResponse, Status>> + Send {
        stream::unfold(self, async |mut watch| {
            if watch.ended {
                return None;
            }
            let message = watch.next().await;
            watch.ended = message.is_err();
            Some((message, watch))
        })
    }

    async fn next(&mut self) -> Result<v1::WatchContextResponse, Status> {
        loop {
            if self.node.stopping().is_cancelled() {
                return Err(stopping());
            }
            if let Some(entry) = self.ready.pop_front() {
                return self.entry(&entry);
            }
            // The head first: whatever it covers is in a context that is looked at after it.
            let head = *self.heads.borrow_and_update();
            self.look()?;
            if !self.ready.is_empty() {
                continue;
            }
            let news = head.filter(|head| self.told.is_none_or(|told| told.record < *head));
            let pause = if news.is_some() { self.pauses.news } else { self.pauses.life };
            if self.spoke_at.elapsed() >= pause {
                return Ok(self.sign_of_life(head));
            }
            self.wait(self.spoke_at + pause).await?;
        }
    }

    /// Looks up the entries that come next. The context is let go at once: a commit would have to copy it else.
    fn look(&mut self) -> Result<(), Status> {
        let context =
            self.node.database().context(&self.context).map_err(|error| status::of_store(&error))?;
        let entries = context.entries();
        let next = entries.partition_point(|entry| Some(entry.id) <= self.told);
        self.ready.extend(entries[next..].iter().take(ENTRIES_AHEAD).cloned());
        Ok(())
    }

    /// Waits for a new head, though no longer than until then.
    async fn wait(&mut self, until: Instant) -> Result<(), Status> {
        let until = self.deadline.map_or(until, |deadline| deadline.min(until));
        tokio::select! {
            biased;
            () = self.node.stopping().cancelled() => return Err(stopping()),
            // The sender lives as long as the node.
            _ = self.heads.changed() => {}
            () = sleep_until(until) => {}
        }
        if self.deadline.is_some_and(|deadline| deadline <= Instant::now()) {
            return Err(status::deadline_exceeded(
                "the watch has come to its deadline: go on with its last token",
            ));
        }
        Ok(())
    }

    fn entry(&mut self, entry: &KnownEntry) -> Result<v1::WatchContextResponse, Status> {
        let hash =
            self.node.database().record_hash(entry.id.record).map_err(|error| status::of_store(&error))?;
        Ok(self.message(entry.id, Some(entry::answered(entry, &hash))))
    }

    /// Says how far the log was read: all entries up to there have been told of.
    fn sign_of_life(&mut self, head: Option<Sequence>) -> v1::WatchContextResponse {
        let read = head.map(|record| EntryId { record, place: AFTER_ALL }).max(self.told);
        // A context exists, so that the log has a record.
        self.message(read.unwrap_or(EntryId { record: Sequence::FIRST, place: 0 }), None)
    }

    fn message(&mut self, place: EntryId, entry: Option<v1::LogEntry>) -> v1::WatchContextResponse {
        self.told = Some(place);
        self.spoke_at = Instant::now();
        let resume_token = self.node.tokens().seal(PURPOSE, &self.digested, &entry_bytes(place));
        v1::WatchContextResponse { entry, commit: place.record.get(), resume_token }
    }
}

fn resumed(node: &Node, digested: &[u8], token: &str) -> Result<EntryId, Status> {
    let field = Field("resume_token");
    let position = node.tokens().open_field(field, PURPOSE, digested, token)?;
    let position = position.try_into().map(entry_id);
    position.map_err(|_| invalid(field, "is of another version of the server: name a commit instead"))
}
