//! What each principal has going on.
//!
//! Invariant: an entry exists exactly while a [`Seat`] of its principal does.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use calotype_storage::name::Principal;
use tokio::sync::Semaphore;

/// What each principal has going on.
#[derive(Debug)]
pub(super) struct Seats {
    turns_each: usize,
    principals_max: usize,
    busy: Mutex<BTreeMap<Principal, Busy>>,
}

/// What one principal has going on.
#[derive(Debug)]
struct Busy {
    seats: usize,
    waiting: usize,
    watches: usize,
    turns: Arc<Semaphore>,
}

/// A principal's place; given back when dropped.
#[derive(Debug)]
pub(super) struct Seat {
    seats: Arc<Seats>,
    principal: Principal,
    waits: bool,
    watches: bool,
}

impl Seats {
    pub(super) fn new(turns_each: usize, principals_max: usize) -> Self {
        Self { turns_each: turns_each.max(1), principals_max, busy: Mutex::new(BTreeMap::new()) }
    }

    /// A place and the turns of its principal; `None` if there are too many principals.
    pub(super) fn take(seats: &Arc<Self>, principal: &Principal) -> Option<(Seat, Arc<Semaphore>)> {
        let mut busy = seats.lock();
        if !busy.contains_key(principal) && busy.len() >= seats.principals_max {
            return None;
        }
        let entry = busy.entry(principal.clone()).or_insert_with(|| Busy {
            seats: 0,
            waiting: 0,
            watches: 0,
            turns: Arc::new(Semaphore::new(seats.turns_each)),
        });
        entry.seats += 1;
        let turns = Arc::clone(&entry.turns);
        let seats = Arc::clone(seats);
        Some((Seat { seats, principal: principal.clone(), waits: false, watches: false }, turns))
    }

    /// How many principals are remembered.
    #[cfg(test)]
    pub(super) fn principals(&self) -> usize {
        self.lock().len()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Principal, Busy>> {
        self.busy.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Seat {
    /// Joins those that wait for a turn, unless there are `max` already.
    pub(super) fn wait(&mut self, max: usize) -> bool {
        self.waits = self.count(|busy| &mut busy.waiting, max);
        self.waits
    }

    /// Leaves those that wait.
    pub(super) fn waited(&mut self) {
        let mut busy = self.seats.lock();
        if let Some(busy) = busy.get_mut(&self.principal).filter(|_| self.waits) {
            busy.waiting -= 1;
        }
        self.waits = false;
    }

    /// Counts as a watch, unless there are `max` already.
    pub(super) fn watch(&mut self, max: usize) -> bool {
        self.watches = self.count(|busy| &mut busy.watches, max);
        self.watches
    }

    fn count(&self, counter: impl Fn(&mut Busy) -> &mut usize, max: usize) -> bool {
        let mut busy = self.seats.lock();
        let Some(counter) = busy.get_mut(&self.principal).map(counter) else {
            return false;
        };
        let room = *counter < max;
        *counter += usize::from(room);
        room
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut all = self.seats.lock();
        let Some(busy) = all.get_mut(&self.principal) else {
            return;
        };
        busy.waiting -= usize::from(self.waits);
        busy.watches -= usize::from(self.watches);
        busy.seats -= 1;
        if busy.seats == 0 {
            all.remove(&self.principal);
        }
    }
}
