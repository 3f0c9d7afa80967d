//! The log over gRPC: its head, its records, its watches.

use std::time::Duration;

use calotype_proto::v1::watch_context_request::Since;
use calotype_proto::v1::{GetHeadRequest, ListRecordsRequest, LogEntry, LogRecord, WatchContextRequest};
use calotype_storage::merkle::TreeHash;
use calotype_storage::record::Mode;
use futures::StreamExt;
use tonic::Code;

use super::*;
use crate::test_store::{TestStore, limits, request};

fn log(store: &TestStore) -> Log {
    Log { node: store.node.clone() }
}

/// Two contexts that take turns: commits 0 and 1 create them, then even ones are loans, odd ones payments.
async fn two_contexts(rounds: i64) -> TestStore {
    let store = TestStore::new().await;
    store.create("loans", Mode::Events).await;
    store.create("payments", Mode::Events).await;
    for round in 0..rounds {
        store.facts("loans", &[(round, "a", 1)]).await;
        store.facts("payments", &[(round, "a", 1)]).await;
    }
    store
}

async fn list(store: &TestStore, asked: &ListRecordsRequest) -> Result<Vec<LogRecord>, Status> {
    let mut records = Vec::new();
    let mut asked = asked.clone();
    loop {
        let page = log(store).list_records(request(asked.clone())).await?.into_inner();
        assert!(
            page.records.len() <= usize::try_from(asked.page_size).unwrap().max(1) || asked.page_size == 0
        );
        records.extend(page.records);
        if page.next_page_token.is_empty() {
            return Ok(records);
        }
        asked.page_token = page.next_page_token;
    }
}

fn commits(records: &[LogRecord]) -> Vec<u64> {
    records.iter().map(|record| record.commit).collect()
}

#[tokio::test]
async fn the_head_names_the_newest_commit_and_the_root() {
    let store = TestStore::new().await;
    let head = log(&store).get_head(request(GetHeadRequest::default())).await.unwrap().into_inner();
    assert_eq!((head.records, head.newest_commit, head.newest_time), (0, None, None));
    store.create("loans", Mode::Events).await;
    let receipt = store.facts("loans", &[(1, "a", 1)]).await;
    let asked = GetHeadRequest { at_least: Some(1) };
    let head = log(&store).get_head(request(asked)).await.unwrap().into_inner();
    assert_eq!((head.records, head.newest_commit, head.contexts), (2, Some(1), 1));
    assert_eq!(head.newest_record_hash, receipt.record_hash.to_string());
    assert_eq!(head.root, store.node.database().root().to_string());
    assert_eq!((head.store.as_str(), head.packs > 0, head.chunks > 0), ("memory", true, true));
    let asked = GetHeadRequest { at_least: Some(2) };
    let error = log(&store).get_head(request(asked)).await.unwrap_err();
    assert_eq!(error.code(), Code::Unavailable);
}

#[tokio::test]
async fn records_are_those_of_a_node_that_has_seen_enough() {
    let store = two_contexts(1).await;
    let peer = store.peer().await;
    let receipt = store.facts("loans", &[(9, "a", 1)]).await;
    let at_least = Some(receipt.id.record.get());
    let asked = ListRecordsRequest { at_least, newest_first: true, page_size: 2, ..Default::default() };
    let page = log(&peer).list_records(request(asked.clone())).await.unwrap().into_inner();
    assert_eq!(commits(&page.records), [4, 3], "the peer looks for it first");
    // The next page may name another one.
    let asked = ListRecordsRequest { at_least: None, page_token: page.next_page_token, ..asked };
    let page = log(&peer).list_records(request(asked.clone())).await.unwrap().into_inner();
    assert_eq!(commits(&page.records), [2, 1]);
    let asked = ListRecordsRequest { at_least: Some(5), ..asked };
    let error = log(&peer).list_records(request(asked)).await.unwrap_err();
    assert_eq!(error.code(), Code::Unavailable);
}

