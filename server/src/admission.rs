//! Who gets in: how many questions, puts and watches of whom at once; more are refused at once.
//!
//! Invariants: whatever is admitted is given back when its permit is dropped, also in the middle of waiting; a
//! principal is remembered only while something of it is admitted or waits, and at most `principals_max` are.

mod put;
mod reading;
mod seats;

use std::sync::Arc;
use std::time::Duration;

use calotype_storage::name::Principal;
use tokio::sync::OwnedSemaphorePermit;
use tonic::Status;

use self::put::Puts;
pub use self::put::{Arriving, PutPermit};
pub use self::reading::Reading;
use self::reading::Readings;
use self::seats::{Seat, Seats};
use crate::limits::Limits;
use crate::status;
use crate::telemetry::metrics::{Counted, Metrics};

/// After what time a refused question may be asked again.
const RETRY_QUERY: Duration = Duration::from_millis(100);
/// After what time a refused watch or put may be tried again.
const RETRY_LATER: Duration = Duration::from_secs(1);

/// Who gets in.
#[derive(Debug)]
pub struct Admission {
    seats: Arc<Seats>,
    puts: Arc<Puts>,
    readings: Arc<Readings>,
    queries_queued_max: usize,
    watches_per_principal_max: usize,
    principals_max: usize,
    metrics: Arc<Metrics>,
}

/// The right to work on a question; given back when dropped.
#[derive(Debug)]
pub struct Permit {
    // Before the seat, so that the turn is free by the time the principal is forgotten.
    _turn: Option<OwnedSemaphorePermit>,
    _seat: Seat,
    _counted: Option<Counted>,
}

impl Admission {
    /// Admits as the limits say.
    pub fn new(limits: &Limits, metrics: Arc<Metrics>) -> Self {
        Self {
            seats: Arc::new(Seats::new(limits.queries_per_principal_max, limits.principals_max)),
            puts: Arc::new(Puts::new(limits, Arc::clone(&metrics))),
            readings: Arc::new(Readings::new(limits.request_bytes_max)),
            queries_queued_max: limits.queries_queued_max,
            watches_per_principal_max: limits.watches_per_principal_max,
            principals_max: limits.principals_max,
            metrics,
        }
    }

    /// Waits for a turn to ask, among the questions of the same principal: first come, first served. A wait that is
    /// dropped gives its place back.
    ///
    /// # Errors
    /// Too many wait already.
    pub async fn query(&self, principal: &Principal) -> Result<Permit, Status> {
        let (mut seat, turns) = self.seat(principal)?;
        let counted = Some(self.metrics.query_came());
        let turn = if let Ok(turn) = Arc::clone(&turns).try_acquire_owned() {
            turn
        } else {
            if !seat.wait(self.queries_queued_max) {
                let what = format!(
                    "{} questions of '{}' wait already: ask again later, or fewer at once",
                    self.queries_queued_max,
                    principal.as_str()
                );
                return Err(status::exhausted("queries_queued_max", what, Some(RETRY_QUERY)));
            }
            let turn = turns.acquire_owned().await;
            seat.waited();
            turn.map_err(|_| status::internal("the turns of a principal were closed"))?
        };
        Ok(Permit { _turn: Some(turn), _seat: seat, _counted: counted })
    }

    /// A watch that stays open.
    ///
    /// # Errors
    /// The principal has too many.
    pub fn watch(&self, principal: &Principal) -> Result<Permit, Status> {
        let (mut seat, _) = self.seat(principal)?;
        if seat.watch(self.watches_per_principal_max) {
            return Ok(Permit { _turn: None, _seat: seat, _counted: None });
        }
        let what = format!(
            "'{}' has {} watches open already: close one, or watch more in one",
            principal.as_str(),
            self.watches_per_principal_max
        );
        Err(status::exhausted("watches_per_principal_max", what, Some(RETRY_LATER)))
    }

    /// A put that begins.
    ///
    /// # Errors
    /// Too many are being taken.
    pub fn put(&self) -> Result<PutPermit, Status> {
        Puts::begin(&self.puts)
    }

    /// A request that is no put, and begins to come in.
    pub fn reading(&self) -> Reading {
        Reading::new(&self.readings)
    }

    /// A put whose messages begin to come in.
    pub fn arriving(&self) -> Arriving {
        Arriving::new(&self.puts)
    }

    fn seat(&self, principal: &Principal) -> Result<(Seat, Arc<tokio::sync::Semaphore>), Status> {
        Seats::take(&self.seats, principal).ok_or_else(|| {
            let what = format!("{} principals ask at once: try again later", self.principals_max);
            status::exhausted("principals_max", what, Some(RETRY_LATER))
        })
    }
}

#[cfg(test)]
mod tests;
