//! Servers in this process: real sockets, the database of the test's choice.
//!
//! Invariant: a server that is dropped is killed: its tasks end where they are, as if its process had died.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener as StdListener};
use std::sync::Arc;
use std::time::Duration;

use calotype_client::{Client, Options as ClientOptions, RetryPolicy};
use calotype_server::limits::Limits;
use calotype_server::node::Node;
use calotype_server::page_token::TokenKey;
use calotype_server::serve::{Options, ServeError, run};
use calotype_server::telemetry::metrics::Metrics;
use calotype_storage::database::Database;
use tokio::net::TcpListener;
use tokio::runtime::{Builder, Handle, Runtime};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tonic::transport::{Channel, Endpoint};

/// How often servers look for what others have committed.
const POLL_INTERVAL: Duration = Duration::from_millis(50);
/// Longer than any test takes.
const NEVER: Duration = Duration::from_hours(1);
/// Any port of this machine.
const ANY: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);
/// How long a client waits at most: whatever takes longer hangs.
const PATIENCE: Duration = Duration::from_secs(20);

/// A server in this process.
#[derive(Debug)]
pub struct Server {
    /// Where it listens.
    pub address: SocketAddr,
    /// What its doors share.
    pub node: Node,
    shutdown: Option<oneshot::Sender<()>>,
    running: JoinHandle<Result<(), ServeError>>,
    runtime: Option<Runtime>,
}

/// Limits for tests: whatever would wait for long gives up soon.
pub fn limits() -> Limits {
    Limits { drain_time_max: Duration::from_secs(5), ..Limits::default() }
}

fn listener(address: SocketAddr) -> StdListener {
    let listener = StdListener::bind(address).expect("the machine gives a port");
    listener.set_nonblocking(true).expect("a socket may not block");
    listener
}

fn runtime() -> Runtime {
    let mut builder = Builder::new_multi_thread();
    let runtime = builder.worker_threads(2).thread_name("wire-server").enable_all().build();
    runtime.expect("the machine gives threads")
}

impl Server {
    /// Serves a store on threads of its own, so that it can be killed.
    ///
    /// # Panics
    /// If the machine gives no port or no threads.
    pub fn start(database: Database, limits: Limits) -> Self {
        let runtime = runtime();
        let handle = runtime.handle().clone();
        Self::on(&handle, Some(runtime), listener(ANY), database, (limits, POLL_INTERVAL))
    }

    /// Kills the server, and starts another one where it listened.
    ///
    /// # Panics
    /// If the machine gives no threads, or the port to somebody else.
    pub async fn replaced(mut self, database: Database) -> Self {
        let (address, limits) = (self.address, self.node.limits().clone());
        self.running.abort();
        if let Some(runtime) = self.runtime.take() {
            let ended = tokio::task::spawn_blocking(move || runtime.shutdown_timeout(PATIENCE)).await;
            ended.expect("the runtime ends");
        }
        let runtime = runtime();
        let handle = runtime.handle().clone();
        Self::on(&handle, Some(runtime), listener(address), database, (limits, POLL_INTERVAL))
    }

    /// Serves a store on the runtime of the test, and looks for what others have committed only when it must. With one
    /// thread, a bug planted for it is planted for the server.
    ///
    /// # Panics
    /// If the machine gives no port; outside of a runtime.
    pub fn here(database: Database, limits: Limits) -> Self {
        Self::on(&Handle::current(), None, listener(ANY), database, (limits, NEVER))
    }

    fn on(
        handle: &Handle,
        runtime: Option<Runtime>,
        listener: StdListener,
        database: Database,
        (limits, poll_interval): (Limits, Duration),
    ) -> Self {
        let address = listener.local_addr().expect("a bound listener has an address");
        let node =
            Node::new(database, limits, Arc::new(Metrics::new()), TokenKey::new([7; 32]), handle.clone());
        let (shutdown, stopped) = oneshot::channel::<()>();
        let served = node.clone();
        let running = handle.spawn(async move {
            let listener = TcpListener::from_std(listener).map_err(ServeError::Listener)?;
            let options = Options { poll_interval, ..Options::default() };
            run(listener, None, served, options, async move { stopped.await.unwrap_or_default() }).await
        });
        Self { address, node, shutdown: Some(shutdown), running, runtime }
    }

    /// A client that retries nothing.
    ///
    /// # Panics
    /// If the server cannot be reached.
    pub async fn client(&self) -> Client {
        self.client_with(RetryPolicy::NEVER).await
    }

    /// A client that retries as a policy says.
    ///
    /// # Panics
    /// If the server cannot be reached.
    pub async fn client_with(&self, retries: RetryPolicy) -> Client {
        let options = ClientOptions { retries, timeout: Some(PATIENCE), ..ClientOptions::default() };
        let client = Client::connect_with(&self.address.to_string(), options).await;
        client.expect("the server answers")
    }

    /// A connection with the settings that anybody's client has.
    ///
    /// # Panics
    /// If the server cannot be reached.
    pub async fn channel(&self) -> Channel {
        let endpoint = Endpoint::from_shared(format!("http://{}", self.address)).expect("an address");
        endpoint.connect().await.expect("the server answers")
    }

    /// Stops the server as an operator does: what was asked is answered first.
    ///
    /// # Panics
    /// If it does not stop as it should.
    pub async fn stop(mut self) {
        if let Some(shutdown) = self.shutdown.take() {
            // Where nobody listens any more it has ended already.
            shutdown.send(()).ok();
        }
        let outcome = (&mut self.running).await;
        outcome.expect("the server does not panic").expect("the server ends in order");
    }

    /// The sum of all series of a metric whose name begins so.
    pub fn metric(&self, name: &str) -> i64 {
        let text = self.node.metrics().encode();
        let lines = text.lines().filter(|line| line.starts_with(name));
        lines.filter_map(|line| line.rsplit(' ').next()?.parse::<i64>().ok()).sum()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.running.abort();
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}