#[tokio::test]
async fn records_come_page_by_page_in_both_directions() {
    let store = two_contexts(5).await;
    let all: Vec<u64> = (0..12).collect();
    let backwards: Vec<u64> = (0..12).rev().collect();
    for page_size in [0, 1, 2, 5, 11, 12, 13] {
        let asked = ListRecordsRequest { page_size, ..ListRecordsRequest::default() };
        assert_eq!(commits(&list(&store, &asked).await.unwrap()), all, "{page_size}");
        let asked = ListRecordsRequest { from: Some(7), ..asked };
        assert_eq!(commits(&list(&store, &asked).await.unwrap()), all[7..]);
        let asked = ListRecordsRequest { newest_first: true, from: None, ..asked };
        assert_eq!(commits(&list(&store, &asked).await.unwrap()), backwards);
        let asked = ListRecordsRequest { from: Some(7), ..asked };
        assert_eq!(commits(&list(&store, &asked).await.unwrap()), backwards[4..]);
        let asked = ListRecordsRequest { context: "loans".into(), ..asked };
        assert_eq!(commits(&list(&store, &asked).await.unwrap()), [6, 4, 2, 0]);
        let asked = ListRecordsRequest { newest_first: false, ..asked };
        assert_eq!(commits(&list(&store, &asked).await.unwrap()), [8, 10]);
    }
    for from in [12, u64::MAX] {
        let asked = ListRecordsRequest { from: Some(from), ..ListRecordsRequest::default() };
        assert!(list(&store, &asked).await.unwrap().is_empty());
        let asked = ListRecordsRequest { newest_first: true, ..asked };
        assert_eq!(commits(&list(&store, &asked).await.unwrap()), backwards);
    }
}

#[tokio::test]
async fn what_is_committed_meanwhile_moves_no_page() {
    let store = two_contexts(3).await;
    let asked = ListRecordsRequest { newest_first: true, page_size: 3, ..ListRecordsRequest::default() };
    let page = log(&store).list_records(request(asked.clone())).await.unwrap().into_inner();
    store.facts("loans", &[(9, "a", 1)]).await;
    let asked = ListRecordsRequest { page_token: page.next_page_token, ..asked };
    let next = log(&store).list_records(request(asked)).await.unwrap().into_inner();
    assert_eq!((commits(&page.records), commits(&next.records)), (vec![7, 6, 5], vec![4, 3, 2]));
}

#[tokio::test]
async fn bytes_hash_to_the_leaf() {
    let store = two_contexts(2).await;
    let asked = ListRecordsRequest { with_bytes: true, ..ListRecordsRequest::default() };
    for record in list(&store, &asked).await.unwrap() {
        assert_eq!(RecordHash::new(LogHash::leaf(&record.bytes)).to_string(), record.hash);
        assert_eq!(record.entries.len(), 1);
        assert_eq!(record.entries[0].record_hash, record.hash);
    }
    let asked = ListRecordsRequest { with_bytes: false, ..asked };
    assert!(list(&store, &asked).await.unwrap().iter().all(|record| record.bytes.is_empty()));
}

#[tokio::test]
async fn a_page_stays_within_a_message() {
    let small = crate::limits::Limits { sent_batch_bytes: 1500, ..limits() };
    let store = TestStore::with(small).await;
    store.create("loans", Mode::Events).await;
    for round in 0..9 {
        store.facts("loans", &[(round, "a", 1)]).await;
    }
    let asked = ListRecordsRequest { with_bytes: true, ..ListRecordsRequest::default() };
    let page = log(&store).list_records(request(asked.clone())).await.unwrap().into_inner();
    assert!((1..9).contains(&page.records.len()), "{}", page.records.len());
    assert_eq!(commits(&list(&store, &asked).await.unwrap()), (0..10).collect::<Vec<_>>());
}

