//! Who gets in, who waits, and who is refused.

use futures::FutureExt;
use tonic::Code;
use tonic_types::StatusExt;

use super::*;

fn admission(limits: &Limits) -> Admission {
    Admission::new(limits, Arc::new(Metrics::new()))
}

fn named(name: &str) -> Principal {
    Principal::parse(name).unwrap()
}

#[tokio::test]
async fn questions_beyond_the_turns_wait_and_beyond_the_queue_are_refused() {
    let limits = Limits {
        queries_max: 3,
        queries_per_principal_max: 2,
        queries_queued_max: 1,
        points_per_principal_max: 1,
        ..Limits::default()
    };
    let admission = admission(&limits);
    let ann = named("ann");
    let first = admission.query(&ann).await.unwrap();
    let _second = admission.query(&ann).await.unwrap();
    let mut third = Box::pin(admission.query(&ann));
    assert!(third.as_mut().now_or_never().is_none(), "a third question waits");

    let refused = admission.query(&ann).now_or_never().expect("refused at once").unwrap_err();
    assert_eq!(refused.code(), Code::ResourceExhausted);
    assert!(admission.query(&named("bob")).now_or_never().unwrap().is_ok(), "others are not hindered");

    let point = admission.point(&ann).now_or_never().expect("look-ups wait for no questions").unwrap();
    let mut second_point = Box::pin(admission.point(&ann));
    assert!(second_point.as_mut().now_or_never().is_none());
    drop(point);
    assert!(second_point.await.is_ok());

    drop(first);
    assert!(third.await.is_ok(), "whoever waits gets the turn that is given back");
}

#[tokio::test]
async fn questions_of_all_principals_are_bounded() {
    let limits =
        Limits { queries_max: 2, queries_per_principal_max: 2, queries_waiting_max: 1, ..Limits::default() };
    let admission = admission(&limits);
    let mut first = admission.query(&named("p1")).await.unwrap();
    let _second = admission.query(&named("p2")).await.unwrap();
    let waits = named("p3");
    let mut third = Box::pin(admission.query(&waits));
    assert!(third.as_mut().now_or_never().is_none());
    let refused = admission.query(&named("p4")).now_or_never().expect("refused at once").unwrap_err();
    assert_eq!(status::limit(&refused), Some("queries_waiting_max"));
    assert!(admission.point(&named("p4")).await.is_ok());

    // One whose client takes nothing makes room, and goes on when there is room again.
    first.pause();
    let third = third.now_or_never().expect("there is a turn").unwrap();
    let mut resumed = Box::pin(first.resume());
    assert!(resumed.as_mut().now_or_never().is_none());
    drop(third);
    resumed.now_or_never().expect("it goes on");
}

#[tokio::test]
async fn in_a_flood_nobody_waits_for_long() {
    let limits = Limits { queries_per_principal_max: 1, queries_queued_max: 1, ..Limits::default() };
    let admission = admission(&limits);
    let ann = named("ann");
    let _working = admission.query(&ann).await.unwrap();
    let mut waiting = Box::pin(admission.query(&ann));
    assert!(waiting.as_mut().now_or_never().is_none());
    assert_eq!(status::limit(&admission.query(&ann).await.unwrap_err()), Some("queries_queued_max"));
    let late = waiting.await.unwrap_err();
    assert_eq!(status::limit(&late), Some("query_wait_max"));
    assert!(late.get_details_retry_info().is_some());
}

#[tokio::test]
async fn a_wait_that_is_dropped_gives_its_place_back() {
    let limits = Limits { queries_per_principal_max: 1, queries_queued_max: 1, ..Limits::default() };
    let admission = admission(&limits);
    let ann = named("ann");
    let working = admission.query(&ann).await.unwrap();
    for _ in 0..3 {
        let mut waiting = Box::pin(admission.query(&ann));
        assert!(waiting.as_mut().now_or_never().is_none(), "there is a place in the queue");
    }
    drop(working);
    assert!(admission.query(&ann).now_or_never().unwrap().is_ok());
}

#[tokio::test]
async fn idle_principals_are_forgotten() {
    let admission = admission(&Limits::default());
    for number in 0..100 {
        let principal = named(&format!("p{number}"));
        let query = admission.query(&principal).await.unwrap();
        let watch = admission.watch(&principal).unwrap();
        assert_eq!(admission.seats.principals(), 1);
        drop((query, watch));
    }
    assert_eq!(admission.seats.principals(), 0);
}

#[tokio::test]
async fn principals_that_ask_at_once_are_bounded() {
    let admission = admission(&Limits { principals_max: 100, ..Limits::default() });
    let held: Vec<_> =
        (0..100).map(|number| admission.watch(&named(&format!("p{number}"))).unwrap()).collect();
    let refused = admission.query(&named("one-more")).await.unwrap_err();
    assert_eq!(status::limit(&refused), Some("principals_max"));
    assert!(admission.query(&named("p7")).await.is_ok(), "one that is known already gets in");
    drop(held);
    assert!(admission.query(&named("one-more")).await.is_ok());
}

#[test]
fn watches_are_counted_for_each_principal() {
    let admission = admission(&Limits { watches_per_principal_max: 2, ..Limits::default() });
    let ann = named("ann");
    let first = admission.watch(&ann).unwrap();
    let _second = admission.watch(&ann).unwrap();
    assert_eq!(admission.watch(&ann).unwrap_err().code(), Code::ResourceExhausted);
    assert!(admission.watch(&named("bob")).is_ok());
    drop(first);
    assert!(admission.watch(&ann).is_ok());
}

#[test]
fn puts_that_are_being_taken_are_bounded() {
    let admission = admission(&Limits { puts_max: 2, ..Limits::default() });
    let first = admission.put().unwrap();
    let _second = admission.put().unwrap();
    assert_eq!(admission.put().unwrap_err().code(), Code::ResourceExhausted);
    drop(first);
    assert!(admission.put().is_ok());
}

#[test]
fn memory_of_puts_is_bounded_and_given_back() {
    let admission = admission(&Limits { ingest_bytes_max: 100, put_bytes_max: 70, ..Limits::default() });
    let mut first = admission.put().unwrap();
    let mut second = admission.put().unwrap();
    first.grow(70).unwrap();
    assert_eq!(first.grow(1).unwrap_err().code(), Code::ResourceExhausted, "a put is bounded");
    second.grow(30).unwrap();
    assert_eq!(second.grow(1).unwrap_err().code(), Code::ResourceExhausted, "all together are");
    assert_eq!(second.grow(usize::MAX).unwrap_err().code(), Code::ResourceExhausted);
    assert_eq!(admission.puts.held(), (2, 100), "what was refused was not counted");
    drop(first);
    second.grow(1).unwrap();
    drop(second);
    assert_eq!(admission.puts.held(), (0, 0));
}
