//! Puts and withdrawals over gRPC.

use std::sync::Arc;

use arrow_array::{Int64Array, RecordBatch, StringArray};
use bytes::{BufMut, Bytes, BytesMut};
use calotype_proto::v1::value::Kind;
use calotype_storage::record::Mode;
use http_body_util::Full;
use prost::Message;
use prost_types::Timestamp;
use tonic::Code;
use tonic::codec::Codec;
use tonic_prost::ProstCodec;

use super::*;
use crate::ipc::{Compression, Encoder, schema_message};
use crate::limits::Limits;
use crate::test_store::{TestStore, request};

mod cut;
mod many;

fn ingest(store: &TestStore) -> Ingest {
    Ingest { node: store.node.clone() }
}

fn full(context: &str) -> v1::PutHeader {
    v1::PutHeader {
        context: context.into(),
        kind: v1::PutKind::Full.into(),
        cutoff: Some(Timestamp { seconds: 5, nanos: 0 }),
        ..v1::PutHeader::default()
    }
}

fn rows(ids: &[i64]) -> v1::RowBatch {
    let value = |kind| v1::Value { kind: Some(kind) };
    let row = |id: &i64| v1::Row {
        values: vec![value(Kind::IntValue(*id)), value(Kind::StringValue(format!("name {id}")))],
    };
    v1::RowBatch { columns: vec!["id".into(), "name".into()], rows: ids.iter().map(row).collect() }
}

fn batch(ids: &[i64]) -> RecordBatch {
    let names = StringArray::from_iter_values(ids.iter().map(|id| format!("name {id}")));
    let columns = [("id", Arc::new(Int64Array::from(ids.to_vec())) as _), ("name", Arc::new(names) as _)];
    RecordBatch::try_from_iter(columns).unwrap()
}

fn put(header: v1::PutHeader, rows: v1::RowBatch) -> v1::PutRequest {
    v1::PutRequest { put: Some(header), data: Some(v1::put_request::Data::Rows(rows)) }
}

fn part(part: v1::put_stream_request::Part) -> v1::PutStreamRequest {
    v1::PutStreamRequest { part: Some(part) }
}

fn header(header: v1::PutHeader) -> v1::PutStreamRequest {
    part(v1::put_stream_request::Part::Put(header))
}

fn values(rows: v1::RowBatch) -> v1::PutStreamRequest {
    part(v1::put_stream_request::Part::Rows(rows))
}

fn arrow(ids: &[&[i64]]) -> Vec<v1::PutStreamRequest> {
    let message = |header, body| part(v1::put_stream_request::Part::Arrow(v1::ArrowMessage { header, body }));
    let mut messages = vec![message(schema_message(&batch(&[]).schema()), Bytes::new())];
    for ids in ids {
        let (header, body) = Encoder::new(Compression::None).batch(&batch(ids)).unwrap().contiguous();
        messages.push(message(header, body));
    }
    messages
}

/// A put as it comes in.
#[expect(clippy::needless_pass_by_value, reason = "as requests are handed over")]
fn taken(message: v1::PutRequest) -> Request<sent::PutRequest> {
    request(sent::PutRequest::decode(message.encode_to_vec().as_slice()).unwrap())
}

/// Messages as gRPC frames them.
fn framed<M: Message>(messages: &[M]) -> Bytes {
    let mut bytes = BytesMut::new();
    for message in messages {
        bytes.put_u8(0);
        bytes.put_u32(message.encoded_len().try_into().unwrap());
        message.encode(&mut bytes).unwrap();
    }
    bytes.freeze()
}

async fn put_stream(service: &Ingest, messages: &[v1::PutStreamRequest]) -> Result<v1::Receipt, Status> {
    let decoder = ProstCodec::<v1::PutStreamResponse, sent::PutStreamRequest>::default().decoder();
    let body = Full::new(framed(messages));
    let mut request = request(Streaming::new_request(decoder, body, None, None));
    intake::mark(&mut request);
    let answer = service.put_stream(request).await?;
    Ok(answer.into_inner().receipt.unwrap())
}

fn refused<T: std::fmt::Debug>(result: Result<T, Status>, code: Code, expected: &str) {
    let error = result.unwrap_err();
    assert_eq!(error.code(), code, "{error}");
    assert!(error.message().contains(expected), "'{}' lacks '{expected}'", error.message());
}

