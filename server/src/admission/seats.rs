//! What each principal has going on.
//!
//! Invariant: an entry exists exactly while a [`Seat`] of its principal does.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use calotype_storage::name::Principal;

use super::lane::Lane;

/// What each principal has going on.
#[derive(Debug)]
pub(super) struct Seats {
    /// Turns of questions, and of look-ups, of each.
    turns_each: [usize; 2],
    principals_max: usize,
    busy: Mutex<BTreeMap<Principal, Busy>>,
}

/// What one principal has going on.
#[derive(Debug)]
struct Busy {
    seats: usize,
    watches: usize,
    lanes: Arc<Lanes>,
}

/// What one principal takes turns in.
#[derive(Debug)]
pub(super) struct Lanes {
    /// Questions.
    pub(super) questions: Lane,
    /// Look-ups, so that they do not wait for questions.
    pub(super) points: Lane,
}

/// A principal's place; given back when dropped.
#[derive(Debug)]
pub(super) struct Seat {
    seats: Arc<Seats>,
    principal: Principal,
    watches: bool,
}

impl Seats {
    pub(super) fn new(turns_each: [usize; 2], principals_max: usize) -> Self {
        Self { turns_each, principals_max, busy: Mutex::new(BTreeMap::new()) }
    }

    /// A place and the lanes of its principal; `None` if there are too many principals.
    pub(super) fn take(seats: &Arc<Self>, principal: &Principal) -> Option<(Seat, Arc<Lanes>)> {
        let mut busy = seats.lock();
        if !busy.contains_key(principal) && busy.len() >= seats.principals_max {
            return None;
        }
        let entry = busy.entry(principal.clone()).or_insert_with(|| Busy {
            seats: 0,
            watches: 0,
            lanes: {
                let [questions, points] = seats.turns_each.map(Lane::new);
                Arc::new(Lanes { questions, points })
            },
        });
        entry.seats += 1;
        let lanes = Arc::clone(&entry.lanes);
        let seats = Arc::clone(seats);
        Some((Seat { seats, principal: principal.clone(), watches: false }, lanes))
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
    /// Counts as a watch, unless there are `max` already.
    pub(super) fn watch(&mut self, max: usize) -> bool {
        let mut all = self.seats.lock();
        let Some(busy) = all.get_mut(&self.principal) else {
            return false;
        };
        self.watches = busy.watches < max;
        busy.watches += usize::from(self.watches);
        self.watches
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut all = self.seats.lock();
        let Some(busy) = all.get_mut(&self.principal) else {
            return;
        };
        busy.watches -= usize::from(self.watches);
        busy.seats -= 1;
        if busy.seats == 0 {
            all.remove(&self.principal);
        }
    }
}
