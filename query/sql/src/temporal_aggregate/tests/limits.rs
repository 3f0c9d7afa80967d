//! Plans, sums at their limits, memory, and work in small portions.

use arrow_array::{Decimal128Array, Int64Array, UInt64Array};
use datafusion::physical_plan::{displayable, execute_stream};
use futures::{StreamExt as _, poll};

use super::*;

/// Rows that all begin at their number and end at another one.
fn register_rows(
    context: &SessionContext,
    groups: i64,
    rows: i64,
    end: impl Fn(i64) -> Option<i64>,
    sorted: &[&str],
) {
    let numbers = || 0..rows;
    let group = |row: i64| if groups == 1 { 0 } else { row / (rows / groups) };
    let batch = RecordBatch::try_from_iter_with_nullable([
        ("g", Arc::new(numbers().map(group).collect::<Int64Array>()) as ArrayRef, false),
        ("_valid_from", instants(numbers().map(Some)), false),
        ("_valid_to", instants(numbers().map(end)), true),
        ("x", Arc::new(numbers().map(|row| row % 1_000).collect::<Int64Array>()) as ArrayRef, false),
    ])
    .unwrap();
    register(context, "t", vec![batch], sorted);
}

async fn physical(context: &SessionContext, sql: &str) -> String {
    let plan = context.sql(sql).await.unwrap().create_physical_plan().await.unwrap();
    displayable(plan.as_ref()).indent(false).to_string()
}

#[tokio::test]
async fn the_source_is_sorted_only_if_it_is_not_already() {
    let context = session(8_192);
    register_rows(&context, 2, 10, |row| Some(row + 1), &["g", "_valid_from"]);
    let sql = "SELECT * FROM temporal_aggregate((SELECT * FROM t), by => 'g', n => count(*)) ORDER BY g, _valid_from";
    let plan = physical(&context, sql).await;
    assert!(!plan.contains("SortExec"), "{plan}");
}

#[tokio::test]
async fn an_unsorted_source_is_sorted_once_and_the_answer_not_again() {
    let context = session(8_192);
    register_rows(&context, 2, 10, |row| Some(row + 1), &[]);
    let sql = "SELECT * FROM temporal_aggregate((SELECT * FROM t), by => 'g', n => count(*)) ORDER BY g, _valid_from";
    let plan = physical(&context, sql).await;
    assert_eq!(plan.matches("SortExec").count(), 1, "{plan}");
    assert!(plan.contains("SortExec: expr=[g@0 ASC NULLS LAST, _valid_from@1 ASC NULLS LAST]"), "{plan}");
    assert!(plan.starts_with("TemporalAggregateExec: by=[g], aggregates=[count as n]"), "{plan}");
}

#[tokio::test]
async fn groups_may_come_in_either_direction() {
    let context = session(8_192);
    register_rows(&context, 2, 4, |row| Some(row + 1), &[]);
    let sql = "SELECT g, n, cast(_valid_from AS bigint) AS f FROM temporal_aggregate(
                   (SELECT * FROM t ORDER BY g DESC, _valid_from LIMIT 100), by => 'g', n => sum(x))
               ORDER BY g DESC, _valid_from";
    let plan = physical(&context, sql).await;
    assert_eq!(plan.matches("SortExec").count(), 1, "{plan}");
    let found = rows(&context, sql).await.unwrap();
    assert_eq!(found, [["1", "2", "2"], ["1", "3", "3"], ["0", "0", "0"], ["0", "1", "1"]]);
}

#[tokio::test]
async fn only_predicates_on_group_columns_go_to_the_source_and_only_what_is_used_is_read() {
    let context = session(8_192);
    register_rows(&context, 2, 10, |row| Some(row + 1), &[]);
    let sql = "SELECT g FROM temporal_aggregate((SELECT g, x, x + 1 AS y, _valid_from, _valid_to FROM t), by => 'g',
               n => sum(x)) AS h WHERE h.g = 1 AND h.n > 6 AND h._valid_from > to_timestamp_micros(0)";
    let plan = physical(&context, sql).await;
    let (above, below) = plan.split_once("TemporalAggregateExec").unwrap();
    assert!(above.contains("n@") && above.contains("_valid_from@") && !above.contains("g@0 = 1"), "{plan}");
    assert!(below.contains("g@0 = 1") && !below.contains(" > ") && !below.contains("+ 1"), "{plan}");
    let found = rows(&context, &sql.replace("SELECT g FROM", "SELECT * FROM")).await.unwrap();
    assert_eq!(found.iter().map(|row| row[1].as_str()).collect::<Vec<_>>(), ["7", "8", "9"]);
}

#[tokio::test]
async fn a_predicate_by_chance_picks_from_the_answer_or_is_refused() {
    let context = session(8_192);
    register_rows(&context, 1, 10, |_| Some(10), &[]);
    let answer = "SELECT * FROM temporal_aggregate((SELECT * FROM t WHERE random() < 2), n => count(*))";
    let message = refusal(&context, &format!("{answer} WHERE random() < 2")).await;
    assert!(
        message.contains("found random() < Float64(2): name it in the SELECT list of a subquery"),
        "{message}"
    );
    let named = format!("SELECT n FROM (SELECT *, random() AS chance FROM ({answer})) WHERE chance < 2");
    assert_eq!(rows(&context, &named).await.unwrap().len(), 10);
}

