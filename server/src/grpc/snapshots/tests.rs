//! Snapshots over gRPC: found, listed, read, verified.

use calotype_proto::v1::answer_part::Part as Piece;
use calotype_proto::v1::operation_service_server::OperationService;
use calotype_proto::v1::{
    CancelOperationRequest, GetOperationRequest, GetSnapshotRequest, ListOperationsRequest,
    ListSnapshotsRequest, OperationState, ReadSnapshotRequest, Snapshot, VerifyStoreRequest,
    WatchOperationRequest,
};
use calotype_storage::record::Mode;
use prost_types::Timestamp;
use tonic::Code;

use super::*;
use crate::limits::Limits;
use crate::test_store::{TestStore, drain, limits, request};

fn snapshots(store: &TestStore) -> Snapshots {
    Snapshots { node: store.node.clone() }
}

fn operations_of(store: &TestStore) -> operations::Operations {
    operations::Operations::new(store.node.clone())
}

/// Cutoffs 5 and 6, the first one with three revisions.
async fn books() -> TestStore {
    let store = TestStore::new().await;
    store.create("books", Mode::State).await;
    store.full("books", 5, &[(1, "a"), (2, "b")]).await;
    store.delta("books", 5, &[(2, "c")]).await;
    store.full("books", 6, &[(1, "a"), (3, "d")]).await;
    store.delta("books", 5, &[(1, "e")]).await;
    store.full("books", 7, &[(1, "a")]).await;
    store
}

async fn list(store: &TestStore, asked: &ListSnapshotsRequest) -> Result<Vec<Snapshot>, Status> {
    let mut all = Vec::new();
    let mut asked = asked.clone();
    loop {
        let page = snapshots(store).list_snapshots(request(asked.clone())).await?.into_inner();
        all.extend(page.snapshots);
        if page.next_page_token.is_empty() {
            return Ok(all);
        }
        asked.page_token = page.next_page_token;
    }
}

#[tokio::test]
async fn snapshots_are_listed_in_the_order_of_sealing_and_got_by_id() {
    let store = books().await;
    for page_size in [0, 1, 2, 4, 5, 6] {
        let asked = ListSnapshotsRequest { context: "books".into(), page_size, ..Default::default() };
        let all = list(&store, &asked).await.unwrap();
        assert_eq!(all.iter().map(|one| one.commit).collect::<Vec<_>>(), [1, 2, 3, 4, 5]);
        let cutoff = Some(Timestamp { seconds: 0, nanos: 5000 });
        let asked = ListSnapshotsRequest { cutoff, ..asked };
        let some = list(&store, &asked).await.unwrap();
        assert_eq!(some.iter().map(|one| one.revision).collect::<Vec<_>>(), [1, 2, 3]);
        assert_eq!(some.iter().map(|one| one.kind.as_str()).collect::<Vec<_>>(), ["full", "delta", "delta"]);
        for one in all {
            assert_eq!((one.context.as_str(), one.reconciliation.as_str()), ("books", "none"));
            assert_eq!((one.content_root.len(), one.semantics.as_str()), (64, "event_time"));
            let got =
                snapshots(&store).get_snapshot(request(GetSnapshotRequest { id: one.id.clone() })).await;
            assert_eq!(got.unwrap().into_inner().snapshot, Some(one));
        }
    }
}

#[tokio::test]
async fn lists_of_snapshots_refuse_what_they_do_not_know() {
    let store = books().await;
    store.create("others", Mode::State).await;
    let asked = ListSnapshotsRequest { context: "books".into(), page_size: 2, ..Default::default() };
    let page = snapshots(&store).list_snapshots(request(asked.clone())).await.unwrap().into_inner();
    let with_token = ListSnapshotsRequest { page_token: page.next_page_token.clone(), ..asked.clone() };
    let finer = Some(Timestamp { seconds: 0, nanos: 1 });
    for other in [
        ListSnapshotsRequest { context: "others".into(), ..with_token.clone() },
        ListSnapshotsRequest { cutoff: Some(Timestamp { seconds: 0, nanos: 5000 }), ..with_token.clone() },
        ListSnapshotsRequest { page_token: with_token.page_token.replace('0', "1"), ..asked.clone() },
        ListSnapshotsRequest { page_token: "no token".into(), ..asked.clone() },
        ListSnapshotsRequest { page_size: i32::MIN, ..asked.clone() },
        ListSnapshotsRequest { cutoff: finer, ..asked.clone() },
    ] {
        assert_eq!(list(&store, &other).await.unwrap_err().code(), Code::InvalidArgument);
    }
    let none = ListSnapshotsRequest { context: "none".into(), ..asked };
    assert_eq!(list(&store, &none).await.unwrap_err().code(), Code::NotFound);
    let others = ListSnapshotsRequest { context: "others".into(), ..Default::default() };
    assert!(list(&store, &others).await.unwrap().is_empty());
}

