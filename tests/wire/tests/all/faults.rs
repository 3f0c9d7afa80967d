//! T6 and T11 through a server: calls of the store that fail once and for good, a full disk, answers of a network that
//! are lost, late or wrong. Clients see documented codes alone, nothing is half applied, and whatever is repeated
//! under its request id is done once.

mod ledger;
mod overtaken;

use std::time::Duration;

use calotype_client::{CaptureMode, RetryPolicy};
use calotype_oracle::{Key, Operation, Seed, StatementShape, statement_history};
use calotype_simulation::{
    AnswerFault, AnswerPlan, Errno, FaultPlan, Repeat, SimStore, StepFault, Survivors, Target,
};
use calotype_wire::doors::{Asking, Doors, Putting};
use calotype_wire::failure::Failure;
use calotype_wire::serving::{Server, limits};
use tokio::time::timeout;
use tonic::Code;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_check_response::ServingStatus;
use tonic_health::pb::health_client::HealthClient;

use self::ledger::Ledger;
use crate::places::Place;

const K: Key = Key(1);
const J: Key = Key(2);

/// One of everything, through every door.
fn script() -> Vec<Operation<Key, u32>> {
    vec![
        Operation::full(10, [(K, 1), (J, 2)]),
        Operation::delta(20, [(K, Some(2))]),
        Operation::delta(20, [(J, None)]),
        Operation::full(10, [(K, 5)]),
        Operation::withdraw(20),
        Operation::delta(30, [(J, Some(7))]),
    ]
}

/// Whether a failure is one that the interface names for a store that fails.
fn is_documented(failure: &Failure, errno: Errno) -> bool {
    let code = match errno {
        Errno::StorageFull => matches!(failure.code, Code::Unavailable | Code::ResourceExhausted),
        Errno::Io | Errno::TooManyFiles => failure.code == Code::Unavailable,
    };
    code && failure.is_answer && !failure.reason.is_empty()
}

/// Opens what a process that died left, sends again what was not answered, and checks all of it.
async fn recover(store: &SimStore, ledger: &mut Ledger) {
    let place = Place::Disk(store.restart(Survivors::Cached));
    let server = Server::here(place.open().await, limits());
    let doors = Doors::of(&server).await;
    ledger.send_rest(&doors).await;
    ledger.check(&doors).await;
    ledger.check_replays(&doors).await;
}

/// Steps of the script when nothing fails: from the first one after the context was created to the last.
pub(crate) async fn steps() -> std::ops::Range<u64> {
    let store = SimStore::new();
    let server = Server::here(Place::Disk(store.clone()).open().await, limits());
    let doors = Doors::of(&server).await;
    doors.create(CaptureMode::State).await.unwrap();
    let first = store.step_count();
    let mut ledger = Ledger::new(script());
    ledger.send_rest(&doors).await;
    first..store.step_count()
}

#[tokio::test]
async fn every_step_of_the_store_fails_once_and_for_good() {
    let mut failures = 0;
    for step in steps().await {
        for repeat in [Repeat::Once, Repeat::Sticky] {
            let errno = [Errno::Io, Errno::TooManyFiles, Errno::StorageFull]
                [usize::try_from((step + u64::from(repeat == Repeat::Once)) % 3).unwrap()];
            println!("step {step} {repeat:?} {errno:?}");
            failures += fail_at(step, repeat, errno).await;
        }
    }
    assert!(failures > 100, "{failures} failures were seen");
}

pub(crate) async fn fail_at(from_step: u64, repeat: Repeat, errno: Errno) -> usize {
    let store = SimStore::new();
    let server = Server::here(Place::Disk(store.clone()).open().await, limits());
    let doors = Doors::of(&server).await;
    doors.create(CaptureMode::State).await.unwrap();
    store.set_plan(FaultPlan::failing(StepFault { from_step, target: Target::Every, repeat, errno }));
    let mut ledger = Ledger::new(script());
    let failures = ledger.send_all(&doors).await;
    for failure in &failures {
        assert!(is_documented(failure, errno), "{failure:?}");
    }
    for door in Asking::ALL {
        if let Err(failure) = doors.state(door, 25, ledger.newest()).await {
            assert!(is_documented(&failure, errno), "{door:?}: {failure:?}");
        }
    }
    store.set_plan(FaultPlan::default());
    ledger.check(&doors).await;
    drop(server);
    recover(&store, &mut ledger).await;
    failures.len()
}

