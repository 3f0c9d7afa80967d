//! The import of a feed: files are read ahead while those before them are committed.
//!
//! Invariants: lines are committed in the order of the index; many go into one record, which is
//! what makes it fast.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;

use calotype_storage::commit::Receipt;
use calotype_storage::database::Database;
use calotype_storage::error::Error;
use calotype_storage::evaluate::{CreateContext, Deed, Proposal};
use calotype_storage::name::{ContextName, Principal};
use calotype_storage::put::PutOptions;
use calotype_storage::record::{CreateEntry, Mode};

use super::index::{self, Line};
use super::{Feed, Outcome, Refused, Source, extract};
use crate::error::CliError;

/// How many lines are read and committed together.
const LINES_AT_ONCE: usize = 64;

/// What an import needs to know.
#[derive(Clone, Debug)]
pub(crate) struct Import {
    /// The feed.
    pub(crate) feed: Arc<Feed>,
    /// Where its files lie.
    pub(crate) source: Arc<Source>,
    /// Who imports.
    pub(crate) principal: Principal,
    /// Whether the first refusal ends it.
    pub(crate) strict: bool,
}

type Proposed = Vec<(Line, Result<Proposal, Box<Refused>>)>;

/// Imports a feed. `progress` hears of lines done
/// and lines in all.
///
/// # Errors
/// The feed cannot be understood, the store failed, or, where it is strict, a line was refused.
/// What was committed until then stays; running it again goes on.
pub(crate) async fn import(
    database: &Database,
    import: &Import,
    progress: &mut (dyn FnMut(u64, u64) + Send),
) -> Result<Outcome, CliError> {
    let lines = {
        let bytes = import.source.bytes(&import.feed.index.file)?;
        index::read(&import.feed, &bytes)?
    };
    create_contexts(database, import).await?;
    let total = lines.len() as u64;
    // A strict import commits nothing after a refused line.
    let at_once = if import.strict { 1 } else { LINES_AT_ONCE };
    let mut chunks: Vec<Vec<Line>> = lines.chunks(at_once).map(<[Line]>::to_vec).collect();
    chunks.reverse();
    let mut outcome = Outcome::default();
    let mut done = 0;
    let mut ahead = chunks.pop().map(|chunk| read_ahead(import, chunk));
    while let Some(reading) = ahead {
        let proposed = reading.await.map_err(|_| Error::State {
            path: import.feed.index.file.clone().into(),
            reason: "the reader of the feed stopped".to_owned(),
        })?;
        let next = chunks.pop();
        ahead = next.map(|chunk| read_ahead(import, chunk));
        done += proposed.len() as u64;
        commit(database, import, proposed, &mut outcome).await?;
        progress(done, total);
    }
    database.sync_index()?;
    Ok(outcome)
}

/// Reads the files of some lines on a thread of its own.
fn read_ahead(import: &Import, lines: Vec<Line>) -> tokio::task::JoinHandle<Proposed> {
    let import = import.clone();
    tokio::task::spawn_blocking(move || {
        let propose = |line: Line| {
            let Import { feed, source, principal, .. } = &import;
            let proposal = extract::proposal(feed, source, principal, &line);
            (line, proposal)
        };
        lines.into_iter().map(propose).collect()
    })
}

/// Creates the contexts that are not there yet, open for import; their columns come with the files.
async fn create_contexts(database: &Database, import: &Import) -> Result<(), CliError> {
    let known = database.contexts()?;
    for (name, part) in &import.feed.contexts {
        let context = ContextName::parse(name).map_err(|_| CliError::Argument {
            argument: "context",
            found: name.clone(),
            expected: "a context's name".to_owned(),
        })?;
        if known.contains(&context) {
            continue;
        }
        let create = CreateContext {
            deed: deed(import, context),
            definition: CreateEntry {
                mode: Mode::State,
                key: part.key.clone(),
                import: true,
                max_retracted_ppm: None,
                schema: None,
            },
        };
        database.create_context(create).await?;
    }
    Ok(())
}

fn deed(import: &Import, context: ContextName) -> Deed {
    Deed { context, options: PutOptions { principal: import.principal.clone(), ..PutOptions::default() } }
}

/// Commits what was proposed, in order, and notes what was refused.
async fn commit(
    database: &Database,
    import: &Import,
    proposed: Proposed,
    outcome: &mut Outcome,
) -> Result<(), CliError> {
    let mut lines = Vec::new();
    let mut proposals = Vec::new();
    let mut refused = Vec::new();
    for (line, proposal) in proposed {
        match proposal {
            Ok(proposal) => {
                lines.push(line);
                proposals.push(proposal);
            }
            Err(why) => refused.push(*why),
        }
    }
    for (line, answer) in lines.iter().zip(all_in_order(database, proposals).await) {
        match answer {
            Ok(receipt) => outcome.take(line, &receipt),
            Err(Error::Refused(refusal)) => refused.push(*Refused::store(line, &refusal)),
            Err(error) => return Err(error.into()),
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
        *self.rows.entry(name.to_owned()).or_default() += receipt.counts.rows;
    }
}

/// Commits proposals together. They enter the writer's queue in their order, as each does so when
/// it is polled for the first time.
async fn all_in_order(database: &Database, proposals: Vec<Proposal>) -> Vec<Result<Receipt, Error>> {
    type Waiting<'a> = Pin<Box<dyn Future<Output = Result<Receipt, Error>> + Send + 'a>>;
    let mut waiting: Vec<Option<Waiting<'_>>> = proposals
        .into_iter()
        .map(|proposal| Some(Box::pin(database.commit(proposal)) as Waiting<'_>))
        .collect();
    let mut answers: Vec<Option<Result<Receipt, Error>>> = waiting.iter().map(|_| None).collect();
    std::future::poll_fn(|context| {
        let mut pending = false;
        for (slot, answer) in waiting.iter_mut().zip(&mut answers) {
            let Some(commit) = slot else { continue };
            match commit.as_mut().poll(context) {
                Poll::Ready(answered) => {
                    *answer = Some(answered);
                    *slot = None;
                }
                Poll::Pending => pending = true,
            }
        }
        if pending { Poll::Pending } else { Poll::Ready(()) }
    })
    .await;
    answers.into_iter().flatten().collect()
}
