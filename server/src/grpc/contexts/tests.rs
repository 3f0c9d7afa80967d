//! Contexts over gRPC: created, altered, listed.

use calotype_storage::record::Mode;
use prost_types::Timestamp;
use tonic::Code;

use super::*;
use crate::test_store::{TestStore, request};

fn contexts(store: &TestStore) -> Contexts {
    Contexts { node: store.node.clone() }
}

fn create(name: &str) -> v1::CreateContextRequest {
    let column = |name: &str, type_text: &str| v1::Column {
        name: name.into(),
        r#type: type_text.into(),
        nullable: true,
        ..v1::Column::default()
    };
    v1::CreateContextRequest {
        name: name.into(),
        key: vec!["id".into()],
        mode: v1::CaptureMode::State.into(),
        columns: vec![column("id", "int64"), column("amount", "decimal128(18, 2)")],
        reason: "first".into(),
        ..v1::CreateContextRequest::default()
    }
}

async fn check(service: &Contexts, asked: v1::CreateContextRequest, code: Code, expected: &str) {
    let error = service.create_context(request(asked)).await.unwrap_err();
    assert_eq!(error.code(), code, "{error}");
    assert!(error.message().contains(expected), "'{}' lacks '{expected}'", error.message());
}

#[tokio::test]
async fn contexts_are_created_once() {
    let store = TestStore::new().await;
    let service = contexts(&store);
    let asked = v1::CreateContextRequest { max_retracted_ppm: Some(5), import: true, ..create("loans") };
    let first = service.create_context(request(asked.clone())).await.unwrap().into_inner();
    assert!(first.created);
    let context = first.context.unwrap();
    assert_eq!((context.importing, context.max_retracted_ppm, context.entries), (true, Some(5), 1));
    let columns = &context.schema_versions[0].columns;
    assert_eq!((columns[0].key, columns[0].nullable, columns[0].field_id), (true, false, 1));
    assert_eq!((columns[1].key, columns[1].r#type.as_str()), (false, "decimal128(18, 2)"));
    let again = service.create_context(request(asked)).await.unwrap().into_inner();
    assert!(!again.created);
    assert_eq!(again.context.unwrap(), context);
    check(&service, create("loans"), Code::AlreadyExists, "loans").await;
    let found = v1::GetContextRequest { name: "loans".into(), at_least: context.newest_commit };
    assert_eq!(service.get_context(request(found)).await.unwrap().into_inner().context.unwrap(), context);
}

#[tokio::test]
async fn definitions_are_checked_by_field() {
    let store = TestStore::new().await;
    let service = contexts(&store);
    let bad = Code::InvalidArgument;
    let column = |change: fn(&mut v1::Column)| {
        let mut asked = create("a");
        change(&mut asked.columns[1]);
        asked
    };
    check(&service, create("Bad"), bad, "name: 'Bad' is not a context name").await;
    check(&service, v1::CreateContextRequest { mode: 0, ..create("a") }, bad, "mode: is missing").await;
    check(&service, v1::CreateContextRequest { mode: 9, ..create("a") }, bad, "mode: 9 is no").await;
    let reason = v1::CreateContextRequest { reason: "\n".into(), ..create("a") };
    check(&service, reason, bad, "reason: ").await;
    let share = v1::CreateContextRequest { max_retracted_ppm: Some(1_000_001), ..create("a") };
    check(&service, share, bad, "max_retracted_ppm: is 1000001").await;
    check(&service, column(|column| column.r#type = "money".into()), bad, "columns[1].type: 'money'").await;
    check(&service, column(|column| column.class = "dull".into()), bad, "columns[1].class: 'dull'").await;
    check(&service, column(|column| column.name = "_x".into()), bad, "columns[1].name").await;
    check(&service, column(|column| column.field_id = 2), bad, "columns[1].field_id").await;
    check(&service, column(|column| column.key = true), bad, "columns[1].key").await;
    check(&service, v1::CreateContextRequest { key: vec![], ..create("a") }, bad, "key").await;
    assert_eq!(store.node.database().contexts().unwrap(), []);
}

#[tokio::test]
async fn contexts_are_listed_in_pages_and_tokens_are_not_made_up() {
    let store = TestStore::new().await;
    let service = contexts(&store);
    for name in ["c", "a", "b"] {
        store.create(name, Mode::Events).await;
    }
    let mut found = Vec::new();
    let mut page_token = String::new();
    loop {
        let asked = v1::ListContextsRequest { page_size: 2, page_token };
        let page = service.list_contexts(request(asked)).await.unwrap().into_inner();
        found.push(page.contexts.into_iter().map(|context| context.name).collect::<Vec<_>>());
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    assert_eq!(found, [vec!["a", "b"], vec!["c"]]);
    for asked in [
        v1::ListContextsRequest { page_size: -1, page_token: String::new() },
        v1::ListContextsRequest { page_size: 0, page_token: "00".into() },
    ] {
        assert_eq!(service.list_contexts(request(asked)).await.unwrap_err().code(), Code::InvalidArgument);
    }
}

#[tokio::test]
async fn contexts_are_changed() {
    let store = TestStore::new().await;
    let service = contexts(&store);
    let asked = v1::CreateContextRequest { import: true, ..create("loans") };
    service.create_context(request(asked)).await.unwrap();
    let alter = v1::AlterContextRequest {
        name: "loans".into(),
        rename_from: "amount".into(),
        rename_to: "sum".into(),
        request_id: "r".into(),
        ..v1::AlterContextRequest::default()
    };
    let altered = service.alter_context(request(alter.clone())).await.unwrap().into_inner();
    assert_eq!(altered.context.as_ref().unwrap().schema_versions[1].columns[1].name, "sum");
    // The same again is the same deed, not an unknown column.
    let again = service.alter_context(request(alter.clone())).await.unwrap().into_inner();
    assert_eq!(again.commit, altered.commit);
    let half =
        v1::AlterContextRequest { rename_to: String::new(), request_id: String::new(), ..alter.clone() };
    let error = service.alter_context(request(half)).await.unwrap_err();
    assert!(error.message().contains("rename_to: is missing"), "{error}");
    let nothing = v1::AlterContextRequest { name: "loans".into(), ..v1::AlterContextRequest::default() };
    assert_eq!(service.alter_context(request(nothing)).await.unwrap_err().code(), Code::InvalidArgument);

    let live = v1::GoLiveRequest { name: "loans".into(), ..v1::GoLiveRequest::default() };
    let context = service.go_live(request(live.clone())).await.unwrap().into_inner().context.unwrap();
    assert!(context.import && !context.importing);
    assert_eq!(service.go_live(request(live)).await.unwrap_err().code(), Code::FailedPrecondition);
    let missing = v1::GoLiveRequest { name: "nothing".into(), ..v1::GoLiveRequest::default() };
    assert_eq!(service.go_live(request(missing)).await.unwrap_err().code(), Code::NotFound);
}

#[tokio::test]
async fn keyframes_stand_at_the_newest_state_unless_a_point_is_named() {
    let store = TestStore::new().await;
    let service = contexts(&store);
    store.create("loans", Mode::State).await;
    let asked = v1::MaterialiseContextRequest { name: "loans".into(), ..Default::default() };
    let error = service.materialise_context(request(asked.clone())).await.unwrap_err();
    assert_ne!(error.code(), Code::Unknown, "{error}");
    let full = store.full("loans", 5_000_000, &[(1, "a")]).await;
    let made = service.materialise_context(request(asked.clone())).await.unwrap().into_inner();
    let point = made.point.unwrap();
    assert_eq!(point.valid_at, Some(Timestamp { seconds: 5, nanos: 0 }));
    assert_eq!(point.known_at, Some(values::timestamp(full.system_time)));
    let fine = Some(v1::Point { valid_at: Some(Timestamp { seconds: 5, nanos: 1 }), known_at: None });
    let error = service
        .materialise_context(request(v1::MaterialiseContextRequest { point: fine, ..asked }))
        .await
        .unwrap_err();
    assert!(error.message().contains("point.valid_at: is finer"), "{error}");
}
