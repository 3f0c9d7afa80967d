//! The errors that the simulation puts behind [`object_store::Error`], and how a failed step maps
//! to the error that the local store answers.

use std::error::Error;
use std::fmt;
use std::io;

use crate::trace::StepKind;

/// The name under which the store appears in its errors.
pub(crate) const STORE: &str = "SimStore";

/// The machine has crashed: this call and all later ones on the same handle fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SimCrash;

impl SimCrash {
    /// Tells whether a crash is the cause of an error, however often it was wrapped.
    pub fn is_behind(error: &(dyn Error + 'static)) -> bool {
        std::iter::successors(Some(error), |error| (*error).source()).any(<dyn Error>::is::<Self>)
    }
}

impl fmt::Display for SimCrash {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("the simulated machine has crashed")
    }
}

impl Error for SimCrash {}

/// The answer of a request did not arrive: it may have been carried out, or not, or not yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AnswerLost;

impl fmt::Display for AnswerLost {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("the answer was lost")
    }
}

impl Error for AnswerLost {}

/// A step failed; the source is the [`io::Error`].
#[derive(Debug)]
pub struct StepError {
    /// What was tried.
    pub kind: StepKind,
    /// The file or directory it was tried on, relative to the root of the store.
    pub path: String,
    source: io::Error,
}

impl fmt::Display for StepError {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "could not {} {:?}", self.kind, self.path)
    }
}

impl Error for StepError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.source)
    }
}

/// Why a step did not happen.
#[derive(Debug)]
pub(crate) enum Fault {
    /// The machine is down.
    Crash,
    /// The disk refused.
    Io(StepError),
}

impl Fault {
    /// Wraps the error of a step.
    pub(crate) fn io(kind: StepKind, path: &str, source: io::Error) -> Self {
        Self::Io(StepError { kind, path: path.to_owned(), source })
    }

    /// Tells whether the disk refused for this reason.
    pub(crate) fn is(&self, kind: io::ErrorKind) -> bool {
        matches!(self, Self::Io(error) if error.source.kind() == kind)
    }

    /// Returns the error that the local store answers for this fault in a call on `location`.
    pub(crate) fn into_answer(self, location: &str) -> object_store::Error {
        let path = location.to_owned();
        let error = match self {
            Self::Crash => return generic(SimCrash),
            Self::Io(error) => error,
        };
        let reads = matches!(error.kind, StepKind::Read | StepKind::Head);
        let source = error.source.kind();
        if error.kind == StepKind::Link && source == io::ErrorKind::AlreadyExists {
            return object_store::Error::AlreadyExists { path, source: Box::new(error) };
        }
        let absent = (reads || error.kind == StepKind::Unlink) && source == io::ErrorKind::NotFound
            || reads && source == io::ErrorKind::IsADirectory;
        if absent {
            return object_store::Error::NotFound { path, source: Box::new(error) };
        }
        generic(error)
    }
}

/// Wraps an error as the store's generic one.
pub(crate) fn generic(source: impl Error + Send + Sync + 'static) -> object_store::Error {
    object_store::Error::Generic { store: STORE, source: Box::new(source) }
}
