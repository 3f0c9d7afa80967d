//! From a ticket to the question that the query crate answers.

use std::sync::Arc;

use calotype_query::{
    AsOfRequest, Claim, DiffRequest, HistoryRequest, Keys, Point, TimeRange, diff, history, resolve, snapshot,
};
#[cfg(feature = "sql")]
use calotype_sql::{SqlRequest, StatementClaim};
use calotype_storage::SystemTime;
use calotype_storage::context::Context;
use calotype_storage::identity::SnapshotId;
use calotype_storage::name::{ContextName, Principal};
use calotype_storage::schema::{Schema, SchemaVersion};
use tonic::Status;

use super::keys;
use super::ticket::{AsOf, Diff, History, Question, Ticket, WantedKeys};
use crate::answer::Answering;
#[cfg(feature = "sql")]
use crate::answer::once;
use crate::caller::Caller;
use crate::node::Node;
use crate::status;

/// The claim in the metadata of a schema.
#[cfg(feature = "sql")]
const CLAIM_BYTES_MAX: usize = 16 << 10;

/// A question that is ready to be asked.
#[derive(Clone, Debug)]
pub(super) enum Ready {
    /// The state at a point.
    AsOf(AsOfRequest),
    /// As [`Self::AsOf`], and of it the rows for which a predicate holds.
    #[cfg(feature = "sql")]
    Where(AsOfRequest, String),
    /// The history of some keys.
    History(HistoryRequest),
    /// What differs between two points.
    Diff(DiffRequest),
    /// The rows of a snapshot.
    Snapshot(Principal, SnapshotId),
    /// The answer to a statement.
    #[cfg(feature = "sql")]
    Sql(SqlRequest),
}

/// What is done with the answer to a question, whatever its kind.
pub(super) trait Take: Send {
    /// What becomes of it.
    type Taken: Send;

    /// Asks, and takes the answer.
    fn take<Ask, Asked, A>(self, ask: Ask) -> impl Future<Output = Result<Self::Taken, Status>> + Send
    where
        Ask: FnOnce(Node) -> Asked + Send + 'static,
        Asked: Future<Output = Result<A, A::Error>> + Send + 'static,
        A: Answering<Claim: ClaimJson>;
}

/// A claim as the metadata of a schema carries it.
pub(super) trait ClaimJson {
    /// The claim as JSON, of at most 16 KiB.
    fn json(&self) -> String;
}

impl ClaimJson for Claim {
    fn json(&self) -> String {
        self.to_json()
    }
}

/// Lists fewer readings where they would not fit; those that are left out are counted.
#[cfg(feature = "sql")]
impl ClaimJson for StatementClaim {
    fn json(&self) -> String {
        let mut json = self.to_json();
        let mut claim = self.clone();
        while json.len() > CLAIM_BYTES_MAX && claim.reads.pop().is_some() {
            claim.reads_more += 1;
            json = claim.to_json();
        }
        json
    }
}

impl Ready {
    /// Asks, and hands the answer over.
    ///
    /// # Errors
    /// The question is refused, or the answer was not taken.
    pub(super) async fn ask<T: Take>(self, taker: T) -> Result<T::Taken, Status> {
        match self {
            Self::AsOf(request) => {
                let ask = async move |node: Node| resolve(node.database(), node.policy(), &request).await;
                taker.take(ask).await
            }
            Self::History(request) => {
                let ask = async move |node: Node| history(node.database(), node.policy(), &request).await;
                taker.take(ask).await
            }
            Self::Diff(request) => {
                let ask = async move |node: Node| diff(node.database(), node.policy(), &request).await;
                taker.take(ask).await
            }
            Self::Snapshot(principal, id) => {
                let ask =
                    async move |node: Node| snapshot(node.database(), node.policy(), &principal, id).await;
                taker.take(ask).await
            }
            #[cfg(feature = "sql")]
            Self::Where(request, predicate) => {
                let ask = async move |node: Node| node.statements().filter(&request, &predicate).await;
                taker.take(ask).await
            }
            #[cfg(feature = "sql")]
            Self::Sql(request) => {
                let ask = async move |node: Node| node.statements().query(request).await;
                taker.take(ask).await
            }
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
        Question::AsOf(as_of) => {
            let request = prepare_as_of(node, principal, as_of)?;
            match &as_of.predicate {
                #[cfg(feature = "sql")]
                Some(predicate) => Ready::Where(request, predicate.clone()),
                _ => Ready::AsOf(request),
            }
        }
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
        #[cfg(feature = "sql")]
        Question::Sql(statement) => Ready::Sql(statement.request(principal)),
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
        #[cfg(feature = "sql")]
        Question::Sql(statement) => {
            let mut request = statement.request(caller.principal.clone());
            let ask = async move |node: Node| {
                node.statements().fix(&mut request).await.map_err(|error| status::of_sql(&error))?;
                Ok(request.settings)
            };
            statement.settings = once(node, caller, ask).await?;
            Ok(())
        }
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
