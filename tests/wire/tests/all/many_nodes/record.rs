//! What was sent to several nodes and what they answered; and what must be true of it in the end.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use calotype_client::{AsOfQuestion, LogRecord, RecordsQuestion};
use calotype_oracle::{Key, Operation, Seed, StatementOracle};
use calotype_storage::record::record_hash;
use calotype_wire::doors::{Asking, CONTEXT, Committed, Doors, Putting, point};
use calotype_wire::failure::Failure;
use futures::TryStreamExt;
use tokio::sync::watch;
use tokio::time::timeout;
use tonic::Code;

use super::cluster::Cluster;

/// How long writers may take: whoever takes longer has stopped.
const PATIENCE: Duration = Duration::from_secs(30);
/// How often something is sent before it is given up.
const ATTEMPTS_MAX: usize = 60;

/// A put that was acknowledged.
#[derive(Clone, Debug)]
struct Done {
    id: String,
    operation: Operation<Key, u32>,
    /// When it was first sent and when it was answered, in ticks of one clock.
    sent: u64,
    answered: u64,
    committed: Committed,
}

/// An answer that was settled when it was given.
#[derive(Clone, Debug)]
struct Settled {
    valid_at: i64,
    known_at: i64,
    hash: String,
}

/// What was sent and what was answered.
pub(super) struct Journal {
    ticks: AtomicU64,
    done: Mutex<Vec<Done>>,
    settled: Mutex<Vec<Settled>>,
    answered: watch::Sender<usize>,
}

impl Default for Journal {
    fn default() -> Self {
        Self {
            ticks: AtomicU64::new(0),
            done: Mutex::default(),
            settled: Mutex::default(),
            answered: watch::channel(0).0,
        }
    }
}

impl Journal {
    fn tick(&self) -> u64 {
        self.ticks.fetch_add(1, Ordering::SeqCst)
    }

    /// Waits until so many operations have been answered, one way or the other.
    pub(super) async fn reached(&self, count: usize) {
        let mut answered = self.answered.subscribe();
        let reached = timeout(PATIENCE, answered.wait_for(|answered| *answered >= count));
        reached.await.expect("the writers go on").unwrap();
    }
}

/// Whether the same may be sent to another node: nobody knows what was done, or nothing was.
fn may_repeat(failure: &Failure) -> bool {
    !failure.is_answer || matches!(failure.code, Code::Unavailable | Code::Aborted)
}

/// Sends operations one after the other, each to some node until one answers, and reads what it wrote from another.
pub(super) async fn write(
    cluster: Arc<Cluster>,
    journal: Arc<Journal>,
    history: Vec<Operation<Key, u32>>,
    writer: u64,
    mut seed: Seed,
) {
    for (number, operation) in history.into_iter().enumerate() {
        let id = format!("{writer}-{number}");
        let sent = journal.tick();
        let outcome = send(&cluster, &operation, &id, &mut seed).await;
        let answered = journal.tick();
        if let Some(committed) = outcome {
            let known_at = committed.system_time;
            let done =
                Done { id, operation: operation.clone(), sent, answered, committed: committed.clone() };
            journal.done.lock().unwrap().push(done);
            let valid_at = operation.cutoff();
            let hash = read(&cluster, valid_at, known_at, committed.commit, &mut seed).await;
            journal.settled.lock().unwrap().push(Settled { valid_at, known_at, hash });
        }
        journal.answered.send_modify(|answered| *answered += 1);
    }
}

fn any_node(cluster: &Cluster, seed: &mut Seed) -> usize {
    seed.below(u32::try_from(cluster.len()).unwrap()) as usize
}

/// Sends an operation until it is answered; nothing if it is refused for good.
async fn send(
    cluster: &Cluster,
    operation: &Operation<Key, u32>,
    id: &str,
    seed: &mut Seed,
) -> Option<Committed> {
    for _ in 0..ATTEMPTS_MAX {
        let node = any_node(cluster, seed);
        let door = Putting::turn(seed.below(4) as usize);
        let answer = match cluster.doors(node).await {
            Ok(doors) => doors.apply(door, operation, Some(id)).await,
            Err(failure) => Err(failure),
        };
        match answer {
            Ok(committed) => return Some(committed),
            Err(failure) if may_repeat(&failure) => {}
            Err(failure) => {
                let unknown =
                    matches!(operation, Operation::Withdraw { .. }) && failure.code == Code::NotFound;
                assert!(unknown, "{id} {operation:?} at node {node} by {door:?}: {failure:?}");
                return None;
            }
        }
    }
    panic!("{id} {operation:?} is never answered");
}

/// The hash of an answer from some node, which must have seen a commit.
async fn read(cluster: &Cluster, valid_at: i64, known_at: i64, commit: u64, seed: &mut Seed) -> String {
    for _ in 0..ATTEMPTS_MAX {
        let question =
            AsOfQuestion { at_least: Some(commit), ..AsOfQuestion::new(CONTEXT, point(valid_at, known_at)) };
        let Ok(doors) = cluster.doors(any_node(cluster, seed)).await else { continue };
        let told = async {
            let answer = doors.client.as_of(&question).await?;
            assert!(answer.claim().settled, "what was acknowledged is settled");
            calotype_wire::doors::told(answer).await
        };
        match told.await {
            Ok(told) => return told.result_hash,
            Err(failure) => assert!(may_repeat(&failure), "{failure:?}"),
        }
    }
    panic!("commit {commit} is never seen");
}

