//! Where a server is, and how its connection is set up.

use std::time::Duration;

use tonic::transport::{Channel, Endpoint};

use crate::error::{ClientError, innermost};
use crate::options::Options;

/// Window of a stream and of a connection, bytes. With [`FRAME_BYTES_MAX`] it gave 1.7 times the throughput of the
/// defaults on loopback.
const WINDOW_BYTES: u32 = 1 << 20;
/// The largest frame, bytes.
const FRAME_BYTES_MAX: u32 = 256 << 10;
/// After how long without a sign of life the server is asked for one, while requests are open.
const KEEPALIVE_INTERVAL: Duration = Duration::from_secs(30);
/// How long it may take to give it.
const KEEPALIVE_TIMEOUT: Duration = Duration::from_secs(20);

/// Sets an endpoint up as measured: windows, frames, signs of life.
pub fn tuned(endpoint: Endpoint, options: &Options) -> Endpoint {
    endpoint
        .initial_stream_window_size(WINDOW_BYTES)
        .initial_connection_window_size(WINDOW_BYTES)
        .max_frame_size(FRAME_BYTES_MAX)
        .tcp_nodelay(true)
        .http2_keep_alive_interval(KEEPALIVE_INTERVAL)
        .keep_alive_timeout(KEEPALIVE_TIMEOUT)
        .connect_timeout(options.connect_timeout)
}

/// The endpoint that a text names: `http://host:port`, `grpc://host:port` or `host:port`.
///
/// # Errors
/// It names none.
pub(crate) fn parse(text: &str) -> Result<Endpoint, ClientError> {
    let refuse = |what: &str| ClientError::Endpoint { endpoint: text.to_owned(), what: what.to_owned() };
    let address = match text.split_once("://") {
        None => text,
        Some(("http" | "grpc" | "grpc+tcp", address)) => address,
        Some(("https" | "grpcs" | "grpc+tls", _)) => {
            return Err(refuse("encrypted connections are not built"));
        }
        Some(_) => return Err(refuse("the scheme is neither http nor grpc")),
    };
    let address = address.strip_suffix('/').unwrap_or(address);
    let uri: http::Uri = format!("http://{address}/")
        .parse()
        .map_err(|error: http::uri::InvalidUri| refuse(&error.to_string()))?;
    if uri.path() != "/" || uri.query().is_some() || address.contains(['@', '#']) {
        return Err(refuse("it has more than a host and a port"));
    }
    match uri.port() {
        None => return Err(refuse("it has no port")),
        Some(port) if port.as_str().parse::<u16>().is_err() => return Err(refuse("the port is no port")),
        Some(_) => {}
    }
    let agent = concat!("calotype-client/", env!("CARGO_PKG_VERSION"));
    Endpoint::from(uri).user_agent(agent).map_err(|error| refuse(&innermost(&error)))
}

/// Connects.
///
/// # Errors
/// The server cannot be reached.
pub(crate) async fn connect(text: &str, options: &Options) -> Result<Channel, ClientError> {
    let endpoint = tuned(parse(text)?, options);
    endpoint.connect().await.map_err(|error| ClientError::Transport {
        endpoint: text.to_owned(),
        what: innermost(&error),
        request_id: None,
        source: Some(Box::new(error)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Result<&str, &str>) {
        match (parse(text), expected) {
            (Ok(endpoint), Ok(expected)) => assert_eq!(endpoint.uri().to_string(), expected, "{text}"),
            (Err(error), Err(expected)) => assert!(error.to_string().contains(expected), "{text}: {error}"),
            (found, expected) => panic!("{text}: found {found:?}, expected {expected:?}"),
        }
    }

    #[test]
    fn an_address_is_a_host_and_a_port() {
        check("127.0.0.1:7432", Ok("http://127.0.0.1:7432/"));
        check("http://localhost:7432", Ok("http://localhost:7432/"));
        check("http://localhost:7432/", Ok("http://localhost:7432/"));
        check("grpc://[::1]:7432", Ok("http://[::1]:7432/"));
        check("https://localhost:7432", Err("encrypted"));
        check("s3://bucket", Err("neither http nor grpc"));
        check("localhost", Err("no port"));
        check("localhost:74320", Err("port"));
        check("http://localhost:7432/v1", Err("more than a host"));
        check("http://user@localhost:7432", Err("more than a host"));
        check("", Err("is no server's address"));
        check("a b:1", Err("is no server's address"));
    }
}
