//! The newest commit that a client made, so that its questions see it on any node.

use std::sync::atomic::{AtomicU64, Ordering};

/// The newest commit that a client made. Only ever grows.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    /// One more than the commit; 0 before the first.
    next: AtomicU64,
}

impl Seen {
    /// Remembers a commit.
    pub(crate) fn note(&self, commit: u64) {
        self.next.fetch_max(commit.saturating_add(1), Ordering::AcqRel);
    }

    /// The newest commit so far.
    pub(crate) fn newest(&self) -> Option<u64> {
        self.next.load(Ordering::Acquire).checked_sub(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_commit_only_grows() {
        let seen = Seen::default();
        assert_eq!(seen.newest(), None);
        seen.note(0);
        assert_eq!(seen.newest(), Some(0));
        seen.note(7);
        seen.note(3);
        assert_eq!(seen.newest(), Some(7));
    }
}
