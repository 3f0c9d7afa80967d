//! The import of a feed: files are read ahead while those before them are committed.
//!
//! Invariants: lines are committed in the order of the index; many go into one record, which is
//! what makes it fast.

use std::sync::Arc;

use calotype_client::{Client, Deed, NewContext, Receipt};
use calotype_storage::error::Error;
use calotype_storage::name::ContextName;

use super::index::{self, Line};
use super::{Feed, Outcome, Refused, Source, extract};
use crate::error::{CliError, refusal};

/// How many lines are read and committed together.
const LINES_AT_ONCE: usize = 64;

/// What an import needs to know.
#[derive(Clone, Debug)]
pub(crate) struct Import {
    /// The feed.
    pub(crate) feed: Arc<Feed>,
    /// Where its files lie.
    pub(crate) source: Arc<Source>,
    /// Whether the first refusal ends it.
    pub(crate) strict: bool,
}

type Read = Vec<(Line, Result<Deed, Box<Refused>>)>;

/// Imports a feed. `progress` hears of lines done
/// and lines in all.
///
/// # Errors
/// The feed cannot be understood, the store failed, or, where it is strict, a line was refused.
/// What was committed until then stays; running it again goes on.
pub(crate) async fn import(
    client: &Client,
    import: &Import,
    progress: &mut (dyn FnMut(u64, u64) + Send),
) -> Result<Outcome, CliError> {
    let lines = {
        let bytes = import.source.bytes(&import.feed.index.file)?;
        index::read(&import.feed, &bytes)?
    };
    create_contexts(client, import).await?;
    let total = lines.len() as u64;
    // A strict import commits nothing after a refused line.
    let at_once = if import.strict { 1 } else { LINES_AT_ONCE };
    let mut chunks: Vec<Vec<Line>> = lines.chunks(at_once).map(<[Line]>::to_vec).collect();
    chunks.reverse();
    let mut outcome = Outcome::default();
    let mut done = 0;
    let mut ahead = chunks.pop().map(|chunk| read_ahead(import, chunk));
    while let Some(reading) = ahead {
        let read = reading.await.map_err(|_| Error::State {
            path: import.feed.index.file.clone().into(),
            reason: "the reader of the feed stopped".to_owned(),
        })?;
        let next = chunks.pop();
        ahead = next.map(|chunk| read_ahead(import, chunk));
        done += read.len() as u64;
        commit(client, import, read, &mut outcome).await?;
        progress(done, total);
    }
    Ok(outcome)
}

/// Reads the files of some lines on a thread of its own.
fn read_ahead(import: &Import, lines: Vec<Line>) -> tokio::task::JoinHandle<Read> {
    let import = import.clone();
    tokio::task::spawn_blocking(move || {
        let read = |line: Line| {
            let deed = extract::deed(&import.feed, &import.source, &line);
            (line, deed)
        };
        lines.into_iter().map(read).collect()
    })
}

/// Creates the contexts that are not there yet, open for import; their columns come with the files.
async fn create_contexts(client: &Client, import: &Import) -> Result<(), CliError> {
    let known = client.contexts().await?;
    for (name, part) in &import.feed.contexts {
        let context = ContextName::parse(name).map_err(|_| CliError::Argument {
            argument: "context",
            found: name.clone(),
            expected: "a context's name".to_owned(),
        })?;
        if known.iter().any(|known| known.name == context.as_str()) {
            continue;
        }
        let new = NewContext {
            name: context.to_string(),
            key: part.key.clone(),
            import: true,
            ..NewContext::default()
        };
        client.create_context(&new).await?;
    }
    Ok(())
}

/// Commits what was read, in order, and notes what was refused.
async fn commit(client: &Client, import: &Import, read: Read, outcome: &mut Outcome) -> Result<(), CliError> {
    let mut lines = Vec::new();
    let mut deeds = Vec::new();
    let mut refused = Vec::new();
    for (line, deed) in read {
        match deed {
            Ok(deed) => {
                lines.push(line);
                deeds.push(deed);
            }
            Err(why) => refused.push(*why),
        }
    }
    for (line, answer) in lines.iter().zip(client.put_many(deeds).await?) {
        match answer {
            Ok(receipt) => outcome.take(line, &receipt),
            Err(error) => match refusal(&error) {
                Some(refusal) => refused.push(*Refused::store(line, refusal)),
                None => return Err(error.into()),
            },
        }
    }
    refused.sort_by_key(|refused| refused.line);
    match refused.first() {
        Some(first) if import.strict => {
            Err(CliError::Strict { line: first.line, reason: first.reason.clone() })
        }
        _ => {
            outcome.refused.append(&mut refused);
            Ok(())
        }
    }
}

impl Outcome {
    fn take(&mut self, line: &Line, receipt: &Receipt) {
        if receipt.replayed {
            self.replayed += 1;
        } else {
            self.committed += 1;
        }
        let name = line.context.as_str();
        *self.taken.entry(name.to_owned()).or_default() += 1;
        *self.rows.entry(name.to_owned()).or_default() += receipt.rows;
    }
}
