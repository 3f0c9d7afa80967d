//! A status in the making: the details and the room they have.

use std::fmt::Display;
use std::time::Duration;

use calotype_storage::variables::cut;
use tonic::{Code, Status};
use tonic_types::{
    BadRequest, ErrorDetail, ErrorInfo, FieldViolation, ResourceInfo, RetryInfo, StatusExt as _,
};

use super::DOMAIN;
use crate::printable::printable;

/// The message, bytes.
const MESSAGE_BYTES_MAX: usize = 1024;
/// The message as a header, where most that is no letter takes three bytes for one.
const MESSAGE_HEADER_BYTES_MAX: usize = 2048;
/// The names and values of all variables, bytes.
const VARIABLES_BYTES_MAX: usize = 1536;
/// Each other text, bytes.
const TEXT_BYTES_MAX: usize = 128;
/// What the protobuf encoding of the details adds to these texts, bytes: their types' names, tags and lengths.
const ENCODING_BYTES_MAX: usize = 768;

const _: () = {
    let details = MESSAGE_BYTES_MAX + VARIABLES_BYTES_MAX + 5 * TEXT_BYTES_MAX + ENCODING_BYTES_MAX;
    assert!(
        MESSAGE_HEADER_BYTES_MAX + details.div_ceil(3) * 4 < (8 << 10) - 256,
        "clients take 8 KiB of headers"
    );
};

/// A status in the making.
pub(super) struct Draft {
    code: Code,
    message: String,
    reason: &'static str,
    variables: Vec<(&'static str, String)>,
    room: usize,
    retry: Option<Duration>,
    violation: Option<FieldViolation>,
    resource: Option<ResourceInfo>,
}

impl Draft {
    /// A status with nothing but its message and its reason.
    pub(super) fn new(code: Code, reason: &'static str, message: impl Display) -> Self {
        debug_assert!(is_reason(reason), "{reason} is no reason");
        let message = fitting(printable(message, MESSAGE_BYTES_MAX));
        Self {
            code,
            message,
            reason,
            variables: Vec::new(),
            room: VARIABLES_BYTES_MAX,
            retry: None,
            violation: None,
            resource: None,
        }
    }

    /// Adds a variable of the message, cut where there is no more room.
    pub(super) fn with(mut self, (name, value): (&'static str, String)) -> Self {
        let room = self.room.saturating_sub(name.len());
        if room > 0 {
            let value = printable(value, room);
            self.room = room - value.len().min(room);
            self.variables.push((name, value));
        }
        self
    }

    /// Says when to try again.
    pub(super) fn retry_after(mut self, after: Option<Duration>) -> Self {
        self.retry = after;
        self
    }

    /// Names the field that is at fault.
    pub(super) fn violates(mut self, field: &str, description: impl Display) -> Self {
        let description = printable(description, TEXT_BYTES_MAX);
        self.violation = Some(FieldViolation::new(printable(field, TEXT_BYTES_MAX), description));
        self
    }

    /// Names the thing that it is about.
    pub(super) fn resource(mut self, kind: &str, name: impl Display) -> Self {
        let name = printable(name, TEXT_BYTES_MAX);
        self.resource = Some(ResourceInfo::new(printable(kind, TEXT_BYTES_MAX), name, "", ""));
        self
    }

    /// The status.
    pub(super) fn status(self) -> Status {
        let metadata = self.variables.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        let info = ErrorInfo { reason: self.reason.to_owned(), domain: DOMAIN.to_owned(), metadata };
        let mut details = vec![ErrorDetail::ErrorInfo(info)];
        details.extend(self.retry.map(|after| ErrorDetail::RetryInfo(RetryInfo::new(Some(after)))));
        details.extend(
            self.violation
                .map(|violation| ErrorDetail::BadRequest(BadRequest { field_violations: vec![violation] })),
        );
        details.extend(self.resource.map(ErrorDetail::ResourceInfo));
        Status::with_error_details_vec(self.code, self.message, details)
    }
}

/// Cuts a message so that it also fits as a header.
fn fitting(message: String) -> String {
    let mut header_bytes = 0;
    for (at, character) in message.char_indices() {
        header_bytes += if character.is_ascii_alphanumeric() { 1 } else { 3 * character.len_utf8() };
        if header_bytes > MESSAGE_HEADER_BYTES_MAX {
            return cut(&message, at);
        }
    }
    message
}

fn is_reason(reason: &str) -> bool {
    reason.len() <= 63
        && reason.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit() || byte == b'_')
}
