//! Why a command did not succeed, with its exit code and, where there is one, the next step.

use std::io;
use std::path::PathBuf;

use calotype_query::QueryError;
pub(crate) use calotype_storage::error::reasons;
use calotype_storage::error::{Code, Error};
use calotype_storage::refusal::Refusal;

use crate::feed::FeedError;
use crate::input::InputError;
use crate::output::{OutputError, escaped};

/// Why a command did not succeed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum CliError {
    /// The store refused or failed.
    #[error(transparent)]
    Storage(#[from] Error),
    /// A question was not answered.
    #[error(transparent)]
    Query(#[from] QueryError),
    /// A file could not be read. Mend it.
    #[error(transparent)]
    Input(#[from] InputError),
    /// The answer could not be written.
    #[error(transparent)]
    Output(#[from] OutputError),
    /// A feed's description or index cannot be used. Mend it.
    #[error(transparent)]
    Feed(#[from] FeedError),
    /// A file was read and then refused whole. Mend it, or the options.
    #[error("{file} was refused, nothing of it was committed")]
    Refused {
        /// The file.
        file: String,
        /// Why.
        #[source]
        source: Error,
    },
    /// No store was named.
    #[error("no store was named")]
    NoStore,
    /// The store's address cannot be read.
    #[error("{address:?} is not the address of a store")]
    StoreAddress {
        /// As given.
        address: String,
        /// What is wrong with it.
        #[source]
        source: url::ParseError,
    },
    /// An argument that is well-formed but does not fit the context.
    #[error("{argument}: {found:?}; expected {expected}")]
    Argument {
        /// The option.
        argument: &'static str,
        /// As given.
        found: String,
        /// What fits.
        expected: String,
    },
    /// A local file could not be used.
    #[error("could not {action} {path}")]
    File {
        /// What was tried.
        action: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// A format for programs would have gone to a terminal.
    #[error("{0} is not for a terminal")]
    BinaryToTerminal(&'static str),
    /// The user said no, or could not be asked.
    #[error("not confirmed, nothing was committed")]
    NotConfirmed,
    /// Verification found damage.
    #[error("verification found {0} things that are not as they should be")]
    Damage(usize),
    /// An extract of a strict import was refused.
    #[error("the import stopped at line {line} of the index: {reason}")]
    Strict {
        /// The line.
        line: u64,
        /// Why.
        reason: String,
    },
    /// The folder for the demo holds something else.
    #[error("the store at {0} was not made by the demo")]
    NotTheDemo(String),
}

impl CliError {
    /// Whether the reader of the output went away, as `head` does.
    pub(crate) fn is_broken_pipe(&self) -> bool {
        matches!(self, Self::Output(error) if error.is_broken_pipe())
    }

    /// What the caller can do, where the error is one of these.
    fn code(&self) -> Option<Code> {
        Some(match self {
            Self::Storage(error) | Self::Refused { source: error, .. } => error.code(),
            Self::Query(error) => error.code(),
            Self::Input(InputError::Open { source, .. }) | Self::File { source, .. } => {
                return code_of_io(source);
            }
            Self::Feed(error) if error.is_missing_file() => Code::NotFound,
            Self::Output(error) if error.is_storage_full() => Code::ResourceExhausted,
            Self::Input(_)
            | Self::Feed(_)
            | Self::Argument { .. }
            | Self::Strict { .. }
            | Self::StoreAddress { .. } => Code::InvalidArgument,
            Self::Damage(_) => Code::DataLoss,
            Self::NotTheDemo(_) => Code::AlreadyExists,
            Self::Output(_) | Self::NoStore | Self::BinaryToTerminal(_) | Self::NotConfirmed => {
                return None;
            }
        })
    }

    /// The process's exit code, as `--help` lists them.
    pub(crate) fn exit_code(&self) -> u8 {
        match self.code() {
            None if matches!(self, Self::NoStore | Self::BinaryToTerminal(_)) => 2,
            None => 1,
            Some(Code::InvalidArgument) => 3,
            Some(Code::NotFound) => 4,
            Some(Code::AlreadyExists) => 5,
            Some(Code::FailedPrecondition) => 6,
            Some(Code::OutOfRange) => 7,
            Some(Code::ResourceExhausted) => 8,
            Some(Code::Aborted | Code::Unavailable) => 9,
            Some(Code::DataLoss) => 10,
        }
    }

    /// The error for a terminal: a line, its causes, and the next step where there is one.
    pub(crate) fn report(&self) -> String {
        let mut text = format!("error: {}\n", escaped(&reasons(self)));
        if let Some(step) = self.next_step() {
            text.push_str("next: ");
            text.push_str(step);
            text.push('\n');
        }
        text
    }

    #[expect(clippy::wildcard_enum_match_arm, reason = "every other error is no refusal")]
    fn refusal(&self) -> Option<&Refusal> {
        match self {
            Self::Storage(Error::Refused(refusal))
            | Self::Refused { source: Error::Refused(refusal), .. }
            | Self::Query(QueryError::Storage(Error::Refused(refusal))) => Some(refusal),
            _ => None,
        }
    }

    /// What to do next, where the message itself does not say it.
    #[expect(clippy::wildcard_enum_match_arm, reason = "every other message says it itself")]
    fn next_step(&self) -> Option<&'static str> {
        if let Some(refusal) = self.refusal() {
            return next_step_of(refusal);
        }
        Some(match self {
            Self::NoStore => {
                "pass --store PATH or URL, or set CALOTYPE_STORE; `calotype demo` makes one to play with"
            }
            Self::BinaryToTerminal(_) => "pass --output FILE, or pipe it into a program",
            Self::NotConfirmed => "pass --yes if the columns are right, else declare them with --type",
            Self::Damage(_) => "restore the named objects from another copy; verify repairs nothing",
            Self::NotTheDemo(_) => "name another folder with --store",
            Self::Strict { .. } => {
                "mend the extract and run the same command again: it goes on from there; \
                 without --strict the import skips it and reports it"
            }
            Self::Storage(Error::NoStore(_)) | Self::Query(QueryError::Storage(Error::NoStore(_))) => {
                "check --store; `calotype context create` makes a store where there is none"
            }
            Self::Storage(Error::Store { full: true, .. }) => {
                "free some room and run the same command again: nothing acknowledged was lost"
            }
            Self::Query(QueryError::NoColumn { .. }) => {
                "`calotype context show` lists the columns of every schema version"
            }
            _ => return None,
        })
    }
}

#[expect(clippy::wildcard_enum_match_arm, reason = "every other message says it itself")]
fn next_step_of(refusal: &Refusal) -> Option<&'static str> {
    Some(match refusal {
        Refusal::NoContext(_) => {
            "`calotype context list` lists the contexts, `calotype context create` makes one"
        }
        Refusal::UnknownColumn { .. } | Refusal::Wider { .. } => {
            "pass --evolve to let the schema grow, or --ignore COLUMN"
        }
        Refusal::MissingColumn { .. } => "pass --evolve to leave nullable columns out, or --rename",
        Refusal::DuplicateKeys { .. } => "mend the file, or pass --on-duplicate first or last",
        Refusal::NoRecordedAt(_) => {
            "pass --recorded-at with the time at which the source knew it, or end import with \
             `calotype context go-live`"
        }
        Refusal::RecordedAt(_) => "leave --recorded-at out",
        Refusal::NoCutoff(_) => "pass --cutoff",
        Refusal::EmptyFull => "pass --expected-rows 0 if that is meant",
        Refusal::MaxRetracted { .. } => "pass --expected-rows with the number of rows, if it is right",
        Refusal::NoValidTo { .. } => "pass --valid-to open or --valid-to until-next",
        Refusal::UnknownCutoff { .. } | Refusal::ExpectedCommit { .. } => {
            "`calotype log --context NAME` lists what was committed"
        }
        _ => return None,
    })
}

#[expect(clippy::wildcard_enum_match_arm, reason = "every other kind has no code of its own")]
fn code_of_io(error: &io::Error) -> Option<Code> {
    match error.kind() {
        io::ErrorKind::NotFound => Some(Code::NotFound),
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Some(Code::ResourceExhausted),
        _ => None,
    }
}
