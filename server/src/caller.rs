//! Who asks, and until when: what every request brings, through whichever door.

use calotype_storage::name::Principal;
use tokio::time::Instant;

use crate::status::{self, Field};

/// The header of the claimed principal.
pub const PRINCIPAL_HEADER: &str = "calotype-principal";
/// The header of the request id; made where a client brings none, and sent back.
pub const REQUEST_ID_HEADER: &str = "calotype-request-id";

/// What a request brings. The transport makes one for every request and keeps it among the request's extensions.
#[derive(Clone, Debug)]
pub struct Caller {
    /// One id through logs, traces and answers.
    pub request_id: String,
    /// Who claims to ask.
    pub principal: Principal,
    /// When the client stops waiting.
    pub deadline: Option<Instant>,
}

impl Caller {
    /// The caller of a request, as the transport found it.
    ///
    /// # Errors
    /// The request did not come through the transport.
    pub fn of<T>(request: &tonic::Request<T>) -> Result<Self, tonic::Status> {
        request
            .extensions()
            .get::<Self>()
            .cloned()
            .ok_or_else(|| status::internal("the request came around the transport"))
    }

    /// The principal named by a header.
    ///
    /// # Errors
    /// It is no principal's name.
    pub fn principal(header: Option<&http::HeaderValue>) -> Result<Principal, tonic::Status> {
        let Some(value) = header else {
            return Ok(Principal::local());
        };
        let text =
            value.to_str().map_err(|_| status::invalid(Field(PRINCIPAL_HEADER), "is not printable ASCII"))?;
        Principal::parse(text).map_err(|error| status::invalid(Field(PRINCIPAL_HEADER), error))
    }
}
