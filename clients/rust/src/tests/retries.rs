//! What is tried again, and what is not.

use std::time::Duration;

use calotype_proto::v1;
use tokio::time::Instant;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};

use super::script::{Script, queue, quick, serve};
use super::{claim, receipt};
use crate::retry::{Pauses, Repeat};
use crate::{Client, ClientError, EntityQuestion, Options, PutOptions, RequestId, RetryPolicy, Row};

fn entity() -> v1::GetEntityResponse {
    let end = v1::AnswerEnd { rows: 0, result_hash: "00".into() };
    v1::GetEntityResponse { claim: Some(claim()), end: Some(end), ..v1::GetEntityResponse::default() }
}

fn put() -> v1::PutResponse {
    v1::PutResponse { receipt: Some(receipt(7)) }
}

fn away() -> Status {
    Status::unavailable("recovering")
}

fn busy(after: Duration) -> Status {
    let mut details = ErrorDetails::new();
    details.set_retry_info(Some(after));
    details.set_error_info("QUERIES_QUEUED_MAX", "calotype", [("limit".to_owned(), "32".to_owned())]);
    Status::with_error_details(Code::ResourceExhausted, "too many wait", details)
}

#[tokio::test]
async fn a_read_is_tried_again_while_the_server_is_unavailable() {
    let script =
        Script { entities: queue(vec![Err(away()), Err(away()), Ok(entity())]), ..Script::default() };
    let running = serve(script).await;
    let answer = running.client().await.entity(&EntityQuestion::default()).await.unwrap();
    assert_eq!(answer.row, None);
    let ids = running.asked(|asked| {
        let ids = asked.headers.iter().map(|headers| headers.get("calotype-request-id").cloned());
        ids.collect::<Vec<_>>()
    });
    assert_eq!(ids.len(), 3);
    assert!(ids[0].is_some() && ids.iter().all(|id| *id == ids[0]), "one request has one id: {ids:?}");
}

#[tokio::test]
async fn attempts_are_bounded() {
    let script = Script { entities: queue(vec![Err(away()); 9]), ..Script::default() };
    let running = serve(script).await;
    let error = running.client().await.entity(&EntityQuestion::default()).await.unwrap_err();
    assert_eq!((error.code(), error.to_string().as_str()), (Code::Unavailable, "recovering"));
    assert_eq!(running.asked(|asked| asked.entities.len()), 4);
}

fn overtaken(after: Option<Duration>) -> Status {
    let mut details = ErrorDetails::new();
    details.set_error_info("OVERTAKEN", "calotype", [("attempts".to_owned(), "8".to_owned())]);
    if after.is_some() {
        details.set_retry_info(after);
    }
    Status::with_error_details(Code::Aborted, "other writers took all slots", details)
}

#[tokio::test]
async fn a_lost_race_is_run_again_where_the_server_says_so() {
    let soon = Some(Duration::from_millis(1));
    let script = Script {
        entities: queue(vec![Err(overtaken(soon)), Ok(entity()), Err(overtaken(None))]),
        ..Script::default()
    };
    let running = serve(script).await;
    let client = running.client().await;
    client.entity(&EntityQuestion::default()).await.unwrap();
    let error = client.entity(&EntityQuestion::default()).await.unwrap_err();
    assert_eq!((error.code(), error.reason()), (Code::Aborted, Some("OVERTAKEN")));
    assert_eq!(running.asked(|asked| asked.entities.len()), 3);
    let mut pauses = Pauses::new(&RetryPolicy::default(), 7);
    let lost = ClientError::of_status(&overtaken(soon), "http://x", "r");
    assert_eq!(pauses.next(Repeat::Unsafe, &lost, Instant::now()), None, "a deed without a request id");
    assert!(pauses.next(Repeat::Safe, &lost, Instant::now()).is_some());
}