#[tokio::test]
async fn rows_are_put_once_and_answered_with_their_receipt() {
    let store = TestStore::new().await;
    let service = ingest(&store);
    store.create("loans", Mode::State).await;
    let mut heads = store.node.follower().heads();
    heads.mark_unchanged();
    let asked = put(v1::PutHeader { request_id: "a".into(), ..full("loans") }, rows(&[1, 2]));
    let receipt = service.put(taken(asked.clone())).await.unwrap().into_inner().receipt.unwrap();
    assert_eq!((receipt.commit, receipt.rows, receipt.asserted, receipt.replayed), (1, 2, 2, false));
    assert_eq!(receipt.snapshot.len(), 64, "{receipt:?}");
    assert!(heads.has_changed().unwrap());
    let again = service.put(taken(asked)).await.unwrap().into_inner().receipt.unwrap();
    assert_eq!(again, v1::Receipt { replayed: true, ..receipt });
    // An empty full is said with columns and no rows.
    let cutoff = Some(Timestamp { seconds: 6, nanos: 0 });
    let empty = v1::PutHeader { cutoff, expected_rows: Some(0), ..full("loans") };
    let receipt = service.put(taken(put(empty, rows(&[])))).await.unwrap().into_inner().receipt.unwrap();
    assert_eq!((receipt.rows, receipt.retracted), (0, 2));
}

#[tokio::test]
async fn values_and_arrow_are_the_same_put() {
    let store = TestStore::new().await;
    let service = ingest(&store);
    let mut roots = Vec::new();
    for (context, messages) in
        [("a", vec![values(rows(&[1])), values(rows(&[2, 3]))]), ("b", arrow(&[&[1, 2], &[3]]))]
    {
        store.create(context, Mode::State).await;
        let messages: Vec<_> = std::iter::once(header(full(context))).chain(messages).collect();
        let receipt = put_stream(&service, &messages).await.unwrap();
        assert_eq!((receipt.rows, receipt.asserted), (3, 3));
        let context = store.node.database().context(&crate::test_store::name(context)).unwrap();
        roots.push(context.entries()[1].put().unwrap().snapshot.as_ref().unwrap().content_root.clone());
    }
    assert_eq!(roots[0], roots[1]);
    store.create("c", Mode::State).await;
    let mut stream = Vec::new();
    let schema = batch(&[]).schema();
    let mut writer = arrow_ipc::writer::StreamWriter::try_new(&mut stream, &schema).unwrap();
    writer.write(&batch(&[1, 2, 3])).unwrap();
    writer.finish().unwrap();
    drop(writer);
    let data = Some(v1::put_request::Data::ArrowStream(stream.into()));
    let asked = v1::PutRequest { put: Some(full("c")), data };
    let receipt = service.put(taken(asked)).await.unwrap().into_inner().receipt.unwrap();
    assert_eq!(receipt.rows, 3);
    let asked = v1::PutRequest {
        put: Some(full("c")),
        data: Some(v1::put_request::Data::ArrowStream(Bytes::from_static(b"not arrow"))),
    };
    assert_eq!(service.put(taken(asked)).await.unwrap_err().code(), Code::InvalidArgument);
}

#[tokio::test]
async fn streams_have_one_header_and_one_form() {
    let store = TestStore::new().await;
    let service = ingest(&store);
    store.create("loans", Mode::State).await;
    let head = store.node.database().head();
    let begun = || header(full("loans"));
    let bad = Code::InvalidArgument;
    refused(put_stream(&service, &[]).await, bad, "put: is missing");
    refused(put_stream(&service, &[values(rows(&[1]))]).await, bad, "put: is missing");
    refused(put_stream(&service, &[begun()]).await, bad, "part: brought no columns");
    refused(put_stream(&service, &[begun(), begun()]).await, bad, "put: came twice");
    let nothing = v1::PutStreamRequest { part: None };
    refused(put_stream(&service, &[begun(), nothing]).await, bad, "part: is missing");
    let arrow = arrow(&[&[1]]);
    let mixed = [begun(), arrow[0].clone(), values(rows(&[1]))];
    refused(put_stream(&service, &mixed).await, bad, "mixes rows and arrow");
    let mixed = [begun(), values(rows(&[1])), arrow[0].clone()];
    refused(put_stream(&service, &mixed).await, bad, "mixes rows and arrow");
    let headless = [begun(), arrow[1].clone()];
    assert_eq!(put_stream(&service, &headless).await.unwrap_err().code(), bad);
    let decoder = ProstCodec::<v1::PutStreamResponse, sent::PutStreamRequest>::default().decoder();
    let around = request(Streaming::new_request(decoder, Full::new(Bytes::new()), None, None));
    assert_eq!(service.put_stream(around).await.unwrap_err().code(), Code::Internal);
    assert_eq!(store.node.database().head(), head);
}

