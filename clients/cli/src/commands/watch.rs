//! `watch`: what is committed to a context, as it comes.

use std::io::{self, Write};

use calotype_client::Since;
use calotype_storage::database::Access;
use calotype_storage::name::ContextName;
use clap::Args;

use super::log;
use crate::error::CliError;
use crate::listing::Listing;
use crate::output::{self, Format, TableOptions};
use crate::session::Session;

const EXAMPLES: &str = "\
Examples:
  calotype watch loans --server 127.0.0.1:7432                what comes from now on
  calotype watch loans --server 127.0.0.1:7432 --after 41     and all that came after commit 41

Entries are printed as the log prints them, one JSON object a line, until it is stopped with Ctrl-C.
";

/// What is watched.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct WatchArgs {
    /// The context
    context: ContextName,
    /// Begin with what came after this commit [default: the newest]
    #[arg(long, value_name = "COMMIT")]
    after: Option<u64>,
}

/// An output that keeps nothing back: whoever watches wants to see what came at once.
struct Prompt(Box<dyn Write + Send>);

impl Write for Prompt {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.0.write(bytes)?;
        self.0.flush()?;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

/// Runs `watch`.
///
/// # Errors
/// [`CliError`] says why it ended.
pub(crate) async fn run(session: &Session, args: WatchArgs) -> Result<(), CliError> {
    let client = session.open(Access::Read).await?;
    let newest = client.head().await?.newest_commit;
    client.context(args.context.as_str()).await?;
    let since = args.after.or(newest).map_or(Since::Beginning, Since::Commit);
    let mut watch = client.watch(args.context.as_str(), since);
    // A table needs its rows first; lines can be read as they come.
    let format = Some(session.format()?).filter(|format| *format != Format::Table).unwrap_or(Format::Ndjson);
    let schema = Listing::new(&log::COLUMNS).batch()?.schema();
    let mut writer =
        output::writer_with(format, &schema, Box::new(Prompt(session.out()?)), TableOptions::default())?;
    loop {
        let event = tokio::select! {
            event = watch.next() => event?,
            _ = tokio::signal::ctrl_c() => break,
        };
        if let Some(entry) = event.entry {
            let mut listing = Listing::new(&log::COLUMNS);
            listing.push(log::row(&entry));
            writer.write(&listing.batch()?)?;
        }
    }
    Ok(writer.finish()?)
}