#[tokio::test]
async fn a_full_disk_refuses_puts_answers_questions_and_takes_puts_again() {
    let store = SimStore::new();
    let server = Server::here(Place::Disk(store.clone()).open().await, limits());
    let doors = Doors::of(&server).await;
    doors.create(CaptureMode::State).await.unwrap();
    store.set_space_bytes_max(Some(store.used_bytes()));
    let mut ledger = Ledger::new(script());
    for failure in ledger.send_all(&doors).await {
        assert_eq!(failure.code, Code::ResourceExhausted, "{failure:?}");
    }
    ledger.check(&doors).await;
    store.set_space_bytes_max(None);
    ledger.send_rest(&doors).await;
    ledger.check(&doors).await;
    recover(&store, &mut ledger).await;
}

#[tokio::test]
async fn a_poisoned_server_refuses_puts_answers_questions_and_says_so() {
    let store = SimStore::new();
    let server = Server::here(Place::Disk(store.clone()).open().await, limits());
    let doors = Doors::of(&server).await;
    doors.create(CaptureMode::State).await.unwrap();
    let mut ledger = Ledger::new(script());
    ledger.send_one(&doors).await.unwrap();
    let channel = server.channel().await;
    let ask = |service: &str| HealthCheckRequest { service: service.to_owned() };
    let mut ingest = HealthClient::new(channel.clone())
        .watch(ask("calotype.v1.IngestService"))
        .await
        .unwrap()
        .into_inner();
    let first = ingest.message().await.unwrap().unwrap();
    assert_eq!(first.status(), ServingStatus::Serving);
    store.set_plan(FaultPlan::failing(StepFault {
        from_step: store.step_count(),
        target: Target::Syncs,
        repeat: Repeat::Once,
        errno: Errno::Io,
    }));
    let failure = ledger.send_one(&doors).await.unwrap_err();
    assert_eq!(failure.code, Code::Unavailable, "{failure:?}");
    for (turn, failure) in ledger.send_all(&doors).await.iter().enumerate() {
        assert_eq!(
            (failure.code, failure.reason.as_str()),
            (Code::Unavailable, "POISONED"),
            "{turn}: {failure:?}"
        );
    }
    let next = timeout(Duration::from_secs(5), ingest.message()).await.unwrap().unwrap().unwrap();
    assert_eq!(next.status(), ServingStatus::NotServing);
    let mut health = HealthClient::new(channel);
    for service in ["calotype.v1.QueryService", "calotype.v1.LogService"] {
        let found = health.check(ask(service)).await.unwrap().into_inner();
        assert_eq!(found.status(), ServingStatus::Serving, "{service}");
    }
    ledger.check(&doors).await;
    drop(server);
    recover(&store, &mut ledger).await;
}

/// Answers of a network, of a thousand puts so many for each fault.
fn network(seed: u64, rate: u16) -> FaultPlan {
    let faults = [
        AnswerFault::Refused,
        AnswerFault::Lost,
        AnswerFault::Doubled,
        AnswerFault::Conflict,
        AnswerFault::Late,
        AnswerFault::Repeated,
    ];
    FaultPlan::answering(AnswerPlan {
        prefix: ["", "log/", "packs/"][usize::try_from(seed % 3).unwrap()].into(),
        seed,
        per_mille: faults.map(|fault| (fault, rate)).into(),
        late_calls: seed % 5,
        ..AnswerPlan::default()
    })
}

/// Puts a random history on a store whose answers are wrong at times, each put until it is answered.
pub(crate) async fn run(number: u64) {
    let shape = StatementShape { operations: 10, cutoffs: 4, keys: 3, values: 3 };
    let store = SimStore::new();
    let place = Place::Bucket(store.clone());
    let mut server = Server::here(place.open().await, limits());
    let mut doors = Doors::of(&server).await;
    doors.create(CaptureMode::State).await.unwrap();
    let rate = u16::try_from(10 + number * 73 / 30).unwrap();
    let mut ledger = Ledger::new(statement_history(Seed::new(number), shape));
    for attempt in 0..20 {
        store.set_plan(network(number * 100 + attempt, rate));
        let failures = ledger.send_all(&doors).await;
        store.set_plan(FaultPlan::default());
        ledger.check(&doors).await;
        for failure in &failures {
            assert!(failure.is_answer && failure.code == Code::Unavailable, "{failure:?}");
        }
        if failures.is_empty() {
            break;
        }
        // A writer that could not learn what became of its put has stopped: as an operator would, start anew.
        server = Server::here(place.open().await, limits());
        doors = Doors::of(&server).await;
    }
    ledger.check_whole();
    ledger.check_replays(&doors).await;
    drop(server);
}

