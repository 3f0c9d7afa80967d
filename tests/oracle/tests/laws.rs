//! Laws of the fact oracle, over random histories: state, pieces and rectangles
//! are three ways to say one thing, and what was known stays known.

use calotype_oracle::{EventsShape, Fact, FactOracle, Key, Piece, Seed, TimeRange, events_history};

const SHAPE: EventsShape = EventsShape { puts: 8, rows_max: 4, instants: 10, keys: 2, values: 2 };

const HISTORIES: u64 = 300;

/// A valid time before all periods, up to one after all that end.
const INSTANTS: std::ops::Range<i64> = -1..21;

/// System time of put n is 10 n.
fn oracles() -> impl Iterator<Item = (FactOracle<Key, u32>, i64)> {
    (0..HISTORIES).map(|number| {
        let mut oracle = FactOracle::new();
        let mut entry: u32 = 0;
        for put in events_history(Seed::new(number), SHAPE) {
            entry += 1;
            let system = 10 * i64::from(entry);
            let result = oracle.events_put(u64::from(entry), system, &put);
            assert_eq!(result, Ok(()), "seed {number}: {put:#?}");
        }
        (oracle, 10 * i64::from(entry))
    })
}

fn keys() -> impl Iterator<Item = Key> {
    (1..=SHAPE.keys).map(Key)
}

/// Joins neighbours of one fact, whatever their `system_to`.
fn cut_at(rectangles: &[Piece<Key, u32>], system: i64, facts: &[Fact<Key, u32>]) -> Vec<Piece<Key, u32>> {
    let fact_of = |piece: &Piece<Key, u32>| {
        let mut facts = facts.iter().filter(|f| f.entry == piece.entry && f.key == piece.key);
        facts.position(|f| f.period().holds(piece.valid_from))
    };
    let mut joined: Vec<Piece<Key, u32>> = Vec::new();
    for rectangle in rectangles {
        let known = rectangle.system_to.is_none_or(|to| system < to);
        if rectangle.system_from > system || !known {
            continue;
        }
        let mut piece = Piece { system_to: None, ..rectangle.clone() };
        if let Some(last) = joined.last() {
            let same = last.entry == piece.entry && fact_of(last) == fact_of(&piece);
            if same && last.valid_to == Some(piece.valid_from) {
                piece.valid_from = last.valid_from;
                joined.pop();
            }
        }
        joined.push(piece);
    }
    joined
}

#[test]
fn pieces_say_what_the_state_says_and_never_overlap() {
    for (oracle, last) in oracles() {
        for system in 0..=last {
            let pieces: Vec<_> = keys().flat_map(|key| oracle.pieces(&key, system)).collect();
            for valid in INSTANTS {
                let holding = pieces.iter().filter(|piece| piece.period().holds(valid));
                let holding: Vec<_> = holding.map(|piece| (piece.key, piece.value)).collect();
                let state: Vec<_> = oracle.state(valid, system).into_iter().collect();
                assert_eq!(holding, state, "at ({valid}, {system})");
            }
        }
    }
}

#[test]
fn rectangles_are_disjoint_and_cut_at_a_system_time_they_are_the_pieces() {
    for (oracle, last) in oracles() {
        for key in keys() {
            let all = oracle.rectangles(&key, TimeRange::All);
            for (number, one) in all.iter().enumerate() {
                for other in &all[number + 1..] {
                    let ends = |piece: &Piece<_, _>| piece.system_to.unwrap_or(i64::MAX);
                    let begin = one.system_from.max(other.system_from);
                    let together = begin < ends(one).min(ends(other));
                    assert!(!(together && one.period().overlaps(other.period())));
                }
            }
            for system in 0..=last {
                let pieces = oracle.pieces(&key, system);
                assert_eq!(cut_at(&all, system, oracle.facts()), pieces);
                assert_eq!(oracle.rectangles(&key, TimeRange::At(system)), pieces);
            }
        }
    }
}

#[test]
fn rectangles_of_a_range_cut_at_any_system_time_in_it_are_the_pieces() {
    for (oracle, last) in oracles().take(30) {
        for (from, to) in (0..=last).flat_map(|to| (0..to).map(move |from| (from, to))) {
            for key in keys() {
                let half_open = oracle.rectangles(&key, TimeRange::FromTo { from, to });
                let closed = oracle.rectangles(&key, TimeRange::Between { from, to: to - 1 });
                assert_eq!(half_open, closed);
                for system in [from, to - 1] {
                    let cut = cut_at(&half_open, system, oracle.facts());
                    assert_eq!(cut, oracle.pieces(&key, system));
                }
            }
        }
    }
}

#[test]
fn a_later_entry_changes_no_past_answer() {
    let facts_until = |oracle: &FactOracle<Key, u32>, system| {
        let mut past = FactOracle::new();
        for fact in oracle.facts().iter().filter(|fact| fact.system <= system) {
            past.append(fact.clone());
        }
        past
    };
    for (oracle, last) in oracles().take(50) {
        for system in (0..=last).step_by(10) {
            let past = facts_until(&oracle, system);
            for known in [TimeRange::At(system), TimeRange::Between { from: 0, to: system }] {
                let valid = TimeRange::Between { from: 2, to: 7 };
                assert_eq!(oracle.read(valid, known), past.read(valid, known));
            }
        }
    }
}
