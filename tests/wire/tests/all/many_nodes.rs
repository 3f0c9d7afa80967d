//! T12: several servers on one store, written at the same time, killed and started again. One log, which every node
//! tells alike; what was answered once stays true on all of them.

mod cluster;
mod record;

use std::sync::Arc;
use std::time::Duration;

use calotype_client::{AsOfQuestion, CaptureMode, Point, Since};
use calotype_oracle::{Key, Operation, Seed, StatementShape, statement_history};
use calotype_simulation::{AnswerFault, AnswerPlan, FaultPlan, SimStore};
use calotype_wire::doors::{CONTEXT, Doors, Putting, told};
use futures::future::join_all;
use tokio::time::{Instant, timeout};
use tonic::Code;

use self::cluster::Cluster;
use self::record::{Journal, check_log, write};
use crate::places::Place;

const SHAPE: StatementShape = StatementShape { operations: 10, cutoffs: 4, keys: 3, values: 3 };
/// Writers at once.
const WRITERS: u64 = 3;
/// How soon a node must see what another has committed.
const SECOND: Duration = Duration::from_secs(1);

/// Answers of a network: refused, lost, doubled, in conflict, late, repeated.
fn toxics(seed: u64) -> FaultPlan {
    let rates = [
        (AnswerFault::Refused, 60),
        (AnswerFault::Lost, 80),
        (AnswerFault::Doubled, 50),
        (AnswerFault::Conflict, 50),
        (AnswerFault::Late, 60),
        (AnswerFault::Repeated, 50),
    ];
    FaultPlan::answering(AnswerPlan {
        seed,
        per_mille: rates.into(),
        late_calls: seed % 6,
        ..AnswerPlan::default()
    })
}

/// Writes random histories through all nodes at once, while nodes die and come back.
async fn run(place: Place, mut seed: Seed, toxic: Option<SimStore>) {
    let nodes = 2 + seed.below(4) as usize;
    let cluster = Arc::new(Cluster::start(place, nodes).await);
    cluster.doors(0).await.unwrap().create(CaptureMode::State).await.unwrap();
    if let Some(store) = &toxic {
        store.set_plan(toxics(seed.bits()));
    }
    let journal = Arc::new(Journal::default());
    let writers = (0..WRITERS).map(|writer| {
        let history = statement_history(Seed::new(seed.bits()), SHAPE);
        let (cluster, journal, seed) = (Arc::clone(&cluster), Arc::clone(&journal), Seed::new(seed.bits()));
        tokio::spawn(write(cluster, journal, history, writer, seed))
    });
    let writers: Vec<_> = writers.collect();
    // Nodes die when so much has been answered, whatever the machine's pace.
    let mut dying = Seed::new(seed.bits());
    for answered in [5, 11, 17, 23] {
        journal.reached(answered).await;
        cluster.kill(dying.below(u32::try_from(nodes).unwrap()) as usize).await;
    }
    for writer in join_all(writers).await {
        writer.unwrap();
    }
    if let Some(store) = &toxic {
        store.set_plan(FaultPlan::default());
    }
    check_log(&cluster, &journal).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_on_one_memory_make_one_log() {
    for number in 0..8 {
        println!("seed {number}");
        run(Place::memory(), Seed::new(number), None).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_on_one_bucket_with_a_bad_network_make_one_log() {
    for number in 0..16 {
        println!("seed {number}");
        let store = SimStore::new();
        run(Place::Bucket(store.clone()), Seed::new(number), Some(store)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nodes_on_one_folder_make_one_log() {
    for number in 0..3 {
        println!("seed {number}");
        let folder = tempfile::tempdir().unwrap();
        run(Place::Folder(folder.path().join("store")), Seed::new(number), None).await;
    }
}

/// Makes a node see a commit.
async fn see(doors: &Doors, commit: u64) {
    let question = AsOfQuestion { at_least: Some(commit), ..AsOfQuestion::new(CONTEXT, Point::default()) };
    told(doors.client.as_of(&question).await.unwrap()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_commit_is_seen_on_every_node_within_a_second() {
    let cluster = Cluster::start(Place::memory(), 3).await;
    let doors = cluster.all_doors().await;
    let mut newest = doors[0].create(CaptureMode::State).await.unwrap();
    for (round, writer) in (0_u32..6).zip([0_usize, 1, 2].into_iter().cycle()) {
        let operation = Operation::delta(10, [(Key(1), Some(round))]);
        let mut watches = Vec::new();
        for other in doors.iter().enumerate().filter(|(place, _)| *place != writer) {
            see(other.1, newest).await;
            watches.push(other.1.client.watch(CONTEXT, Since::Commit(newest)));
        }
        let committed = doors[writer].apply(Putting::Rows, &operation, None).await.unwrap();
        newest = committed.commit;
        let begun = Instant::now();
        for watch in &mut watches {
            let seen = async {
                loop {
                    let event = watch.next().await.unwrap();
                    if event.entry.is_some_and(|entry| entry.commit == committed.commit) {
                        return;
                    }
                }
            };
            timeout(SECOND, seen).await.expect("a commit is seen within a second");
        }
        assert!(begun.elapsed() < SECOND, "round {round}: {:?}", begun.elapsed());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_put_sent_to_every_node_at_once_is_one_put() {
    let cluster = Cluster::start(Place::memory(), 4).await;
    let doors = cluster.all_doors().await;
    doors[0].create(CaptureMode::State).await.unwrap();
    for round in 0_u32..12 {
        let operation = Operation::delta(10, [(Key(1), Some(round))]);
        let id = format!("round-{round}");
        let sent = doors.iter().enumerate().map(|(place, doors)| {
            let door = Putting::turn(place + round as usize);
            let (operation, id) = (&operation, &id);
            async move { doors.apply(door, operation, Some(id)).await.unwrap() }
        });
        let answers = join_all(sent).await;
        let new = answers.iter().filter(|answer| !answer.replayed).count();
        assert_eq!(new, 1, "round {round}: {answers:?}");
        let same = answers.iter().all(|answer| answer.first() == answers[0].first());
        assert!(same, "round {round}: {answers:?}");
        let other = Operation::delta(10, [(Key(2), Some(round))]);
        for (place, doors) in doors.iter().enumerate() {
            let failure = doors.apply(Putting::turn(place), &other, Some(&id)).await.unwrap_err();
            assert_eq!(failure.code, Code::AlreadyExists, "round {round}: {failure:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_puts_that_expect_the_same_commit_one_wins() {
    let cluster = Cluster::start(Place::memory(), 4).await;
    let doors: Vec<Doors> = cluster.all_doors().await;
    doors[0].create(CaptureMode::State).await.unwrap();
    let mut newest = doors[0].client.context(CONTEXT).await.unwrap().newest_commit;
    for round in 0_u32..12 {
        let sent = doors.iter().enumerate().map(|(place, doors)| {
            let value = u32::try_from(place).unwrap();
            let operation = Operation::delta(10, [(Key(1), Some(value))]);
            let door = Putting::turn(place + round as usize);
            async move { doors.apply_expecting(door, &operation, None, newest).await }
        });
        let (won, lost): (Vec<_>, Vec<_>) = join_all(sent).await.into_iter().partition(Result::is_ok);
        assert_eq!(won.len(), 1, "round {round}: {won:?}");
        for failure in lost.into_iter().map(Result::unwrap_err) {
            assert_eq!(failure.code, Code::FailedPrecondition, "round {round}: {failure:?}");
        }
        newest = Some(won[0].as_ref().unwrap().commit);
    }
}
