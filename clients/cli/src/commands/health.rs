//! `health`: whether a server serves, for those who start and restart it.

use tonic_health::ServingStatus;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;

use crate::error::CliError;
use crate::listing::Listing;
use crate::session::Session;

/// Runs `health`.
///
/// # Errors
/// The server is not there, or does not serve.
pub(crate) async fn run(session: &Session) -> Result<(), CliError> {
    let address = match session.server() {
        Ok(Some(address)) => address,
        Ok(None) | Err(CliError::NoStore) => return Err(CliError::NeedsServer),
        Err(error) => return Err(error),
    };
    let client = session.connect(&address).await?;
    let mut health = HealthClient::new(client.channel());
    let state = health.check(HealthCheckRequest { service: String::new() }).await;
    let state = match state {
        Ok(reply) if reply.get_ref().status == ServingStatus::Serving as i32 => "serving",
        Ok(_) => return Err(CliError::NotServing { address, state: "it says so itself".to_owned() }),
        Err(status) => return Err(CliError::NotServing { address, state: status.message().to_owned() }),
    };
    let mut listing = Listing::of_one();
    listing.say("server", &address);
    listing.say("state", state);
    listing.print(session)
}
