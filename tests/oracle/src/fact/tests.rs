//! Small histories of facts whose pieces and rectangles were worked out by hand.

use super::*;

/// Valid from and to, system from and to, value.
type Row = (i64, Option<i64>, i64, Option<i64>, u32);

/// Valid from and to, value.
type Assertion = (i64, Option<i64>, Option<u32>);

/// Entry n, from 1, comes at system time 100 n.
fn oracle(entries: &[&[Assertion]]) -> FactOracle<char, u32> {
    let mut oracle = FactOracle::new();
    for (number, entry) in (1_u32..).zip(entries) {
        for &(valid_from, valid_to, value) in *entry {
            oracle.append(Fact {
                entry: u64::from(number),
                system: 100 * i64::from(number),
                key: 'k',
                valid_from,
                valid_to,
                value,
            });
        }
    }
    oracle
}

fn rows(pieces: &[Piece<char, u32>]) -> Vec<Row> {
    let row = |p: &Piece<_, _>| (p.valid_from, p.valid_to, p.system_from, p.system_to, p.value);
    pieces.iter().map(row).collect()
}

#[test]
fn the_last_entry_that_holds_the_instant_wins() {
    let oracle = oracle(&[&[(0, None, Some(1))], &[(5, Some(8), Some(2))], &[(6, Some(7), None)]]);
    let at = |valid, system| oracle.state(valid, system).get(&'k').copied();
    assert_eq!(at(-1, 300), None);
    assert_eq!([at(4, 300), at(5, 300), at(6, 300)], [Some(1), Some(2), None]);
    assert_eq!([at(7, 300), at(8, 300)], [Some(2), Some(1)]);
    assert_eq!([at(6, 299), at(6, 199), at(6, 99)], [Some(2), Some(1), None]);
}

#[test]
fn neighbours_from_different_facts_stay_two_pieces() {
    let oracle = oracle(&[&[(0, Some(5), Some(1)), (5, Some(9), Some(1))], &[(9, None, Some(1))]]);
    let expected = [(0, Some(5), 100, None, 1), (5, Some(9), 100, None, 1), (9, None, 200, None, 1)];
    assert_eq!(rows(&oracle.pieces(&'k', 200)), expected);
}

#[test]
fn a_piece_is_not_cut_by_what_it_hides() {
    let oracle = oracle(&[&[(0, Some(5), Some(1)), (5, None, Some(2))], &[(2, Some(8), Some(3))]]);
    let expected = [(0, Some(2), 100, None, 1), (2, Some(8), 200, None, 3), (8, None, 100, None, 2)];
    assert_eq!(rows(&oracle.pieces(&'k', 200)), expected);
}

#[test]
fn rectangles_are_cut_where_the_first_covering_entry_changes() {
    let oracle = oracle(&[
        &[(0, Some(10), Some(1))],
        &[(2, Some(4), Some(2)), (4, Some(5), None)],
        &[(3, Some(8), Some(3))],
    ]);
    let all = [
        (0, Some(2), 100, None, 1),
        (2, Some(5), 100, Some(200), 1),
        (2, Some(3), 200, None, 2),
        (3, Some(4), 200, Some(300), 2),
        (3, Some(8), 300, None, 3),
        (5, Some(8), 100, Some(300), 1),
        (8, Some(10), 100, None, 1),
    ];
    assert_eq!(rows(&oracle.rectangles(&'k', TimeRange::All)), all);
    // The entry at 300 is not within the range: nothing shows that it exists.
    let before = [
        (0, Some(2), 100, None, 1),
        (2, Some(5), 100, Some(200), 1),
        (2, Some(4), 200, None, 2),
        (5, Some(10), 100, None, 1),
    ];
    let from_to = TimeRange::FromTo { from: 150, to: 300 };
    assert_eq!(rows(&oracle.rectangles(&'k', from_to)), before);
    // What was covered when the range began is not in it.
    let between = TimeRange::Between { from: 200, to: 300 };
    let after: Vec<Row> = all.into_iter().filter(|row| row.3 != Some(200)).collect();
    assert_eq!(rows(&oracle.rectangles(&'k', between)), after);
}

#[test]
fn a_read_takes_what_overlaps_and_clips_nothing() {
    let oracle = oracle(&[&[(0, Some(10), Some(1)), (20, None, Some(2))]]);
    let read = |valid| rows(&oracle.read(valid, TimeRange::At(100)));
    let first = (0, Some(10), 100, None, 1);
    let second = (20, None, 100, None, 2);
    assert_eq!(read(TimeRange::FromTo { from: 9, to: 20 }), [first]);
    assert_eq!(read(TimeRange::Between { from: 9, to: 20 }), [first, second]);
    assert_eq!(read(TimeRange::At(10)), []);
    assert_eq!(read(TimeRange::All), [first, second]);
    assert_eq!(oracle.read(TimeRange::All, TimeRange::At(99)), []);
}