#[tokio::test]
async fn headers_are_checked_by_field() {
    let store = TestStore::new().await;
    let service = ingest(&store);
    store.create("loans", Mode::State).await;
    let base = || full("loans");
    let fine = || Some(Timestamp { seconds: 1, nanos: 1 });
    for (header, expected) in [
        (v1::PutHeader { context: "No".into(), ..base() }, "put.context: "),
        (v1::PutHeader { kind: 0, ..base() }, "put.kind: is missing"),
        (v1::PutHeader { kind: 9, ..base() }, "put.kind: 9 is unknown"),
        (v1::PutHeader { cutoff: None, ..base() }, "put.cutoff: is missing"),
        (v1::PutHeader { cutoff: fine(), ..base() }, "put.cutoff: is finer"),
        (v1::PutHeader { kind: v1::PutKind::Facts.into(), ..base() }, "put.cutoff: belongs to"),
        (v1::PutHeader { recorded_at: fine(), ..base() }, "put.recorded_at: is finer"),
        (v1::PutHeader { watermark: fine(), ..base() }, "put.watermark: is finer"),
        (v1::PutHeader { valid_to: 1, ..base() }, "put.valid_to: belongs to facts"),
        (v1::PutHeader { valid_to: 7, ..base() }, "put.valid_to: 7 is unknown"),
        (v1::PutHeader { on_duplicate: 7, ..base() }, "put.on_duplicate: 7 is unknown"),
        (v1::PutHeader { semantics: 7, ..base() }, "put.semantics: 7 is unknown"),
        (v1::PutHeader { request_id: "\n".into(), ..base() }, "put.request_id: "),
        (v1::PutHeader { reason: "\n".into(), ..base() }, "put.reason: "),
        (v1::PutHeader { parent: "x".into(), ..base() }, "put.parent: "),
    ] {
        let asked = put(header, rows(&[1]));
        refused(service.put(taken(asked)).await, Code::InvalidArgument, expected);
    }
    let headless = v1::PutRequest { put: None, data: None };
    refused(service.put(taken(headless)).await, Code::InvalidArgument, "put: is missing");
    let empty = v1::PutRequest { put: Some(base()), data: None };
    refused(service.put(taken(empty)).await, Code::InvalidArgument, "data: is missing");
    let missing = put(full("nothing"), rows(&[1]));
    refused(service.put(taken(missing)).await, Code::NotFound, "nothing");
    let counted = put(v1::PutHeader { expected_rows: Some(2), ..base() }, rows(&[1]));
    assert!(service.put(taken(counted)).await.is_err());
}

#[tokio::test]
async fn cutoffs_are_withdrawn() {
    let store = TestStore::new().await;
    let service = ingest(&store);
    store.create("loans", Mode::State).await;
    service.put(taken(put(full("loans"), rows(&[1])))).await.unwrap();
    let asked = v1::WithdrawCutoffRequest {
        context: "loans".into(),
        cutoff: full("").cutoff,
        ..v1::WithdrawCutoffRequest::default()
    };
    let receipt =
        service.withdraw_cutoff(request(asked.clone())).await.unwrap().into_inner().receipt.unwrap();
    assert_eq!((receipt.commit, receipt.replayed), (2, false));
    refused(service.withdraw_cutoff(request(asked.clone())).await, Code::NotFound, "nothing to withdraw");
    let asked = v1::WithdrawCutoffRequest { cutoff: None, ..asked };
    refused(service.withdraw_cutoff(request(asked)).await, Code::InvalidArgument, "cutoff: is missing");
}

#[tokio::test]
async fn rows_past_the_limit_are_refused() {
    let limits = Limits { put_rows_max: 2, ..crate::test_store::limits() };
    let store = TestStore::with(limits).await;
    let service = ingest(&store);
    store.create("loans", Mode::State).await;
    let messages = [header(full("loans")), values(rows(&[1, 2])), values(rows(&[3]))];
    refused(put_stream(&service, &messages).await, Code::ResourceExhausted, "put_rows_max = 2");
    assert!(put_stream(&service, &messages[..2]).await.is_ok());
}
