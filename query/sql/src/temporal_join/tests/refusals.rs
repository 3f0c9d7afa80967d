//! What a call may not say, and what is said about it.

use super::*;

#[tokio::test]
async fn calls_that_cannot_be_meant_are_refused_by_name() {
    let context = session_of(&[], &[], 8_192);
    let left = "(SELECT * FROM l)";
    let other = "(SELECT k, g AS h, r, _valid_from, _valid_to FROM r)";
    for (args, message) in [
        (format!("{left}, {other}"), "needs the argument on"),
        (format!("{left}, on => 'k'"), "joins two relations, found 1"),
        (format!("{left}, {other}, {other}, on => 'k'"), "joins two relations, found 3"),
        (format!("{left}, {other}, on => 'k', on => 'k'"), "is given the argument on twice"),
        (
            format!("{left}, {other}, on => 'k', axis => 'valid'"),
            "has no argument axis: expected on, period or kind",
        ),
        (
            format!("{left}, {other}, on => k"),
            "expects on => 'column' or on => ['a', 'b'], names in quotes, found on => k",
        ),
        (format!("{left}, {other}, on => []"), "found on => []"),
        (format!("{left}, {other}, on => ['k', 7]"), "found on => ['k', 7]"),
        (format!("{left}, {other}, on => ['k', 'k']"), "names the join column \"k\" twice"),
        (
            format!("{left}, {other}, on => 'g'"),
            "the right relation has no column \"g\": expected one of its columns [\"k\"",
        ),
        (
            format!("{left}, {other}, on => 'k', period => 'time'"),
            "expects period => 'valid', 'system' or 'both', found period => 'time'",
        ),
        (
            format!("{left}, {other}, on => 'k', kind => 'outer'"),
            "expects kind => 'inner' or 'left', found kind => 'outer'",
        ),
        (
            format!("{left}, {other}, on => 'k', period => 'both', kind => 'left'"),
            "expected period => 'valid' or 'system', found 'both'",
        ),
        (
            format!("{left}, {other}, on => 'k', period => 'system'"),
            "the right relation has no column \"_system_from\"",
        ),
        (format!("{left}, (SELECT * FROM r), on => 'k'"), "both relations have a column \"g\""),
        (
            format!("{left}, (SELECT k, r, _valid_from, 1 AS _valid_to FROM r), on => 'k'"),
            "\"_valid_to\" of the right relation is Int64: expected a timestamp",
        ),
        (
            format!("{left}, (SELECT [k] AS k, r, _valid_from, _valid_to FROM r), on => 'k'"),
            "which do not compare",
        ),
        (
            format!("{left}, (SELECT a.k, b.k, a._valid_from, a._valid_to FROM r a, r b), on => 'k'"),
            "the right relation has 2 columns \"k\": expected one",
        ),
        (
            format!("{left}, {other}, on => '_valid_from'"),
            "\"_valid_from\" bounds the period: expected another column",
        ),
        (
            format!("{left}, abs(1), on => 'k'"),
            "the right relation is a subquery in parentheses or the name of a table, found abs(1)",
        ),
        (format!("{left}, {other}, on = 'k'"), "temporal_join"),
        ("(SELECT * FROM l), nothing, on => 'k'".to_owned(), "nothing"),
    ] {
        let error = context.sql(&format!("SELECT * FROM temporal_join({args})")).await.err();
        let error = error.unwrap_or_else(|| panic!("{args} is accepted")).to_string();
        assert!(error.contains(message), "{args}: {error}");
    }
}
