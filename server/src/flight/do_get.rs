//! DoGet: the answer to a ticket, as it is read.

use arrow_array::RecordBatch;
use arrow_flight::Ticket as FlightTicket;
use arrow_schema::{Schema, SchemaRef};
use bytes::{Buf, Bytes, BytesMut};
use calotype_query::End;
use http::{HeaderValue, Request, Response};
use http_body_util::BodyExt;
use prost::Message as _;
use tokio::time::timeout;
use tonic::Status;
use tonic::body::Body;

use super::body::{AnswerBody, Message};
use super::encoder::Messages;
use super::question::{ClaimJson, Take, prepare};
use super::ticket::Ticket;
use crate::answer::{self, Answering};
use crate::caller::Caller;
use crate::ipc::encode::{Compression, Encoded, Encoder, schema_message};
use crate::limits::Limits;
use crate::node::Node;
use crate::status::{self, Field};

/// Where the schema's metadata carries the claim.
pub(super) const CLAIM: &str = "calotype.claim";
/// Where the last message carries rows and result hash.
const END: &str = "calotype.end";
/// Before each gRPC message: a flag of compression, and its length.
const PREFIX_BYTES: usize = 5;

/// Answers a DoGet request; an error is in the headers, or in the trailers once rows have gone out.
pub(super) async fn answer(node: &Node, request: Request<Body>) -> Response<Body> {
    match begin(node, request).await {
        Ok(body) => {
            let mut response = Response::new(Body::new(body));
            let content_type = HeaderValue::from_static("application/grpc");
            response.headers_mut().insert(http::header::CONTENT_TYPE, content_type);
            response
        }
        Err(status) => status.into_http(),
    }
}

async fn begin(node: &Node, request: Request<Body>) -> Result<AnswerBody, Status> {
    let request = tonic::Request::from_http(request);
    let caller = Caller::of(&request)?;
    let ticket = read_message(request.into_inner(), node.limits()).await?;
    let ticket = FlightTicket::decode(ticket).map_err(|error| {
        status::invalid(Field("request"), format_args!("is not a Flight ticket: {error}"))
    })?;
    let ticket = Ticket::of_node(&ticket.ticket, node)?;
    let question = prepare(node, &caller, &ticket).await?;
    question.ask(Begin { node, caller: &caller, compression: ticket.compression() }).await
}

/// Begins to send an answer.
struct Begin<'a> {
    node: &'a Node,
    caller: &'a Caller,
    compression: Compression,
}

impl Take for Begin<'_> {
    type Taken = AnswerBody;

    async fn take<Ask, Asked, A>(self, ask: Ask) -> Result<AnswerBody, Status>
    where
        Ask: FnOnce(Node) -> Asked + Send + 'static,
        Asked: Future<Output = Result<A, A::Error>> + Send + 'static,
        A: Answering<Claim: ClaimJson>,
    {
        let (compression, limits) = (self.compression, self.node.limits().clone());
        let encoder = move |schema: &SchemaRef| Ok(Messages::new(schema, compression, &limits));
        let (claim, running) = answer::run(self.node, self.caller, ask, encoder).await?;
        let first = schema_message(&claimed(&running.schema, claim.json()));
        let first = Message::new(Encoded { header: first, body: Vec::new(), body_length: 0 });
        let schema = SchemaRef::clone(&running.schema);
        Ok(AnswerBody::new(first, running, Box::new(move |end| closing(&schema, end))))
    }
}

/// The schema with the claim in its metadata.
pub(super) fn claimed(schema: &Schema, claim: String) -> Schema {
    let mut metadata = schema.metadata().clone();
    metadata.insert(CLAIM.to_owned(), claim);
    schema.clone().with_metadata(metadata)
}

/// The last message: no rows, and beside them how many there were and their hash.
fn closing(schema: &SchemaRef, end: End) -> Result<Message, Status> {
    let empty = RecordBatch::new_empty(SchemaRef::clone(schema));
    let encoded = Encoder::new(Compression::None).batch(&empty).map_err(status::internal)?;
    let end = serde_json::json!({END: {"rows": end.rows, "result_hash": end.result_hash.to_string()}});
    Ok(Message { encoded, app_metadata: end.to_string().into() })
}

/// Reads the one message of a request.
async fn read_message(mut body: Body, limits: &Limits) -> Result<Bytes, Status> {
    let mut bytes = BytesMut::new();
    let malformed = |what: &str| status::invalid(Field("request"), what);
    loop {
        let frame = timeout(limits.put_stall_time_max, body.frame()).await;
        let frame = frame.map_err(|_| {
            status::too_long(
                "put_stall_time_max",
                "the request did not come to its end in put_stall_time_max",
            )
        })?;
        let Some(frame) = frame.transpose()? else { break };
        let Ok(data) = frame.into_data() else { continue };
        if bytes.len() + data.len() > PREFIX_BYTES + limits.control_message_bytes_max {
            let what = format!("the request is larger than {} bytes", limits.control_message_bytes_max);
            return Err(status::exhausted("control_message_bytes_max", what, None));
        }
        bytes.extend_from_slice(&data);
    }
    if bytes.len() < PREFIX_BYTES {
        return Err(malformed("ends before its first message does"));
    }
    let compressed = bytes.get_u8();
    let length = bytes.get_u32();
    match compressed {
        0 => {}
        1 => return Err(status::unimplemented("compressed tickets are not taken: send them as they are")),
        _ => return Err(malformed("has a flag of compression that is neither 0 nor 1")),
    }
    if bytes.len() as u64 != u64::from(length) {
        return Err(malformed("holds something else than one message"));
    }
    Ok(bytes.freeze())
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn check(body: &'static [u8], expected: Result<&str, &str>) {
        let body = Body::new(http_body_util::Full::new(Bytes::from_static(body)));
        let limits = Limits { control_message_bytes_max: 8, ..Limits::default() };
        let found = read_message(body, &limits).await;
        let found = found.map_err(|status| status.message().to_owned());
        assert_eq!(found, expected.map(Bytes::from_static_str).map_err(str::to_owned));
    }

    trait FromStaticStr {
        fn from_static_str(text: &str) -> Self;
    }

    impl FromStaticStr for Bytes {
        fn from_static_str(text: &str) -> Self {
            Self::copy_from_slice(text.as_bytes())
        }
    }

    #[tokio::test]
    async fn requests_are_one_message() {
        check(b"\0\0\0\0\x03abc", Ok("abc")).await;
        check(b"\0\0\0\0\0", Ok("")).await;
        check(b"", Err("request: ends before its first message does")).await;
        check(b"\0\0\0\0\x04abc", Err("request: holds something else than one message")).await;
        check(b"\0\0\0\0\x02abc", Err("request: holds something else than one message")).await;
        check(b"\0\xff\xff\xff\xffabc", Err("request: holds something else than one message")).await;
        check(b"\x02\0\0\0\x03abc", Err("request: has a flag of compression that is neither 0 nor 1")).await;
        check(b"\x01\0\0\0\x03abc", Err("compressed tickets are not taken: send them as they are")).await;
        check(b"\0\0\0\0\x09abcdefghi", Err("the request is larger than 8 bytes")).await;
    }
}
