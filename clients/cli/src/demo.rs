//! `demo`: two years of real bulletins with all their corrections, and what the database makes of
//! them.

mod page;
mod snippet;
mod tour;

use std::io::{self, IsTerminal};
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use calotype_client::Client;
use calotype_server::Settings;
use calotype_storage::database::{Access, Database};
use clap::Args;

use crate::error::CliError;
use crate::feed::{self, Feed, FeedError, Import, Outcome, Source};
use crate::output::progress::Progress;
use crate::serving::{self, Serving};
use crate::session::Session;
use page::Page;
use tokio::net::TcpListener;

/// The bulletins, as they were published.
const ARCHIVE: &[u8] = include_bytes!("../../../tests/data/italy-covid19/publications-2020-2021.tar.zst");
/// How they are read.
const FEED: &str = include_str!("../../../tests/data/italy-covid19/feed.toml");
/// Where the demo's store lies unless another place is named.
const STORE: &str = "calotype-demo";

const ABOUT: &str = "\
The data are the daily COVID-19 bulletins of the Italian Civil Protection for 2020 and 2021 (CC BY
4.0), each file as it was first published and every later correction of it: 4,022 publications. The
store is kept in ./calotype-demo, or where --store says, so that you can ask it more; run again, the
demo uses it as it is. Delete the folder, and the one beside it that ends in .local, when you are
done.

On a terminal the demo then serves the store, prints Python to paste, and waits for Ctrl-C.
";

/// The first port that is tried.
const PORT: u16 = 7432;
/// Ports that are tried.
const PORTS_MAX: u16 = 16;

/// Whether and where the demo is served.
#[derive(Debug, Args)]
#[command(after_help = ABOUT)]
pub(crate) struct DemoArgs {
    /// Serve the store in the end [default: on a terminal]
    #[arg(long, conflicts_with = "no_serve")]
    serve: bool,
    /// Do not serve the store in the end
    #[arg(long)]
    no_serve: bool,
    /// Where the store is served [default: 127.0.0.1:7432, or the next port that is free]
    #[arg(long, value_name = "HOST:PORT")]
    listen: Option<String>,
}

/// Runs `demo`.
///
/// # Errors
/// The store could not be made, or holds something else.
pub(crate) async fn run(session: &Session, args: &DemoArgs) -> Result<(), CliError> {
    let session = session.or_store(STORE)?;
    let place = session.place_option()?;
    let feed = Feed::parse("feed.toml", FEED)?;
    let client = session.open(Access::Create).await?;
    let into = session.place_name()?;
    refuse_other_store(&client, &feed, &into).await?;
    let mut page = Page::new(session.out()?);
    page.write(&format!(
        "Calotype remembers what was true when, and what was known when.\n\n\
         Loading 4,022 publications of the Italian COVID-19 bulletins, 2020 and 2021, as they came,\n\
         with every correction, into {into} ...\n"
    ))?;
    let outcome = load(&session, &client, feed).await?;
    client.sync_index()?;
    loaded(&mut page, &outcome)?;
    tour::run(&client, &place, &outcome, &mut page).await?;
    let wanted = args.serve || args.listen.is_some() || (io::stdout().is_terminal() && !args.no_serve);
    match client.database() {
        Some(database) if wanted => serve(database, args.listen.as_deref(), &mut page).await?,
        _ => {}
    }
    page.finish()
}

/// Serves the demo's store until Ctrl-C, and says how it is asked.
async fn serve(database: &Database, listen: Option<&str>, page: &mut Page) -> Result<(), CliError> {
    let flags = listen.map(|address| ("server.listen".to_owned(), address.to_owned()));
    let settings = Settings::load(None, [], flags.as_slice())?;
    let listener = match listen {
        Some(_) => serving::listen(settings.server.listen).await?,
        None => next_free().await?,
    };
    let address = listener.local_addr().map_err(CliError::Start)?;
    let serving = Serving::new(database, &settings)?;
    page.write(&format!(
        "\n\nThe server\n──────────\n\
         The store is served on {address} over gRPC and Arrow Flight until you press Ctrl-C. From another\n\
         shell:\n\n\
         \x20 $ calotype --server {address} context list\n\n\
         From Python, after pip install pyarrow:\n\n{}",
        snippet::python(&address.to_string())
    ))?;
    serving.run(listener, None, serving::stop()?).await
}

/// The first port that is free.
async fn next_free() -> Result<TcpListener, CliError> {
    let mut tried = serving::listen(SocketAddr::from((Ipv4Addr::LOCALHOST, PORT))).await;
    for port in PORT + 1..PORT + PORTS_MAX {
        match tried {
            Err(CliError::Listen { source, .. }) if source.kind() == io::ErrorKind::AddrInUse => {
                tried = serving::listen(SocketAddr::from((Ipv4Addr::LOCALHOST, port))).await;
            }
            other => return other,
        }
    }
    tried
}

/// A store that holds anything else is left alone.
async fn refuse_other_store(client: &Client, feed: &Feed, place: &str) -> Result<(), CliError> {
    for context in client.contexts().await? {
        let part = feed.contexts.get(&context.name);
        if !part.is_some_and(|part| context.import && context.key == part.key) {
            return Err(CliError::NotTheDemo(place.to_owned()));
        }
    }
    Ok(())
}

async fn load(session: &Session, client: &Client, feed: Feed) -> Result<Outcome, CliError> {
    let source = Source::unpack(ARCHIVE)
        .map_err(|source| FeedError::Read { path: "publications-2020-2021.tar.zst".into(), source })?;
    let import = Import { feed: Arc::new(feed), source: Arc::new(source), strict: false };
    let progress = Progress::count("loading publications", session.quiet());
    let outcome = feed::import(client, &import, &mut |done, all| progress.set(done, all)).await?;
    progress.finish();
    Ok(outcome)
}

fn loaded(page: &mut Page, outcome: &Outcome) -> Result<(), CliError> {
    let rows: u64 = outcome.rows.values().sum();
    let taken = outcome.committed + outcome.replayed;
    let refused = outcome.refused.len();
    let when = if outcome.committed == 0 { " They were here already." } else { "" };
    page.write(&format!("{taken} taken, with {rows} rows; {refused} refused, of which more below.{when}\n"))
}
