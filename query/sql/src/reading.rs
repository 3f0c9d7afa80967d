//! What of a context a table of a statement stands for.

use calotype_query::TimeRange;
use calotype_storage::{SystemTime, ValidTime};

/// Instants on both axes, as a statement names them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Reading {
    /// Over valid time.
    pub valid: TimeRange<ValidTime>,
    /// Over system time.
    pub system: TimeRange<SystemTime>,
}

impl Reading {
    /// Both instants, if it is a point on both axes.
    pub(crate) fn point(self) -> Option<(ValidTime, SystemTime)> {
        match (self.valid, self.system) {
            (TimeRange::At(valid), TimeRange::At(known)) => Some((valid, known)),
            _ => None,
        }
    }

    /// The last system time that is asked about; `None`: the settled time.
    pub(crate) fn known_at(self) -> Option<SystemTime> {
        match self.system {
            TimeRange::All => None,
            TimeRange::At(at) => Some(at),
            TimeRange::FromTo(_, to) => to.previous(),
            TimeRange::Between(_, to) => Some(to),
        }
    }

    /// The valid time at which a claim is made: the end of the range, as far as it has one.
    pub(crate) fn valid_at(self) -> Option<ValidTime> {
        match self.valid {
            TimeRange::All => None,
            TimeRange::At(at) => Some(at),
            TimeRange::FromTo(_, to) => to.previous(),
            TimeRange::Between(_, to) => Some(to),
        }
    }
}

impl std::fmt::Display for Reading {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "valid {}, known {}", Shown(self.valid), Shown(self.system))
    }
}

struct Shown<T>(TimeRange<T>);

impl<T: std::fmt::Display> std::fmt::Display for Shown<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.0 {
            TimeRange::All => f.write_str("at any time"),
            TimeRange::At(at) => write!(f, "at {at}"),
            TimeRange::FromTo(from, to) => write!(f, "from {from} to before {to}"),
            TimeRange::Between(from, to) => write!(f, "from {from} to {to}"),
        }
    }
}
