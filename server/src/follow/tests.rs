//! Following the log: what others commit is seen, waited for, and probed for by one at a time.

use calotype_storage::record::Mode;
use tonic::Code;

use super::*;
use crate::test_store::TestStore;

const fn commit(number: u64) -> Sequence {
    Sequence::new(number)
}

#[tokio::test]
async fn what_another_server_commits_is_announced_within_a_second() {
    let store = TestStore::new().await;
    let peer = store.peer().await;
    let mut heads = peer.node.follower().heads();
    let following = tokio::spawn(Follower::run(peer.node.clone(), POLL_INTERVAL));
    for round in 0..3 {
        let receipt = if round == 0 {
            store.create("loans", Mode::Events).await
        } else {
            store.facts("loans", &[(1, "a", round)]).await
        };
        let seen = heads.wait_for(|head| *head == Some(receipt.id.record));
        tokio::time::timeout(Duration::from_secs(1), seen).await.unwrap().unwrap();
        assert_eq!(peer.node.database().head().unwrap().sequence, receipt.id.record);
    }
    peer.node.stopping().cancel();
    following.await.unwrap();
}

#[tokio::test]
async fn a_commit_of_another_server_is_seen_at_once_when_it_is_asked_for() {
    let store = TestStore::new().await;
    let peer = store.peer().await;
    let receipt = store.create("loans", Mode::Events).await;
    // Nobody polls here.
    peer.node.follower().see(&peer.node, Some(receipt.id.record), None).await.unwrap();
    assert_eq!(*peer.node.follower().heads().borrow(), Some(receipt.id.record));
    peer.node.follower().see(&peer.node, None, None).await.unwrap();
}

#[tokio::test]
async fn a_commit_that_comes_while_somebody_waits_is_waited_for() {
    let store = TestStore::new().await;
    let peer = store.peer().await;
    let following = tokio::spawn(Follower::run(peer.node.clone(), Duration::from_millis(10)));
    let node = peer.node.clone();
    let waiting = tokio::spawn(async move { node.follower().see(&node, Some(commit(1)), None).await });
    store.create("loans", Mode::Events).await;
    store.facts("loans", &[(1, "a", 1)]).await;
    waiting.await.unwrap().unwrap();
    peer.node.stopping().cancel();
    following.await.unwrap();
}

#[tokio::test]
async fn a_commit_that_does_not_come_is_unavailable_soon_for_however_many_wait() {
    let store = TestStore::new().await;
    store.create("loans", Mode::Events).await;
    let began = Instant::now();
    let waiting = (0..200).map(|_| store.node.follower().see(&store.node, Some(commit(u64::MAX)), None));
    for outcome in futures::future::join_all(waiting).await {
        let error = outcome.unwrap_err();
        assert_eq!(error.code(), Code::Unavailable);
        assert!(error.message().contains(&u64::MAX.to_string()), "{error}");
        assert!(error.message().contains("commit 0"), "{error}");
    }
    assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
}

#[tokio::test]
async fn those_who_come_while_somebody_else_probes_share_the_next_probe() {
    let store = TestStore::new().await;
    let peer = store.peer().await;
    store.create("loans", Mode::Events).await;
    let follower = peer.node.follower();
    let probing = follower.catching_up.lock().await;
    let waiting = (0..200).map(|_| follower.see(&peer.node, Some(commit(0)), None));
    let mut waiting = std::pin::pin!(futures::future::join_all(waiting));
    assert!(futures::poll!(&mut waiting).is_pending());
    drop(probing);
    assert!(waiting.await.into_iter().all(|outcome| outcome.is_ok()));
    assert_eq!(follower.begun.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn nobody_waits_past_the_deadline_or_the_end_of_the_server() {
    let limits = crate::limits::Limits {
        at_least_time_max: Duration::from_hours(1),
        ..crate::limits::Limits::default()
    };
    let store = TestStore::with(limits).await;
    let soon = Instant::now() + Duration::from_millis(20);
    let error = store.node.follower().see(&store.node, Some(commit(0)), Some(soon)).await.unwrap_err();
    assert_eq!(error.code(), Code::Unavailable);
    assert!(error.message().contains("none"), "{error}");
    let node = store.node.clone();
    let waiting = tokio::spawn(async move { node.follower().see(&node, Some(commit(0)), None).await });
    store.node.stopping().cancel();
    let error = waiting.await.unwrap().unwrap_err();
    assert_eq!((error.code(), status::reason(&error).as_deref()), (Code::Unavailable, Some("STOPPING")));
}

#[tokio::test]
async fn those_who_name_what_is_not_known_share_one_look() {
    let store = TestStore::new().await;
    let peer = store.peer().await;
    let begun = || peer.node.follower().begun.load(Ordering::Acquire);
    let made_up =
        (0..100).map(|number| {
            let node = peer.node.clone();
            async move {
                crate::intake::context(&node, &crate::test_store::name(&format!("made_up_{number}"))).await
            }
        });
    for outcome in futures::future::join_all(made_up).await {
        assert_eq!(outcome.unwrap_err().code(), Code::NotFound);
    }
    assert!(begun() <= 2, "{} looks for 100 names", begun());
    store.create("loans", Mode::Events).await;
    let before = Instant::now();
    crate::intake::context(&peer.node, &crate::test_store::name("loans")).await.unwrap();
    assert!(before.elapsed() < Duration::from_secs(1), "a look is put off, not refused");
}
