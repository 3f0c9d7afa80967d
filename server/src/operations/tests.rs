//! Operations: begun, followed, cancelled, forgotten, and ended with the server.

use calotype_storage::record::Mode;
use tokio::sync::oneshot;
use tonic::Code;

use super::*;
use crate::limits::Limits;
use crate::test_store::TestStore;

async fn ended(mut now: watch::Receiver<Operation>) -> Operation {
    let ended = now.wait_for(|operation| operation.state != State::Running);
    tokio::time::timeout(Duration::from_secs(10), ended).await.unwrap().unwrap().clone()
}

/// Starts work that ends when it is told to.
fn start(store: &TestStore) -> Result<(Operation, oneshot::Sender<Result<(), Error>>), Status> {
    let (end, told) = oneshot::channel::<Result<(), Error>>();
    let operation =
        store.node.operations().start(&store.node, "test", Principal::local(), |_| async move {
            told.await.expect("the test tells how it ends")?;
            Ok(Arc::new(Verified { level: Level::Chain, report: Report::default(), findings_total: 0 }))
        })?;
    Ok((operation, end))
}

#[tokio::test]
async fn a_verification_runs_to_its_report() {
    let store = TestStore::new().await;
    store.create("loans", Mode::State).await;
    for cutoff in 1..20 {
        store.full("loans", cutoff, &[(1, "a"), (2, &format!("b{cutoff}"))]).await;
    }
    let operations = store.node.operations();
    for level in [Level::Chain, Level::Packs, Level::Bytes, Level::Content] {
        let started = operations.start_verify(&store.node, Principal::local(), level).unwrap();
        assert_eq!((started.state, started.kind, started.ended_at), (State::Running, "verify", None));
        let operation = ended(operations.follow(&started.id).unwrap()).await;
        assert_eq!((operation.state, &operation.error), (State::Done, &None));
        assert!(operation.ended_at.is_some());
        assert_eq!((operation.done, operation.total > 0), (operation.total, true));
        let verified = operation.verified.unwrap();
        assert_eq!((verified.level, verified.findings_total), (level, 0));
        assert_eq!(verified.report.records, 20);
        assert_eq!(verified.report.snapshots, if level == Level::Content { 19 } else { 0 });
    }
}

#[tokio::test]
async fn a_verification_is_cancelled_between_two_steps() {
    let store = TestStore::new().await;
    store.create("loans", Mode::Events).await;
    for from in 0..50 {
        store.facts("loans", &[(1, "a", from)]).await;
    }
    let operations = store.node.operations();
    let started = operations.start_verify(&store.node, Principal::local(), Level::Content).unwrap();
    let mut now = operations.follow(&started.id).unwrap();
    now.wait_for(|operation| operation.done >= 5).await.unwrap();
    let operation = ended(operations.cancel(&started.id).unwrap()).await;
    assert_eq!(operation.state, State::Cancelled);
    assert!(operation.verified.is_none() && operation.ended_at.is_some());
    assert!(operation.done < operation.total, "{operation:?}");
}

#[tokio::test]
async fn what_is_done_stays_as_it_is() {
    let store = TestStore::new().await;
    let (operation, end) = start(&store).unwrap();
    end.send(Ok(())).unwrap();
    let operations = store.node.operations();
    let done = ended(operations.follow(&operation.id).unwrap()).await;
    assert_eq!(done.state, State::Done);
    let cancelled = ended(operations.cancel(&operation.id).unwrap()).await;
    operations.stop();
    assert_eq!((cancelled.state, cancelled.ended_at), (State::Done, done.ended_at));
}

#[tokio::test]
async fn an_error_and_a_panic_end_an_operation() {
    let store = TestStore::new().await;
    let operations = store.node.operations();
    let (failing, end) = start(&store).unwrap();
    end.send(Err(Error::ReadOnly)).unwrap();
    let failed = ended(operations.follow(&failing.id).unwrap()).await;
    assert_eq!((failed.state, failed.error), (State::Failed, Some(Error::ReadOnly.to_string())));
    let (panicking, end) = start(&store).unwrap();
    drop(end);
    let failed = ended(operations.follow(&panicking.id).unwrap()).await;
    assert_eq!(failed.state, State::Failed);
    assert!(failed.error.unwrap().contains("without an answer"));
}

#[tokio::test]
async fn no_more_run_at_once_than_may() {
    let store = TestStore::with(Limits { operations_max: 2, ..Limits::default() }).await;
    let (first, _first_end) = start(&store).unwrap();
    let (_, _second_end) = start(&store).unwrap();
    let error = start(&store).unwrap_err();
    assert_eq!(error.code(), Code::ResourceExhausted);
    ended(store.node.operations().cancel(&first.id).unwrap()).await;
    assert!(start(&store).is_ok());
}

#[tokio::test]
async fn the_newest_hundred_are_kept_and_listed_newest_first() {
    let store = TestStore::new().await;
    let operations = store.node.operations();
    let (running, _end) = start(&store).unwrap();
    let mut ids = Vec::new();
    for _ in 0..KEPT + 5 {
        let (operation, end) = start(&store).unwrap();
        end.send(Ok(())).unwrap();
        ended(operations.follow(&operation.id).unwrap()).await;
        ids.push(operation.id);
    }
    let listed = operations.list(u64::MAX, usize::MAX);
    assert_eq!(listed.len(), KEPT);
    assert!(listed.windows(2).all(|pair| pair[0].number > pair[1].number));
    assert_eq!(listed.last().unwrap().id, running.id, "one that runs is never forgotten");
    assert!(operations.follow(&ids[0]).is_none() && operations.follow(ids.last().unwrap()).is_some());
    let some = operations.list(listed[3].number, 2);
    assert_eq!(some.iter().map(|one| one.number).collect::<Vec<_>>(), [listed[4].number, listed[5].number]);
}

#[tokio::test]
async fn only_the_id_itself_names_an_operation() {
    let store = TestStore::new().await;
    let (operation, _end) = start(&store).unwrap();
    let operations = store.node.operations();
    let (run, number) = operation.id.split_once('-').unwrap();
    assert!(operations.follow(&operation.id).is_some());
    for other in [
        "",
        "-",
        number,
        run,
        &format!("{run}-0{number}"),
        &format!("{run}-+{number}"),
        &format!("x-{number}"),
    ] {
        assert!(operations.follow(other).is_none() && operations.cancel(other).is_none(), "{other}");
    }
}

#[tokio::test]
async fn a_server_that_stops_cancels_all_and_starts_none() {
    let store = TestStore::new().await;
    let (operation, _end) = start(&store).unwrap();
    let operations = store.node.operations();
    operations.stop();
    assert_eq!(ended(operations.follow(&operation.id).unwrap()).await.state, State::Cancelled);
    assert_eq!(start(&store).unwrap_err().code(), Code::Unavailable);
}
