//! Feeds: many files with the times at which each was known, imported in one go.
//!
//! `docs/feed.md` describes the form of `feed.toml`. Invariants: what a line of the index becomes
//! depends on the feed alone, so that an import that was interrupted goes on when it runs again;
//! an extract that cannot be taken is refused whole and reported, never taken in part.

mod definition;
mod extract;
mod index;
mod report;
mod run;
mod source;

use std::io;
use std::path::PathBuf;

pub(crate) use definition::Feed;
pub(crate) use report::{Outcome, Refused};
pub(crate) use run::{Import, import};
pub(crate) use source::Source;

/// Why a feed cannot be imported. Mend its description or index.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum FeedError {
    /// A file cannot be read.
    #[error("could not read {path}")]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The description is not TOML, or names something that a feed does not have.
    #[error("{file} does not describe a feed")]
    Toml {
        /// The file.
        file: String,
        /// What is wrong, and where.
        #[source]
        source: Box<toml::de::Error>,
    },
    /// A value of the description that is not legal.
    #[error("{file}: {place}: {what}")]
    Value {
        /// The file.
        file: String,
        /// Where it stands.
        place: String,
        /// What is wrong with it.
        what: String,
    },
    /// The index lacks a column.
    #[error("the index {file} has no column {column:?}; it has {found}")]
    NoColumn {
        /// The index.
        file: String,
        /// The column named in the description.
        column: String,
        /// The columns there are.
        found: String,
    },
    /// A line of the index that cannot be understood.
    #[error("the index {file}, line {line}, column {column}: found {found:?}, expected {expected}")]
    Line {
        /// The index.
        file: String,
        /// The line, counted from 1, header included.
        line: u64,
        /// The column.
        column: String,
        /// As found.
        found: String,
        /// What fits.
        expected: String,
    },
    /// A path that leads out of the feed's folder.
    #[error("the path {0:?} leads out of the feed's folder")]
    Outside(String),
}

impl FeedError {
    /// Whether a file is not there.
    pub(crate) fn is_missing_file(&self) -> bool {
        matches!(self, Self::Read { source, .. } if source.kind() == io::ErrorKind::NotFound)
    }
}
