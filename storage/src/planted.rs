//! Bugs to plant, for the tests of the tests: a suite that passes with one of them
//! planted proves nothing.
//!
//! Invariant: without the feature `planted-bugs`, which the test suite alone switches
//! on, [`is_planted`] is `false` at compile time. With it, a bug is planted for one
//! thread, until its guard is dropped.

/// A wrong decision that somebody could have made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Bug {
    /// A delta whose rows say nothing new writes none of them.
    DropsUnchangedDelta,
    /// Facts of statements end a microsecond late.
    EndsLate,
    /// A withdrawal retracts what holds just before.
    WithdrawalRetracts,
    /// Deltas do not bound earlier statements.
    DeltasBoundNothing,
    /// After a lost slot the old head is evaluated on again.
    KeepsOldHead,
    /// A write that failed counts as done.
    AcknowledgesFailure,
    /// A record that others linked counts before its directory entry is durable.
    TrustsUnsyncedSlot,
    /// A slot that exists is taken for our own.
    TakesAnySlot,
    /// A repeated idempotency key is not looked up.
    ForgetsKeys,
    /// What became known at an instant is not known at it.
    KnownIsExclusive,
    /// A keyframe answers for valid times before its own.
    KeyframeIsEarly,
    /// A keyframe answers for system times before its own.
    KeyframeIsPrescient,
    /// A chunk's checksum is not compared.
    SkipsChecksum,
    /// System time is the clock's, also where the clock went back.
    TrustsClock,
    /// A slot missing below others is not noticed.
    SkipsGap,
    /// A log that no longer holds what the index has seen is not noticed.
    SkipsRollback,
    /// A pack that exists is not compared.
    TrustsPack,
    /// The index of keys leaves out the newest entry that speaks about a key.
    KeyIndexForgets,
    /// A row group counts as whole although another source has rows among its keys.
    WholeGroupsOverlap,
    /// The sign of zero is kept.
    KeepsNegativeZero,
}

/// Whether a bug is planted in this thread.
#[cfg(not(feature = "planted-bugs"))]
pub const fn is_planted(_: Bug) -> bool {
    false
}

#[cfg(feature = "planted-bugs")]
pub use switch::{Planted, is_planted, plant};

#[cfg(feature = "planted-bugs")]
pub(crate) use switch::old_head;

/// Which context a put is evaluated on: the newest.
#[cfg(not(feature = "planted-bugs"))]
pub(crate) const fn old_head<T, C>(_: &T, newest: C) -> C {
    newest
}

#[cfg(feature = "planted-bugs")]
mod switch {
    use std::any::Any;
    use std::cell::{Cell, RefCell};
    use std::collections::BTreeMap;
    use std::sync::Arc;

    use super::Bug;
    use crate::context::Context;

    /// What a put was first evaluated on, by its address. The put is held, so that no other takes its address.
    type Head = (Arc<dyn Any>, Option<Arc<Context>>);

    thread_local! {
        static PLANTED: Cell<Option<Bug>> = const { Cell::new(None) };
        static HEADS: RefCell<BTreeMap<usize, Head>> = const { RefCell::new(BTreeMap::new()) };
    }

    /// Keeps a bug planted.
    #[derive(Debug)]
    #[must_use]
    pub struct Planted(());

    /// Plants a bug in this thread, in the place of any other.
    pub fn plant(bug: Bug) -> Planted {
        PLANTED.set(Some(bug));
        Planted(())
    }

    impl Drop for Planted {
        fn drop(&mut self) {
            PLANTED.set(None);
            HEADS.take();
        }
    }

    /// Whether a bug is planted in this thread.
    pub fn is_planted(bug: Bug) -> bool {
        PLANTED.get() == Some(bug)
    }

    /// Which context a put is evaluated on: the newest, or the first that it was evaluated on.
    pub(crate) fn old_head<T: 'static>(put: &Arc<T>, newest: Option<Arc<Context>>) -> Option<Arc<Context>> {
        if !is_planted(Bug::KeepsOldHead) {
            return newest;
        }
        let place = Arc::as_ptr(put).cast::<()>().addr();
        let held: Arc<dyn Any> = Arc::clone(put) as _;
        HEADS.with_borrow_mut(|heads| heads.entry(place).or_insert((held, newest)).1.clone())
    }
}
