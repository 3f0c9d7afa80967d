//! Puts a server together from an open store and the settings, and lets it run until it is told to stop.

use std::future::Future;
use std::net::SocketAddr;
use std::num::NonZeroUsize;
use std::sync::Arc;

use calotype_server::page_token::TokenKey;
use calotype_server::serve::{self, Options, Work};
use calotype_server::telemetry::metrics::Metrics;
use calotype_server::views::Views;
use calotype_server::{Node, Settings};
use calotype_storage::database::Database;
use tokio::net::TcpListener;
use tokio::signal;

use crate::error::CliError;

/// The file of the key of tokens in the state folder, where no other is named.
const TOKEN_KEY_FILE: &str = "token.key";
/// The exit code of a process that a signal ends at once.
const INTERRUPTED: i32 = 130;

/// A server that is ready to run.
#[derive(Debug)]
pub(crate) struct Serving {
    node: Node,
    options: Options,
    // Where questions and puts are computed, as long as the server runs.
    _work: Work,
}

impl Serving {
    /// A server of a store.
    ///
    /// # Errors
    /// The machine gives no threads, the key of tokens cannot be read or made, or a view cannot be read.
    pub(crate) fn new(database: &Database, settings: &Settings) -> Result<Self, CliError> {
        let threads = NonZeroUsize::new(settings.server.work_threads).unwrap_or_else(serve::threads_default);
        let work = Work::start(threads).map_err(CliError::Start)?;
        let tokens = tokens(database, settings)?;
        let metrics = Arc::new(Metrics::new());
        let views = settings.server.sql_views.as_deref().map_or(Ok(Views::default()), Views::read)?;
        let limits = settings.limits.clone();
        let node = Node::with_views(database.clone(), limits, metrics, tokens, work.handle().clone(), &views);
        let options =
            Options { reflection: settings.server.reflection, poll_interval: settings.follow.poll_interval };
        Ok(Self { node, options, _work: work })
    }

    /// Runs until it is told to stop, and then finishes what it has begun.
    ///
    /// # Errors
    /// It could not begin, or not end well.
    pub(crate) async fn run(
        self,
        listener: TcpListener,
        metrics: Option<TcpListener>,
        stop: impl Future<Output = ()> + Send + 'static,
    ) -> Result<(), CliError> {
        Ok(serve::run(listener, metrics, self.node, self.options, stop).await?)
    }
}

/// The key of page and resume tokens: that of the file that is named, else of one beside the index.
fn tokens(database: &Database, settings: &Settings) -> Result<TokenKey, CliError> {
    let named = settings.server.token_key_file.clone();
    let beside = || database.state().is_dir().then(|| database.state().join(TOKEN_KEY_FILE));
    match named.or_else(beside) {
        Some(path) => Ok(TokenKey::load_or_create(&path)?),
        None => random_tokens(),
    }
}

/// A key that this process alone knows.
///
/// # Errors
/// The machine has no randomness.
pub(crate) fn random_tokens() -> Result<TokenKey, CliError> {
    let mut key = [0; calotype_server::page_token::KEY_BYTES];
    getrandom::fill(&mut key).map_err(|error| CliError::Start(error.into()))?;
    Ok(TokenKey::new(key))
}

/// Listens on an address.
///
/// # Errors
/// It is taken, or not of this machine.
pub(crate) async fn listen(address: SocketAddr) -> Result<TcpListener, CliError> {
    let failed = |source| CliError::Listen { address: address.to_string(), source };
    TcpListener::bind(address).await.map_err(failed)
}

/// Ready when the process is told to stop; when it is told again, it ends at once.
///
/// # Errors
/// Signals cannot be had.
pub(crate) fn stop() -> Result<impl Future<Output = ()> + Send + 'static, CliError> {
    let mut term = terminations().map_err(CliError::Start)?;
    Ok(async move {
        term.next().await;
        tokio::spawn(async move {
            term.next().await;
            tracing::warn!("told to stop again: requests are cut");
            std::process::exit(INTERRUPTED);
        });
    })
}

struct Terminations {
    #[cfg(unix)]
    term: signal::unix::Signal,
}

impl Terminations {
    async fn next(&mut self) {
        #[cfg(unix)]
        tokio::select! {
            _ = self.term.recv() => {}
            _ = signal::ctrl_c() => {}
        }
        #[cfg(not(unix))]
        drop(signal::ctrl_c().await);
    }
}

fn terminations() -> std::io::Result<Terminations> {
    Ok(Terminations {
        #[cfg(unix)]
        term: signal::unix::signal(signal::unix::SignalKind::terminate())?,
    })
}
