//! Why something did not succeed, and what to do next.

use std::collections::BTreeMap;
use std::error::Error as StdError;
use std::fmt;
use std::time::Duration;

use arrow_schema::ArrowError;
use tonic::{Code, Status};
use tonic_types::StatusExt;

/// Why a request did not succeed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClientError {
    /// The server's refusal, with its code and reason. Act on those.
    #[error("{0}")]
    Server(Box<ServerError>),
    /// No word from the server. Whether a deed was done is not known; one with a request id may be repeated.
    #[error("no answer from the server at {endpoint}: {what}; is it up, and is this its address?")]
    Transport {
        /// The server's address.
        endpoint: String,
        /// What happened.
        what: String,
        /// The id of the request, as the server's log has it; `None` where none was sent.
        request_id: Option<String>,
        /// The cause.
        #[source]
        source: Option<Box<dyn StdError + Send + Sync>>,
    },
    /// The timeout passed. Whether a deed was done is not known.
    #[error("the server at {endpoint} did not finish within {after:?}; ask for less, or allow more time")]
    Timeout {
        /// The server's address.
        endpoint: String,
        /// The timeout.
        after: Duration,
        /// The id of the request.
        request_id: String,
    },
    /// The address is none. Mend it.
    #[error("'{endpoint}' is no server's address: {what}; expected for example http://127.0.0.1:7432")]
    Endpoint {
        /// The address.
        endpoint: String,
        /// What is wrong with it.
        what: String,
    },
    /// The request or an option makes no sense; nothing was sent. Mend it.
    #[error("{0}")]
    Request(String),
    /// The source of the rows failed; nothing was committed.
    #[error("the rows could not be read")]
    Source(#[source] Box<dyn StdError + Send + Sync>),
    /// The rows cannot be written as Arrow; nothing was committed.
    #[error("the rows cannot be written as Arrow")]
    Encode(#[source] Box<ArrowError>),
    /// The answer ended without its end: rows may be missing. Ask again.
    #[error("the answer was cut short after {rows} rows")]
    CutShort {
        /// Rows that came.
        rows: u64,
        /// The id of the request.
        request_id: String,
    },
    /// The server's answer breaks the interface: client and server do not fit, or something between them meddles.
    #[error("the server's answer breaks the interface: {what}")]
    Reply {
        /// What is wrong with it.
        what: String,
        /// The id of the request.
        request_id: String,
    },
}

/// A server's refusal.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ServerError {
    /// Its code.
    pub code: Code,
    /// Its message, as the server said it.
    pub message: String,
    /// What it is about, in `UPPER_SNAKE`; empty where the server gave none.
    pub reason: String,
    /// Every variable of the message.
    pub metadata: BTreeMap<String, String>,
    /// The id of the request, as the server's log has it.
    pub request_id: String,
    /// When it may be tried again, where the server said so.
    pub retry_after: Option<Duration>,
}

impl fmt::Display for ServerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.message.is_empty() {
            f.write_str(self.code.description())
        } else {
            f.write_str(&self.message)
        }
    }
}

impl ClientError {
    /// What a status says: a refusal if the server sent it, else a failure of the transport.
    pub(crate) fn of_status(status: &Status, endpoint: &str, request_id: &str) -> Self {
        if let Some(cause) = StdError::source(status) {
            return Self::Transport {
                endpoint: endpoint.to_owned(),
                what: innermost(cause),
                request_id: Some(request_id.to_owned()),
                source: Some(Box::new(status.clone())),
            };
        }
        let info = status.get_details_error_info();
        let (reason, metadata) = info.map_or_else(Default::default, |info| (info.reason, info.metadata));
        Self::Server(Box::new(ServerError {
            code: status.code(),
            message: status.message().to_owned(),
            reason,
            metadata: metadata.into_iter().collect(),
            request_id: request_id.to_owned(),
            retry_after: status.get_details_retry_info().and_then(|info| info.retry_delay),
        }))
    }

    /// The code: the server's, or the one that comes nearest.
    pub fn code(&self) -> Code {
        match self {
            Self::Server(error) => error.code,
            Self::Transport { .. } | Self::CutShort { .. } => Code::Unavailable,
            Self::Timeout { .. } => Code::DeadlineExceeded,
            Self::Endpoint { .. } | Self::Request(_) | Self::Source(_) | Self::Encode(_) => {
                Code::InvalidArgument
            }
            Self::Reply { .. } => Code::Internal,
        }
    }

    /// What it is about, in `UPPER_SNAKE`; `None` where the server gave no reason.
    pub fn reason(&self) -> Option<&str> {
        self.server().map(|error| error.reason.as_str()).filter(|reason| !reason.is_empty())
    }

    /// The id of the request, as the server's log has it.
    pub fn request_id(&self) -> Option<&str> {
        match self {
            Self::Server(error) => Some(&error.request_id),
            Self::Transport { request_id, .. } => request_id.as_deref(),
            Self::Timeout { request_id, .. }
            | Self::CutShort { request_id, .. }
            | Self::Reply { request_id, .. } => Some(request_id),
            Self::Endpoint { .. } | Self::Request(_) | Self::Source(_) | Self::Encode(_) => None,
        }
    }

    /// When it may be tried again, where the server said so.
    pub fn retry_after(&self) -> Option<Duration> {
        self.server().and_then(|error| error.retry_after)
    }

    /// Whether the same request may succeed later. Whether repeating it is safe is another question: reads are, and
    /// deeds under a request id.
    pub fn is_retriable(&self) -> bool {
        match self {
            Self::Server(error) => {
                error.code == Code::Unavailable
                    || (matches!(error.code, Code::ResourceExhausted | Code::Aborted)
                        && error.retry_after.is_some())
            }
            Self::Transport { .. } | Self::CutShort { .. } => true,
            Self::Timeout { .. }
            | Self::Endpoint { .. }
            | Self::Request(_)
            | Self::Source(_)
            | Self::Encode(_)
            | Self::Reply { .. } => false,
        }
    }

    /// The server's refusal, where it is one.
    pub fn server(&self) -> Option<&ServerError> {
        if let Self::Server(error) = self { Some(error) } else { None }
    }
}

/// What an error's deepest cause says: the layers above it only repeat that the transport failed.
pub(crate) fn innermost(error: &(dyn StdError + 'static)) -> String {
    let mut error = error;
    while let Some(cause) = error.source() {
        error = cause;
    }
    error.to_string()
}

/// What breaks the interface in a reply; becomes [`ClientError::Reply`].
#[derive(Debug, PartialEq, Eq)]
pub struct Broken(pub(crate) String);

impl Broken {
    /// A field that must be there and is not.
    pub(crate) fn missing(field: &str) -> Self {
        Self(format!("{field} is missing"))
    }

    /// The error, of a request.
    pub(crate) fn of(self, request_id: &str) -> ClientError {
        ClientError::Reply { what: self.0, request_id: request_id.to_owned() }
    }
}
