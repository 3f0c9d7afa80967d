//! A failure as a client sees it, whichever door it came through.

use arrow_flight::error::FlightError;
use calotype_client::ClientError;
use tonic::{Code, Status};
use tonic_types::StatusExt;

/// A failure as a client sees it.
#[derive(Clone, Debug)]
pub struct Failure {
    /// The code.
    pub code: Code,
    /// The reason in its `ErrorInfo`; empty where there was none.
    pub reason: String,
    /// The message.
    pub message: String,
    /// Whether the server said it; else the transport failed, and nobody knows what was done.
    pub is_answer: bool,
}

impl From<Status> for Failure {
    fn from(status: Status) -> Self {
        let reason = status.get_details_error_info().map(|info| info.reason).unwrap_or_default();
        let is_answer = std::error::Error::source(&status).is_none();
        Self { code: status.code(), reason, message: status.message().to_owned(), is_answer }
    }
}

impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Self {
        let reason = error.reason().unwrap_or_default().to_owned();
        let is_answer = error.server().is_some();
        Self { code: error.code(), reason, message: error.to_string(), is_answer }
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "whatever is no status the server has not said")]
impl From<FlightError> for Failure {
    fn from(error: FlightError) -> Self {
        match error {
            FlightError::Tonic(status) => (*status).into(),
            other => Self {
                code: Code::Unknown,
                reason: String::new(),
                message: other.to_string(),
                is_answer: false,
            },
        }
    }
}
