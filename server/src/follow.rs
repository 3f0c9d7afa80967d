//! Follows the log: what other servers commit is seen here within a second.

use calotype_storage::database::Database;
use calotype_storage::identity::Sequence;
use tokio::sync::watch;

/// Follows the log.
#[derive(Debug)]
pub struct Follower {
    head: watch::Sender<Option<Sequence>>,
}

impl Follower {
    /// A follower that has seen what the store has.
    pub fn new(database: &Database) -> Self {
        let (head, _) = watch::channel(database.head().map(|head| head.sequence));
        Self { head }
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
}
