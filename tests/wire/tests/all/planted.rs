//! The tests of the tests: with a bug planted in the engine, the tests through the wire fail.

use std::panic::AssertUnwindSafe;

use calotype_simulation::{Errno, Repeat};
use calotype_storage::planted::{Bug, plant};
use calotype_wire::serving::Server;
use futures::{Future, FutureExt};

use crate::places::Place;
use crate::{faults, statements};

/// Whether one of some runs fails with a bug planted.
async fn finds<F: Future<Output = ()>>(bug: Bug, numbers: impl Iterator<Item = u64>, run: impl Fn(u64) -> F) {
    let _planted = plant(bug);
    for number in numbers {
        if AssertUnwindSafe(run(number)).catch_unwind().await.is_err() {
            return;
        }
    }
    panic!("{bug:?} is not found");
}

/// One thread, for which the bug is planted, serves and asks.
#[tokio::test]
async fn wrong_decisions_about_statements_are_found() {
    let bugs = [
        Bug::DropsUnchangedDelta,
        Bug::EndsLate,
        Bug::WithdrawalRetracts,
        Bug::DeltasBoundNothing,
        Bug::KnownIsExclusive,
    ];
    for bug in bugs {
        finds(bug, 0..12, |number| async move {
            statements::run(&Place::memory(), number, Server::here).await;
        })
        .await;
    }
}

#[tokio::test]
async fn wrong_decisions_about_slots_and_keys_are_found() {
    finds(Bug::ForgetsKeys, 0..30, faults::run).await;
    for bug in [Bug::TakesAnySlot, Bug::KeepsOldHead] {
        finds(bug, 0..12, faults::take_turns).await;
    }
    finds(Bug::AcknowledgesFailure, faults::steps().await, |step| async move {
        faults::fail_at(step, Repeat::Once, Errno::Io).await;
    })
    .await;
}
