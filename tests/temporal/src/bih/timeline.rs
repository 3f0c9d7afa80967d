//! A table while its history is made: what is known now of each key, and all facts that were said.

use std::collections::BTreeMap;
use std::sync::Arc;

use calotype_client::SystemTime;

use super::day::Day;
use super::fact::Fact;
use super::tables::{Key, Row};

/// When something is said: by which scenario, and how that is known.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moment {
    pub(super) scenario: u32,
    pub(super) day: Day,
    pub(super) known: SystemTime,
}

/// A table as it is known now, and how it came to be.
#[derive(Debug)]
pub(super) struct Book<R> {
    entities: BTreeMap<Key, Entity<R>>,
    facts: Vec<Fact<R>>,
}

/// What is known of one key.
#[derive(Debug)]
struct Entity<R> {
    /// As it was last written.
    row: Arc<R>,
    /// In order, disjoint.
    pieces: Vec<Piece<R>>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Piece<R> {
    from: Day,
    to: Option<Day>,
    row: Arc<R>,
}

impl<R> Default for Book<R> {
    fn default() -> Self {
        Self { entities: BTreeMap::new(), facts: Vec::new() }
    }
}

impl<R: Row> Book<R> {
    /// Knows a row without saying anything about it.
    pub(super) fn know(&mut self, row: R) {
        self.entities.insert(row.key(), Entity { row: Arc::new(row), pieces: Vec::new() });
    }

    /// The row of a key as it was last written.
    pub(super) fn row(&self, key: Key) -> Option<&Arc<R>> {
        self.entities.get(&key).map(|entity| &entity.row)
    }

    /// Rows of the keys with a first part, as they were last written.
    pub(super) fn rows_of(&self, first: i64) -> impl Iterator<Item = &Arc<R>> {
        self.entities.range((first, i64::MIN)..=(first, i64::MAX)).map(|(_, entity)| &entity.row)
    }

    /// Whether the key is there on a day.
    pub(super) fn holds(&self, key: Key, day: Day) -> bool {
        let holds = |piece: &Piece<R>| piece.from <= day && piece.to.is_none_or(|to| day < to);
        self.entities.get(&key).is_some_and(|entity| entity.pieces.iter().any(holds))
    }

    /// How many keys there are.
    pub(super) fn len(&self) -> usize {
        self.entities.len()
    }

    /// All that was said.
    pub(super) fn into_facts(self) -> Vec<Fact<R>> {
        self.facts
    }

    /// The row holds over a period.
    pub(super) fn assert(&mut self, at: Moment, from: Day, to: Option<Day>, row: R) {
        let row = Arc::new(row);
        let entity =
            self.entities.entry(row.key()).or_insert(Entity { row: Arc::clone(&row), pieces: Vec::new() });
        entity.row = Arc::clone(&row);
        entity.lay(from, to, Some(&row));
        self.say(at, from, to, row, false);
    }

    /// The key is absent over a period.
    pub(super) fn retract(&mut self, at: Moment, key: Key, from: Day, to: Option<Day>) {
        let Some(entity) = self.entities.get_mut(&key) else { return };
        entity.lay(from, to, None);
        let row = Arc::clone(&entity.row);
        self.say(at, from, to, row, true);
    }

    /// The key is absent from now on, and is not heard of again.
    pub(super) fn delete(&mut self, at: Moment, key: Key) {
        self.retract(at, key, at.day, None);
        self.entities.remove(&key);
    }

    /// Each piece that reaches beyond a day is changed from that day on; where none does, the last piece is.
    pub(super) fn change_from(&mut self, at: Moment, key: Key, day: Day, change: impl Fn(&mut R)) {
        let beyond = |piece: &Piece<R>| piece.to.is_none_or(|to| day < to);
        let clip = |piece: &Piece<R>| Piece { from: piece.from.max(day), ..piece.clone() };
        let pieces = self.pieces(key);
        let mut changed: Vec<_> = pieces.iter().filter(|piece| beyond(piece)).map(clip).collect();
        if changed.is_empty() {
            changed.extend(pieces.last().cloned());
        }
        self.write(at, key, &changed, change);
    }

    /// Every piece is changed, and keeps its period: the books are changed, and only system time shows it.
    pub(super) fn amend(&mut self, at: Moment, key: Key, change: impl Fn(&mut R)) {
        let pieces = self.pieces(key).to_vec();
        self.write(at, key, &pieces, change);
    }

    /// The last piece is changed and ends with the day before now; if it began only now, it holds for this day.
    pub(super) fn end(&mut self, at: Moment, key: Key, change: impl Fn(&mut R)) {
        let Some(last) = self.pieces(key).last().cloned() else { return };
        let to = at.day.max(last.from.plus(1));
        self.write(at, key, &[Piece { to: Some(to), ..last }], change);
        self.retract(at, key, to, None);
    }

    fn pieces(&self, key: Key) -> &[Piece<R>] {
        self.entities.get(&key).map_or(&[], |entity| &entity.pieces)
    }