/// T11: up to half of all answers are wrong; each put is committed once, whoever repeats it.
#[tokio::test]
async fn wrong_answers_of_the_store_commit_exactly_once() {
    for number in 0..30 {
        println!("seed {number}");
        run(number).await;
    }
}

/// Two servers that look at the log only when they must, written in turns: each lags behind at every put.
pub(crate) async fn take_turns(number: u64) {
    let shape = StatementShape { operations: 14, cutoffs: 4, keys: 3, values: 3 };
    let place = Place::memory();
    let (one, other) =
        (Server::here(place.open().await, limits()), Server::here(place.open().await, limits()));
    let doors = [Doors::of(&one).await, Doors::of(&other).await];
    doors[0].create(CaptureMode::State).await.unwrap();
    let mut ledger = Ledger::new(statement_history(Seed::new(number), shape));
    let mut seed = Seed::new(number);
    while ledger.has_rest() {
        ledger.send_one(&doors[seed.below(2) as usize]).await.unwrap();
    }
    for doors in &doors {
        ledger.check(doors).await;
        ledger.check_replays(doors).await;
    }
}

#[tokio::test]
async fn servers_that_lag_behind_commit_on_the_newest_head() {
    for number in 0..12 {
        println!("seed {number}");
        take_turns(number).await;
    }
}

/// The client repeats by itself what is safe to repeat: a server that dies under it costs nothing and doubles nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_repeats_by_itself_and_commits_once() {
    let place = Place::memory();
    let mut server = Server::start(place.open().await, limits());
    let retries = RetryPolicy {
        attempts_max: 200,
        total_max: Duration::from_secs(20),
        delay_min: Duration::from_millis(2),
        delay_max: Duration::from_millis(20),
    };
    let doors = Doors { client: server.client_with(retries).await };
    doors.create(CaptureMode::State).await.unwrap();
    let operations: Vec<_> = (0..60).map(|n| Operation::delta(10, [(Key(n % 5), Some(n))])).collect();
    let mut ledger = Ledger::new(operations).without(Putting::Flight);
    let (progress, mut reached) = tokio::sync::watch::channel(0);
    let writing = tokio::spawn(async move {
        while ledger.has_rest() {
            ledger.send_one(&doors).await.unwrap();
            progress.send_modify(|sent| *sent += 1);
        }
        (ledger, doors)
    });
    for kill in [7, 19, 33, 47] {
        timeout(Duration::from_secs(30), reached.wait_for(|sent| *sent >= kill)).await.unwrap().unwrap();
        server = server.replaced(place.open().await).await;
    }
    let (mut ledger, doors) = writing.await.unwrap();
    ledger.check(&doors).await;
    ledger.check_whole();
    drop(server);
}

/// A writer that loses every slot gives up in the end, and says that nothing was done.
#[tokio::test]
async fn a_put_that_is_overtaken_for_ever_is_aborted() {
    let overtaken = overtaken::Overtaken::new().await;
    let server = Server::here(overtaken.open().await, limits());
    let doors = Doors::of(&server).await;
    doors.create(CaptureMode::State).await.unwrap();
    let mut ledger = Ledger::new(script());
    ledger.send_one(&doors).await.unwrap();
    overtaken.arm(true).await;
    for door in Putting::ALL {
        let failure = doors.apply(door, &script()[1], Some("again")).await.unwrap_err();
        assert_eq!(
            (failure.code, failure.reason.as_str()),
            (Code::Aborted, "OVERTAKEN"),
            "{door:?}: {failure:?}"
        );
    }
    let failure = doors.apply(Putting::Flight, &Operation::withdraw(10), None).await.unwrap_err();
    assert_eq!(failure.code, Code::Aborted, "{failure:?}");
    overtaken.arm(false).await;
    ledger.send_rest(&doors).await;
    ledger.check(&doors).await;
}