#[tokio::test]
async fn a_refusal_is_not_tried_again() {
    let script = Script {
        entities: queue(vec![Err(Status::invalid_argument("key: no such column")), Ok(entity())]),
        ..Script::default()
    };
    let running = serve(script).await;
    let error = running.client().await.entity(&EntityQuestion::default()).await.unwrap_err();
    assert_eq!(error.to_string(), "key: no such column");
    assert!(!error.is_retriable());
    assert_eq!(running.asked(|asked| asked.entities.len()), 1);
}

#[tokio::test]
async fn exhaustion_is_tried_again_only_after_the_time_that_the_server_names() {
    let after = Duration::from_millis(80);
    let script = Script {
        entities: queue(vec![Err(busy(after)), Ok(entity()), Err(Status::resource_exhausted("too large"))]),
        ..Script::default()
    };
    let running = serve(script).await;
    let client = running.client().await;
    let began = Instant::now();
    client.entity(&EntityQuestion::default()).await.unwrap();
    assert!(began.elapsed() >= after, "{:?}", began.elapsed());
    let error = client.entity(&EntityQuestion::default()).await.unwrap_err();
    assert_eq!((error.code(), error.retry_after()), (Code::ResourceExhausted, None));
    assert_eq!(running.asked(|asked| asked.entities.len()), 3);
}

#[tokio::test]
async fn an_error_says_what_the_server_said() {
    let script = Script { entities: queue(vec![Err(busy(Duration::from_secs(1)))]), ..Script::default() };
    let running = serve(script).await;
    let options = Options { retries: RetryPolicy::NEVER, ..Options::default() };
    let client = Client::connect_with(&running.address, options).await.unwrap();
    let error = client.entity(&EntityQuestion::default()).await.unwrap_err();
    assert_eq!(error.reason(), Some("QUERIES_QUEUED_MAX"));
    assert_eq!(error.server().unwrap().metadata["limit"], "32");
    assert_eq!(error.retry_after(), Some(Duration::from_secs(1)));
    assert_eq!(error.request_id().map(str::len), Some(32));
}

#[tokio::test]
async fn a_put_is_tried_again_only_under_a_request_id() {
    let script = Script { puts: queue(vec![Err(away()), Ok(put()), Err(away())]), ..Script::default() };
    let running = serve(script).await;
    let client = running.client().await;
    let rows = [Row(vec![1_i64.into()])];
    let done = client.put_rows(&PutOptions::facts("loans"), &["id"], &rows).await.unwrap();
    assert_eq!(done.commit, 7);
    let bare = PutOptions { request_id: RequestId::None, ..PutOptions::facts("loans") };
    client.put_rows(&bare, &["id"], &rows).await.unwrap_err();
    let ids = running.asked(|asked| asked.put_ids.clone());
    assert_eq!(ids.len(), 3);
    assert!(!ids[0].is_empty() && ids[0] == ids[1], "a repetition is the same put: {ids:?}");
    assert_eq!(ids[2], "");
}

#[tokio::test]
async fn a_question_waits_for_what_its_client_wrote() {
    let script = Script {
        puts: queue(vec![Ok(put())]),
        entities: queue(vec![Ok(entity()), Ok(entity()), Ok(entity())]),
        ..Script::default()
    };
    let running = serve(script).await;
    let client = running.client().await;
    client.entity(&EntityQuestion::default()).await.unwrap();
    client.put_rows(&PutOptions::facts("loans"), &["id"], &[]).await.unwrap();
    client.clone().entity(&EntityQuestion::default()).await.unwrap();
    let later = EntityQuestion { at_least: Some(9), ..EntityQuestion::default() };
    client.entity(&later).await.unwrap();
    let seen = running.asked(|asked| asked.entities.iter().map(|asked| asked.at_least).collect::<Vec<_>>());
    assert_eq!(seen, [None, Some(7), Some(9)]);
}

