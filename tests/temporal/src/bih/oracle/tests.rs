//! The evaluator by hand, and against the oracle that all of the store is compared with.

use calotype_oracle::{EventRow, EventsPut, FactOracle, OpenEnd, Piece as TheirPiece, TimeRange};

use super::*;
use crate::bih::cell::Cell;
use crate::bih::day::Day;
use crate::bih::history::{History, Scale};

fn fact(scenario: u32, from: i32, to: Option<i32>, comment: Option<&str>) -> Fact<Region> {
    let row = Region { regionkey: 1, name: "".into(), comment: comment.unwrap_or_default().into() };
    let known = SystemTime::from_micros(scenario.into());
    Fact {
        scenario,
        known,
        from: Day(from),
        to: to.map(Day),
        row: Arc::new(row),
        retracts: comment.is_none(),
    }
}

type Shown = (i64, Option<i64>, i64, Option<i64>, String);

fn shown(pieces: &[Piece<Region>]) -> Vec<Shown> {
    let day = |valid: ValidTime| valid.micros() / 86_400_000_000;
    let shown = |piece: &Piece<Region>| {
        let system_to = piece.system_to.map(SystemTime::micros);
        let comment = piece.row.comment.to_string();
        (day(piece.valid_from), piece.valid_to.map(day), piece.system_from.micros(), system_to, comment)
    };
    pieces.iter().map(shown).collect()
}

#[test]
fn the_last_fact_known_wins_and_rectangles_say_until_when() {
    let facts = [
        fact(1, 0, None, Some("a")),
        fact(2, 10, Some(20), Some("b")),
        fact(3, 15, None, None),
        fact(3, 30, None, Some("c")),
    ];
    let known = Known::new(&facts);
    let at = |day: i32, known_at| {
        let point = Point { valid: Day(day).valid(), known: SystemTime::from_micros(known_at) };
        known.at(point).iter().map(|row| row.comment.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(at(12, 1), ["a"]);
    assert_eq!(at(12, 2), ["b"]);
    assert_eq!(at(15, 3), [] as [&str; 0]);
    assert_eq!(at(30, 3), ["c"]);
    assert_eq!(at(-1, 3), [] as [&str; 0]);
    let pieces = shown(&known.pieces(SystemTime::from_micros(3)));
    let expected: [Shown; 3] = [
        (0, Some(10), 1, None, "a".into()),
        (10, Some(15), 2, None, "b".into()),
        (30, None, 3, None, "c".into()),
    ];
    assert_eq!(pieces, expected);
    let rectangles = shown(&known.rectangles());
    let expected: [Shown; 6] = [
        (0, Some(10), 1, None, "a".into()),
        (10, Some(20), 1, Some(2), "a".into()),
        (20, None, 1, Some(3), "a".into()),
        (10, Some(15), 2, None, "b".into()),
        (15, Some(20), 2, Some(3), "b".into()),
        (30, None, 3, None, "c".into()),
    ];
    assert_eq!(rectangles, expected);
    let within = known.rectangles_within(SystemTime::from_micros(2), SystemTime::from_micros(3));
    let expected: [Shown; 3] = [
        (0, Some(10), 1, None, "a".into()),
        (20, None, 1, None, "a".into()),
        (10, Some(20), 2, None, "b".into()),
    ];
    assert_eq!(shown(&within), expected);
}

/// What both evaluators say of the keys with most facts, by hand-over of the facts alone.
fn check<R: Row>(facts: &[Fact<R>], instants: &[SystemTime]) {
    let mut counts: BTreeMap<Key, usize> = BTreeMap::new();
    for fact in facts {
        *counts.entry(fact.row.key()).or_default() += 1;
    }
    let mut keys: Vec<_> = counts.into_iter().collect();
    keys.sort_by_key(|(key, count)| (usize::MAX - count, *key));
    let keys: BTreeSet<Key> = keys.into_iter().take(25).map(|(key, _)| key).collect();
    let facts: Vec<_> = facts.iter().filter(|fact| keys.contains(&fact.row.key())).cloned().collect();
    let mut oracle: FactOracle<Key, Vec<Cell>> = FactOracle::new();
    for facts in facts.chunk_by(|one, next| one.known == next.known) {
        let row = |fact: &Fact<R>| EventRow {
            key: fact.row.key(),
            valid_from: fact.from.valid().micros(),
            valid_to: fact.to.map(|to| to.valid().micros()),
            value: (!fact.retracts).then(|| fact.row.cells()),
        };
        let rows = facts.iter().map(row).collect();
        let system = facts[0].known.micros();
        let entry = u64::try_from(system).unwrap();
        oracle.events_put(entry, system, &EventsPut { rows, open_end: Some(OpenEnd::Open) }).unwrap();
    }
    let known = Known::new(&facts);
    for &instant in instants {
        let theirs = keys.iter().flat_map(|key| oracle.pieces(key, instant.micros()));
        assert_eq!(ours(known.pieces(instant)), sorted(theirs), "{:?} at {instant}", R::TABLE);
    }
    let (from, to) = (instants[0], instants[1]);
    let theirs = keys.iter().flat_map(|key| oracle.rectangles(key, TimeRange::All));
    assert_eq!(ours(known.rectangles()), sorted(theirs), "{:?}", R::TABLE);
    let within = TimeRange::FromTo { from: from.micros(), to: to.micros() };
    let theirs = keys.iter().flat_map(|key| oracle.rectangles(key, within));
    assert_eq!(ours(known.rectangles_within(from, to)), sorted(theirs), "{:?}", R::TABLE);
}

type Compared = (Key, i64, Option<i64>, i64, Option<i64>, Vec<Cell>);

fn ours<R: Row>(pieces: Vec<Piece<R>>) -> Vec<Compared> {
    let compared = |piece: Piece<R>| {
        let (valid_from, valid_to) = (piece.valid_from.micros(), piece.valid_to.map(ValidTime::micros));
        let (system_from, system_to) = (piece.system_from.micros(), piece.system_to.map(SystemTime::micros));
        (piece.row.key(), valid_from, valid_to, system_from, system_to, piece.row.cells())
    };
    let mut pieces: Vec<_> = pieces.into_iter().map(compared).collect();
    pieces.sort();
    pieces
}

fn sorted(pieces: impl Iterator<Item = TheirPiece<Key, Vec<Cell>>>) -> Vec<Compared> {
    let mut pieces: Vec<_> = pieces
        .map(|piece| {
            (piece.key, piece.valid_from, piece.valid_to, piece.system_from, piece.system_to, piece.value)
        })
        .collect();
    pieces.sort();
    pieces
}

#[test]
fn it_equals_the_oracle_of_the_store() {
    let history = History::generate(Scale::SMALL);
    let instants = [20, 60, 100].map(|share| {
        let scenario = history.after(share).unwrap();
        scenario.day.system(scenario.number)
    });
    check(&history.facts.supplier, &instants);
    check(&history.facts.part, &instants);
    check(&history.facts.partsupp, &instants);
    check(&history.facts.customer, &instants);
    check(&history.facts.orders, &instants);
    check(&history.facts.lineitem, &instants);
}