#[tokio::test]
async fn the_rows_of_snapshots_are_read() {
    let store = books().await;
    let all = list(&store, &ListSnapshotsRequest { context: "books".into(), ..Default::default() }).await;
    for (snapshot, columns) in all.unwrap().into_iter().zip([2, 3, 2, 3, 2]) {
        let asked = ReadSnapshotRequest { id: snapshot.id, format: 0 };
        let stream = snapshots(&store).read_snapshot(request(asked)).await.unwrap().into_inner();
        let (parts, error) = drain(stream).await;
        assert!(error.is_none());
        let first = parts.first().and_then(|part| part.part.clone()?.part);
        let last = parts.last().and_then(|part| part.part.clone()?.part);
        let (Some(Piece::Header(header)), Some(Piece::End(end))) = (first, last) else { panic!("{parts:?}") };
        assert_eq!((header.columns.len(), end.rows), (columns, snapshot.rows));
    }
    let read = async |id: &str, format| {
        let asked = ReadSnapshotRequest { id: id.into(), format };
        snapshots(&store).read_snapshot(request(asked)).await.err().unwrap().code()
    };
    assert_eq!(read("x", 0).await, Code::InvalidArgument);
    assert_eq!(read(&"0".repeat(64), 0).await, Code::NotFound);
    assert_eq!(read(&"0".repeat(64), 9).await, Code::InvalidArgument);
    let got = snapshots(&store).get_snapshot(request(GetSnapshotRequest { id: "0".repeat(64) })).await;
    assert_eq!(got.unwrap_err().code(), Code::NotFound);
}

#[tokio::test]
async fn a_verification_is_started_watched_and_shown() {
    let store = books().await;
    let start = async |level| {
        let asked = VerifyStoreRequest { level };
        snapshots(&store)
            .verify_store(request(asked))
            .await
            .map(|started| started.into_inner().operation.unwrap())
    };
    for level in [0, 5, 257, u32::MAX] {
        assert_eq!(start(level).await.unwrap_err().code(), Code::InvalidArgument);
    }
    let started = start(4).await.unwrap();
    assert_eq!((started.kind.as_str(), started.principal.as_str()), ("verify", "local"));
    assert_eq!(started.state, i32::from(OperationState::Running));
    let asked = WatchOperationRequest { id: started.id.clone() };
    let stream = operations_of(&store).watch_operation(request(asked)).await.unwrap().into_inner();
    let (messages, error) = drain(stream).await;
    assert!(error.is_none());
    let last = messages.last().unwrap().operation.clone().unwrap();
    assert_eq!(last.state, i32::from(OperationState::Done));
    let report = last.verify_report.clone().unwrap();
    assert_eq!((report.level, report.records, report.snapshots), (4, 6, 5));
    assert_eq!((report.root, report.findings_total), (store.node.database().root().to_string(), 0));
    let asked = GetOperationRequest { id: started.id.clone() };
    let got = operations_of(&store).get_operation(request(asked)).await.unwrap().into_inner();
    assert_eq!(got.operation, Some(last.clone()));
    let asked = CancelOperationRequest { id: started.id };
    let cancelled = operations_of(&store).cancel_operation(request(asked)).await.unwrap().into_inner();
    assert_eq!(cancelled.operation, Some(last));
}

#[tokio::test]
async fn operations_are_listed_page_by_page_and_unknown_ones_are_not_found() {
    let store = TestStore::with(Limits { operations_max: 9, ..limits() }).await;
    let mut ids = Vec::new();
    for _ in 0..5 {
        let started = snapshots(&store).verify_store(request(VerifyStoreRequest { level: 1 })).await;
        ids.insert(0, started.unwrap().into_inner().operation.unwrap().id);
    }
    let list = async |page_size, page_token: &str| {
        let asked = ListOperationsRequest { page_size, page_token: page_token.into() };
        let page = operations_of(&store).list_operations(request(asked)).await.map(Response::into_inner)?;
        let ids: Vec<String> = page.operations.into_iter().map(|operation| operation.id).collect();
        Ok::<_, Status>((ids, page.next_page_token))
    };
    let (first, token) = list(2, "").await.unwrap();
    let (second, token) = list(2, &token).await.unwrap();
    let (third, end) = list(2, &token).await.unwrap();
    assert_eq!(([first, second, third].concat(), end.as_str()), (ids, ""));
    assert_eq!(list(-1, "").await.unwrap_err().code(), Code::InvalidArgument);
    assert_eq!(list(0, &token.replace('0', "1")).await.unwrap_err().code(), Code::InvalidArgument);
    let id = "none".to_owned();
    let operations = operations_of(&store);
    let codes = [
        operations.get_operation(request(GetOperationRequest { id: id.clone() })).await.err(),
        operations.cancel_operation(request(CancelOperationRequest { id: id.clone() })).await.err(),
        operations.watch_operation(request(WatchOperationRequest { id })).await.err(),
    ];
    assert!(codes.into_iter().all(|error| error.unwrap().code() == Code::NotFound));
}

#[tokio::test]
async fn a_cancelled_verification_says_so_to_whoever_cancels_and_watches() {
    let store = TestStore::new().await;
    store.create("books", Mode::State).await;
    for cutoff in 1..200 {
        store.full("books", cutoff, &[(1, "a"), (1000 + cutoff, "b")]).await;
    }
    let started = snapshots(&store).verify_store(request(VerifyStoreRequest { level: 4 })).await.unwrap();
    let id = started.into_inner().operation.unwrap().id;
    let asked = WatchOperationRequest { id: id.clone() };
    let watched = operations_of(&store).watch_operation(request(asked)).await.unwrap().into_inner();
    let began = tokio::time::Instant::now();
    let cancelled = operations_of(&store).cancel_operation(request(CancelOperationRequest { id })).await;
    assert!(began.elapsed() < std::time::Duration::from_millis(100), "{:?}", began.elapsed());
    let cancelled = cancelled.unwrap().into_inner().operation.unwrap();
    assert_eq!(cancelled.state, i32::from(OperationState::Cancelled));
    assert!(cancelled.ended_at.is_some() && cancelled.verify_report.is_none());
    let (messages, error) = drain(watched).await;
    assert!(error.is_none());
    assert_eq!(messages.last().unwrap().operation, Some(cancelled));
}