#[tokio::test]
async fn headers_name_the_principal_and_the_time() {
    let script = Script { entities: queue(vec![Ok(entity())]), ..Script::default() };
    let running = serve(script).await;
    let options =
        Options { principal: Some("desk".into()), timeout: Some(Duration::from_mins(1)), ..quick() };
    let client = Client::connect_with(&running.address, options).await.unwrap();
    client.entity(&EntityQuestion::default()).await.unwrap();
    running.asked(|asked| {
        assert_eq!(asked.headers[0].get("calotype-principal").unwrap(), "desk");
        assert!(asked.headers[0].contains_key("grpc-timeout"));
    });
    let bad = Options { principal: Some("a\nb".into()), ..quick() };
    assert!(Client::connect_with(&running.address, bad).await.is_err());
}

#[tokio::test]
async fn a_server_that_is_not_there_is_named() {
    let error = Client::connect("127.0.0.1:1").await.unwrap_err();
    assert!(error.to_string().contains("127.0.0.1:1: "), "{error}");
    assert!(error.to_string().contains("is it up"), "{error}");
    assert_eq!(error.code(), Code::Unavailable);
}

#[tokio::test]
async fn a_server_that_says_nothing_is_waited_for_until_the_timeout() {
    // Connections wait in the backlog; nobody takes them.
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = silent.local_addr().unwrap().to_string();
    let options = Options { timeout: Some(Duration::from_millis(60)), ..quick() };
    let client = Client::connect_with(&address, options).await.unwrap();
    let began = Instant::now();
    let error = client.entity(&EntityQuestion::default()).await.unwrap_err();
    assert!(matches!(error, ClientError::Timeout { .. }), "{error:?}");
    assert_eq!(error.code(), Code::DeadlineExceeded);
    assert!(began.elapsed() < Duration::from_secs(20));
}

#[tokio::test]
async fn a_connection_that_breaks_is_tried_again_for_reads() {
    let rude = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = rude.local_addr().unwrap().to_string();
    let hangs_up = tokio::spawn(async move {
        loop {
            drop(rude.accept().await);
        }
    });
    // Whether connecting or asking fails first is the network's choice.
    let error = match Client::connect_with(&address, quick()).await {
        Ok(client) => client.entity(&EntityQuestion::default()).await.unwrap_err(),
        Err(error) => error,
    };
    hangs_up.abort();
    assert!(matches!(error, ClientError::Transport { .. }), "{error:?}");
    assert!(error.is_retriable());
}

#[tokio::test]
async fn futures_can_be_spawned() {
    let running = serve(Script { entities: queue(vec![Ok(entity())]), ..Script::default() }).await;
    let client = running.client().await;
    let asked = tokio::spawn(async move { client.entity(&EntityQuestion::default()).await });
    assert_eq!(asked.await.unwrap().unwrap().end.result_hash, "00");
}

#[test]
fn pauses_end_with_the_attempts_and_with_the_time() {
    let policy = RetryPolicy { attempts_max: 3, ..RetryPolicy::default() };
    let error = ClientError::of_status(&away(), "here", "id");
    let now = Instant::now();
    let mut pauses = Pauses::new(&policy, 1);
    assert!(pauses.next(Repeat::Unsafe, &error, now).is_none());
    assert!(pauses.next(Repeat::Safe, &error, now).unwrap() > now);
    assert!(pauses.next(Repeat::Safe, &error, now).is_some());
    assert!(pauses.next(Repeat::Safe, &error, now).is_none());

    let mut pauses = Pauses::new(&policy, 1);
    assert!(pauses.next(Repeat::Safe, &error, now).is_some());
    assert!(pauses.next(Repeat::Safe, &error, now + policy.total_max).is_none());

    let long = ClientError::of_status(&busy(policy.total_max * 2), "here", "id");
    assert!(Pauses::new(&policy, 1).next(Repeat::Safe, &long, now).is_none(), "nobody waits that long");
}
