//! What a producer may do to a `state` context: hand over an extract for a
//! cutoff, or take one back.

use std::collections::BTreeMap;
use std::fmt;

/// One entry of a `state` context. `Debug` prints it on one line.
#[derive(Clone, PartialEq, Eq)]
pub enum Operation<K, V> {
    /// A full: says something about every key; a missing one is absent.
    Full {
        /// The instant that the extract is a boundary of.
        cutoff: i64,
        /// Every key that is present.
        rows: BTreeMap<K, V>,
    },
    /// A delta: speaks about its own keys alone.
    Delta {
        /// The instant that the extract is a boundary of.
        cutoff: i64,
        /// What is said of each key; `None` retracts it.
        rows: BTreeMap<K, Option<V>>,
    },
    /// Takes back all that was said at a cutoff.
    Withdraw {
        /// The cutoff to forget.
        cutoff: i64,
    },
    /// Withdraws the cutoff, if known, and puts a full, in one entry.
    ReplaceFull {
        /// The instant that the extract is a boundary of.
        cutoff: i64,
        /// Every key that is present.
        rows: BTreeMap<K, V>,
    },
    /// Withdraws the cutoff, if known, and puts a delta, in one entry.
    ReplaceDelta {
        /// The instant that the extract is a boundary of.
        cutoff: i64,
        /// What is said of each key; `None` retracts it.
        rows: BTreeMap<K, Option<V>>,
    },
}

impl<K: Ord, V> Operation<K, V> {
    /// A full of these rows.
    pub fn full(cutoff: i64, rows: impl IntoIterator<Item = (K, V)>) -> Self {
        let rows = rows.into_iter().collect();
        Self::Full { cutoff, rows }
    }

    /// A delta of these rows; `None` retracts.
    pub fn delta(cutoff: i64, rows: impl IntoIterator<Item = (K, Option<V>)>) -> Self {
        let rows = rows.into_iter().collect();
        Self::Delta { cutoff, rows }
    }
}

impl<K, V> Operation<K, V> {
    /// A withdrawal of the cutoff.
    pub const fn withdraw(cutoff: i64) -> Self {
        Self::Withdraw { cutoff }
    }

    /// The cutoff that the operation is about.
    pub const fn cutoff(&self) -> i64 {
        match self {
            Self::Full { cutoff, .. }
            | Self::Delta { cutoff, .. }
            | Self::Withdraw { cutoff }
            | Self::ReplaceFull { cutoff, .. }
            | Self::ReplaceDelta { cutoff, .. } => *cutoff,
        }
    }
}

impl<K: fmt::Debug, V: fmt::Debug> fmt::Debug for Operation<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, cutoff) = match self {
            Self::Full { cutoff, .. } => ("full", cutoff),
            Self::Delta { cutoff, .. } => ("delta", cutoff),
            Self::Withdraw { cutoff } => return write!(f, "withdraw @{cutoff}"),
            Self::ReplaceFull { cutoff, .. } => ("replace by full", cutoff),
            Self::ReplaceDelta { cutoff, .. } => ("replace by delta", cutoff),
        };
        write!(f, "{name} @{cutoff} {{")?;
        match self {
            Self::Full { rows, .. } | Self::ReplaceFull { rows, .. } => {
                write_rows(f, rows.iter().map(|(key, value)| (key, Some(value))))?;
            }
            Self::Delta { rows, .. } | Self::ReplaceDelta { rows, .. } => {
                write_rows(f, rows.iter().map(|(key, value)| (key, value.as_ref())))?;
            }
            Self::Withdraw { .. } => {}
        }
        write!(f, " }}")
    }
}

fn write_rows<'a, K: fmt::Debug + 'a, V: fmt::Debug + 'a>(
    f: &mut fmt::Formatter<'_>,
    rows: impl Iterator<Item = (&'a K, Option<&'a V>)>,
) -> fmt::Result {
    for (key, value) in rows {
        match value {
            Some(value) => write!(f, " {key:?}={value:?}")?,
            None => write!(f, " {key:?} retracted")?,
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Key;

    #[test]
    fn prints_on_one_line() {
        let rows = [(Key::FIRST, Some(7)), (Key::SECOND, None)];
        let history = [Operation::delta(20, rows), Operation::withdraw(10)];
        let expected = "[delta @20 { k1=7 k2 retracted }, withdraw @10]";
        assert_eq!(format!("{history:?}"), expected);
    }
}
