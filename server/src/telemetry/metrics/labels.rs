//! The labels. Each has few values, and none of them comes from a client.

use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue, LabelValueEncoder};
use tonic::Code;

/// Through which door a request came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Door {
    /// `calotype.v1`, health and reflection.
    Grpc,
    /// Arrow Flight.
    Flight,
}

impl Door {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Grpc, Self::Flight];

    /// The door of a request's path.
    pub fn of_path(path: &str) -> Self {
        if path.trim_start_matches('/').starts_with("arrow.flight.") { Self::Flight } else { Self::Grpc }
    }
}

impl EncodeLabelValue for Door {
    fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> Result<(), std::fmt::Error> {
        let word = match self {
            Self::Grpc => "grpc",
            Self::Flight => "flight",
        };
        word.encode(encoder)
    }
}

/// A door.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct AtDoor {
    pub(super) door: Door,
}

/// A method at a door.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct Method {
    pub(super) door: Door,
    pub(super) method: &'static str,
}

/// How a request ended.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct Outcome {
    pub(super) door: Door,
    pub(super) method: &'static str,
    pub(super) code: &'static str,
}

/// A limit, as the settings name it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct Limit {
    pub(super) limit: &'static str,
}

/// How a put ended.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct PutEnd {
    outcome: &'static str,
}

impl PutEnd {
    pub(super) const COMMITTED: Self = Self { outcome: "committed" };
    pub(super) const REPLAYED: Self = Self { outcome: "replayed" };
    pub(super) const FAILED: Self = Self { outcome: "failed" };
    pub(super) const ALL: [Self; 3] = [Self::COMMITTED, Self::REPLAYED, Self::FAILED];
}

/// A code as gRPC writes it.
pub fn word_of(code: Code) -> &'static str {
    match code {
        Code::Ok => "OK",
        Code::Cancelled => "CANCELLED",
        Code::Unknown => "UNKNOWN",
        Code::InvalidArgument => "INVALID_ARGUMENT",
        Code::DeadlineExceeded => "DEADLINE_EXCEEDED",
        Code::NotFound => "NOT_FOUND",
        Code::AlreadyExists => "ALREADY_EXISTS",
        Code::PermissionDenied => "PERMISSION_DENIED",
        Code::ResourceExhausted => "RESOURCE_EXHAUSTED",
        Code::FailedPrecondition => "FAILED_PRECONDITION",
        Code::Aborted => "ABORTED",
        Code::OutOfRange => "OUT_OF_RANGE",
        Code::Unimplemented => "UNIMPLEMENTED",
        Code::Internal => "INTERNAL",
        Code::Unavailable => "UNAVAILABLE",
        Code::DataLoss => "DATA_LOSS",
        Code::Unauthenticated => "UNAUTHENTICATED",
    }
}