#[tokio::test]
async fn lists_refuse_what_they_do_not_know() {
    let store = two_contexts(3).await;
    let refused = async |asked: ListRecordsRequest, code| {
        let error = log(&store).list_records(request(asked)).await.unwrap_err();
        assert_eq!(error.code(), code, "{error}");
    };
    let asked = ListRecordsRequest { page_size: 2, ..ListRecordsRequest::default() };
    let page = log(&store).list_records(request(asked.clone())).await.unwrap().into_inner();
    let token = page.next_page_token;
    let with_token = ListRecordsRequest { page_token: token.clone(), ..asked.clone() };
    for other in [
        ListRecordsRequest { context: "loans".into(), ..with_token.clone() },
        ListRecordsRequest { newest_first: true, ..with_token.clone() },
        ListRecordsRequest { page_token: token.replace('0', "1"), ..asked.clone() },
        ListRecordsRequest { page_token: "x".into(), ..asked.clone() },
        ListRecordsRequest { page_size: -1, ..asked.clone() },
        ListRecordsRequest { context: "Loans".into(), ..asked.clone() },
    ] {
        refused(other, Code::InvalidArgument).await;
    }
    refused(ListRecordsRequest { context: "none".into(), ..asked }, Code::NotFound).await;
    // The page's size may change on the way.
    let with_token = ListRecordsRequest { page_size: 100, ..with_token };
    assert_eq!(log(&store).list_records(request(with_token)).await.unwrap().into_inner().records.len(), 6);
}

/// The next `count` entries of a watch, with their tokens; signs of life are passed over.
async fn entries(store: &TestStore, since: Option<Since>, count: usize) -> Vec<(LogEntry, String)> {
    let asked = WatchContextRequest { context: "loans".into(), since };
    let mut messages = log(store).watch_context(request(asked)).await.unwrap().into_inner();
    let mut entries = Vec::new();
    while entries.len() < count {
        let message = tokio::time::timeout(Duration::from_secs(5), messages.next()).await.unwrap();
        let message = message.unwrap().unwrap();
        if let Some(entry) = message.entry {
            assert_eq!(message.commit, entry.commit);
            entries.push((entry, message.resume_token));
        }
    }
    entries
}