    /// Asserts pieces with their rows changed. A key without pieces is changed in silence.
    fn write(&mut self, at: Moment, key: Key, pieces: &[Piece<R>], change: impl Fn(&mut R)) {
        for Piece { from, to, row } in pieces {
            let mut row = (**row).clone();
            change(&mut row);
            self.assert(at, *from, *to, row);
        }
        if let Some(entity) = self.entities.get_mut(&key).filter(|_| pieces.is_empty()) {
            let mut row = (*entity.row).clone();
            change(&mut row);
            entity.row = Arc::new(row);
        }
    }

    fn say(&mut self, at: Moment, from: Day, to: Option<Day>, row: Arc<R>, retracts: bool) {
        self.facts.push(Fact { scenario: at.scenario, known: at.known, from, to, row, retracts });
    }
}

impl<R> Entity<R> {
    /// Lays a row, or nothing, over a period.
    fn lay(&mut self, from: Day, to: Option<Day>, row: Option<&Arc<R>>) {
        let mut pieces = Vec::new();
        for piece in std::mem::take(&mut self.pieces) {
            let before = piece.to.map_or(from, |end| end.min(from));
            if piece.from < before {
                pieces.push(Piece { from: piece.from, to: Some(before), row: Arc::clone(&piece.row) });
            }
            if let Some(to) = to {
                let after = piece.from.max(to);
                if piece.to.is_none_or(|end| after < end) {
                    pieces.push(Piece { from: after, to: piece.to, row: piece.row });
                }
            }
        }
        pieces.extend(row.map(|row| Piece { from, to, row: Arc::clone(row) }));
        pieces.sort_by_key(|piece| piece.from);
        self.pieces = pieces;
    }
}

#[cfg(test)]
mod tests {
    use super::super::tables::Region;
    use super::*;

    type Said = (i32, Option<i32>, i64, bool);

    fn region(key: i64, comment: &str) -> Region {
        Region { regionkey: key, name: "name".into(), comment: comment.into() }
    }

    fn at(day: i32) -> Moment {
        let day = Day(day);
        Moment { scenario: 1, day, known: day.system(1) }
    }

    /// A key with a piece from 10 to 20 and one from 30 on, changed; what was said, the rows by their names' length.
    fn check(change: impl Fn(&mut Book<Region>), said: &[Said], pieces: &[(i32, Option<i32>, i64)]) {
        let mut book = Book::default();
        book.assert(at(0), Day(10), Some(Day(20)), region(1, "a"));
        book.assert(at(0), Day(30), None, region(1, "bb"));
        change(&mut book);
        let length = |row: &Arc<Region>| i64::try_from(row.comment.len()).unwrap();
        let found: Vec<Said> = book.facts[2..]
            .iter()
            .map(|fact| (fact.from.0, fact.to.map(|to| to.0), length(&fact.row), fact.retracts))
            .collect();
        assert_eq!(found, said);
        let found: Vec<_> = book
            .pieces((1, 0))
            .iter()
            .map(|piece| (piece.from.0, piece.to.map(|to| to.0), length(&piece.row)))
            .collect();
        assert_eq!(found, pieces);
    }

    fn longer(row: &mut Region) {
        row.comment = format!("{}++", row.comment).into();
    }

    #[test]
    fn a_change_from_a_day_touches_what_reaches_beyond_it() {
        check(
            |book| book.change_from(at(15), (1, 0), Day(15), longer),
            &[(15, Some(20), 3, false), (30, None, 4, false)],
            &[(10, Some(15), 1), (15, Some(20), 3), (30, None, 4)],
        );
        check(
            |book| {
                book.retract(at(40), (1, 0), Day(30), None);
                book.change_from(at(40), (1, 0), Day(40), longer);
            },
            &[(30, None, 2, true), (10, Some(20), 3, false)],
            &[(10, Some(20), 3)],
        );
    }

    #[test]
    fn amending_keeps_periods_and_ending_bounds_the_last_piece() {
        check(
            |book| book.amend(at(50), (1, 0), longer),
            &[(10, Some(20), 3, false), (30, None, 4, false)],
            &[(10, Some(20), 3), (30, None, 4)],
        );
        check(
            |book| book.end(at(50), (1, 0), longer),
            &[(30, Some(50), 4, false), (50, None, 4, true)],
            &[(10, Some(20), 1), (30, Some(50), 4)],
        );
        check(
            |book| book.end(at(30), (1, 0), longer),
            &[(30, Some(31), 4, false), (31, None, 4, true)],
            &[(10, Some(20), 1), (30, Some(31), 4)],
        );
    }

    #[test]
    fn what_is_laid_over_pieces_cuts_them() {
        check(
            |book| book.assert(at(1), Day(12), Some(Day(14)), region(1, "ccc")),
            &[(12, Some(14), 3, false)],
            &[(10, Some(12), 1), (12, Some(14), 3), (14, Some(20), 1), (30, None, 2)],
        );
        check(|book| book.delete(at(15), (1, 0)), &[(15, None, 2, true)], &[]);
    }

    #[test]
    fn a_key_without_pieces_is_changed_in_silence() {
        let mut book = Book::default();
        book.know(region(1, "a"));
        book.change_from(at(5), (1, 0), Day(5), longer);
        assert_eq!(book.row((1, 0)).map(|row| row.comment.len()), Some(3));
        assert!(book.facts.is_empty() && !book.holds((1, 0), Day(5)));
    }
}
