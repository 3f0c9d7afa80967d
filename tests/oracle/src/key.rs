//! The key of generated and enumerated histories: a number that prints as a
//! name, so that a failing history reads well.

use std::fmt;

/// The key of one entity in a generated history; prints as `k7`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key(pub u32);

impl Key {
    /// The key of one-key histories, *k* of the truth table.
    pub const FIRST: Self = Self(1);
    /// The second key of two-key histories, *j* of the truth table.
    pub const SECOND: Self = Self(2);
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "k{}", self.0)
    }
}

impl fmt::Display for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "k{}", self.0)
    }
}
