//! Small tables whose answers are written out.

use arrow_array::types::Int8Type;
use arrow_array::{DictionaryArray, Float64Array, Int64Array, StringArray};

use super::*;

/// A group, a begin, an end, a value.
type Fact = (Option<&'static str>, i64, Option<i64>, Option<i64>);

fn facts(batch_size: usize, facts: &[Fact]) -> SessionContext {
    let context = session(batch_size);
    let batch = RecordBatch::try_from_iter_with_nullable([
        ("g", Arc::new(facts.iter().map(|fact| fact.0).collect::<StringArray>()) as ArrayRef, true),
        ("_valid_from", instants(facts.iter().map(|fact| Some(fact.1))), false),
        ("_valid_to", instants(facts.iter().map(|fact| fact.2)), true),
        ("x", Arc::new(facts.iter().map(|fact| fact.3).collect::<Int64Array>()) as ArrayRef, true),
    ])
    .unwrap();
    register(&context, "t", vec![batch], &[]);
    context
}

/// Selects what is asked for from the aggregate, with the instants as numbers.
async fn answer(context: &SessionContext, select: &str, arguments: &str) -> Vec<String> {
    let sql = format!(
        "SELECT {select}, cast(_valid_from AS bigint) AS f, cast(_valid_to AS bigint) AS u
         FROM temporal_aggregate((SELECT * FROM t), {arguments})"
    );
    rows(context, &sql).await.unwrap().into_iter().map(|row| row.join(" ")).collect()
}

#[tokio::test]
async fn periods_are_as_long_as_nothing_changes() {
    let cases: [(&str, &[Fact], &[&str]); 9] = [
        ("nothing", &[], &[]),
        (
            "touching with equal values",
            &[(None, 1, Some(2), Some(5)), (None, 2, Some(3), Some(5))],
            &["1 5 1 3"],
        ),
        (
            "touching with other values",
            &[(None, 1, Some(2), Some(5)), (None, 2, Some(3), Some(6))],
            &["1 5 1 2", "1 6 2 3"],
        ),
        (
            "a gap between equal values",
            &[(None, 1, Some(2), Some(5)), (None, 3, Some(4), Some(5))],
            &["1 5 1 2", "1 5 3 4"],
        ),
        (
            "an open end, before and after it",
            &[(None, 1, None, Some(5)), (None, 2, Some(4), Some(1))],
            &["1 5 1 2", "2 6 2 4", "1 5 4 -"],
        ),
        (
            "replaced by equal ones at every instant",
            &[(None, 1, Some(3), Some(5)), (None, 3, Some(4), Some(5)), (None, 4, None, Some(5))],
            &["1 5 1 -"],
        ),
        (
            "an empty and an inverted period, which hold at no instant",
            &[(None, 1, Some(4), Some(5)), (None, 2, Some(2), Some(7)), (None, 3, Some(1), Some(7))],
            &["1 5 1 4"],
        ),
        ("only empty ones", &[(None, 2, Some(2), Some(7)), (None, 9, Some(1), Some(7))], &[]),
        (
            "the ends of time",
            &[
                (None, i64::MIN, Some(i64::MAX), Some(1)),
                (None, i64::MAX - 1, Some(i64::MAX), Some(1)),
                (None, i64::MAX, None, Some(3)),
            ],
            &[
                "1 1 -9223372036854775808 9223372036854775806",
                "2 2 9223372036854775806 9223372036854775807",
                "1 3 9223372036854775807 -",
            ],
        ),
    ];
    for batch_size in [1, 3, 8_192] {
        for (case, facts_of, expected) in &cases {
            let context = facts(batch_size, facts_of);
            let found = answer(&context, "n, s", "n => count(*), s => sum(x)").await;
            assert_eq!(&found, expected, "{case}, batches of {batch_size}");
        }
    }
}

#[tokio::test]
async fn nulls_are_not_counted_and_make_no_sum() {
    let context = facts(
        2,
        &[
            (Some("a"), 1, Some(9), None),
            (Some("a"), 3, Some(5), Some(-4)),
            (None, 1, Some(2), Some(7)),
            (None, 2, Some(3), Some(7)),
        ],
    );
    let found = answer(
        &context,
        "g, n, k, s, a, lo, hi",
        "by => 'g', n => count(*), k => count(x), s => sum(x), a => avg(x), lo => min(x), hi => max(x)",
    )
    .await;
    assert_eq!(
        found,
        ["a 1 0 - - - - 1 3", "a 2 1 -4 -4.0 -4 -4 3 5", "a 1 0 - - - - 5 9", "- 1 1 7 7.0 7 7 1 3",]
    );
}

#[tokio::test]
async fn a_period_ends_where_an_aggregate_changes_that_is_not_asked_for() {
    let context = facts(8_192, &[(None, 1, Some(3), Some(5)), (None, 2, Some(3), Some(0))]);
    assert_eq!(answer(&context, "s", "s => sum(x), n => count(*)").await, ["5 1 2", "5 2 3"]);
    assert_eq!(answer(&context, "s", "s => sum(x)").await, ["5 1 3"]);
}

#[tokio::test]
async fn filters_of_aggregates_and_expressions_within_them() {
    let context =
        facts(8_192, &[(None, 1, Some(3), Some(5)), (None, 2, Some(3), Some(-1)), (None, 2, Some(4), None)]);
    let found = answer(
        &context,
        "n, p, s, c, m",
        "n => count(*) FILTER (WHERE x > 0), p => sum(x) FILTER (WHERE x > 0), s => sum(2 * x + 1), c => count(1), \
         m => mean(x)",
    )
    .await;
    assert_eq!(found, ["1 5 11 1 5.0 1 2", "1 5 10 3 2.0 2 3", "0 - - 1 - 3 4"]);
}

#[tokio::test]
async fn the_period_may_be_system_time_and_the_source_a_table_expression() {
    let context = session(8_192);
    let batch = RecordBatch::try_from_iter_with_nullable([
        ("_valid_from", instants([None, None]), true),
        ("_valid_to", instants([None, None]), true),
        ("_system_from", instants([Some(1), Some(2)]), false),
        ("_system_to", instants([Some(2), None]), true),
    ])
    .unwrap();
    register(&context, "public.rectangles", vec![batch], &[]);
    for source in ["rectangles", "public.rectangles", "(SELECT * FROM rectangles)", "r"] {
        let sql = format!(
            "WITH r AS (SELECT * FROM rectangles)
             SELECT * FROM temporal_aggregate({source}, period => 'system', n => count(*)) AS h"
        );
        let found = rows(&context, &sql).await.unwrap();
        assert_eq!(found, [["1", "1970-01-01T00:00:00.000001", "-"]], "{source}");
    }
}

#[tokio::test]
async fn floats_are_grouped_and_compared_by_canonical_form() {
    let context = session(8_192);
    let floats = [0.0, -0.0, f64::NAN, -f64::NAN, f64::from_bits(f64::NAN.to_bits() | 1)];
    let batch = RecordBatch::try_from_iter([
        ("g", Arc::new(Float64Array::from(floats.to_vec())) as ArrayRef),
        ("_valid_from", instants((0..5).map(Some))),
        ("_valid_to", instants((1..6).map(Some))),
    ])
    .unwrap();
    register(&context, "t", vec![batch], &[]);
    let arguments = "n => count(*), lo => min(g), hi => max(g), s => sum(g), a => avg(g)";
    let found = answer(&context, "n, lo, hi, s, a", arguments).await;
    assert_eq!(found, ["1 0.0 0.0 0.0 0.0 0 2", "1 NaN NaN NaN NaN 2 5"]);
    assert_eq!(answer(&context, "g, n", "by => 'g', n => count(*)").await, ["0.0 1 0 2", "NaN 1 2 5"]);
}

#[tokio::test]
async fn dictionaries_stay_dictionaries_in_groups() {
    let context = session(8_192);
    let names: DictionaryArray<Int8Type> = ["b", "a", "b"].into_iter().collect();
    let batch = RecordBatch::try_from_iter_with_nullable([
        ("g", Arc::new(names) as ArrayRef, true),
        ("_valid_from", instants([Some(1), Some(1), Some(2)]), false),
        ("_valid_to", instants([Some(2), Some(2), Some(3)]), true),
    ])
    .unwrap();
    register(&context, "t", vec![batch], &[]);
    let found = answer(&context, "arrow_typeof(g), g, m", "by => ['g'], m => max(g)").await;
    assert_eq!(found, ["Dictionary(Int8, Utf8) a a 1 2", "Dictionary(Int8, Utf8) b b 1 3"]);
}

#[tokio::test]
async fn exact_sums_of_floats_and_of_decimals() {
    let context = session(8_192);
    let batch = RecordBatch::try_from_iter([
        ("x", Arc::new(Float64Array::from(vec![1e308, 1.0, -1e308, 1e-320])) as ArrayRef),
        ("_valid_from", instants([Some(1), Some(1), Some(1), Some(2)])),
        ("_valid_to", instants([Some(4), Some(4), Some(3), Some(3)])),
    ])
    .unwrap();
    register(&context, "t", vec![batch], &[]);
    let found = answer(&context, "s", "s => sum(x)").await;
    assert_eq!(found, ["1.0 1 3", "1e308 3 4"]);
    let arguments = "s => sum(cast('0.1' AS decimal(38, 1))), a => avg(cast('2' AS decimal(10, 2)) + 0)";
    let found = answer(&context, "arrow_typeof(s), s, arrow_typeof(a)", arguments).await;
    assert_eq!(found[1], "Decimal128(38, 1) 0.4 Decimal128(27, 6) 2 3");
}
