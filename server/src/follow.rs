//! Follows the log: what other servers commit is seen here within a second.
//!
//! Invariants: a head is announced only once all of it can be read; however many wait for a commit, and however
//! far beyond the end it lies, the log is probed by one of them at a time.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use calotype_query::QueryError;
use calotype_storage::database::Database;
use calotype_storage::error::Error;
use calotype_storage::identity::Sequence;
use calotype_storage::name::ContextName;
use tokio::sync::{Mutex, watch};
use tokio::time::{Instant, sleep, sleep_until, timeout_at};
use tonic::Status;

use crate::node::Node;
use crate::status;

/// How often the log is probed for what others have committed.
pub const POLL_INTERVAL: Duration = Duration::from_millis(200);
/// How long after another the log is looked at again for names that are not known.
const LOOK_INTERVAL: Duration = Duration::from_millis(50);
/// The longest pause after errors, so that a store that answers again is followed within a second.
const BACK_OFF_MAX: Duration = Duration::from_secs(1);

/// Follows the log.
#[derive(Debug)]
pub struct Follower {
    head: watch::Sender<Option<Sequence>>,
    /// How often catching up has begun; counted by whoever holds `catching_up`.
    begun: AtomicU64,
    catching_up: Mutex<()>,
    looks: Mutex<Looks>,
}

/// When the log was last looked at because somebody named what is not known here.
#[derive(Debug, Default)]
struct Looks {
    begun: Option<Instant>,
    /// The same of the last that went well.
    seen: Option<Instant>,
}

impl Follower {
    /// A follower that has seen what the store has.
    pub fn new(database: &Database) -> Self {
        let (head, _) = watch::channel(database.head().map(|head| head.sequence));
        Self { head, begun: AtomicU64::new(0), catching_up: Mutex::default(), looks: Mutex::default() }
    }

    /// The newest commit seen, and whenever there is a newer one.
    pub fn heads(&self) -> watch::Receiver<Option<Sequence>> {
        self.head.subscribe()
    }

    /// Says that the store has come to a new head: after every commit of our own, and after catching up.
    pub fn announce(&self, database: &Database) {
        let newest = database.head().map(|head| head.sequence);
        self.head.send_if_modified(|head| {
            let newer = newest > *head;
            if newer {
                *head = newest;
            }
            newer
        });
    }

    /// Follows the log until the server stops: probes it every `poll`, and less often while it does not answer. To
    /// be run on the pool that works, since records are applied here.
    pub async fn run(node: Node, poll: Duration) {
        let mut pause = poll;
        let mut trouble = None;
        loop {
            tokio::select! {
                biased;
                () = node.stopping().cancelled() => return,
                () = sleep(pause) => {}
            }
            match node.follower().catch_up(&node).await {
                Ok(()) => {
                    if trouble.take().is_some() {
                        tracing::info!("the log is followed again");
                    }
                    pause = poll;
                }
                Err(error) => {
                    let what = error.to_string();
                    if trouble.as_ref() != Some(&what) {
                        tracing::warn!(error = what, "the log cannot be followed");
                        trouble = Some(what);
                    }
                    pause = (pause * 2).min(BACK_OFF_MAX.max(poll));
                }
            }
        }
    }

    /// Makes this node see a commit before a question is answered: catches up at once if it has not, then waits for
    /// `at_least_time_max`, though no longer than until the caller's deadline.
    ///
    /// # Errors
    /// `UNAVAILABLE`, with what was wanted and found, if the commit has not come by then.
    pub async fn see(
        &self,
        node: &Node,
        at_least: Option<Sequence>,
        deadline: Option<Instant>,
    ) -> Result<(), Status> {
        let Some(wanted) = at_least else {
            return Ok(());
        };
        let seen = |head: &Option<Sequence>| head.is_some_and(|head| head >= wanted);
        if seen(&newest(node.database())) {
            return Ok(());
        }
        let limit = Instant::now() + node.limits().at_least_time_max;
        let until = deadline.map_or(limit, |deadline| deadline.min(limit));
        let mut heads = self.heads();
        let seeing = timeout_at(until, async {
            self.catch_up(node).await.map_err(|error| status::of_store(&error))?;
            tokio::select! {
                biased;
                () = node.stopping().cancelled() => Err(stopping()),
                // The sender lives as long as the node.
                _ = heads.wait_for(seen) => Ok(()),
            }
        });
        match seeing.await {
            Ok(outcome) => outcome,
            Err(_) if seen(&newest(node.database())) => Ok(()),
            Err(_) => {
                if deadline != Some(until) {
                    node.metrics().refused("at_least_time_max");
                }
                let found = newest(node.database()).map_or("none".into(), |head| head.to_string());
                Err(status::of_query(&QueryError::Behind { wanted: wanted.get(), found }))
            }
        }
    }

    /// Looks once whether others have created a context that this node does not know, so that a put to it need not
    /// wait for the next probe. Whether it is known then is for the caller to see, also where the store did not answer.
    pub async fn know(&self, node: &Node, context: &ContextName) {
        if node.database().context(context).is_err()
            && let Err(error) = self.look(node).await
        {
            tracing::debug!(%error, "a context that is not known was not looked for");
        }
    }

    /// Whether the store has come further than `head`, which is looked up anew. A store that does not answer has not.
    pub async fn is_beyond(&self, node: &Node, head: Option<Sequence>) -> bool {
        if let Err(error) = self.catch_up(node).await {
            tracing::debug!(%error, "a refusal may rest on an old state of the store");
        }
        newest(node.database()) > head
    }

    /// Sees what others have committed until now, for somebody who names what is not known here. However many do,
    /// the log is probed once in 50 ms, for all of them.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn look(&self, node: &Node) -> Result<(), Error> {
        let asked = Instant::now();
        let mut looks = self.looks.lock().await;
        if looks.seen.is_some_and(|begun| begun >= asked) {
            return Ok(());
        }
        if let Some(begun) = looks.begun {
            sleep_until(begun + LOOK_INTERVAL).await;
        }
        let begun = Instant::now();
        looks.begun = Some(begun);
        self.catch_up(node).await?;
        looks.seen = Some(begun);
        Ok(())
    }

    /// Applies what others have committed, and announces it. Whoever waited while another caught up, which had
    /// begun after it came, is content with that.
    async fn catch_up(&self, node: &Node) -> Result<(), Error> {
        let begun = self.begun.load(Ordering::Acquire);
        let _one_at_a_time = self.catching_up.lock().await;
        if self.begun.load(Ordering::Acquire) > begun {
            return Ok(());
        }
        self.begun.fetch_add(1, Ordering::AcqRel);
        let outcome = node.database().catch_up().await;
        // Also what was applied before an error.
        self.announce(node.database());
        outcome.map(|_| ())
    }
}

/// What a request gets that would outlive the server.
pub fn stopping() -> Status {
    let what = "the server is stopping: ask another one, or this one again when it is back";
    status::unavailable("STOPPING", what, Some(BACK_OFF_MAX))
}

fn newest(database: &Database) -> Option<Sequence> {
    database.head().map(|head| head.sequence)
}

#[cfg(test)]
mod tests;
