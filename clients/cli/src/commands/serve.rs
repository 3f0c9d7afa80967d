//! `serve`: a store over gRPC and Arrow Flight, until it is told to stop.

use std::io::Write as _;
use std::net::SocketAddr;
use std::time::Duration;

use calotype_server::Settings;
use calotype_server::telemetry::Telemetry;
use calotype_storage::database::{Access, Database};
use clap::Args;
use tokio::net::TcpListener;
use tokio::time::Instant;
use tracing::info;

use super::config::SettingsArgs;
use crate::error::CliError;
use crate::serving::{self, Serving};
use crate::session::Session;

const ABOUT: &str = "\
Examples:
  calotype serve --store ./loans.store
  calotype serve --store s3://bucket/loans --listen 127.0.0.1:0 --metrics 127.0.0.1:7433
  calotype serve --config calotype.toml --set limits.query_time_max=60s

A folder that is not there is made. When the server can answer, it prints one line with its address
on standard output; its log goes to standard error. SIGTERM or Ctrl-C lets it finish what it has
begun; a second one ends it at once, and nothing that was acknowledged is lost either way.
`calotype config default` prints all settings; an option goes before the environment, the
environment before the file.
";

/// How a store is served.
#[derive(Debug, Args)]
#[command(after_help = ABOUT)]
pub(crate) struct ServeArgs {
    /// Where gRPC and Arrow Flight are served; port 0 is a free one [default: 127.0.0.1:7432]
    #[arg(long, value_name = "HOST:PORT")]
    listen: Option<String>,
    /// Where Prometheus finds the metrics [default: nowhere]
    #[arg(long, value_name = "HOST:PORT")]
    metrics: Option<String>,
    #[command(flatten)]
    settings: SettingsArgs,
}

/// Runs `serve`.
///
/// # Errors
/// [`CliError`] says why it could not start, or not end well.
pub(crate) async fn run(session: &Session, args: &ServeArgs) -> Result<(), CliError> {
    let settings = args.load(session)?;
    let telemetry = Telemetry::start(&settings.log, &settings.otlp)?;
    let outcome = serve(session, &settings).await;
    telemetry.end().await;
    outcome
}

async fn serve(session: &Session, settings: &Settings) -> Result<(), CliError> {
    let session = session.with_settings(&settings.store)?;
    let began = Instant::now();
    let database =
        session.open_store_with(Access::Create, &settings.store, settings.limits.put_limits()).await?;
    let opened = began.elapsed();
    let listener = serving::listen(settings.server.listen).await?;
    let metrics = match settings.server.metrics_listen {
        Some(address) => Some(serving::listen(address).await?),
        None => None,
    };
    let addresses = Addresses::of(&listener, metrics.as_ref())?;
    let serving = Serving::new(&database, settings)?;
    introduce(&database, &addresses, opened)?;
    // Whoever started it may have closed the output and wants to read nothing.
    drop(writeln!(std::io::stdout(), "listening on grpc://{}", addresses.server));
    serving.run(listener, metrics, serving::stop()?).await
}

/// Where it is served.
struct Addresses {
    server: SocketAddr,
    metrics: Option<SocketAddr>,
}

impl Addresses {
    fn of(listener: &TcpListener, metrics: Option<&TcpListener>) -> Result<Self, CliError> {
        let server = listener.local_addr().map_err(CliError::Start)?;
        let metrics = metrics.map(TcpListener::local_addr).transpose().map_err(CliError::Start)?;
        Ok(Self { server, metrics })
    }
}

/// What a newcomer needs to know, in the log.
fn introduce(database: &Database, addresses: &Addresses, opened: Duration) -> Result<(), CliError> {
    let server = addresses.server;
    info!(
        store = %database.backend().name(),
        store_id = %database.store_id(),
        index = %database.state().display(),
        records = database.head().map_or(0, |head| head.sequence.get() + 1),
        contexts = database.contexts()?.len(),
        opened_in_ms = u64::try_from(opened.as_millis()).unwrap_or(u64::MAX),
        "the store is open"
    );
    info!(address = %server, "gRPC and Arrow Flight are served on one port");
    if let Some(metrics) = addresses.metrics {
        info!("metrics: http://{metrics}/metrics, health: http://{metrics}/readyz");
    } else {
        info!("metrics are not served: pass --metrics 127.0.0.1:7433");
    }
    info!("from a shell: calotype --server {server} context list");
    info!("from Python: pyarrow.flight.connect(\"grpc://{server}\")");
    Ok(())
}

impl ServeArgs {
    fn load(&self, session: &Session) -> Result<Settings, CliError> {
        let mut flags = session.place_flags();
        let named = [("server.listen", &self.listen), ("server.metrics_listen", &self.metrics)];
        flags.extend(named.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value.clone()?))));
        self.settings.load(flags)
    }
}
