//! An error as programs read it: one stable word for each, and the variables of its message.

use super::Error;
use crate::variables::{Variables, variable};

macro_rules! variables {
    ($($name:ident),* $(,)?) => { vec![$(variable(stringify!($name), $name)),*] };
}

impl Error {
    /// One word for what went wrong, in capitals, at most 63 bytes; it never changes its meaning.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Refused(refusal) => refusal.reason(),
            Self::Damaged { .. } => "DAMAGED",
            Self::MissingRecord { .. } => "MISSING_RECORD",
            Self::RolledBack { .. } => "ROLLED_BACK",
            Self::OtherStore { .. } => "OTHER_STORE",
            Self::NoStore(_) => "NO_STORE",
            Self::Newer { .. } => "NEWER_FORMAT",
            Self::UnfitStore { .. } => "UNFIT_STORE",
            Self::Store { full: true, .. } => "STORE_FULL",
            Self::Store { .. } => "STORE_FAILED",
            Self::State { .. } => "STATE_FOLDER",
            Self::Poisoned(_) => "POISONED",
            Self::OutcomeUnknown => "OUTCOME_UNKNOWN",
            Self::Overtaken { .. } => "OVERTAKEN",
            Self::ClockBehind { .. } => "CLOCK_BEHIND",
            Self::Future { .. } => "KNOWN_AT_IN_FUTURE",
            Self::MissingPack(_) => "MISSING_PACK",
            Self::NotFound { .. } => "NOT_FOUND",
            Self::ReadOnly => "READ_ONLY",
        }
    }

    /// The variables of the message, each with its name.
    pub fn variables(&self) -> Variables {
        match self {
            Self::Refused(refusal) => refusal.variables(),
            Self::Damaged { object, what } => variables![object, what],
            Self::MissingRecord { missing, found } => variables![missing, found],
            Self::RolledBack { state, seen, expected, found } => {
                let state = state.display();
                variables![state, seen, expected, found]
            }
            Self::OtherStore { state, expected, found } => {
                let state = state.display();
                variables![state, expected, found]
            }
            Self::NoStore(store) => variables![store],
            Self::Newer { object, found, known } => variables![object, found, known],
            Self::UnfitStore { store, what } => variables![store, what],
            Self::Store { action, path, reason, full } => variables![action, path, reason, full],
            Self::State { path, reason } => {
                let path = path.display();
                variables![path, reason]
            }
            Self::Poisoned(why) => variables![why],
            Self::OutcomeUnknown | Self::ReadOnly => Variables::new(),
            Self::Overtaken { attempts } => variables![attempts],
            Self::ClockBehind { clock, newest } => variables![clock, newest],
            Self::Future { asked, now } => variables![asked, now],
            Self::MissingPack(pack) => variables![pack],
            Self::NotFound { what, name } => variables![what, name],
        }
    }
}