#[tokio::test]
async fn a_watch_goes_on_wherever_it_was_left() {
    let store = two_contexts(70).await;
    let known = store.node.database().context(&crate::test_store::name("loans")).unwrap();
    let expected: Vec<u64> = known.entries().iter().map(|entry| entry.id.record.get()).collect();
    let count = expected.len();
    assert_eq!(count, 72, "a creation, seventy puts, and a keyframe after 64 of them");
    let all = entries(&store, None, count).await;
    assert_eq!(all.iter().map(|(entry, _)| entry.commit).collect::<Vec<_>>(), expected);
    assert_eq!((all[0].0.kind.as_str(), all[1].0.kind.as_str()), ("create", "facts"));
    for place in 0..count - 1 {
        let rest = count - 1 - place;
        let resumed = entries(&store, Some(Since::ResumeToken(all[place].1.clone())), rest).await;
        assert!(resumed.iter().map(|(entry, _)| entry).eq(all[place + 1..].iter().map(|(entry, _)| entry)));
        let resumed = entries(&store, Some(Since::AfterCommit(all[place].0.commit)), rest).await;
        assert_eq!(resumed[0].0, all[place + 1].0);
        // A commit of another context is a place as well.
        if all[place].0.commit + 1 < all[place + 1].0.commit {
            let since = Since::AfterCommit(all[place].0.commit + 1);
            assert_eq!(entries(&store, Some(since), rest).await[0].0, all[place + 1].0);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_watch_misses_and_repeats_nothing_while_others_commit() {
    let store = std::sync::Arc::new(two_contexts(0).await);
    let peer = store.peer().await;
    let following = tokio::spawn(crate::follow::Follower::run(peer.node.clone(), Duration::from_millis(5)));
    let writer = std::sync::Arc::clone(&store);
    let writing = tokio::spawn(async move {
        for round in 0..60 {
            writer.facts("loans", &[(round, "a", 1)]).await;
            writer.facts("payments", &[(round, "a", 1)]).await;
        }
    });
    let (here, there, resumed) = tokio::join!(entries(&store, None, 61), entries(&peer, None, 61), async {
        let mut all = Vec::new();
        while all.len() < 61 {
            let since = all.last().map(|(_, token): &(LogEntry, String)| Since::ResumeToken(token.clone()));
            all.extend(entries(&store, since, 1).await);
        }
        all
    });
    writing.await.unwrap();
    let known = store.node.database().context(&crate::test_store::name("loans")).unwrap();
    let expected: Vec<u64> = known.entries().iter().map(|entry| entry.id.record.get()).collect();
    for seen in [here, there, resumed] {
        assert_eq!(seen.iter().map(|(entry, _)| entry.commit).collect::<Vec<_>>(), expected);
    }
    peer.node.stopping().cancel();
    following.await.unwrap();
}

#[tokio::test]
async fn a_quiet_watch_gives_signs_of_life_that_it_goes_on_from() {
    let store = two_contexts(0).await;
    let asked = WatchContextRequest { context: "loans".into(), since: Some(Since::AfterCommit(0)) };
    let caller = Caller::of(&request(())).unwrap();
    let mut watch = watch::Watch::begin(&store.node, &caller, asked).await.unwrap();
    let (news, life) = (Duration::from_millis(50), Duration::from_millis(200));
    watch.pauses = watch::Pauses { news, life };
    let mut messages = Box::pin(watch.into_messages());
    let began = tokio::time::Instant::now();
    // Commit 1 created the other context.
    let message = messages.next().await.unwrap().unwrap();
    assert_eq!((message.entry, message.commit), (None, 1));
    assert!(began.elapsed() >= news / 2 && began.elapsed() < life);
    let message = messages.next().await.unwrap().unwrap();
    assert_eq!((message.entry, message.commit), (None, 1));
    assert!(began.elapsed() >= life, "{:?}", began.elapsed());
    store.facts("payments", &[(1, "a", 1)]).await;
    let news = messages.next().await.unwrap().unwrap();
    assert_eq!((news.entry, news.commit), (None, 2));
    store.facts("loans", &[(1, "a", 1)]).await;
    let entry = messages.next().await.unwrap().unwrap();
    assert_eq!((entry.entry.unwrap().commit, entry.commit), (3, 3));
    let resumed = entries(&store, Some(Since::ResumeToken(news.resume_token)), 1).await;
    assert_eq!(resumed[0].0.commit, 3);
}

#[tokio::test]
async fn watches_refuse_what_they_do_not_know_and_end_with_the_server() {
    let store = two_contexts(1).await;
    let begin = async |context: &str, since| {
        let asked = WatchContextRequest { context: context.into(), since };
        log(&store).watch_context(request(asked)).await.map(Response::into_inner)
    };
    let (_, token) = entries(&store, None, 1).await.remove(0);
    let refused = async |context: &str, since, code| {
        assert_eq!(begin(context, since).await.err().unwrap().code(), code);
    };
    refused("none", None, Code::NotFound).await;
    refused("Loans", None, Code::InvalidArgument).await;
    refused("payments", Some(Since::ResumeToken(token.clone())), Code::InvalidArgument).await;
    refused("loans", Some(Since::ResumeToken(String::new())), Code::InvalidArgument).await;
    refused("loans", Some(Since::ResumeToken(token.replace('0', "1"))), Code::InvalidArgument).await;
    refused("loans", Some(Since::AfterCommit(4)), Code::Unavailable).await;
    refused("loans", Some(Since::AfterCommit(u64::MAX)), Code::Unavailable).await;
    let mut messages = begin("loans", Some(Since::AfterCommit(3))).await.unwrap();
    store.node.stopping().cancel();
    let error = messages.next().await.unwrap().unwrap_err();
    assert_eq!((error.code(), status::reason(&error).as_deref()), (Code::Unavailable, Some("STOPPING")));
    assert!(messages.next().await.is_none());
}
