//! Which unsynced things outlive a crash.
//!
//! Invariant: the unsynced things of a disk are drawn in one fixed order, so that a seed or a choice
//! number names the same outcome each time.

use crate::rng::SplitMix64;

/// The unit in which file contents survive: one sector, written whole or not at all.
pub const SECTOR_BYTES: usize = 512;

/// What outlives a restart, of all that was not synced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Survivors {
    /// The machine died: nothing.
    None,
    /// The machine died: everything, but for what a failed sync gave up.
    All,
    /// Only the process died: everything is still there to be read, and still not synced. What a
    /// failed sync gave up stays so.
    Cached,
    /// The machine died: each directory change, file length and sector by lot. A sector that is lost
    /// below the end of its file reads as zeros, or as stale bytes of something older.
    Seed(u64),
    /// The machine died: what bit `i` of this number says about the `i`-th unsynced thing. Counting
    /// up to [`survivor_choices`](crate::SimStore::survivor_choices) meets every subset. A lost
    /// sector below the end of its file reads as zeros.
    Choice(u64),
}

/// What became of a sector.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sector {
    Kept,
    Lost,
    Stale(u8),
}

/// Draws the fate of one unsynced thing after the other.
#[derive(Debug)]
pub(crate) struct Lottery {
    rule: Survivors,
    rng: SplitMix64,
    kept_in_8: u64,
    drawn: u32,
}

impl Lottery {
    pub(crate) const fn new(rule: Survivors) -> Self {
        let seed = match rule {
            Survivors::Seed(seed) => seed,
            Survivors::None | Survivors::All | Survivors::Cached | Survivors::Choice(_) => 0,
        };
        let mut rng = SplitMix64::new(seed);
        // Some seeds lose nearly everything, some nearly nothing.
        let kept_in_8 = 1 + rng.below(7);
        Self { rule, rng, kept_in_8, drawn: 0 }
    }

    /// Returns the number of fates drawn so far.
    pub(crate) const fn drawn(&self) -> u32 {
        self.drawn
    }

    /// Tells whether the contents of files without a visible name are kept as they are: nobody can
    /// read them, so that enumerating their fates would only repeat outcomes.
    pub(crate) const fn keeps_hidden(&self) -> bool {
        matches!(self.rule, Survivors::All | Survivors::Cached | Survivors::Seed(_))
    }

    /// Draws whether a directory change or a file length survives.
    pub(crate) fn survives(&mut self, given_up: bool) -> bool {
        let position = self.drawn;
        self.drawn += 1;
        match self.rule {
            Survivors::None => false,
            Survivors::All => !given_up,
            Survivors::Cached => true,
            Survivors::Seed(_) => self.rng.below(8) < self.kept_in_8,
            Survivors::Choice(bits) => bits.checked_shr(position).is_some_and(|bits| bits & 1 == 1),
        }
    }

    /// Draws the fate of a sector.
    pub(crate) fn sector(&mut self, given_up: bool) -> Sector {
        if self.survives(given_up) {
            return Sector::Kept;
        }
        if !matches!(self.rule, Survivors::Seed(_)) {
            return Sector::Lost;
        }
        let [stale, lot, ..] = self.rng.draw().to_le_bytes();
        if lot.is_multiple_of(4) { Sector::Stale(stale) } else { Sector::Lost }
    }
}
