//! What a statement writes: the translation of statements into facts, key by key.
//!
//! A statement about a key at cutoff C becomes a fact over `[C, N)`, N being the
//! next cutoff that is full or whose delta names the key. Over `[C, N)` what is
//! known about the key is constant, so the state known at C decides whether a full
//! says anything new. The functions are the whole rule; vectorised code calls them.

use crate::identity::Ordinal;
use crate::planted::{Bug, is_planted};
use crate::time::ValidTime;

/// Whether a fact asserts or retracts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op {
    /// The entity is so.
    Assert,
    /// The entity is absent.
    Retract,
}

/// The fact that wins at an instant: which entry brought it, and where its period begins. No two
/// facts of an entry about a key begin at one instant, so this names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Winner {
    /// The entry.
    pub entry: Ordinal,
    /// Where the fact's period begins, microseconds.
    pub valid_from: i64,
    /// What it does.
    pub op: Op,
}

impl Winner {
    /// Whether a winner makes the entity present.
    pub fn is_present(winner: Option<Self>) -> bool {
        winner.is_some_and(|winner| winner.op == Op::Assert)
    }
}

/// What is known about a key, compared with what a full says of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Known {
    /// The key is absent.
    Absent,
    /// The key is present with the content that the full states.
    Same,
    /// The key is present with other content, or the full does not state it.
    Other,
}

/// What a full writes for a key, stated in it or missing from it; `None` if nothing changes.
pub fn of_full(stated: bool, known: Known) -> Option<Op> {
    match (stated, known) {
        (true, Known::Same) | (false, Known::Absent) => None,
        (true, Known::Absent | Known::Other) => Some(Op::Assert),
        (false, Known::Same | Known::Other) => Some(Op::Retract),
    }
}

/// What a withdrawal of C writes for a key: what holds just before C, unless the fact that holds
/// at C holds there too, so that nothing said at C shows.
pub fn of_withdrawal(at: Option<Winner>, just_before: Option<Winner>) -> Option<Op> {
    if at == just_before {
        return None;
    }
    match (Winner::is_present(at), Winner::is_present(just_before)) {
        (false, false) => None,
        (_, true) if is_planted(Bug::WithdrawalRetracts) => Some(Op::Retract),
        (_, true) => Some(Op::Assert),
        (true, false) => Some(Op::Retract),
    }
}

/// Where a statement's fact ends: the next full, or the next delta that names the key.
pub fn bound(next_full: Option<ValidTime>, next_named: Option<ValidTime>) -> Option<ValidTime> {
    match (next_full, next_named) {
        (Some(full), Some(named)) => Some(full.min(named)),
        (full, named) => full.or(named),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_writes_what_differs() {
        assert_eq!(of_full(true, Known::Same), None);
        assert_eq!(of_full(true, Known::Absent), Some(Op::Assert));
        assert_eq!(of_full(true, Known::Other), Some(Op::Assert));
        assert_eq!(of_full(false, Known::Other), Some(Op::Retract));
        assert_eq!(of_full(false, Known::Absent), None);
    }

    #[test]
    fn a_withdrawal_writes_what_holds_just_before() {
        let winner = |entry, valid_from, op| Some(Winner { entry: Ordinal::new(entry), valid_from, op });
        let (old, new) = (winner(0, 5, Op::Assert), winner(1, 9, Op::Assert));
        assert_eq!(of_withdrawal(old, old), None, "nothing of it shows");
        assert_eq!(of_withdrawal(new, old), Some(Op::Assert));
        assert_eq!(of_withdrawal(new, None), Some(Op::Retract));
        assert_eq!(of_withdrawal(winner(1, 9, Op::Retract), old), Some(Op::Assert));
        assert_eq!(of_withdrawal(winner(1, 9, Op::Retract), None), None, "absent either way");
    }
}
