//! `import`: a feed of files with the times at which each was known.

use std::path::PathBuf;
use std::sync::Arc;

use calotype_storage::database::Access;
use clap::Args;

use crate::error::CliError;
use crate::feed::{self, Feed, FeedError, Import, Source};
use crate::listing::{Cell, Kind, Listing};
use crate::output::TableOptions;
use crate::output::progress::Progress;
use crate::session::Session;

const EXAMPLES: &str = "\
Examples:
  calotype --store ./bulletins import --feed tests/data/italy-covid19/feed.toml
  calotype --store ./loans import --feed loans/feed.toml --strict --report refused.ndjson

feed.toml names the index, a CSV file with a line for each event (context, cutoff, when it was
known, what changed, which file), and says how the files are read; docs/feed.md describes it.
Contexts that are not there are created, open for import. An extract that cannot be taken is
refused whole and reported; the next one goes on. An import that was interrupted goes on when it is
run again: what was committed before is recognised.
";

/// How wide the table of refusals is where the terminal does not say.
const WIDTH: usize = 100;

/// Which feed.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct ImportArgs {
    /// The feed's description
    #[arg(long, value_name = "FILE")]
    feed: PathBuf,
    /// Another index than the description names, in the feed's folder or archive
    #[arg(long, value_name = "FILE")]
    index: Option<String>,
    /// Stop at the first extract that cannot be taken
    #[arg(long)]
    strict: bool,
    /// Write what was refused to a file, as NDJSON
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
}

/// Runs `import`.
///
/// # Errors
/// [`CliError`] says why not; what was committed until then stays.
pub(crate) async fn run(session: &Session, args: &ImportArgs) -> Result<(), CliError> {
    let text = std::fs::read_to_string(&args.feed)
        .map_err(|source| FeedError::Read { path: args.feed.clone(), source })?;
    let mut feed = Feed::parse(&args.feed.display().to_string(), &text)?;
    if let Some(index) = &args.index {
        feed.index.file.clone_from(index);
    }
    let folder = args.feed.parent().unwrap_or(&args.feed);
    let source = Source::of(&feed, folder)?;
    let import = Import { feed: Arc::new(feed), source: Arc::new(source), strict: args.strict };
    let client = session.open(Access::Create).await?;
    let progress = Progress::count(format!("importing {}", import.feed.name), session.quiet());
    let outcome = feed::import(&client, &import, &mut |done, all| progress.set(done, all)).await?;
    client.sync_index()?;
    progress.finish();
    if let Some(path) = &args.report {
        outcome.write(path)?;
    }
    if !outcome.refused.is_empty() && !session.quiet() {
        eprintln!("Refused, each of them whole:");
        let width = TableOptions::default().width.unwrap_or(WIDTH);
        eprint!("{}", outcome.lines(width));
    }
    let mut listing = Listing::new(&[
        ("context", Kind::Text),
        ("taken", Kind::Number),
        ("rows", Kind::Number),
        ("refused", Kind::Number),
    ]);
    for name in import.feed.contexts.keys() {
        let count = |counts: &std::collections::BTreeMap<String, u64>| {
            Cell::count(counts.get(name).copied().unwrap_or(0))
        };
        let refused = outcome.refused.iter().filter(|it| it.context == *name);
        listing.push(vec![
            Cell::text(name),
            count(&outcome.taken),
            count(&outcome.rows),
            Cell::count(refused.count() as u64),
        ]);
    }
    listing.print(session)?;
    session.note(format_args!(
        "{} committed, {} committed before, {} refused",
        outcome.committed,
        outcome.replayed,
        outcome.refused.len()
    ));
    Ok(())
}