#[tokio::test]
async fn a_sum_that_does_not_fit_is_an_error_only_while_it_does_not() {
    let context = session(8_192);
    let decimals =
        Decimal128Array::from(vec![10_i128.pow(38) - 1, 1, -1]).with_precision_and_scale(38, 0).unwrap();
    let batch = |ends: [i64; 3]| {
        RecordBatch::try_from_iter([
            ("i", Arc::new(Int64Array::from(vec![i64::MAX, 1, -1])) as ArrayRef),
            ("m", Arc::new(Int64Array::from(vec![i64::MIN, -1, 1])) as ArrayRef),
            ("u", Arc::new(UInt64Array::from(vec![u64::MAX, 1, 0])) as ArrayRef),
            ("d", Arc::new(decimals.clone()) as ArrayRef),
            ("_valid_from", instants([Some(0), Some(1), Some(1)])),
            ("_valid_to", instants(ends.map(Some))),
        ])
        .unwrap()
    };
    register(&context, "balanced", vec![batch([2, 2, 2])], &[]);
    register(&context, "beyond", vec![batch([3, 3, 2])], &[]);
    for (sum, expected) in [("sum(i)", "9223372036854775807"), ("sum(m)", "-9223372036854775808")] {
        let found = rows(
            &context,
            &format!("SELECT s FROM temporal_aggregate((SELECT * FROM balanced), s => {sum})"),
        )
        .await;
        assert_eq!(found.unwrap(), [[expected]]);
    }
    for (sum, part) in [
        ("sum(i)", "expected Int64, found 9223372036854775808"),
        ("sum(m)", "expected Int64, found -9223372036854775809"),
        ("sum(u)", "expected UInt64, found 18446744073709551616"),
        ("sum(d)", "the result of sum does not fit its type: expected Decimal128(38, 0)"),
    ] {
        let message = refusal(
            &context,
            &format!("SELECT s FROM temporal_aggregate((SELECT * FROM beyond), s => {sum})"),
        )
        .await;
        assert!(message.contains(part), "{sum}: {message}");
    }
    let average = "SELECT a FROM temporal_aggregate((SELECT * FROM beyond), a => avg(u))";
    let found = rows(&context, average).await.unwrap();
    assert_eq!(found[1], ["6.148914691236517e18"], "an average is no sum");
}

#[tokio::test]
async fn rows_that_hold_at_once_are_bounded_by_the_memory_budget() {
    let everything =
        "SELECT count(*) FROM temporal_aggregate((SELECT * FROM t), by => 'g', n => count(*), m => max(x))";
    let sorted = ["g", "_valid_from"];
    // All rows of a group hold at its end: 50,000 of them do not fit, 10 do, however many groups there are.
    let context = session_of(1_500_000);
    register_rows(&context, 1, 50_000, |_| Some(i64::MAX), &sorted);
    let message = refusal(&context, everything).await;
    assert!(message.contains("temporal_aggregate") && message.contains("Resources exhausted"), "{message}");
    let context = session_of(1_500_000);
    register_rows(&context, 5_000, 50_000, |_| Some(i64::MAX), &sorted);
    assert_eq!(rows(&context, everything).await.unwrap(), [["50000"]]);
    // Rows that end before others begin give their room back, within a group too. (When `x` begins anew, 49 times,
    // the greatest stays in for ten instants, and those are one period.)
    let context = session_of(1_500_000);
    register_rows(&context, 1, 50_000, |row| Some(row + 10), &sorted);
    assert_eq!(rows(&context, everything).await.unwrap(), [["49568"]]);
}

#[tokio::test]
async fn long_work_without_an_answer_is_interrupted() {
    let context = session(8_192);
    // One period in all: every row is replaced by an equal one.
    let numbers = 0..100_000_i64;
    let batch = RecordBatch::try_from_iter([
        ("_valid_from", instants(numbers.clone().map(Some))),
        ("_valid_to", instants(numbers.map(|row| Some(row + 1)))),
    ])
    .unwrap();
    register(&context, "t", vec![batch], &["_valid_from"]);
    let plan =
        context.sql("SELECT * FROM temporal_aggregate((SELECT * FROM t), n => count(*))").await.unwrap();
    let plan = plan.create_physical_plan().await.unwrap();
    let mut stream = execute_stream(plan, context.task_ctx()).unwrap();
    let mut polls = 0;
    let batch = loop {
        polls += 1;
        if let std::task::Poll::Ready(batch) = poll!(stream.next()) {
            break batch.unwrap().unwrap();
        }
    };
    assert_eq!(batch.num_rows(), 1);
    assert!(polls >= 200_000 / 16_384, "{polls} polls");
}

#[tokio::test]
async fn answers_stream_out_while_input_still_comes() {
    let context = session(100);
    register_rows(&context, 1, 10_000, |row| Some(row + 1), &["g", "_valid_from"]);
    let plan = context.sql("SELECT * FROM temporal_aggregate((SELECT * FROM t), s => sum(x))").await.unwrap();
    let plan = plan.create_physical_plan().await.unwrap();
    let mut stream = execute_stream(plan, context.task_ctx()).unwrap();
    let mut sizes = Vec::new();
    while let Some(batch) = stream.next().await {
        sizes.push(batch.unwrap().num_rows());
    }
    assert_eq!(sizes, [100; 100]);
}
