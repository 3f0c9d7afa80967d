//! Fields that this version does not have, as a newer client would send them: refused wherever they stand, and nothing
//! is done. Passed over, a filter that is not known would be an answer to another question.

use calotype_client::{CaptureMode, NewContext};
use calotype_proto::v1;
use calotype_wire::bare::{GRPC, ask};
use calotype_wire::process::frames::message;
use calotype_wire::serving::{Server, limits};
use prost::Message;
use prost::encoding::{WireType, encode_key, encode_varint};
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use crate::places::Place;

/// A message, and a field more within it: `within` are the fields that lead there.
fn grown(request: &impl Message, within: &[u32]) -> Vec<u8> {
    let mut more = Vec::new();
    encode_key(77, WireType::Varint, &mut more);
    encode_varint(1, &mut more);
    for field in within.iter().rev() {
        let inner = std::mem::take(&mut more);
        encode_key(*field, WireType::LengthDelimited, &mut more);
        encode_varint(inner.len() as u64, &mut more);
        more.extend(inner);
    }
    [request.encode_to_vec(), more].concat()
}

fn header(request_id: &str) -> v1::PutHeader {
    let cutoff = Some(prost_types::Timestamp { seconds: 1, nanos: 0 });
    let kind = v1::PutKind::Full.into();
    v1::PutHeader { context: "c".into(), kind, cutoff, request_id: request_id.into(), ..Default::default() }
}

fn rows() -> v1::RowBatch {
    let value = v1::Value { kind: Some(v1::value::Kind::IntValue(7)) };
    v1::RowBatch { columns: vec!["id".into()], rows: vec![v1::Row { values: vec![value] }] }
}

fn put() -> v1::PutRequest {
    v1::PutRequest { put: Some(header("whole")), data: Some(v1::put_request::Data::Rows(rows())) }
}

/// Parts of a put in a stream, a field more within the last.
fn parts(within: &[u32]) -> Vec<u8> {
    use v1::put_stream_request::Part;
    let first = v1::PutStreamRequest { part: Some(Part::Put(header("stream"))) };
    let second = grown(&v1::PutStreamRequest::default(), within);
    [message(false, &first.encode_to_vec()), message(false, &second)].concat()
}

/// Deeds in a stream, a field more within the only one.
fn deeds(within: &[u32]) -> Vec<u8> {
    message(false, &grown(&v1::PutManyRequest::default(), within))
}

fn refused(status: Option<Status>, field: &str) {
    let status = status.expect("an end");
    assert_eq!(status.code(), Code::InvalidArgument, "{field}: {status:?}");
    let info = status.get_details_error_info().expect("details");
    let metadata = info.metadata;
    assert_eq!((info.reason.as_str(), metadata["field"].as_str()), ("UNKNOWN_FIELD", field), "{status:?}");
    assert_eq!(metadata["number"], "77");
    assert!(status.message().contains(&metadata["message"]) && status.message().contains("leave it out"));
}

#[tokio::test]
async fn fields_that_are_not_known_are_refused_wherever_they_stand() {
    let server = Server::here(Place::memory().open().await, limits());
    let client = server.client().await;
    let (name, key) = ("c".to_owned(), vec!["id".to_owned()]);
    let new = NewContext { name, key, mode: CaptureMode::State, ..NewContext::default() };
    client.create_context(&new).await.unwrap();
    let channel = server.channel().await;
    let get = v1::GetEntityRequest { context: "c".into(), ..Default::default() };
    let as_of = v1::AsOfRequest { context: "c".into(), ..Default::default() };
    let watch = v1::WatchContextRequest { context: "c".into(), ..Default::default() };
    let one = |bytes: Vec<u8>| message(false, &bytes);
    for (path, body, field) in [
        ("QueryService/GetEntity", one(grown(&get, &[])), "77"),
        ("QueryService/GetEntity", one(grown(&get, &[3, 2])), "point.known_at.77"),
        ("QueryService/AsOf", one(grown(&as_of, &[])), "77"),
        ("QueryService/AsOf", one(grown(&as_of, &[3, 1, 2])), "keys.columns.value.77"),
        ("LogService/WatchContext", one(grown(&watch, &[])), "77"),
        (
            "ContextService/CreateContext",
            one(grown(&v1::CreateContextRequest::default(), &[6])),
            "columns.77",
        ),
        ("IngestService/Put", one(grown(&put(), &[])), "77"),
        ("IngestService/Put", one(grown(&v1::PutRequest::default(), &[2, 2, 1])), "rows.rows.values.77"),
        ("IngestService/PutStream", parts(&[2]), "rows.77"),
        ("IngestService/PutStream", parts(&[3]), "arrow.77"),
        ("IngestService/PutMany", deeds(&[1, 1]), "put.put.77"),
        ("IngestService/PutMany", deeds(&[2]), "withdraw.77"),
        ("IngestService/WithdrawCutoff", one(grown(&v1::WithdrawCutoffRequest::default(), &[])), "77"),
    ] {
        let (_, status) = ask(&channel, &format!("/calotype.v1.{path}"), &[GRPC], body).await;
        refused(status, field);
    }
    let watched = client.context("c").await.unwrap();
    assert_eq!((watched.puts, watched.withdrawals), (0, 0), "nothing was done");
    let (_, status) =
        ask(&channel, "/calotype.v1.IngestService/Put", &[GRPC], one(put().encode_to_vec())).await;
    assert_eq!(status.unwrap().code(), Code::Ok, "the same without it is taken");
}

#[tokio::test]
async fn what_only_the_last_would_count_of_is_refused() {
    let server = Server::here(Place::memory().open().await, limits());
    let channel = server.channel().await;
    let get = v1::GetEntityRequest { context: "c".into(), ..Default::default() };
    let other = v1::GetEntityRequest { context: "d".into(), ..Default::default() };
    let twice = [get.encode_to_vec(), other.encode_to_vec()].concat();
    // A map's entry as a group: prost would read it.
    let group = vec![18, 2, 11, 0];
    for (body, says) in [(twice, "context: comes twice"), (group, "a map's entry has no length")] {
        let body = message(false, &body);
        let (_, status) = ask(&channel, "/calotype.v1.QueryService/GetEntity", &[GRPC], body).await;
        let status = status.unwrap();
        assert_eq!(status.code(), Code::InvalidArgument, "{status:?}");
        assert_eq!(status.get_details_error_info().unwrap().reason, "INVALID_FIELD");
        assert!(status.message().contains(says), "{status:?}");
    }
}
