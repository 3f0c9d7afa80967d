//! Turns that are waited for: first come, first served.
//!
//! A burst may wait as long as it takes. Once more came than may wait, the lane is *flooded*: until it has been empty no
//! more wait than there are turns, so that each waits for about one question, and nobody waits for long. What is accepted
//! is then answered soon, and the rest knows at once to come again.
//!
//! Invariant: no more wait than were allowed to, and a wait that is dropped gives its place back.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use super::put::take;

/// Turns, and those who wait for one.
#[derive(Debug)]
pub(super) struct Lane {
    turns: Arc<Semaphore>,
    turns_max: usize,
    waiting: AtomicUsize,
    flooded: AtomicBool,
}

/// How long, and among how many, a turn is waited for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Patience {
    /// How many may wait.
    pub(super) queued_max: usize,
    /// How long one may wait while the lane is flooded.
    pub(super) wait_max: Duration,
}

/// Why there is no turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NoTurn {
    /// Enough wait already.
    Full,
    /// It was waited for too long while the lane was flooded.
    Late,
}

/// A place among those who wait.
struct Place<'a>(&'a AtomicUsize);

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Lane {
    /// So many turns at once.
    pub(super) fn new(turns: usize) -> Self {
        let turns_max = turns.clamp(1, Semaphore::MAX_PERMITS);
        let turns = Arc::new(Semaphore::new(turns_max));
        Self { turns, turns_max, waiting: AtomicUsize::new(0), flooded: AtomicBool::new(false) }
    }

    /// Waits for a turn; given back when dropped.
    pub(super) async fn turn(&self, patience: Patience) -> Result<OwnedSemaphorePermit, NoTurn> {
        // Nobody waits: a turn that is given back goes to those who do.
        if let Ok(turn) = Arc::clone(&self.turns).try_acquire_owned() {
            self.flooded.store(false, Ordering::Relaxed);
            return Ok(turn);
        }
        let flooded = self.flooded.load(Ordering::Relaxed);
        let queued_max = if flooded { self.turns_max.min(patience.queued_max) } else { patience.queued_max };
        if !take(&self.waiting, 1, queued_max) {
            self.flooded.store(true, Ordering::Relaxed);
            return Err(NoTurn::Full);
        }
        let _place = Place(&self.waiting);
        let mut turn = pin!(Arc::clone(&self.turns).acquire_owned());
        loop {
            match timeout(patience.wait_max, turn.as_mut()).await {
                Ok(turn) => return Ok(turn.expect("turns are never closed")),
                Err(_) if self.flooded.load(Ordering::Relaxed) => return Err(NoTurn::Late),
                Err(_) => {}
            }
        }
    }

    /// Waits for the turn of what has begun, as long as it takes.
    pub(super) async fn again(&self) -> OwnedSemaphorePermit {
        Arc::clone(&self.turns).acquire_owned().await.expect("turns are never closed")
    }
}

#[cfg(test)]
mod tests {
    use futures::FutureExt;

    use super::*;

    const PATIENCE: Patience = Patience { queued_max: 2, wait_max: Duration::from_millis(5) };

    #[tokio::test]
    async fn a_burst_waits_and_a_flood_does_not() {
        let lane = Lane::new(1);
        let held = lane.turn(PATIENCE).await.unwrap();
        let mut burst = Box::pin(lane.turn(PATIENCE));
        assert!(timeout(3 * PATIENCE.wait_max, &mut burst).await.is_err(), "a burst waits");
        let mut second = Box::pin(lane.turn(PATIENCE));
        assert!(second.as_mut().now_or_never().is_none());

        assert_eq!(lane.turn(PATIENCE).await.unwrap_err(), NoTurn::Full);
        assert_eq!(burst.await.unwrap_err(), NoTurn::Late);
        assert_eq!(second.await.unwrap_err(), NoTurn::Late);

        // It stays flooded until nobody waits: no more wait than there are turns.
        let mut only = Box::pin(lane.turn(PATIENCE));
        assert!(only.as_mut().now_or_never().is_none());
        assert_eq!(lane.turn(PATIENCE).await.unwrap_err(), NoTurn::Full);
        drop(only);
        assert_eq!(lane.turn(PATIENCE).await.unwrap_err(), NoTurn::Late);
        drop(held);
        let held = lane.turn(PATIENCE).await.unwrap();
        let mut patient = Box::pin(lane.turn(PATIENCE));
        assert!(timeout(3 * PATIENCE.wait_max, &mut patient).await.is_err(), "it is over");
        drop(held);
        assert!(patient.await.is_ok());
    }

    #[tokio::test]
    async fn a_wait_that_is_dropped_gives_its_place_back() {
        let lane = Lane::new(1);
        let held = lane.turn(PATIENCE).await.unwrap();
        for _ in 0..5 {
            let mut waiting = Box::pin(lane.turn(PATIENCE));
            assert!(waiting.as_mut().now_or_never().is_none(), "there is a place");
        }
        drop(held);
        assert!(lane.turn(PATIENCE).now_or_never().unwrap().is_ok());
    }
}