/// Every node, and one that was not there before, tells one log; each receipt is in it; it is what the oracle makes
/// of it; settled answers are as they were.
pub(super) async fn check_log(cluster: &Cluster, journal: &Journal) {
    let done = journal.done.lock().unwrap().clone();
    let settled = journal.settled.lock().unwrap().clone();
    let newest = done.iter().map(|done| done.committed.commit).max().unwrap();
    let newcomer = cluster.newcomer().await;
    let mut all = cluster.all_doors().await;
    all.push(Doors::of(&newcomer).await);
    let log = records(&all[all.len() - 1]).await;
    check_chain(&log);
    check_receipts(&log, &done);
    for (place, doors) in all.iter().enumerate() {
        let seen = AsOfQuestion { at_least: Some(newest), ..AsOfQuestion::new(CONTEXT, point(10, 0)) };
        calotype_wire::doors::told(doors.client.as_of(&seen).await.unwrap()).await.unwrap();
        assert_eq!(records(doors).await, log, "the log as node {place} tells it");
    }
    check_order(&done);
    check_states(&all, &done, &settled).await;
    check_replays(&all, &done).await;
    assert_eq!(records(&all[0]).await, log, "repetitions commit nothing");
}

async fn records(doors: &Doors) -> Vec<LogRecord> {
    let question = RecordsQuestion { with_bytes: true, ..RecordsQuestion::default() };
    doors.client.records(&question).try_collect().await.unwrap()
}

/// The log has no gap, and each record names the one before.
fn check_chain(log: &[LogRecord]) {
    let mut prev = "0".repeat(64);
    for (number, record) in (0..).zip(log) {
        assert_eq!(record.commit, number, "the log has no gap");
        assert_eq!(record_hash(&record.bytes).to_string(), record.hash);
        let text = String::from_utf8_lossy(&record.bytes);
        assert!(text.contains(&prev), "record {number} names the record before it");
        prev.clone_from(&record.hash);
    }
}

/// Each acknowledged put is in the log once, where its receipt says; and nothing else is.
fn check_receipts(log: &[LogRecord], done: &[Done]) {
    let mut places = BTreeSet::new();
    for done in done {
        let Committed { commit, entry, .. } = done.committed;
        assert!(places.insert((commit, entry)), "two receipts of one entry: {done:?}");
        let record = &log[usize::try_from(commit).unwrap()];
        assert_eq!(record.hash, done.committed.record_hash, "{done:?}");
        let found = &record.entries[entry as usize];
        assert_eq!(found.request_id.as_ref(), Some(&done.id), "{done:?}");
        assert_eq!(found.system_time.micros(), done.committed.system_time, "{done:?}");
        assert_eq!(found.snapshot, done.committed.snapshot, "{done:?}");
    }
    let mut ids = BTreeMap::<&str, u32>::new();
    for id in log.iter().flat_map(|record| &record.entries).filter_map(|entry| entry.request_id.as_deref()) {
        *ids.entry(id).or_default() += 1;
    }
    assert!(ids.values().all(|count| *count == 1), "committed twice: {ids:?}");
    assert_eq!(ids.len(), done.len(), "what is in the log was acknowledged in the end");
}

/// What was answered before something else was sent lies before it.
fn check_order(done: &[Done]) {
    for (one, other) in done.iter().flat_map(|one| done.iter().map(move |other| (one, other))) {
        if one.answered < other.sent {
            let place =
                |done: &Done| (done.committed.commit, done.committed.entry, done.committed.system_time);
            assert!(place(one) < place(other), "{one:?} was answered before {other:?} was sent");
        }
    }
}

/// The states are what the oracle makes of the log's order.
async fn check_states(all: &[Doors], done: &[Done], settled: &[Settled]) {
    let mut order = done.to_vec();
    order.sort_by_key(|done| (done.committed.commit, done.committed.entry));
    let mut oracle = StatementOracle::new();
    for done in &order {
        let applied = oracle.apply(done.committed.system_time, done.operation.clone());
        assert_eq!(applied, Ok(()), "{done:?}");
    }
    for (turn, one) in settled.iter().enumerate() {
        let expected = oracle.state(one.valid_at, one.known_at);
        for (place, doors) in all.iter().enumerate() {
            let door = Asking::ALL[(turn + place) % 3];
            let (found, hash) = doors.state(door, one.valid_at, one.known_at).await.unwrap();
            assert_eq!(found, expected, "{one:?} at node {place} by {door:?}");
            assert_eq!(hash, one.hash, "{one:?} at node {place} by {door:?}");
        }
    }
}

/// Whatever is sent again, wherever, is answered with the first receipt.
async fn check_replays(all: &[Doors], done: &[Done]) {
    for (turn, done) in done.iter().enumerate() {
        let doors = &all[turn % all.len()];
        let again = doors.apply(Putting::turn(turn), &done.operation, Some(&done.id)).await.unwrap();
        assert!(again.replayed, "{done:?}");
        assert_eq!(again.first(), done.committed.first(), "{done:?}");
    }
}
