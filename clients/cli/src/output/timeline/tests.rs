//! Exact pictures.

use super::*;

/// Days since 2026-01-01 as microseconds.
fn day(days: i64) -> i64 {
    (20_454 + days) * MICROS_PER_DAY
}

fn fact(valid: (i64, Option<i64>), system: (i64, Option<i64>), label: &str) -> Rectangle {
    Rectangle {
        valid_from_us: valid.0,
        valid_to_us: valid.1,
        system_from_us: system.0,
        system_to_us: system.1,
        label: label.to_owned(),
        retracted: label.is_empty(),
    }
}

fn check(rectangles: &[Rectangle], width: usize, expected: &[&str]) {
    let found = draw(rectangles, width);
    assert_eq!(found.lines().collect::<Vec<_>>(), expected, "\n{found}");
    assert!(found.ends_with('\n'));
}

#[test]
fn nothing_is_said() {
    check(&[], 80, &["nothing known"]);
}

#[test]
fn one_fact() {
    check(
        &[fact((day(0), None), (day(4), None), "status=open")],
        40,
        &[
            "            true on",
            "known on    2026-01-01",
            "2026-01-05  |AAAAAAAAAAAAAAAAAAAAAAA>",
            "",
            "A  status=open",
        ],
    );
    check(
        &[fact((day(0), Some(day(31))), (day(4), None), "x")],
        30,
        &[
            "            true on",
            "known on    2026-01-01       2026-02-01",
            "2026-01-05  |AAAAAAAAAAAAAAAA|",
            "",
            "A  x",
        ],
    );
}

#[test]
fn a_correction_and_a_retraction() {
    let (jan, feb, mar) = (day(0), day(31), day(59));
    check(
        &[
            fact((jan, None), (day(4), Some(day(33))), "open"),
            fact((jan, Some(feb)), (day(33), None), "open"),
            fact((feb, None), (day(33), Some(day(60))), "closed"),
            fact((feb, Some(mar)), (day(60), None), "closed"),
            fact((mar, None), (day(60), None), ""),
        ],
        60,
        &[
            "            true on",
            "known on    2026-01-01     2026-02-01     2026-03-01",
            "2026-01-05  |AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA>",
            "2026-02-03  |AAAAAAAAAAAAAA|BBBBBBBBBBBBBBBBBBBBBBBBBBBBB>",
            "2026-03-02  |AAAAAAAAAAAAAA|BBBBBBBBBBBBBB|-------------->",
            "",
            "A  open",
            "B  closed",
            "-  retracted",
        ],
    );
}

#[test]
fn gaps_and_equal_contents_of_two_facts() {
    check(
        &[
            fact((day(10), Some(day(20))), (day(0), None), "a"),
            fact((day(0), Some(day(10))), (day(1), None), "a"),
            fact((day(30), Some(day(40))), (day(1), None), "b"),
        ],
        60,
        &[
            "            true on",
            "known on    2026-01-01 2026-01-11 2026-01-21 2026-01-31 2026-02-10",
            "2026-01-01  ...........|AAAAAAAAAA|.....................",
            "2026-01-02  |AAAAAAAAAA|AAAAAAAAAA|..........|BBBBBBBBBB|",
            "",
            "A  a",
            "B  b",
            ".  nothing known",
        ],
    );
}

#[test]
fn instants_too_long_for_their_periods_get_numbers() {
    let hour = 3600 * MICROS_PER_SECOND;
    check(
        &[
            fact((day(0) + hour, Some(day(1))), (day(2) + 1, None), "a\u{1b}[1m"),
            fact((day(1), None), (day(2) + 1, None), "b"),
        ],
        50,
        &[
            "                             true on",
            "known on                     (1)       (2)",
            "2026-01-03T00:00:00.000001Z  |AAAAAAAAA|BBBBBBBBB>",
            "",
            "(1) 2026-01-01T01:00:00Z",
            "(2) 2026-01-02T00:00:00Z",
            "",
            "A  a\\u{1b}[1m",
            "B  b",
        ],
    );
}

#[test]
fn what_does_not_fit_is_counted() {
    let facts: Vec<_> =
        (0..60).map(|n| fact((day(n), Some(day(n + 1))), (day(0), None), &format!("{n}"))).collect();
    let text = draw(&facts, 22);
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(lines[..4], ["            true on", "known on    (1) (2) (3)", "2026-01-01  |###|###|", "",]);
    assert_eq!(lines[4..8], ["(1) 2026-02-28", "(2) 2026-03-01", "(3) 2026-03-02", ""]);
    assert_eq!(lines[8], "A  0");
    assert_eq!(
        lines[60..],
        ["#  one of 8 further contents", "earlier periods that do not fit the width: 58",]
    );
}
