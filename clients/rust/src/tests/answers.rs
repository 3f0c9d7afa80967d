//! Answers that end as they should, and those that do not.

use std::sync::Arc;

use arrow_array::{Int64Array, RecordBatch};
use arrow_schema::{DataType, Field, Schema};
use calotype_proto::v1;
use calotype_proto::v1::answer_part::Part;
use futures::stream::{self, StreamExt, TryStreamExt};
use tonic::Status;

use super::claim;
use super::script::{Script, queue, serve};
use crate::{AsOfQuestion, ClientError, Point, Row, arrow};

fn answer(parts: impl IntoIterator<Item = Part>) -> Vec<Result<v1::AsOfResponse, Status>> {
    let wrap = |part| Ok(v1::AsOfResponse { part: Some(v1::AnswerPart { part: Some(part) }) });
    parts.into_iter().map(wrap).collect()
}

fn header(arrow_schema: bytes::Bytes) -> Part {
    let column = v1::Column { name: "id".into(), r#type: "int64".into(), ..v1::Column::default() };
    let (columns, claim) = (vec![column], Some(claim()));
    Part::Header(v1::AnswerHeader { columns, claim, arrow_schema, ..v1::AnswerHeader::default() })
}

fn rows(count: i64) -> Part {
    let row = |id: i64| v1::Row::from(&Row(vec![id.into()]));
    Part::Rows(v1::RowBatch { columns: Vec::new(), rows: (0..count).map(row).collect() })
}

fn end(rows: u64) -> Part {
    Part::End(v1::AnswerEnd { rows, result_hash: "aa".into() })
}

fn question() -> AsOfQuestion {
    AsOfQuestion::new("loans", Point::default())
}

async fn read(parts: Vec<Result<v1::AsOfResponse, Status>>) -> Result<usize, ClientError> {
    let running = serve(Script { as_ofs: queue(vec![Ok(parts)]), ..Script::default() }).await;
    let mut answer = running.client().await.as_of_rows(&question()).await?;
    let rows = answer.read_all().await.inspect_err(|_| assert_eq!(answer.end(), None))?;
    assert_eq!(answer.end().unwrap().result_hash, "aa");
    Ok(rows.len())
}

#[tokio::test]
async fn an_answer_is_read_to_its_end() {
    let parts = answer([header(bytes::Bytes::new()), rows(2), rows(0), rows(1), end(3)]);
    assert_eq!(read(parts).await.unwrap(), 3);
}

#[tokio::test]
async fn an_answer_without_its_end_was_cut_short() {
    let error = read(answer([header(bytes::Bytes::new()), rows(2)])).await.unwrap_err();
    assert!(matches!(error, ClientError::CutShort { rows: 2, .. }), "{error}");
}

#[tokio::test]
async fn an_error_in_the_middle_is_an_error() {
    let mut parts = answer([header(bytes::Bytes::new()), rows(2)]);
    parts.push(Err(Status::data_loss("a chunk does not hash to its name")));
    assert_eq!(read(parts).await.unwrap_err().to_string(), "a chunk does not hash to its name");
}

#[tokio::test]
async fn an_answer_that_breaks_the_interface_is_refused() {
    let check = async |parts: Vec<Part>, expected: &str| {
        let error = read(answer(parts)).await.unwrap_err();
        assert!(matches!(error, ClientError::Reply { .. }), "{error}");
        assert!(error.to_string().contains(expected), "{error}");
    };
    let head = || header(bytes::Bytes::new());
    check(vec![head(), rows(2), end(3)], "its end counts 3 rows where 2 came").await;
    check(vec![rows(2), end(2)], "does not begin with a header").await;
    check(vec![head(), head(), end(0)], "a header came twice").await;
    let arrow = Part::Arrow(v1::ArrowMessage::default());
    check(vec![head(), arrow], "Arrow came where rows were asked for").await;
    let wide = Part::Rows(v1::RowBatch { columns: Vec::new(), rows: vec![v1::Row::default()] });
    check(vec![head(), wide], "a row has 0 values for 1 columns").await;
    let bare = Part::Header(v1::AnswerHeader::default());
    check(vec![bare, end(0)], "claim is missing").await;
}

#[tokio::test]
async fn an_answer_that_has_begun_is_not_asked_again() {
    let mut cut = answer([header(bytes::Bytes::new()), rows(1)]);
    cut.push(Err(Status::unavailable("stopping")));
    let good = answer([header(bytes::Bytes::new()), end(0)]);
    let as_ofs = queue(vec![Err(Status::unavailable("starting")), Ok(vec![]), Ok(cut), Ok(good)]);
    let running = serve(Script { as_ofs, ..Script::default() }).await;
    let mut answer = running.client().await.as_of_rows(&question()).await.unwrap();
    assert_eq!(answer.next().await.unwrap().unwrap().len(), 1);
    assert_eq!(answer.next().await.unwrap_err().to_string(), "stopping");
    assert!(matches!(answer.next().await, Err(ClientError::CutShort { rows: 1, .. })));
    assert_eq!(running.script.as_ofs.lock().unwrap().len(), 1, "the last answer was not asked for");
}

fn batch(ids: impl IntoIterator<Item = i64>) -> RecordBatch {
    let schema = Schema::new(vec![Field::new("id", DataType::Int64, false)]);
    RecordBatch::try_new(Arc::new(schema), vec![Arc::new(Int64Array::from_iter_values(ids))]).unwrap()
}

async fn messages(batches: Vec<RecordBatch>) -> Vec<v1::ArrowMessage> {
    let schema = batches[0].schema();
    arrow::encode(schema, stream::iter(batches).map(Ok).boxed()).try_collect().await.unwrap()
}

#[tokio::test]
async fn arrow_survives_the_way() {
    let sent = batch(0..200_000);
    let mut messages = messages(vec![sent.clone()]).await.into_iter();
    let schema = messages.next().unwrap();
    let parts = messages.map(Part::Arrow).collect::<Vec<_>>();
    assert!(parts.len() > 1, "a large batch is cut");
    let parts = answer([header(schema.header)].into_iter().chain(parts).chain([end(200_000)]));
    let running = serve(Script { as_ofs: queue(vec![Ok(parts)]), ..Script::default() }).await;
    let mut answer = running.client().await.as_of(&question()).await.unwrap();
    assert_eq!(answer.schema(), &sent.schema());
    assert_eq!(answer.claim().context, "loans");
    let batches = answer.read_all().await.unwrap();
    assert_eq!(arrow_select::concat::concat_batches(&sent.schema(), &batches).unwrap(), sent);
    assert_eq!(answer.end().unwrap().rows, 200_000);
}

#[tokio::test]
async fn a_message_without_a_body_is_complete() {
    let none = batch([]);
    let messages = messages(vec![none.clone()]).await;
    let mut decoder = arrow::Decoder::new(&messages[0].header).unwrap();
    assert_eq!(decoder.schema(), &none.schema());
    // The encoder sends no empty batches, a server may.
    let generator = arrow_ipc::writer::StreamWriter::try_new(Vec::new(), &none.schema());
    let mut writer = generator.unwrap();
    writer.write(&none).unwrap();
    let bytes = writer.into_inner().unwrap();
    let length = |at: usize| u32::from_le_bytes(bytes[at + 4..at + 8].try_into().unwrap()) as usize;
    let second = 8 + length(0);
    let header = bytes::Bytes::copy_from_slice(&bytes[second + 8..second + 8 + length(second)]);
    let message = v1::ArrowMessage { header, body: bytes::Bytes::new() };
    assert_eq!(decoder.decode(&message).unwrap().unwrap().num_rows(), 0);
}

#[tokio::test]
async fn no_bytes_make_the_reader_panic() {
    let messages = messages(vec![batch(0..100)]).await;
    let whole = &messages[1];
    for at in 0..whole.header.len() {
        for flip in [0x01, 0x80, 0xff] {
            let mut header = whole.header.to_vec();
            header[at] ^= flip;
            let mut decoder = arrow::Decoder::new(&messages[0].header).unwrap();
            let message = v1::ArrowMessage { header: header.into(), body: whole.body.clone() };
            // Whether it is refused is Arrow's business; that nothing panics is ours.
            drop(decoder.decode(&message));
        }
    }
    let mut decoder = arrow::Decoder::new(&messages[0].header).unwrap();
    let short = v1::ArrowMessage { header: whole.header.clone(), body: whole.body.slice(8..) };
    assert!(decoder.decode(&short).unwrap_err().0.contains("where its header says"));
    assert!(arrow::Decoder::new(&whole.header.slice(4..)).is_err());
    assert!(arrow::Decoder::new(&bytes::Bytes::new()).is_err());
}
