//! From a ticket to the question that the query crate answers.

use std::sync::Arc;

use calotype_query::{
    Answer, AsOfRequest, DiffRequest, HistoryRequest, Keys, Point, QueryError, TimeRange, diff, history,
    resolve, snapshot,
};
use calotype_storage::SystemTime;
use calotype_storage::context::Context;
use calotype_storage::identity::SnapshotId;
use calotype_storage::name::{ContextName, Principal};
use calotype_storage::schema::{Schema, SchemaVersion};
use tonic::Status;

use super::keys;
use super::ticket::{AsOf, Diff, History, Question, Ticket, WantedKeys};
use crate::caller::Caller;
use crate::node::Node;
use crate::status;

/// A question that is ready to be asked.
#[derive(Clone, Debug)]
pub(super) enum Ready {
    /// The state at a point.
    AsOf(AsOfRequest),
    /// The history of some keys.
    History(HistoryRequest),
    /// What differs between two points.
    Diff(DiffRequest),
    /// The rows of a snapshot.
    Snapshot(Principal, SnapshotId),
}

impl Ready {
    /// Asks.
    ///
    /// # Errors
    /// As the query crate.
    pub(super) async fn ask(self, node: Node) -> Result<Answer, QueryError> {
        let (database, policy) = (node.database(), node.policy());
        match self {
            Self::AsOf(request) => resolve(database, policy, &request).await,
            Self::History(request) => history(database, policy, &request).await,
            Self::Diff(request) => diff(database, policy, &request).await,
            Self::Snapshot(principal, id) => snapshot(database, policy, &principal, id).await,
        }
    }
}

/// Makes a question ready: sees the commit that it must see, and reads its keys by the context's schema.
///
/// # Errors
/// The node is behind, the context is not known, or a key is not of its shape.
pub(super) async fn prepare(node: &Node, caller: &Caller, ticket: &Ticket) -> Result<Ready, Status> {
    node.follower().see(node, ticket.at_least, caller.deadline).await?;
    let principal = caller.principal.clone();
    Ok(match &ticket.question {
        Question::AsOf(as_of) => Ready::AsOf(prepare_as_of(node, principal, as_of)?),
        Question::History(history) => Ready::History(prepare_history(node, principal, history)?),
        Question::Diff(Diff { context, from, to }) => Ready::Diff(DiffRequest {
            principal,
            context: context.clone(),
            from: *from,
            to: *to,
            keys: Keys::All,
            schema_version: None,
            at_least: None,
        }),
        Question::Snapshot(id) => Ready::Snapshot(principal, *id),
    })
}

/// Fixes both times of a question, all by one reading of the clock and the head, so that whoever asks again later
/// gets the same answer; and asks that whoever answers has seen the commits that were seen here.
///
/// # Errors
/// As [`prepare`]; or a time has not come.
pub(super) async fn fix(node: &Node, caller: &Caller, ticket: &mut Ticket) -> Result<(), Status> {
    node.follower().see(node, ticket.at_least, caller.deadline).await?;
    let now = node.database().now();
    let head = node.database().head();
    ticket.at_least = head.as_ref().map(|head| head.sequence).max(ticket.at_least);
    let newest = head.map(|head| head.newest_time);
    let fix = |name: &ContextName, points: &mut [&mut Point]| {
        let context = context(node, name)?;
        for point in points {
            let at = point.resolve(now, &context, newest).map_err(|error| status::of_query(&error))?.at;
            **point = Point { valid_at: Some(at.valid), known_at: Some(at.system) };
        }
        Ok(())
    };
    match &mut ticket.question {
        Question::AsOf(AsOf { context, point, .. }) => fix(context, &mut [point]),
        Question::Diff(Diff { context, from, to }) => fix(context, &mut [from, to]),
        Question::History(History { context, known_at, .. }) => {
            let mut point = Point { valid_at: None, known_at: *known_at };
            fix(context, &mut [&mut point])?;
            *known_at = point.known_at;
            Ok(())
        }
        Question::Snapshot(_) => Ok(()),
    }
}

fn context(node: &Node, name: &ContextName) -> Result<Arc<Context>, Status> {
    node.database().context(name).map_err(|error| status::of_store(&error))
}

fn prepare_as_of(node: &Node, principal: Principal, as_of: &AsOf) -> Result<AsOfRequest, Status> {
    let (known, version) = (as_of.point.known_at, as_of.schema_version);
    let keys = match &as_of.part {
        Some(part) => part.keys(),
        None => wanted_keys(node, "as_of", &as_of.context, &as_of.keys, known, version)?,
    };
    Ok(AsOfRequest {
        principal,
        columns: as_of.columns.clone(),
        keys,
        system_columns: as_of.system_columns,
        schema_version: as_of.schema_version,
        ..AsOfRequest::new(as_of.context.clone(), as_of.point)
    })
}

fn prepare_history(node: &Node, principal: Principal, asked: &History) -> Result<HistoryRequest, Status> {
    let keys = wanted_keys(node, "history", &asked.context, &asked.keys, asked.known_at, None)?;
    let system = asked.known_at.map_or(TimeRange::All, |at| TimeRange::Between(SystemTime::FIRST, at));
    Ok(HistoryRequest { principal, system, ..HistoryRequest::new(asked.context.clone(), keys, asked.form) })
}

/// The keys by the schema that will answer; all of them where there is none, since there are no rows then.
fn wanted_keys(
    node: &Node,
    place: &str,
    name: &ContextName,
    wanted: &WantedKeys,
    known: Option<SystemTime>,
    version: Option<SchemaVersion>,
) -> Result<Keys, Status> {
    if *wanted == WantedKeys::All {
        return Ok(Keys::All);
    }
    let context = context(node, name)?;
    let schema: Option<&Arc<Schema>> = match (version, known) {
        (Some(version), _) => context.schema_version(version),
        (None, Some(known)) => context.schema_at(known),
        (None, None) => context.schema(),
    };
    schema.map_or(Ok(Keys::All), |schema| Ok(keys::read(place, wanted, schema)?))
}
