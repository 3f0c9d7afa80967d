//! Operations: looked at, listed, watched, cancelled.

use std::pin::Pin;
use std::time::Duration;

use calotype_proto::v1;
use calotype_proto::v1::operation_service_server::{OperationService, OperationServiceServer};
use calotype_storage::verify::Level;
use futures::Stream;
use tokio::sync::watch;
use tokio::time::{sleep, timeout};
use tonic::{Request, Response, Status};

use super::page::{Page, digested, fixed};
use super::values::timestamp;
use crate::follow::stopping;
use crate::node::Node;
use crate::operations::{FINDINGS_MAX, Operation, State, Verified};
use crate::page_token::page_size;
use crate::status;

/// The least time between two messages of a watch.
const WATCH_PAUSE: Duration = Duration::from_millis(200);
/// How long the answer to a cancellation waits for the end of the work.
const CANCEL_WAIT: Duration = Duration::from_secs(5);

/// The service over a node.
pub fn service(node: Node) -> OperationServiceServer<Operations> {
    let max = node.limits().control_message_bytes_max;
    OperationServiceServer::new(Operations::new(node)).max_decoding_message_size(max)
}

/// Shows operations.
#[derive(Debug)]
pub struct Operations {
    node: Node,
}

#[tonic::async_trait]
impl OperationService for Operations {
    type WatchOperationStream =
        Pin<Box<dyn Stream<Item = Result<v1::WatchOperationResponse, Status>> + Send>>;

    async fn get_operation(
        &self,
        request: Request<v1::GetOperationRequest>,
    ) -> Result<Response<v1::GetOperationResponse>, Status> {
        let now = self.follow(&request.get_ref().id)?;
        let operation = Some(operation(&now.borrow()));
        Ok(Response::new(v1::GetOperationResponse { operation }))
    }

    async fn list_operations(
        &self,
        request: Request<v1::ListOperationsRequest>,
    ) -> Result<Response<v1::ListOperationsResponse>, Status> {
        let request = request.into_inner();
        let count = page_size(request.page_size, self.node.limits())?;
        let tokens = self.node.tokens();
        let digested = digested(&v1::ListOperationsRequest::default());
        let below = if request.page_token.is_empty() {
            u64::MAX
        } else {
            u64::from_le_bytes(fixed(&tokens.open(PURPOSE, &digested, &request.page_token)?)?)
        };
        let mut page = Page::new(count, self.node.limits());
        let mut next_page_token = String::new();
        let mut last = below;
        for known in self.node.operations().list(below, count.saturating_add(1)) {
            if page.is_full() {
                next_page_token = tokens.seal(PURPOSE, &digested, &last.to_le_bytes());
                break;
            }
            last = known.number;
            page.push(operation(&known));
        }
        Ok(Response::new(v1::ListOperationsResponse { operations: page.into_items(), next_page_token }))
    }

    async fn watch_operation(
        &self,
        request: Request<v1::WatchOperationRequest>,
    ) -> Result<Response<Self::WatchOperationStream>, Status> {
        let caller = crate::caller::Caller::of(&request)?;
        let permit = self.node.admission().watch(&caller.principal)?;
        let now = self.follow(&request.get_ref().id)?;
        let watch = Watch { node: self.node.clone(), now, begun: false, ended: false, _permit: permit };
        let messages = futures::stream::unfold(watch, async |mut watch| {
            let message = watch.next().await?;
            Some((message, watch))
        });
        Ok(Response::new(Box::pin(messages)))
    }

    async fn cancel_operation(
        &self,
        request: Request<v1::CancelOperationRequest>,
    ) -> Result<Response<v1::CancelOperationResponse>, Status> {
        let id = &request.get_ref().id;
        let mut now = self.node.operations().cancel(id).ok_or_else(|| missing(id))?;
        // An end that takes longer is told by a later look.
        let ended = timeout(CANCEL_WAIT, now.wait_for(|operation| operation.state != State::Running));
        drop(ended.await);
        let operation = Some(operation(&now.borrow()));
        Ok(Response::new(v1::CancelOperationResponse { operation }))
    }
}

/// What tokens of lists are made for.
const PURPOSE: &str = "ListOperations";

impl Operations {
    pub(super) fn new(node: Node) -> Self {
        Self { node }
    }

    fn follow(&self, id: &str) -> Result<watch::Receiver<Operation>, Status> {
        self.node.operations().follow(id).ok_or_else(|| missing(id))
    }
}

fn missing(id: &str) -> Status {
    let name: String = id.chars().take(80).flat_map(char::escape_debug).collect();
    status::not_found("operation", name)
}

/// An operation that is watched.
struct Watch {
    node: Node,
    now: watch::Receiver<Operation>,
    begun: bool,
    ended: bool,
    _permit: crate::admission::Permit,
}

impl Watch {
    /// The next message: how it stands now, or as soon as that changes, but not too soon after the last.
    async fn next(&mut self) -> Option<Result<v1::WatchOperationResponse, Status>> {
        if self.ended {
            return None;
        }
        if self.begun {
            tokio::select! {
                biased;
                _ = self.now.wait_for(|operation| operation.state != State::Running) => {}
                () = sleep(WATCH_PAUSE) => {}
            }
            // Waiting for the end has marked it as seen: nothing changes after it.
            let changed = self.has_ended()
                || tokio::select! {
                    biased;
                    changed = self.now.changed() => changed.is_ok() || self.has_ended(),
                    () = self.node.stopping().cancelled() => self.has_ended(),
                };
            if !changed {
                self.ended = true;
                return Some(Err(stopping()));
            }
        }
        self.begun = true;
        let now = self.now.borrow_and_update();
        self.ended = now.state != State::Running;
        Some(Ok(v1::WatchOperationResponse { operation: Some(operation(&now)) }))
    }

    fn has_ended(&self) -> bool {
        self.now.borrow().state != State::Running
    }
}

/// An operation as it is answered.
pub(crate) fn operation(operation: &Operation) -> v1::Operation {
    let state = match operation.state {
        State::Running => v1::OperationState::Running,
        State::Done => v1::OperationState::Done,
        State::Failed => v1::OperationState::Failed,
        State::Cancelled => v1::OperationState::Cancelled,
    };
    v1::Operation {
        id: operation.id.to_string(),
        kind: operation.kind.to_owned(),
        state: state.into(),
        started_at: Some(timestamp(operation.started_at)),
        ended_at: operation.ended_at.map(timestamp),
        step: operation.step.to_owned(),
        done: operation.done,
        total: operation.total,
        error: operation.error.clone().unwrap_or_default(),
        verify_report: operation.verified.as_deref().map(report),
        principal: operation.principal.to_string(),
    }
}

fn report(verified: &Verified) -> v1::VerifyReport {
    let Verified { level, report, findings_total } = verified;
    let finding = |finding: &calotype_storage::verify::Finding| v1::VerifyFinding {
        object: finding.object.clone(),
        what: finding.what.clone(),
    };
    v1::VerifyReport {
        level: number(*level),
        records: report.records,
        root: report.root.map(|root| root.to_string()).unwrap_or_default(),
        packs: report.packs,
        bytes: report.bytes,
        chunks: report.chunks,
        snapshots: report.snapshots,
        keyframes: report.keyframes,
        findings: report.findings.iter().take(FINDINGS_MAX).map(finding).collect(),
        findings_total: *findings_total,
    }
}

/// A level as a number, from 1.
const fn number(level: Level) -> u32 {
    match level {
        Level::Chain => 1,
        Level::Packs => 2,
        Level::Bytes => 3,
        Level::Content => 4,
    }
}
