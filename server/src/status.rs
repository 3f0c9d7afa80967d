//! Errors as gRPC carries them: a code, a message, and exactly one `ErrorInfo`.
//!
//! Invariants: a client's mistake is never `INTERNAL` or `UNKNOWN`; a status with its details, in base64 among the
//! trailers, stays below the 8 KiB that clients take as headers; no control character leaves in a message.

mod details;

use std::error::Error as _;
use std::fmt::Display;
use std::time::Duration;

use calotype_proto::strict::{Unfit, Why};
use calotype_query::QueryError;
#[cfg(feature = "sql")]
use calotype_sql::SqlError;
use calotype_storage::error::{Code as StoreCode, Error, reasons};
use calotype_storage::refusal::Refusal;
use calotype_storage::variables::variable;
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use crate::limits::Limits;
use crate::settings::section::Section as _;
use crate::telemetry::metrics::word_of;
use details::Draft;

/// The domain of all reasons.
pub const DOMAIN: &str = "calotype";

/// Why SQL is not answered.
#[cfg(not(feature = "sql"))]
pub const WITHOUT_SQL: &str =
    "this server was built without SQL: ask one that has it, or name keys and filter rows where they arrive";

/// The variable that names a limit.
const LIMIT: &str = "limit";
/// When a node that lags behind by a commit is asked again.
const BEHIND_RETRY: Duration = Duration::from_millis(100);
/// When a store that failed to answer is asked again.
const STORE_RETRY: Duration = Duration::from_secs(1);
/// When a lost race is run again.
const RACE_RETRY: Duration = Duration::from_millis(50);

/// A field of a request, as the client names it: `put.cutoff`, `keys[3]`.
#[derive(Clone, Copy, Debug)]
pub struct Field<'a>(pub &'a str);

/// What is wrong with a field of the request. `INVALID_ARGUMENT`.
pub fn invalid(field: Field<'_>, what: impl Display) -> Status {
    let draft = Draft::new(Code::InvalidArgument, "INVALID_FIELD", format_args!("{}: {what}", field.0));
    draft.with(variable("field", field.0)).violates(field.0, &what).status()
}

/// A message that its codec has refused; `None` of any other error. `INVALID_ARGUMENT`.
pub fn of_codec(found: &Status) -> Option<Status> {
    let unfit = found.source()?.downcast_ref::<Unfit>()?;
    let reason = if matches!(unfit.why, Why::Unknown { .. }) { "UNKNOWN_FIELD" } else { "INVALID_FIELD" };
    let draft = Draft::new(Code::InvalidArgument, reason, unfit)
        .with(variable("field", &unfit.field))
        .with(variable("message", &unfit.message))
        .with(variable("number", unfit.number));
    Some(draft.violates(&unfit.field, &unfit.why).status())
}

/// A limit that was run into, named as in the settings; nothing was done. May be retried after the given time where
/// there is one. `RESOURCE_EXHAUSTED`.
pub fn exhausted(limit: &'static str, what: impl Display, retry_after: Option<Duration>) -> Status {
    let draft = Draft::new(Code::ResourceExhausted, "LIMIT_REACHED", what);
    draft.with(variable(LIMIT, limit)).retry_after(retry_after).status()
}

/// A limit of time that has passed, named as in the settings. `DEADLINE_EXCEEDED`.
pub fn too_long(limit: &'static str, what: impl Display) -> Status {
    Draft::new(Code::DeadlineExceeded, "LIMIT_REACHED", what).with(variable(LIMIT, limit)).status()
}

/// There is no such thing: `not_found("snapshot", id)`. `NOT_FOUND`.
pub fn not_found(kind: &'static str, name: impl Display) -> Status {
    let draft = Draft::new(Code::NotFound, "NOT_FOUND", format_args!("there is no {kind} {name}"));
    draft.with(variable("what", kind)).with(variable("name", &name)).resource(kind, &name).status()
}

/// A race was lost and nothing was done; it may be run again at once. `ABORTED`.
pub fn aborted(reason: &'static str, what: impl Display) -> Status {
    Draft::new(Code::Aborted, reason, what).retry_after(Some(RACE_RETRY)).status()
}

/// This node cannot do it now. May be retried here after the given time where there is one, else elsewhere.
/// `UNAVAILABLE`.
pub fn unavailable(reason: &'static str, what: impl Display, retry_after: Option<Duration>) -> Status {
    Draft::new(Code::Unavailable, reason, what).retry_after(retry_after).status()
}

/// The client's deadline has passed. `DEADLINE_EXCEEDED`.
pub fn deadline_exceeded(what: impl Display) -> Status {
    Draft::new(Code::DeadlineExceeded, "DEADLINE_EXCEEDED", what).status()
}

/// The client, or the end of the server, ended it. `CANCELLED`.
pub fn cancelled(what: impl Display) -> Status {
    Draft::new(Code::Cancelled, "CANCELLED", what).status()
}

/// What is not built. `UNIMPLEMENTED`.
pub fn unimplemented(what: impl Display) -> Status {
    Draft::new(Code::Unimplemented, "UNIMPLEMENTED", what).status()
}

/// What a server without SQL answers. `UNIMPLEMENTED`.
#[cfg(not(feature = "sql"))]
pub fn without_sql() -> Status {
    unimplemented(WITHOUT_SQL)
}

/// A broken invariant of our own. `INTERNAL`.
pub fn internal(what: impl Display) -> Status {
    Draft::new(Code::Internal, "INTERNAL", what).status()
}

/// An error that a library below us made: the same, with the details that all errors have.
pub fn of_library(code: Code, what: impl Display) -> Status {
    Draft::new(code, word_of(code), what).status()
}

/// What has a status.
pub trait HasStatus {
    /// Its status.
    fn status(&self) -> Status;
}

