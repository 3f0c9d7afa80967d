//! What is not answered, and what is said instead.

use arrow_array::types::Int32Type;
use arrow_array::{Int64Array, ListArray, StringArray};

use super::*;

/// `DataFusion`'s own context knows no tables but those that a statement names as relations.
const KNOWN: &str = "WITH known AS (SELECT * FROM t)";

fn table() -> SessionContext {
    let context = session(8_192);
    let list = ListArray::from_iter_primitive::<Int32Type, _, _>([Some([Some(1)])]);
    let batch = RecordBatch::try_from_iter_with_nullable([
        ("g", Arc::new(StringArray::from(vec!["a"])) as ArrayRef, true),
        ("x", Arc::new(Int64Array::from(vec![1])) as ArrayRef, true),
        ("list", Arc::new(list) as ArrayRef, true),
        ("_valid_from", instants([Some(1)]), true),
        ("_valid_to", instants([None]), true),
        ("_system_from", instants([None]), true),
        ("_system_to", instants([None]), true),
    ])
    .unwrap();
    register(&context, "t", vec![batch], &[]);
    context
}

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "a table of data")]
async fn a_call_that_is_not_understood_is_refused_by_name() {
    let context = table();
    for (arguments, part) in [
        ("", "expected a source first, found no argument"),
        ("by => 'g', n => count(*)", "expected a source first, found by => 'g'"),
        ("1 + 1, n => count(*)", "expected (SELECT ..) or the name of a table, found 1 + 1"),
        ("t", "expected an aggregate, found none"),
        ("t, by => 'g'", "expected an aggregate, found none"),
        ("t, t, n => count(*)", "expected name => value, found t"),
        ("t, count(*)", "expected name => value, found count(*)"),
        ("t, n => count(*), n => sum(x)", "argument `n`: expected once, found twice"),
        ("t, by => 'g', by => 'x', n => count(*)", "argument `by`: expected once, found twice"),
        ("t, by => g, n => count(*)", "expected 'column' or ['a', 'b'], names in single quotes, found g"),
        ("t, by => ['g', 'g'], n => count(*)", "expected each column once, found `g` twice"),
        ("t, by => 'h', n => count(*)", "expected a column `h`, found only `g`, `x`, `list`"),
        ("t, by => 'list', n => count(*)", "is not nested, found `list` of type List"),
        ("t, by => '_valid_to', n => count(*)", "`_valid_to` is the period's, expected another column"),
        ("t, period => 'both', n => count(*)", "expected 'valid' or 'system', found 'both'"),
        ("t, period => valid, n => count(*)", "expected 'valid' or 'system', found valid"),
        ("t, by => 'g', g => count(*)", "argument `g`: the answer has a column of this name already"),
        ("t, _valid_from => count(*)", "argument `_valid_from`: the answer has a column of this name"),
        ("t, n => x", "argument `n`: expected `by`, `period`, or an aggregate such as sum(x)"),
        ("t, n => *", "or an aggregate such as sum(x) under the name of its result, found *"),
        ("t, n => abs(x)", "or an aggregate such as sum(x) under the name of its result, found abs(x)"),
        (
            "t, n => sum(x) + 1",
            "or an aggregate such as sum(x) under the name of its result, found sum(x) + 1",
        ),
        ("t, n => row_number() OVER ()", "or an aggregate such as sum(x) under the name of its result"),
        (
            "t, n => count(DISTINCT x)",
            "can be undone as rows end (count, sum, avg, min or max, with FILTER if need be), found count(distinct ..)",
        ),
        ("t, n => sum(DISTINCT x)", "found sum(distinct ..)"),
        ("t, n => median(x)", "found median(..)"),
        ("t, n => first_value(x ORDER BY x)", "found first_value(..)"),
        ("t, n => sum(x ORDER BY x)", "found sum(.. order by ..)"),
        ("t, n => count(g, x)", "argument `n`: count expects one argument, found 2"),
        ("t, n => sum(count(*))", "an expression over the columns of a row, found count("),
        ("t, n => sum(g)", "argument `n`: sum expects integers, decimals or floats, found Utf8"),
        (
            "t, n => avg(_valid_from)",
            "argument `n`: avg expects integers, decimals or floats, found Timestamp",
        ),
        (
            "t, n => sum(interval '1 day')",
            "argument `n`: sum expects integers, decimals or floats, found Interval",
        ),
        (
            "t, n => max(list)",
            "argument `n`: max expects a type whose values have an order, and that is not nested",
        ),
        ("t, n => max(y)", "No field named y"),
        (
            "(SELECT x, _valid_from FROM t), n => count(*)",
            "expected a column `_valid_to`, found only `x`, `_valid_from`",
        ),
        (
            "(SELECT x AS _valid_from, _valid_to FROM t), n => count(*)",
            "expected `_valid_from` to be a timestamp, found Int64",
        ),
        (
            "(SELECT arrow_cast(_valid_from, 'Timestamp(ns)') AS _valid_from, _valid_to FROM t), n => count(*)",
            "of one type, found Timestamp(ns) and Timestamp(µs)",
        ),
        (
            "(SELECT a.*, b._valid_to FROM t AS a CROSS JOIN t AS b), n => count(*)",
            "expected one column `_valid_to`, found 2",
        ),
        (
            "t, period => 'system', n => count(*)",
            "`_system_from` of a row of the source: expected a timestamp, found NULL",
        ),
    ] {
        let message =
            refusal(&context, &format!("{KNOWN} SELECT * FROM temporal_aggregate({arguments})")).await;
        assert!(message.contains(part), "({arguments}) gave: {message}");
    }
}
