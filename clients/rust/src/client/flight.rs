//! Arrow Flight over the client's connection, for tickets and descriptors as they are.

use arrow_flight::flight_service_client::FlightServiceClient;
use tonic::metadata::AsciiMetadataValue;
use tonic::service::Interceptor;
use tonic::service::interceptor::InterceptedService;
use tonic::transport::Channel;
use tonic::{Request, Status};

use super::{Client, MESSAGE_BYTES_MAX, PRINCIPAL_HEADER, REQUEST_ID_HEADER, fresh_id};

/// Puts the client's principal and a fresh request id on what has none.
#[derive(Clone, Debug)]
pub struct FlightHeaders {
    principal: Option<AsciiMetadataValue>,
}

impl Interceptor for FlightHeaders {
    fn call(&mut self, mut request: Request<()>) -> Result<Request<()>, Status> {
        if let Some(principal) = &self.principal {
            request.metadata_mut().insert(PRINCIPAL_HEADER, principal.clone());
        }
        if !request.metadata().contains_key(REQUEST_ID_HEADER) {
            let id = fresh_id().map_err(|error| Status::internal(error.to_string()))?;
            if let Ok(id) = AsciiMetadataValue::try_from(id) {
                request.metadata_mut().insert(REQUEST_ID_HEADER, id);
            }
        }
        Ok(request)
    }
}

impl Client {
    /// A Flight client over the same connection. It retries nothing and keeps to no timeout; what it writes is not
    /// remembered for questions.
    pub fn flight(&self) -> FlightServiceClient<InterceptedService<Channel, FlightHeaders>> {
        let headers = FlightHeaders { principal: self.inner.principal.clone() };
        FlightServiceClient::with_interceptor(self.channel(), headers)
            .max_decoding_message_size(MESSAGE_BYTES_MAX)
    }
}
