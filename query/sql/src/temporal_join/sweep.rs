//! The sweep: takes the rows of both sides by key and begin, and compares each with the other side's pieces that
//! still hold. It does no I/O: it says when it wants a batch, has a batch of results, or has worked long enough.
//!
//! Each step either gives a result, tests a pair that overlaps on the first axis, or drops a piece for good.

use datafusion::error::Result;

use super::Kind;
use super::held::RowAt;
use super::period::Period;
use super::reader::Incoming;
use super::side::{Piece, Side};

/// After this many steps without a result the sweep lets others run: about a millisecond.
const STEPS_MAX: usize = 65_536;

/// A side of the join.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Which {
    Left,
    Right,
}

impl Which {
    const fn other(self) -> Self {
        match self {
            Self::Left => Self::Right,
            Self::Right => Self::Left,
        }
    }
}

/// A row of the result.
#[derive(Clone, Copy, Debug)]
pub(super) struct Match {
    pub(super) left: RowAt,
    /// None for a piece that no right row covers.
    pub(super) right: Option<RowAt>,
    pub(super) period: Period,
    /// On the other axis, if it matters.
    pub(super) test: Period,
}

/// Why the sweep came back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// It needs the next batch of this side, or that there is none.
    Read(Which),
    /// Its results are to be taken.
    Flush,
    /// It has worked for long.
    Pause,
    /// There is nothing more.
    Done,
}

/// What is under way; everything that goes through pieces stops between any two of them.
#[derive(Clone, Copy)]
enum Work {
    /// The other side's pieces from `place` on are compared with a new piece of this side.
    Compare { side: Which, piece: Piece, place: usize },
    /// This side's ended pieces from `place` on are dropped, then the new one is added.
    Purge { side: Which, piece: Piece, place: usize },
    /// The key is over: the left's pieces give what was not covered.
    Close,
}

/// The sweep over both sides.
pub(super) struct Sweep {
    kind: Kind,
    left: Side,
    right: Side,
    /// The present key, as bytes that compare like it.
    key: Option<Vec<u8>>,
    work: Option<Work>,
    results: Vec<Match>,
    batch_rows: usize,
}

impl Sweep {
    /// A sweep that gives results in batches of about `batch_rows`, at least one.
    pub(super) fn new(kind: Kind, left: Side, right: Side, batch_rows: usize) -> Self {
        Self { kind, left, right, key: None, work: None, results: Vec::new(), batch_rows: batch_rows.max(1) }
    }

    pub(super) fn left(&self) -> &Side {
        &self.left
    }

    pub(super) fn right(&self) -> &Side {
        &self.right
    }

    /// The results since the last time.
    pub(super) fn results(&self) -> &[Match] {
        &self.results
    }

    /// Says that the results have been taken.
    pub(super) fn flushed(&mut self) {
        self.results.clear();
    }

    /// Takes the batch asked for.
    pub(super) fn supply(&mut self, side: Which, batch: Incoming) -> Result<()> {
        let crowded = self.side(side).is_crowded();
        if crowded && self.results.is_empty() {
            self.side_mut(side).make_room()?;
        }
        self.side_mut(side).supply(batch)
    }

    /// Says that there is no further batch of this side.
    pub(super) fn end(&mut self, side: Which) {
        self.side_mut(side).end();
    }

    /// The bytes it takes.
    pub(super) fn size(&self) -> usize {
        self.left.size() + self.right.size() + self.results.capacity() * size_of::<Match>()
    }

    /// Works until something is needed from outside.
    pub(super) fn run(&mut self) -> Step {
        for _ in 0..STEPS_MAX {
            if self.results.len() >= self.batch_rows {
                return Step::Flush;
            }
            if let Some(work) = self.work.take() {
                self.work = self.proceed(work);
            } else if let Some(step) = self.next_row() {
                return step;
            }
        }
        Step::Pause
    }

    fn side(&self, which: Which) -> &Side {
        match which {
            Which::Left => &self.left,
            Which::Right => &self.right,
        }
    }

    fn side_mut(&mut self, which: Which) -> &mut Side {
        match which {
            Which::Left => &mut self.left,
            Which::Right => &mut self.right,
        }
    }

    fn proceed(&mut self, work: Work) -> Option<Work> {
        match work {
            Work::Compare { side, piece, place } => self.compare(side, piece, place),
            Work::Purge { side, piece, place } => self.purge(side, piece, place),
            Work::Close => self.close(),
        }
    }

