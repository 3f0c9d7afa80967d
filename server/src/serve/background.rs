//! What a server does beside answering. A new task is one line in [`start`].

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};
use tokio_util::task::AbortOnDropHandle;
use tracing::error;

use super::health::Health;
use crate::follow::Follower;
use crate::node::Node;

/// How soon it shows that nothing can be written any more.
const LOOK: Duration = Duration::from_secs(1);

/// Starts all of it; dropped, it ends.
pub(super) fn start(node: &Node, health: &Arc<Health>, poll: Duration) -> Vec<AbortOnDropHandle<()>> {
    let watched = watch_poison(node.clone(), Arc::clone(health));
    // Records are applied while following: on the pool that works.
    let following = node.work().spawn(Follower::run(node.clone(), poll));
    vec![AbortOnDropHandle::new(tokio::spawn(watched)), AbortOnDropHandle::new(following)]
}

/// Tells those who ask for the server's health, and the log, once the store takes no more puts.
async fn watch_poison(node: Node, health: Arc<Health>) {
    let mut ticks = interval(LOOK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        if let Some(reason) = node.database().poison_reason() {
            error!(reason, "the store takes no more puts until the server is started anew");
            return health.poisoned().await;
        }
    }
}
