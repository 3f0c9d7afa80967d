//! Who gets in: how many questions, puts and watches of whom at once; more are refused at once.
//!
//! Invariants: whatever is admitted is given back when its permit is dropped, also in the middle of waiting; a
//! principal is remembered only while something of it is admitted or waits, and at most `principals_max` are.

mod lane;
mod put;
mod reading;
mod seats;

use std::sync::Arc;
use std::time::Duration;

use calotype_storage::name::Principal;
use tokio::sync::OwnedSemaphorePermit;
use tonic::Status;

use self::lane::{Lane, NoTurn, Patience};
use self::put::Puts;
pub use self::put::{Arriving, PutPermit};
pub use self::reading::Reading;
use self::reading::Readings;
use self::seats::{Lanes, Seat, Seats};
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
    /// Of all principals.
    questions: Arc<Lane>,
    /// For a turn among one's own.
    patience: Patience,
    /// For a turn among those of all.
    patience_of_all: Patience,
    watches_per_principal_max: usize,
    principals_max: usize,
    metrics: Arc<Metrics>,
}

/// The right to work on a question; given back when dropped.
#[derive(Debug)]
pub struct Permit {
    // Before the seat, so that the turns are free by the time the principal is forgotten.
    own: Option<OwnedSemaphorePermit>,
    all: Option<OwnedSemaphorePermit>,
    lanes: Arc<Lanes>,
    questions: Arc<Lane>,
    _seat: Seat,
    _counted: Option<Counted>,
}

impl Permit {
    /// Gives the turns of a question back for as long as its client lets it wait.
    pub fn pause(&mut self) {
        (self.own, self.all) = (None, None);
    }

    /// Waits for the turns of a question that was paused.
    pub async fn resume(&mut self) {
        self.own = Some(self.lanes.questions.again().await);
        self.all = Some(self.questions.again().await);
    }
}

impl Admission {
    /// Admits as the limits say.
    pub fn new(limits: &Limits, metrics: Arc<Metrics>) -> Self {
        let turns_each = [or_cores(limits.queries_per_principal_max), limits.points_per_principal_max];
        let wait_max = limits.query_wait_max;
        Self {
            seats: Arc::new(Seats::new(turns_each, limits.principals_max)),
            puts: Arc::new(Puts::new(limits, Arc::clone(&metrics))),
            readings: Arc::new(Readings::new(limits.request_bytes_max)),
            questions: Arc::new(Lane::new(or_cores(limits.queries_max))),
            patience: Patience { queued_max: limits.queries_queued_max, wait_max },
            patience_of_all: Patience { queued_max: limits.queries_waiting_max, wait_max },
            watches_per_principal_max: limits.watches_per_principal_max,
            principals_max: limits.principals_max,
            metrics,
        }
    }

    /// Waits for a turn to ask, first among the questions of the same principal, then among those of all: first come,
    /// first served. A wait that is dropped gives its place back.
    ///
    /// # Errors
    /// Too many wait already, or so many came of late that nobody waits for long.
    pub async fn query(&self, principal: &Principal) -> Result<Permit, Status> {
        let (seat, lanes) = self.seat(principal)?;
        let counted = Some(self.metrics.query_came());
        let own = lanes.questions.turn(self.patience).await.map_err(|why| {
            let whose = format_args!("questions of '{}'", principal.as_str());
            no_turn(why, "queries_queued_max", self.patience, whose)
        })?;
        let all = self.questions.turn(self.patience_of_all).await.map_err(|why| {
            let whose = format_args!("questions of all principals");
            no_turn(why, "queries_waiting_max", self.patience_of_all, whose)
        })?;
        let questions = Arc::clone(&self.questions);
        Ok(Permit { own: Some(own), all: Some(all), lanes, questions, _seat: seat, _counted: counted })
    }

    /// Waits for a turn to look one entity up, among the look-ups of the same principal: they are over before a question
    /// has begun, and wait for none.
    ///
    /// # Errors
    /// As [`Self::query`].
    pub async fn point(&self, principal: &Principal) -> Result<Permit, Status> {
        let (seat, lanes) = self.seat(principal)?;
        let counted = Some(self.metrics.query_came());
        let own = lanes.points.turn(self.patience).await.map_err(|why| {
            let whose = format_args!("look-ups of '{}'", principal.as_str());
            no_turn(why, "queries_queued_max", self.patience, whose)
        })?;
        let questions = Arc::clone(&self.questions);
        Ok(Permit { own: Some(own), all: None, lanes, questions, _seat: seat, _counted: counted })
    }

    /// A watch that stays open.
    ///
    /// # Errors
    /// The principal has too many.
    pub fn watch(&self, principal: &Principal) -> Result<Permit, Status> {
        let (mut seat, lanes) = self.seat(principal)?;
        if seat.watch(self.watches_per_principal_max) {
            let questions = Arc::clone(&self.questions);
            return Ok(Permit { own: None, all: None, lanes, questions, _seat: seat, _counted: None });
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

    fn seat(&self, principal: &Principal) -> Result<(Seat, Arc<Lanes>), Status> {
        Seats::take(&self.seats, principal).ok_or_else(|| {
            let what = format!("{} principals ask at once: try again later", self.principals_max);
            status::exhausted("principals_max", what, Some(RETRY_LATER))
        })
    }
}

/// What whoever gets no turn is told.
fn no_turn(why: NoTurn, limit: &'static str, patience: Patience, whose: std::fmt::Arguments<'_>) -> Status {
    let Patience { queued_max, wait_max } = patience;
    match why {
        NoTurn::Full => {
            let what = format!(
                "{whose} wait already, {queued_max} or, in a flood, as many as are worked on: ask again later, or \
                 fewer at once"
            );
            status::exhausted(limit, what, Some(RETRY_QUERY))
        }
        NoTurn::Late => {
            let what = format!(
                "more {whose} came than can be answered, and this one did not begin within {wait_max:?}: ask again \
                 later, or fewer at once"
            );
            status::exhausted("query_wait_max", what, Some(RETRY_QUERY))
        }
    }
}

/// A number of turns; 0 for one for each core, two at least.
fn or_cores(turns: usize) -> usize {
    let cores = || std::thread::available_parallelism().map_or(2, |cores| cores.get().max(2));
    if turns == 0 { cores() } else { turns }
}

#[cfg(test)]
mod tests;
