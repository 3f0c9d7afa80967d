//! Work that takes longer than a request should: started, looked at, cancelled.
//!
//! Invariants: at most so many run at once, and the newest [`KEPT`] are remembered; an operation that is done never
//! changes again; however its work ends, by an answer, an error, a panic or a stop, the operation ends with it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use calotype_storage::SystemTime;
use calotype_storage::database::Database;
use calotype_storage::error::Error;
use calotype_storage::name::Principal;
use calotype_storage::verify::{Level, Report, verify};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tonic::Status;

use crate::follow::stopping;
use crate::node::Node;
use crate::page_token::to_hex;
use crate::status;

/// Operations that are remembered.
pub const KEPT: usize = 100;
/// Findings of a verification that are remembered.
pub const FINDINGS_MAX: usize = 1000;
/// After how long a client that found no room may ask again.
const RETRY_AFTER: Duration = Duration::from_secs(5);

/// How an operation stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// It is being worked on.
    Running,
    /// It came to its end.
    Done,
    /// It ended with an error.
    Failed,
    /// Somebody, or the server's end, stopped it.
    Cancelled,
}

/// What a verification found, for as long as it is remembered.
#[derive(Clone, Debug)]
pub struct Verified {
    /// The level that was asked for.
    pub level: Level,
    /// What was looked at, and the first findings.
    pub report: Report,
    /// How many findings there were in all.
    pub findings_total: u64,
}

/// An operation at one moment.
#[derive(Clone, Debug)]
pub struct Operation {
    /// Its name.
    pub id: Arc<str>,
    /// Its number among those of this server, rising.
    pub number: u64,
    /// What it does.
    pub kind: &'static str,
    /// How it stands.
    pub state: State,
    /// When it began.
    pub started_at: SystemTime,
    /// When it ended.
    pub ended_at: Option<SystemTime>,
    /// What it is looking at; empty before the first step.
    pub step: &'static str,
    /// How much of `total`, within the step.
    pub done: u64,
    /// How much the step has.
    pub total: u64,
    /// Why it did not come to its end.
    pub error: Option<String>,
    /// What a verification found.
    pub verified: Option<Arc<Verified>>,
    /// Who started it.
    pub principal: Principal,
}

/// Operations of this server.
#[derive(Debug)]
pub struct Operations {
    running_max: usize,
    /// Drawn at random, so that no operation of another server, or of an earlier run, has the same id.
    run: String,
    registry: Mutex<Registry>,
}

#[derive(Debug, Default)]
struct Registry {
    next: u64,
    stopped: bool,
    known: BTreeMap<u64, Known>,
}

#[derive(Debug)]
struct Known {
    now: watch::Sender<Operation>,
    cancel: CancellationToken,
}

impl Operations {
    /// None yet; at most `running_max` run at once.
    ///
    /// # Panics
    /// If the operating system has no random bytes.
    pub fn new(running_max: usize) -> Self {
        let mut run = [0; 6];
        getrandom::fill(&mut run).expect("the operating system gives random bytes");
        Self { running_max, run: to_hex(&run), registry: Mutex::default() }
    }

    /// Starts to verify the store.
    ///
    /// # Errors
    /// As many as may run at once do, or the server is stopping.
    pub fn start_verify(&self, node: &Node, principal: Principal, level: Level) -> Result<Operation, Status> {
        let database = node.database().clone();
        self.start(node, "verify", principal, move |now| async move {
            let mut progress = |step, done, total| {
                now.send_modify(|operation| {
                    (operation.step, operation.done, operation.total) = (step, done, total);
                });
            };
            let mut report = verify(&database, level, &mut progress).await?;
            let findings_total = report.findings.len() as u64;
            report.findings.truncate(FINDINGS_MAX);
            Ok(Arc::new(Verified { level, report, findings_total }))
        })
    }