impl HasStatus for QueryError {
    fn status(&self) -> Status {
        of_query(self)
    }
}

#[cfg(feature = "sql")]
impl HasStatus for SqlError {
    fn status(&self) -> Status {
        of_sql(self)
    }
}

/// An error of a question.
pub fn of_query(error: &QueryError) -> Status {
    let draft = || {
        let draft = Draft::new(code_of(error.code()), error.reason(), reasons(error));
        error.variables().into_iter().fold(draft, Draft::with)
    };
    match error {
        QueryError::Storage(error) => of_store(error),
        QueryError::NoColumn { .. } => draft().violates("columns", error).status(),
        QueryError::Key { .. } => draft().violates("key", error).status(),
        QueryError::EmptyRange { .. } => draft().violates("range", error).status(),
        QueryError::NoOffsets(context) | QueryError::Denied { context, .. } => {
            draft().resource("context", context).status()
        }
        QueryError::Behind { .. } => draft().retry_after(Some(BEHIND_RETRY)).status(),
        // The crate may add some: they have a code and a reason like all others.
        _ => draft().status(),
    }
}

/// An error of a statement. What our own program did wrong is `INTERNAL`, whatever the caller can do about it.
#[cfg(feature = "sql")]
pub fn of_sql(error: &SqlError) -> Status {
    #[expect(clippy::wildcard_enum_match_arm, reason = "the others have a code and a reason that say it all")]
    match error {
        SqlError::Query(error) => of_query(error),
        SqlError::Internal(_) => internal(error),
        SqlError::Limit { setting, .. } => exhausted(setting, error, None),
        _ => {
            let draft = Draft::new(code_of(error.code()), error.reason(), error);
            error.variables().into_iter().fold(draft, Draft::with).violates("sql", error).status()
        }
    }
}

/// An error of the store.
#[expect(clippy::wildcard_enum_match_arm, reason = "the others are about nothing that a client names")]
pub fn of_store(error: &Error) -> Status {
    let draft = Draft::new(code_of(error.code()), error.reason(), reasons(error));
    let draft = error.variables().into_iter().fold(draft, Draft::with).retry_after(retry_of(error));
    match error {
        Error::Refused(refusal) => place(draft, refusal).status(),
        Error::NotFound { what, name } => draft.resource(what, name).status(),
        Error::Future { .. } => draft.violates("known_at", error).status(),
        _ => draft.status(),
    }
}

/// The reason of a status that this module made.
pub fn reason(status: &Status) -> Option<String> {
    Some(status.get_details_error_info()?.reason)
}

/// The limit that a status of this module names, as the settings do.
pub fn limit(status: &Status) -> Option<&'static str> {
    if !matches!(status.code(), Code::ResourceExhausted | Code::DeadlineExceeded) {
        return None;
    }
    let info = status.get_details_error_info().filter(|info| info.domain == DOMAIN)?;
    let named = info.metadata.get(LIMIT)?;
    Limits::declarations().iter().map(|declaration| declaration.name).find(|name| name == named)
}

/// The code of gRPC for what a caller can do about an error of the store.
fn code_of(code: StoreCode) -> Code {
    match code {
        StoreCode::InvalidArgument => Code::InvalidArgument,
        StoreCode::NotFound => Code::NotFound,
        StoreCode::AlreadyExists => Code::AlreadyExists,
        StoreCode::FailedPrecondition => Code::FailedPrecondition,
        StoreCode::OutOfRange => Code::OutOfRange,
        StoreCode::ResourceExhausted => Code::ResourceExhausted,
        StoreCode::Aborted => Code::Aborted,
        StoreCode::DataLoss => Code::DataLoss,
        StoreCode::Unavailable => Code::Unavailable,
    }
}

/// When to ask again. Where a write failed nobody says so: its outcome may be unknown, and only the client knows
/// whether its idempotency key makes a repetition safe.
#[expect(clippy::wildcard_enum_match_arm, reason = "nothing else gets better by waiting")]
fn retry_of(error: &Error) -> Option<Duration> {
    match error {
        Error::Store { action: "read" | "look at" | "list", full: false, .. } => Some(STORE_RETRY),
        Error::Overtaken { .. } => Some(RACE_RETRY),
        _ => None,
    }
}

/// Names the field or the thing that a refusal is about, where it is about one.
#[expect(clippy::wildcard_enum_match_arm, reason = "the rest are about the rows, which are no field")]
fn place(draft: Draft, refusal: &Refusal) -> Draft {
    match refusal {
        Refusal::NoContext(context) | Refusal::ContextExists { context, .. } => {
            draft.resource("context", context)
        }
        Refusal::UnknownCutoff { cutoff, .. } => draft.resource("cutoff", cutoff),
        Refusal::NoSchemaVersion { version, .. } => draft.resource("schema version", version),
        Refusal::ColumnExists(column) => draft.resource("column", column),
        Refusal::IdempotencyKeyReused { key, .. } => draft.resource("idempotency key", key),
        Refusal::Field { field, expected } => draft.violates(field, expected),
        Refusal::Option { option, .. } => draft.violates(option, refusal),
        Refusal::NoCutoff(_) => draft.violates("cutoff", refusal),
        Refusal::Schema(what) => draft.violates("columns", what),
        Refusal::EmptyFull | Refusal::ExpectedRows { .. } => draft.violates("expected_rows", refusal),
        Refusal::Total { .. } | Refusal::NoTotal(_) => draft.violates("totals", refusal),
        Refusal::RecordedAtFuture { .. } | Refusal::RecordedAtOrder { .. } => {
            draft.violates("recorded_at", refusal)
        }
        _ => draft,
    }
}

#[cfg(test)]
mod tests;
