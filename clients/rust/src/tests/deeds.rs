//! Puts: whole, cut, broken off, many.

use std::io;
use std::sync::Arc;

use arrow_array::{Int64Array, RecordBatch};
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use calotype_proto::v1;
use calotype_proto::v1::put_many_response::Answer;
use calotype_proto::v1::put_stream_request::Part;
use futures::stream;
use prost::Message;
use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};

use super::receipt;
use super::script::{Script, queue, serve};
use crate::{ClientError, Deed, PutOptions, RequestId, Row, ValidTime, Value, Withdrawal};

fn schema() -> SchemaRef {
    Arc::new(Schema::new(vec![Field::new("id", DataType::Int64, false)]))
}

fn batch(rows: i64) -> RecordBatch {
    RecordBatch::try_new(schema(), vec![Arc::new(Int64Array::from_iter_values(0..rows))]).unwrap()
}

fn done(commit: u64) -> v1::PutStreamResponse {
    v1::PutStreamResponse { receipt: Some(receipt(commit)) }
}

#[tokio::test]
async fn batches_go_cut_into_messages_and_again_if_need_be() {
    let put_streams = queue(vec![Err(Status::unavailable("starting")), Ok(done(3))]);
    let running = serve(Script { put_streams, ..Script::default() }).await;
    let client = running.client().await;
    let batches = [batch(300_000), batch(5)];
    let receipt = client.put_arrow(&PutOptions::facts("loans"), schema(), &batches).await.unwrap();
    assert_eq!((receipt.commit, client.newest_commit_made()), (3, Some(3)));
    running.asked(|asked| {
        assert_eq!(asked.put_streams.len(), 2);
        assert_eq!(asked.put_streams[0], asked.put_streams[1], "a repetition is the same put");
        assert_eq!(asked.broken, 0);
        let messages = &asked.put_streams[1];
        assert!(matches!(&messages[0].part, Some(Part::Put(put)) if put.context == "loans"));
        assert!(matches!(&messages[1].part, Some(Part::Arrow(schema)) if schema.body.is_empty()));
        assert_eq!(messages.len(), 2 + 3 + 1, "2.4 MB in three messages, and a small one");
    });
}

#[tokio::test]
async fn a_source_that_fails_commits_nothing() {
    let put_streams = queue(vec![Ok(done(3))]);
    let running = serve(Script { put_streams, ..Script::default() }).await;
    let client = running.client().await;
    let batches = stream::iter([Ok(batch(3)), Err(io::Error::other("the file ends half-way"))]);
    let error = client.put_arrow_stream(&PutOptions::facts("loans"), schema(), batches).await.unwrap_err();
    assert!(
        matches!(&error, ClientError::Source(cause) if cause.to_string().contains("half-way")),
        "{error}"
    );
    // The server learns of it as soon as the connection delivers the reset.
    let heard = async {
        while running.asked(|asked| asked.broken == 0) {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(20), heard).await.unwrap();
    assert_eq!(client.newest_commit_made(), None);
}

#[tokio::test]
async fn a_stream_of_batches_is_sent_once() {
    let put_streams = queue(vec![Err(Status::unavailable("starting")), Ok(done(3))]);
    let running = serve(Script { put_streams, ..Script::default() }).await;
    let batches = stream::iter([Ok::<_, io::Error>(batch(3))]);
    let client = running.client().await;
    client.put_arrow_stream(&PutOptions::facts("loans"), schema(), batches).await.unwrap_err();
    assert_eq!(running.asked(|asked| asked.put_streams.len()), 1);
}

#[tokio::test]
async fn many_rows_go_in_several_messages() {
    let put_streams = queue(vec![Ok(done(4))]);
    let running = serve(Script { put_streams, ..Script::default() }).await;
    let client = running.client().await;
    let row = Row(vec![Value::String("x".repeat(700_000))]);
    let rows = [row.clone(), row.clone(), row];
    client.put_rows(&PutOptions::facts("loans"), &["text"], &rows).await.unwrap();
    running.asked(|asked| assert_eq!(asked.put_streams[0].len(), 3));
    let narrow = [Row(Vec::new())];
    let error = client.put_rows(&PutOptions::facts("loans"), &["text"], &narrow).await.unwrap_err();
    assert_eq!(error.to_string(), "row 0 has 0 values for 1 columns");
}

#[expect(clippy::unnecessary_wraps, reason = "scripts hold results")]
fn answered(answer: Answer) -> Result<v1::PutManyResponse, Status> {
    Ok(v1::PutManyResponse { answer: Some(answer) })
}

#[tokio::test]
async fn many_deeds_are_answered_in_order_and_resumed_after_the_last_answer() {
    let details =
        ErrorDetails::with_error_info("MODE", "calotype", [("kind".to_owned(), "facts".to_owned())]);
    let refused = Status::with_error_details(Code::FailedPrecondition, "takes no facts", details);
    // The details are the status itself.
    let bytes = refused.details().to_vec();
    assert_eq!(tonic_types::Status::decode(bytes.as_slice()).unwrap().message, "takes no facts");
    let first = vec![
        answered(Answer::Receipt(receipt(1))),
        answered(Answer::Status(bytes.into())),
        Err(Status::unavailable("stopping")),
    ];
    let second = vec![answered(Answer::Receipt(receipt(2)))];
    let put_manys = queue(vec![Ok(first), Ok(second)]);
    let running = serve(Script { put_manys, ..Script::default() }).await;
    let client = running.client().await;
    let put = || {
        let options = Box::new(PutOptions::facts("loans"));
        Deed::Put { options, schema: schema(), batches: vec![batch(2)] }
    };
    let withdrawal = Withdrawal::of("loans", ValidTime::from_micros(1));
    let deeds = vec![put(), put(), Deed::Withdraw(withdrawal.clone())];
    let answers = client.put_many(deeds).await.unwrap();
    assert_eq!(answers[0].as_ref().unwrap().commit, 1);
    let error = answers[1].as_ref().unwrap_err();
    assert_eq!((error.to_string().as_str(), error.reason()), ("takes no facts", Some("MODE")));
    assert_eq!(error.server().unwrap().metadata["kind"], "facts");
    assert_eq!(answers[2].as_ref().unwrap().commit, 2);
    assert_eq!(running.asked(|asked| asked.put_manys.clone()), [3, 1]);

    let put_manys = queue(vec![Err(Status::unavailable("stopping"))]);
    let running = serve(Script { put_manys, ..Script::default() }).await;
    let bare = Withdrawal { request_id: RequestId::None, ..withdrawal };
    running.client().await.put_many(vec![Deed::Withdraw(bare)]).await.unwrap_err();
    assert_eq!(running.asked(|asked| asked.put_manys.len()), 1);
}
