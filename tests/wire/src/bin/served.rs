//! A server as a process of its own, to be stopped and killed: `served STORE STATE [section.name=value]...`.
//!
//! It prints its address and that of its metrics in one line when it can answer, and ends in order at SIGTERM.

use std::io::Write as _;
use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::Arc;

use anyhow::Context as _;
use calotype_server::page_token::TokenKey;
use calotype_server::serve::{self, Options, Work};
use calotype_server::telemetry::Telemetry;
use calotype_server::telemetry::metrics::Metrics;
use calotype_server::{Node, Settings};
use calotype_storage::backend::Backend;
use calotype_storage::database::{Access, Database, OpenOptions, StateFolder};
use tokio::net::TcpListener;

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [store, state, settings @ ..] = arguments.as_slice() else {
        anyhow::bail!("served STORE STATE [section.name=value]...");
    };
    let flags = settings.iter().map(|setting| {
        let (name, value) = setting.split_once('=').context("expected section.name=value")?;
        Ok((name.to_owned(), value.to_owned()))
    });
    let settings = Settings::load(None, [], &flags.collect::<anyhow::Result<Vec<_>>>()?)?;
    tokio::runtime::Runtime::new()?.block_on(run(Path::new(store), Path::new(state), &settings))
}

async fn run(store: &Path, state: &Path, settings: &Settings) -> anyhow::Result<()> {
    let telemetry = Telemetry::start(&settings.log, &settings.otlp)?;
    let options = OpenOptions::new(Access::Create, StateFolder::Under(state.to_owned()));
    let database = Database::open(Backend::local(store, true)?, options).await.context("opening")?;
    let listener = TcpListener::bind(settings.server.listen).await?;
    let metrics = TcpListener::bind("127.0.0.1:0").await?;
    let work = Work::start(NonZeroUsize::new(2).context("two threads")?)?;
    let tokens = match &settings.server.token_key_file {
        Some(path) => TokenKey::load_or_create(path)?,
        None => TokenKey::load_or_create(&database.state().join("token.key"))?,
    };
    let addresses = (listener.local_addr()?, metrics.local_addr()?);
    let counters = Arc::new(Metrics::new());
    let node = Node::new(database, settings.limits.clone(), counters, tokens, work.handle().clone());
    let options =
        Options { reflection: settings.server.reflection, poll_interval: settings.follow.poll_interval };
    let mut term = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?;
    let stop = async move {
        term.recv().await;
    };
    writeln!(std::io::stdout(), "{} {}", addresses.0, addresses.1)?;
    serve::run(listener, Some(metrics), node, options, stop).await?;
    telemetry.end().await;
    Ok(())
}
