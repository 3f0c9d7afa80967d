//! What goes on on one connection.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::time::Instant;

/// What goes on on one connection.
#[derive(Debug)]
pub(super) struct Activity {
    state: Mutex<State>,
    working: AtomicUsize,
    working_max: usize,
}

/// What a connection is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// No request has come yet.
    Fresh,
    /// So many requests are open.
    Open(usize),
    /// No request is open, since then.
    Idle(Instant),
}

/// A request that is open, until its answer has been handed over or given up.
#[derive(Debug)]
pub(super) struct OpenRequest {
    activity: Arc<Activity>,
    works: bool,
}

impl Activity {
    pub(super) fn new(working_max: usize) -> Self {
        Self { state: Mutex::new(State::Fresh), working: AtomicUsize::new(0), working_max }
    }

    /// What the connection is doing.
    pub(super) fn state(&self) -> State {
        *self.lock()
    }

    /// A request has come.
    pub(super) fn open(activity: &Arc<Self>) -> OpenRequest {
        let mut state = activity.lock();
        let open = if let State::Open(open) = *state { open } else { 0 };
        *state = State::Open(open + 1);
        OpenRequest { activity: Arc::clone(activity), works: false }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl OpenRequest {
    /// Counts the request among those that are worked on, if there is room for it.
    pub(super) fn work(&mut self) -> bool {
        let max = self.activity.working_max;
        let add = |working: usize| (working < max).then_some(working + 1);
        self.works = self.activity.working.fetch_update(Ordering::Relaxed, Ordering::Relaxed, add).is_ok();
        self.works
    }
}

impl Drop for OpenRequest {
    fn drop(&mut self) {
        if self.works {
            self.activity.working.fetch_sub(1, Ordering::Relaxed);
        }
        let mut state = self.activity.lock();
        *state = match *state {
            State::Open(open @ 2..) => State::Open(open - 1),
            State::Open(_) | State::Fresh | State::Idle(_) => State::Idle(Instant::now()),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn requests_are_counted_until_they_are_dropped() {
        let activity = Arc::new(Activity::new(1));
        assert_eq!(activity.state(), State::Fresh);
        let mut first = Activity::open(&activity);
        let mut second = Activity::open(&activity);
        assert_eq!(activity.state(), State::Open(2));
        assert!(first.work());
        assert!(!second.work(), "there is room for one");
        drop(second);
        assert_eq!(activity.state(), State::Open(1));
        drop(first);
        assert!(matches!(activity.state(), State::Idle(_)));
        assert!(Activity::open(&activity).work(), "what ended makes room");
    }
}
