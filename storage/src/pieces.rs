//! How facts of one key override each other: resolved pieces and rectangles.
//!
//! Facts are laid over each other in the order of their entries. At any moment the
//! top of the heap is the state as then known, cut into pieces that never overlap;
//! what a later fact covers becomes a rectangle: a piece of a fact with the entry
//! that took it out of sight. One insertion makes at most two new cuts, so n facts
//! cost n log n.

use std::collections::BTreeMap;

use crate::manifest::OPEN;

/// A stretch of one fact of a key, with its place in the order of facts. Periods are half-open
/// microseconds; an open end is [`OPEN`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Piece {
    /// Where it begins.
    pub from: i64,
    /// Where it ends.
    pub to: i64,
    /// The fact, by its place among the key's facts.
    pub fact: usize,
}

/// A piece that was covered later.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rectangle {
    /// The piece.
    pub piece: Piece,
    /// The first later fact that covers it; `None` while it is on top.
    pub covered_by: Option<usize>,
}

/// The facts of one key, laid over each other.
#[derive(Clone, Debug, Default)]
pub struct Timeline {
    /// The top, by where each piece begins.
    top: BTreeMap<i64, (i64, usize)>,
    covered: Vec<Rectangle>,
}

impl Timeline {
    /// Lays a fact on top. Facts come in the order of their entries.
    pub fn lay(&mut self, fact: usize, from: i64, to: i64) {
        let first = self.top.range(..=from).next_back().map_or(from, |(at, _)| *at);
        let below: Vec<_> = self.top.range(first..to).map(|(at, piece)| (*at, *piece)).collect();
        for (start, (end, under)) in below {
            if end <= from {
                continue;
            }
            self.top.remove(&start);
            if start < from {
                self.top.insert(start, (from, under));
            }
            if to < end {
                self.top.insert(to, (end, under));
            }
            let piece = Piece { from: start.max(from), to: end.min(to), fact: under };
            self.covered.push(Rectangle { piece, covered_by: Some(fact) });
        }
        self.top.insert(from, (to, fact));
    }

    /// The pieces as now known, in the order of valid time. Neighbours of one fact are one piece.
    pub fn pieces(&self) -> Vec<Piece> {
        let mut pieces: Vec<Piece> = Vec::with_capacity(self.top.len());
        for (&from, &(to, fact)) in &self.top {
            match pieces.last_mut() {
                Some(last) if last.fact == fact && last.to == from => last.to = to,
                _ => pieces.push(Piece { from, to, fact }),
            }
        }
        pieces
    }

    /// All rectangles, by where they begin and then by fact; neighbours of one fact that the same
    /// fact covers are one.
    pub fn rectangles(mut self, same_cover: impl Fn(Option<usize>, Option<usize>) -> bool) -> Vec<Rectangle> {
        let top = self.pieces().into_iter().map(|piece| Rectangle { piece, covered_by: None });
        self.covered.extend(top);
        self.covered.sort_unstable_by_key(|rectangle| (rectangle.piece.fact, rectangle.piece.from));
        let mut joined: Vec<Rectangle> = Vec::with_capacity(self.covered.len());
        for rectangle in self.covered {
            match joined.last_mut() {
                Some(last)
                    if last.piece.fact == rectangle.piece.fact
                        && last.piece.to == rectangle.piece.from
                        && same_cover(last.covered_by, rectangle.covered_by) =>
                {
                    last.piece.to = rectangle.piece.to;
                }
                _ => joined.push(rectangle),
            }
        }
        joined.sort_unstable_by_key(|rectangle| (rectangle.piece.from, rectangle.piece.fact));
        joined
    }
}

/// The piece that holds an instant, of facts in the order of their entries; `None` if no fact holds it.
pub fn piece_at(
    facts: impl DoubleEndedIterator<Item = (i64, i64)> + ExactSizeIterator,
    valid: i64,
) -> Option<Piece> {
    let (mut lower, mut upper) = (i64::MIN, OPEN);
    // From the newest fact down: what does not hold the instant clips what lies under it.
    for (fact, (from, to)) in facts.enumerate().rev() {
        if to <= valid {
            lower = lower.max(to);
        } else if from > valid {
            upper = upper.min(from);
        } else {
            return Some(Piece { from: from.max(lower), to: to.min(upper), fact });
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every instant on its own: the last fact that holds it.
    fn naive(facts: &[(i64, i64)], valid: i64) -> Option<usize> {
        facts.iter().rposition(|(from, to)| *from <= valid && valid < *to)
    }

    fn timeline(facts: &[(i64, i64)]) -> Timeline {
        let mut timeline = Timeline::default();
        for (fact, (from, to)) in facts.iter().enumerate() {
            timeline.lay(fact, *from, *to);
        }
        timeline
    }

    /// All lists of up to four facts with bounds in 0..4 or open.
    fn histories() -> impl Iterator<Item = Vec<(i64, i64)>> {
        let periods: Vec<(i64, i64)> =
            (0..4).flat_map(|from| (from + 1..4).chain([OPEN]).map(move |to| (from, to))).collect();
        let step = periods.len();
        (0..=4_u32).flat_map(move |count| {
            let periods = periods.clone();
            (0..step.pow(count)).map(move |mut code| {
                (0..count)
                    .map(|_| {
                        let period = periods[code % step];
                        code /= step;
                        period
                    })
                    .collect()
            })
        })
    }

    #[test]
    fn pieces_say_at_every_instant_what_the_last_fact_says() {
        let mut checked = 0;
        for facts in histories() {
            let pieces = timeline(&facts).pieces();
            assert!(pieces.windows(2).all(|pair| pair[0].to <= pair[1].from));
            for valid in -1..6 {
                let found = pieces.iter().find(|piece| piece.from <= valid && valid < piece.to);
                assert_eq!(found.map(|piece| piece.fact), naive(&facts, valid), "{facts:?} at {valid}");
                assert_eq!(
                    piece_at(facts.iter().copied(), valid).as_ref().map(|p| p.fact),
                    naive(&facts, valid)
                );
            }
            checked += 1;
        }
        assert_eq!(checked, 1 + 10 + 100 + 1000 + 10_000);
    }

    #[test]
    fn the_piece_at_an_instant_is_one_of_the_pieces_unless_its_fact_comes_twice() {
        for facts in histories() {
            let pieces = timeline(&facts).pieces();
            for valid in 0..5 {
                let whole = pieces.iter().find(|piece| piece.from <= valid && valid < piece.to);
                assert_eq!(piece_at(facts.iter().copied(), valid).as_ref(), whole, "{facts:?} at {valid}");
            }
        }
    }

    #[test]
    fn rectangles_cut_at_any_moment_are_the_pieces_of_that_moment() {
        for facts in histories() {
            let rectangles = timeline(&facts).rectangles(|a, b| a == b);
            for known in 0..=facts.len() {
                for valid in 0..5 {
                    let seen: Vec<_> = rectangles
                        .iter()
                        .filter(|r| r.piece.fact < known && r.covered_by.is_none_or(|by| by >= known))
                        .filter(|r| r.piece.from <= valid && valid < r.piece.to)
                        .map(|r| r.piece.fact)
                        .collect();
                    assert_eq!(seen, Vec::from_iter(naive(&facts[..known], valid)), "{facts:?}");
                }
            }
        }
    }
}
