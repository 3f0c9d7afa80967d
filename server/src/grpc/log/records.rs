//! Records, a page at a time. Records are read from the store, so that what is shown is what is kept; their entries
//! come from the contexts in memory, with the lists that are kept apart.

use calotype_proto::v1;
use calotype_storage::error::Error;
use calotype_storage::identity::{EntryId, Sequence};
use calotype_storage::log::Slot;
use calotype_storage::name::ContextName;
use futures::{StreamExt, stream};
use tonic::Status;

use super::entry;
use crate::answer::until;
use crate::caller::Caller;
use crate::grpc::page::{Page, digested, fixed};
use crate::grpc::values::{context_name, timestamp};
use crate::node::Node;
use crate::page_token::page_size;
use crate::status::{self, Field};

/// What tokens of lists are made for.
const PURPOSE: &str = "ListRecords";
/// Records that are read at once.
const READ_AHEAD: usize = 8;

/// Lists a page of records.
pub(super) async fn list(
    node: &Node,
    caller: &Caller,
    mut request: v1::ListRecordsRequest,
) -> Result<v1::ListRecordsResponse, Status> {
    let count = page_size(request.page_size, node.limits())?;
    let token = std::mem::take(&mut request.page_token);
    request.page_size = 0;
    // A page may be asked to have seen more than the one before.
    let at_least = request.at_least.take().map(Sequence::new);
    let digested = digested(&request);
    let from = match token.as_str() {
        "" => request.from,
        token => Some(u64::from_le_bytes(fixed(&node.tokens().open(PURPOSE, &digested, token)?)?)),
    };
    let context = match request.context.as_str() {
        "" => None,
        name => Some(context_name(Field("context"), name)?),
    };
    node.follower().see(node, at_least, caller.deadline).await?;
    let _permit = node.admission().query(&caller.principal).await?;
    let lister = Lister { node, caller, context, with_bytes: request.with_bytes };
    // One more than the page holds says whether there is another.
    let wanted = lister.wanted(from, request.newest_first, count.saturating_add(1))?;
    let filled = tokio::time::timeout_at(until(node, caller), lister.page(count, wanted));
    let (records, next) = match filled.await {
        Ok(filled) => filled?,
        Err(_) => {
            return Err(status::deadline_exceeded(
                "the records took longer than the deadline to read: ask for a smaller page",
            ));
        }
    };
    let token = |next: Sequence| node.tokens().seal(PURPOSE, &digested, &next.get().to_le_bytes());
    Ok(v1::ListRecordsResponse { records, next_page_token: next.map(token).unwrap_or_default() })
}

struct Lister<'a> {
    node: &'a Node,
    caller: &'a Caller,
    context: Option<ContextName>,
    with_bytes: bool,
}

impl Lister<'_> {
    /// The next commits to show, at most `count` of them.
    fn wanted(&self, from: Option<u64>, newest_first: bool, count: usize) -> Result<Vec<Sequence>, Status> {
        let end = self.node.database().head().map_or(0, |head| head.sequence.get() + 1);
        let Some(context) = &self.context else {
            let all =
                |numbers: &mut dyn Iterator<Item = u64>| numbers.take(count).map(Sequence::new).collect();
            return Ok(if newest_first {
                let last = from.map_or(end, |from| from.saturating_add(1).min(end));
                all(&mut (0..last).rev())
            } else {
                all(&mut (from.unwrap_or(0)..end))
            });
        };
        self.may_read(context).map_err(|error| status::of_query(&error))?;
        let context = self.node.database().context(context).map_err(|error| status::of_store(&error))?;
        let entries = context.entries();
        let mut commits: Vec<Sequence> = Vec::new();
        let mut add = |commit: Sequence| {
            if commits.last() != Some(&commit) {
                commits.push(commit);
            }
            commits.len() < count
        };
        let from = from.map(Sequence::new);
        if newest_first {
            let last = entries.partition_point(|entry| from.is_none_or(|from| entry.id.record <= from));
            _ = entries[..last].iter().rev().all(|entry| add(entry.id.record));
        } else {
            let first = entries.partition_point(|entry| Some(entry.id.record) < from);
            _ = entries[first..].iter().all(|entry| add(entry.id.record));
        }
        Ok(commits)
    }

    /// Reads records up to a full page; the commit that comes next, if there is one.
    async fn page(
        &self,
        count: usize,
        wanted: Vec<Sequence>,
    ) -> Result<(Vec<v1::LogRecord>, Option<Sequence>), Status> {
        let mut page = Page::new(count, self.node.limits());
        let database = self.node.database();
        let mut read = stream::iter(wanted)
            .map(|commit| async move { (commit, database.record(commit).await) })
            .buffered(READ_AHEAD);
        while let Some((commit, slot)) = read.next().await {
            if page.is_full() {
                return Ok((page.into_items(), Some(commit)));
            }
            let missing = || Error::NotFound { what: "record", name: commit.to_string() };
            let slot = slot.and_then(|slot| slot.ok_or_else(missing));
            let slot = slot.map_err(|error| status::of_store(&error))?;
            page.push(self.record(&slot)?);
        }
        Ok((page.into_items(), None))
    }

    /// A record with those of its entries that are asked for and may be read.
    fn record(&self, slot: &Slot) -> Result<v1::LogRecord, Status> {
        let record = &slot.record;
        let mut entries = Vec::with_capacity(record.entries.len());
        let mut may_read_all = true;
        for (place, said) in (0..).zip(&record.entries) {
            if self.may_read(&said.context).is_err() {
                may_read_all = false;
            } else if self.context.as_ref().is_none_or(|context| *context == said.context) {
                let id = EntryId { record: record.sequence, place };
                let context =
                    self.node.database().context(&said.context).map_err(|error| status::of_store(&error))?;
                let known = context.entry_at(id).ok_or_else(|| {
                    status::internal(format_args!("context '{}' lacks entry {id}", said.context))
                })?;
                entries.push(entry::answered(known, &slot.hash));
            }
        }
        // A record reads back to the very bytes that are stored: what does not is refused as damaged.
        let bytes =
            if self.with_bytes && may_read_all { record.to_bytes().into() } else { bytes::Bytes::new() };
        Ok(v1::LogRecord {
            commit: record.sequence.get(),
            hash: slot.hash.to_string(),
            wall_time: Some(timestamp(record.wall_time)),
            bytes,
            entries,
        })
    }

    fn may_read(&self, context: &ContextName) -> Result<(), calotype_query::QueryError> {
        self.node.policy().may_read(&self.caller.principal, context)
    }
}