    /// Starts work on the pool that works. The future is dropped when the operation is cancelled.
    fn start<Work, Working>(
        &self,
        node: &Node,
        kind: &'static str,
        principal: Principal,
        work: Work,
    ) -> Result<Operation, Status>
    where
        Work: FnOnce(watch::Sender<Operation>) -> Working,
        Working: Future<Output = Result<Arc<Verified>, Error>> + Send + 'static,
    {
        let mut registry = self.registry();
        if registry.stopped {
            return Err(stopping());
        }
        if registry.known.values().filter(|known| is_running(&known.now.borrow())).count() >= self.running_max
        {
            let what = format_args!(
                "{} operations run already: wait until one is done, or cancel one",
                self.running_max
            );
            return Err(status::exhausted("operations_max", what, Some(RETRY_AFTER)));
        }
        let number = registry.next;
        registry.next += 1;
        let operation = Operation {
            id: format!("{}-{number}", self.run).into(),
            number,
            kind,
            state: State::Running,
            started_at: node.database().now(),
            ended_at: None,
            step: "",
            done: 0,
            total: 0,
            error: None,
            verified: None,
            principal,
        };
        let (now, _) = watch::channel(operation.clone());
        let cancel = CancellationToken::new();
        let ending = Ending { now: now.clone(), database: node.database().clone() };
        let work = work(now.clone());
        registry.known.insert(number, Known { now, cancel: cancel.clone() });
        registry.forget();
        drop(registry);
        let counted = node.metrics().operation_started();
        node.work().spawn(async move {
            let outcome = tokio::select! {
                biased;
                () = cancel.cancelled() => None,
                outcome = work => Some(outcome),
            };
            ending.end(outcome);
            drop(counted);
        });
        Ok(operation)
    }

    /// Follows an operation; `None` if there is none of this id.
    pub fn follow(&self, id: &str) -> Option<watch::Receiver<Operation>> {
        self.find(id, |known| known.now.subscribe())
    }

    /// Stops an operation, and follows it to its end; `None` if there is none of this id.
    pub fn cancel(&self, id: &str) -> Option<watch::Receiver<Operation>> {
        self.find(id, |known| {
            known.cancel.cancel();
            known.now.subscribe()
        })
    }

    /// Operations below a number, the newest first.
    pub fn list(&self, below: u64, count: usize) -> Vec<Operation> {
        let registry = self.registry();
        let newest_first = registry.known.range(..below).rev().take(count);
        newest_first.map(|(_, known)| known.now.borrow().clone()).collect()
    }

    /// Stops all operations, and starts none any more.
    pub fn stop(&self) {
        let mut registry = self.registry();
        registry.stopped = true;
        registry.known.values().for_each(|known| known.cancel.cancel());
    }

    fn find<T>(&self, id: &str, found: impl FnOnce(&Known) -> T) -> Option<T> {
        let registry = self.registry();
        let (_, number) = id.split_once('-').filter(|(run, _)| *run == self.run)?;
        let known = registry.known.get(&number.parse().ok()?)?;
        // A number reads in more ways than it is written.
        (*known.now.borrow().id == *id).then(|| found(known))
    }

    fn registry(&self) -> MutexGuard<'_, Registry> {
        self.registry.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Registry {
    /// Forgets the oldest that are done, down to as many as are kept.
    fn forget(&mut self) {
        let mut surplus = self.known.len().saturating_sub(KEPT);
        self.known.retain(|_, known| {
            let forgotten = surplus > 0 && !is_running(&known.now.borrow());
            surplus -= usize::from(forgotten);
            !forgotten
        });
    }
}

fn is_running(operation: &Operation) -> bool {
    operation.state == State::Running
}

/// Ends an operation, in whatever way its work ends.
struct Ending {
    now: watch::Sender<Operation>,
    database: Database,
}

impl Ending {
    /// Ends it; without an outcome it was cancelled.
    fn end(&self, outcome: Option<Result<Arc<Verified>, Error>>) {
        let at = self.database.now();
        self.now.send_if_modified(|operation| {
            if !is_running(operation) {
                return false;
            }
            operation.ended_at = Some(at);
            match outcome {
                Some(Ok(verified)) => {
                    operation.state = State::Done;
                    operation.verified = Some(verified);
                }
                Some(Err(error)) => {
                    operation.state = State::Failed;
                    operation.error = Some(error.to_string());
                }
                None => operation.state = State::Cancelled,
            }
            true
        });
    }
}

impl Drop for Ending {
    /// The work panicked, or its pool went away.
    fn drop(&mut self) {
        let at = self.database.now();
        self.now.send_if_modified(|operation| {
            let ends = is_running(operation);
            if ends {
                operation.state = State::Failed;
                operation.ended_at = Some(at);
                operation.error = Some("its work ended without an answer".into());
            }
            ends
        });
    }
}

#[cfg(test)]
mod tests;
