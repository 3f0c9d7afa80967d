//! `demo`: two years of real bulletins with all their corrections, and what the database makes of
//! them.

mod page;
mod tour;

use std::path::Path;
use std::sync::Arc;

use calotype_storage::database::{Access, Database};
use clap::Args;

use crate::error::CliError;
use crate::feed::{self, Feed, FeedError, Import, Outcome, Source};
use crate::output::progress::Progress;
use crate::session::Session;
use page::Page;

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
";

/// Nothing to choose but the store.
#[derive(Debug, Args)]
#[command(after_help = ABOUT)]
pub(crate) struct DemoArgs {}

/// Runs `demo`.
///
/// # Errors
/// The store could not be made, or holds something else.
pub(crate) async fn run(session: &Session, _: &DemoArgs) -> Result<(), CliError> {
    let store = session.store().unwrap_or(STORE).to_owned();
    let session = session.with_store(Path::new(&store));
    let feed = Feed::parse("feed.toml", FEED)?;
    let database = session.open(Access::Create).await?;
    refuse_other_store(&database, &feed, &store)?;
    let mut page = Page::new(session.out()?);
    page.write(&format!(
        "Calotype remembers what was true when, and what was known when.\n\n\
         Loading 4,022 publications of the Italian COVID-19 bulletins, 2020 and 2021, as they came,\n\
         with every correction, into {store} ...\n"
    ))?;
    let outcome = load(&session, &database, feed).await?;
    loaded(&mut page, &outcome)?;
    tour::run(&database, &store, &outcome, &mut page).await?;
    page.finish()
}

/// A store that holds anything else is left alone.
fn refuse_other_store(database: &Database, feed: &Feed, store: &str) -> Result<(), CliError> {
    for name in database.contexts()? {
        let context = database.context(&name)?;
        let ours = feed
            .contexts
            .get(name.as_str())
            .is_some_and(|part| context.created().import && context.key_names() == part.key);
        if !ours {
            return Err(CliError::NotTheDemo(store.to_owned()));
        }
    }
    Ok(())
}

async fn load(session: &Session, database: &Database, feed: Feed) -> Result<Outcome, CliError> {
    let source = Source::unpack(ARCHIVE)
        .map_err(|source| FeedError::Read { path: "publications-2020-2021.tar.zst".into(), source })?;
    let import = Import {
        feed: Arc::new(feed),
        source: Arc::new(source),
        principal: session.principal().clone(),
        strict: false,
    };
    let progress = Progress::count("loading publications", session.quiet());
    let outcome = feed::import(database, &import, &mut |done, all| progress.set(done, all)).await?;
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
