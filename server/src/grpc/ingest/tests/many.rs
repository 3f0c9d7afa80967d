//! Deeds one after the other: answered in order, and counted as those that come alone.

use calotype_proto::unread;
use calotype_proto::v1::put_many_request::Deed;
use calotype_proto::v1::put_many_response::Answer;
use tonic_types::pb;

use super::super::many::Answers;
use super::*;
use crate::test_store::drain;

fn deed(deed: Deed) -> v1::PutManyRequest {
    v1::PutManyRequest { deed: Some(deed) }
}

async fn put_many(service: &Ingest, deeds: &[v1::PutManyRequest]) -> Vec<Answer> {
    let (answers, error) = drain(begin(service, deeds).await).await;
    assert!(error.is_none(), "{error:?}");
    answers.into_iter().map(|answer| answer.answer.unwrap()).collect()
}

async fn begin(service: &Ingest, deeds: &[v1::PutManyRequest]) -> Answers {
    let decoder = ProstCodec::<v1::PutManyResponse, unread::PutManyRequest>::default().decoder();
    let body = Full::new(framed(deeds));
    let mut request = request(Streaming::new_request(decoder, body, None, None));
    intake::mark(&mut request);
    service.put_many(request).await.unwrap().into_inner()
}

#[tokio::test]
async fn deeds_are_answered_in_order_and_counted() {
    let limits = Limits { put_rows_max: 2, ..Limits::default() };
    let store = TestStore::with(limits).await;
    store.create("loans", Mode::State).await;
    let at = |seconds| v1::PutHeader { cutoff: Some(Timestamp { seconds, nanos: 0 }), ..full("loans") };
    let refused = v1::WithdrawCutoffRequest { context: "loans".into(), ..Default::default() };
    let cutoff = Some(Timestamp { seconds: 77, nanos: 0 });
    let unknown = v1::WithdrawCutoffRequest { cutoff, ..refused.clone() };
    let deeds = [
        deed(Deed::Put(put(at(1), rows(&[1])))),
        deed(Deed::Withdraw(refused)),
        deed(Deed::Put(put(at(2), rows(&[1, 2])))),
        deed(Deed::Withdraw(unknown)),
        deed(Deed::Put(put(at(3), rows(&[1, 2, 3])))),
        deed(Deed::Put(put(at(4), rows(&[1])))),
    ];
    let codes: Vec<_> = put_many(&ingest(&store), &deeds)
        .await
        .into_iter()
        .map(|answer| match answer {
            Answer::Receipt(_) => Code::Ok,
            Answer::Status(status) => Code::from(pb::Status::decode(status).unwrap().code),
        })
        .collect();
    let expected = [Code::Ok, Code::InvalidArgument, Code::Ok, Code::NotFound, Code::ResourceExhausted];
    assert_eq!(codes, expected, "and nothing after a failure that is no refusal");
    let metrics = store.node.metrics().encode();
    for series in [
        "calotype_puts_total{outcome=\"committed\"} 2",
        "calotype_puts_total{outcome=\"failed\"} 1",
        "calotype_refusals_total{limit=\"put_rows_max\"} 1",
    ] {
        assert!(metrics.contains(series), "{series} in {metrics}");
    }
}

#[tokio::test]
async fn after_an_answer_that_was_not_taken_there_is_no_other() {
    // No time at all: an answer that finds no room is given up where it stands.
    let limits = Limits { stall_time_max: std::time::Duration::ZERO, ..Limits::default() };
    let store = TestStore::with(limits).await;
    store.create("loans", Mode::State).await;
    let refused = v1::WithdrawCutoffRequest { context: "loans".into(), ..Default::default() };
    let answers = begin(&ingest(&store), &vec![deed(Deed::Withdraw(refused)); 100]).await;
    for _ in 0..10_000 {
        tokio::task::yield_now().await;
    }
    let (answers, error) = drain(answers).await;
    assert!(answers.len() < 100, "what found no room was given up");
    let error = error.expect("the rest is not told as if there were none");
    assert_eq!(crate::status::limit(&error), Some("stall_time_max"));
}
