//! Puts right the errors that come from below the doors, where a client's mistake is called the server's: messages
//! that cannot be decoded, and messages that are too large; and gives all others the details that ours have.

use tonic::{Code, Status};

use crate::status::{self, Field};

/// How the errors begin that the gRPC library makes of bytes that are no message.
const UNDECODED: [&str; 6] = [
    "failed to decode Protobuf message",
    "Missing request message",
    "Unexpected EOF decoding stream",
    "protocol error: received message with",
    "Error decompressing",
    "Error, decoded message length too large",
];

/// The methods whose messages may be as large as those of a put.
const OF_PUTS: [&str; 2] = ["/calotype.v1.IngestService/", "/arrow.flight.protocol.FlightService/"];

/// The error of a method as its client should see it; `None` if it is right as it is.
pub(super) fn mended(method: &str, found: &Status) -> Option<Status> {
    let (code, message) = (found.code(), found.message());
    if code == Code::Ok || !found.details().is_empty() {
        return None;
    }
    if let Some(unfit) = status::of_codec(found) {
        return Some(unfit);
    }
    if !UNDECODED.iter().any(|beginning| message.starts_with(beginning)) {
        return Some(status::of_library(code, message));
    }
    if code == Code::Internal {
        return Some(status::invalid(Field("message"), message));
    }
    if ![Code::OutOfRange, Code::ResourceExhausted].contains(&code) {
        return Some(status::of_library(code, message));
    }
    let is_of_puts = OF_PUTS.iter().any(|service| method.starts_with(service));
    let limit = if is_of_puts { "ingest_message_bytes_max" } else { "control_message_bytes_max" };
    Some(status::exhausted(limit, format!("{message}: send less in one message"), None))
}

/// Whether an answer is the gRPC library's to a method that its service does not have: a code and no word.
pub(super) fn is_unspoken<B>(response: &http::Response<B>) -> bool {
    let header = |name| response.headers().get(name);
    header(Status::GRPC_STATUS).is_some_and(|code| code == "12") && header(Status::GRPC_MESSAGE).is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_method_that_is_not_served_is_told_from_one_that_refuses() {
        assert!(is_unspoken(&Status::unimplemented("").into_http::<()>()));
        assert!(!is_unspoken(&Status::unimplemented("no SQL").into_http::<()>()));
        assert!(!is_unspoken(&Status::internal("").into_http::<()>()));
    }

    #[test]
    fn what_cannot_be_decoded_is_the_clients_mistake() {
        let check = |found: &Status, expected: Option<Code>| {
            let method = "/calotype.v1.QueryService/AsOf";
            assert_eq!(mended(method, found).map(|status| status.code()), expected, "{found}");
        };
        let garbage = "failed to decode Protobuf message: invalid wire type";
        check(&Status::internal(garbage), Some(Code::InvalidArgument));
        let large = "Error, decoded message length too large: found 9 bytes, the limit is: 4 bytes";
        check(&Status::out_of_range(large), Some(Code::ResourceExhausted));
        for (method, limit) in [
            ("/calotype.v1.QueryService/AsOf", "control_message_bytes_max"),
            ("/calotype.v1.IngestService/Put", "ingest_message_bytes_max"),
            ("/arrow.flight.protocol.FlightService/DoPut", "ingest_message_bytes_max"),
        ] {
            let mended = mended(method, &Status::out_of_range(large)).unwrap();
            assert_eq!(status::limit(&mended), Some(limit), "{method}");
        }
        check(&status::internal("a broken invariant"), None);
        check(&Status::ok(""), None);
    }

    #[test]
    fn what_has_no_details_is_given_them() {
        let found = Status::not_found("service not registered");
        let mended = mended("/grpc.health.v1.Health/Check", &found).unwrap();
        assert_eq!((mended.code(), mended.message()), (found.code(), found.message()));
        assert_eq!(status::reason(&mended).as_deref(), Some("NOT_FOUND"));
    }
}
