//! Errors as gRPC carries them: a code, a message, and exactly one `ErrorInfo`.

use std::fmt::Display;
use std::time::Duration;

use calotype_query::QueryError;
use calotype_storage::error::Error;
use tonic::Status;

/// The domain of all reasons.
pub const DOMAIN: &str = "calotype";

/// A field of a request, as the client names it: `put.cutoff`, `keys[3]`.
#[derive(Clone, Copy, Debug)]
pub struct Field<'a>(pub &'a str);

/// What is wrong with a field of the request.
pub fn invalid(field: Field<'_>, what: impl Display) -> Status {
    Status::invalid_argument(format!("{}: {what}", field.0))
}

/// A limit that was run into, named as in the settings; nothing was done. May be retried after the given time where
/// there is one.
pub fn exhausted(limit: &'static str, what: impl Display, retry_after: Option<Duration>) -> Status {
    _ = (limit, retry_after);
    Status::resource_exhausted(what.to_string())
}

/// What is not built.
pub fn unimplemented(what: impl Display) -> Status {
    Status::unimplemented(what.to_string())
}

/// A broken invariant of our own.
pub fn internal(what: impl Display) -> Status {
    Status::internal(what.to_string())
}

/// An error of a question.
pub fn of_query(error: &QueryError) -> Status {
    Status::unknown(error.to_string())
}

/// An error of the store.
pub fn of_store(error: &Error) -> Status {
    Status::unknown(error.to_string())
}