    /// Takes the next row of both inputs by key and begin, if they are at hand.
    fn next_row(&mut self) -> Option<Step> {
        for side in [Which::Left, Which::Right] {
            if !self.side_mut(side).settle() {
                // Rows are moved only when no result points to them.
                let flush = self.side(side).is_crowded() && !self.results.is_empty();
                return Some(if flush { Step::Flush } else { Step::Read(side) });
            }
        }
        if self.is_done() {
            return Some(if self.results.is_empty() { Step::Done } else { Step::Flush });
        }
        let (side, next) = match (self.left.next(), self.right.next()) {
            (None, None) => {
                self.work = Some(Work::Close);
                return None;
            }
            (Some(left), Some(right)) if (right.key, right.from) < (left.key, left.from) => {
                (Which::Right, right)
            }
            (Some(left), _) => (Which::Left, left),
            (None, Some(right)) => (Which::Right, right),
        };
        let key = next.key.as_ref();
        let keyless = next.keyless;
        if keyless || self.key.as_deref() != Some(key) {
            if !self.left.is_idle() || !self.right.is_idle() {
                self.work = Some(Work::Close);
                return None;
            }
            let mut present = self.key.take().unwrap_or_default();
            present.clear();
            present.extend_from_slice(key);
            self.key = (!keyless).then_some(present);
        }
        let piece = self.side_mut(side).take()?;
        if keyless {
            self.leave(side, piece);
        } else {
            self.work = Some(Work::Compare { side, piece, place: 0 });
        }
        None
    }

    /// Whether no row that is still to come can be part of the result.
    fn is_done(&self) -> bool {
        let over = |side: &Side| side.has_ended() && side.is_idle();
        over(&self.left) || (self.kind == Kind::Inner && over(&self.right))
    }

    /// Compares a new piece with one piece of the other side, which began before it or with it.
    fn compare(&mut self, side: Which, mut piece: Piece, place: usize) -> Option<Work> {
        let now = piece.period.from;
        let other = self.side_mut(side.other());
        let Some(&active) = other.active().get(place) else { return self.admit(side, piece) };
        if active.period.to <= now {
            let ended = other.remove(place);
            self.leave(side.other(), ended);
            return Some(Work::Compare { side, piece, place });
        }
        let (period, test) = (active.period.overlap(piece.period), active.test.overlap(piece.test));
        if !test.is_empty() {
            let (left, right) = match side {
                Which::Left => {
                    piece.covered_to = piece.covered_to.max(period.to);
                    (piece, active)
                }
                Which::Right => {
                    if let Some(left) = other.active().get_mut(place) {
                        left.covered_to = left.covered_to.max(period.to);
                    }
                    self.uncovered(active, now);
                    (active, piece)
                }
            };
            self.results.push(Match { left: left.at, right: Some(right.at), period, test });
        }
        Some(Work::Compare { side, piece, place: place + 1 })
    }

    /// Keeps a new piece for rows of the other side that begin later, if there are any of its key.
    fn admit(&mut self, side: Which, piece: Piece) -> Option<Work> {
        let coming = self.side(side.other()).next();
        if coming.is_none_or(|next| self.key.as_deref() != Some(next.key.as_ref())) {
            self.leave(side, piece);
            return None;
        }
        if self.side(side).wants_purge() {
            return Some(Work::Purge { side, piece, place: 0 });
        }
        self.side_mut(side).push(piece);
        None
    }

    /// Drops one piece if it has ended, so that a side nobody compares with does not grow without need.
    fn purge(&mut self, side: Which, piece: Piece, place: usize) -> Option<Work> {
        let of_side = self.side_mut(side);
        match of_side.active().get(place) {
            None => {
                of_side.purged();
                of_side.push(piece);
                None
            }
            Some(active) if active.period.to <= piece.period.from => {
                let ended = of_side.remove(place);
                self.leave(side, ended);
                Some(Work::Purge { side, piece, place })
            }
            Some(_) => Some(Work::Purge { side, piece, place: place + 1 }),
        }
    }

    /// Ends the present key, one piece of the left at a time.
    fn close(&mut self) -> Option<Work> {
        if self.kind == Kind::Left && !self.left.is_idle() {
            let piece = self.left.remove(0);
            self.leave(Which::Left, piece);
            return Some(Work::Close);
        }
        self.left.clear();
        self.right.clear();
        None
    }

    /// A piece meets no further row: what of a left one is not covered yet never will be.
    fn leave(&mut self, side: Which, piece: Piece) {
        if side == Which::Left {
            self.uncovered(piece, piece.period.to);
        }
    }

    /// Gives the part of a left piece between what is covered and `until`, in a left join.
    fn uncovered(&mut self, left: Piece, until: i64) {
        let period = Period { from: left.covered_to, to: until };
        if self.kind == Kind::Left && !period.is_empty() {
            self.results.push(Match { left: left.at, right: None, period, test: left.test });
        }
    }
}
