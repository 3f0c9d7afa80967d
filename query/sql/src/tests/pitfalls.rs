//! Statements that a DataFusion of itself answers wrongly, or ends the process with.

use std::fmt::Write;

use super::statements::{check, check_refused};
use super::store::TestStore;
use crate::SqlRequest;

/// One context at two instants, in subqueries that DataFusion would take for one.
#[tokio::test]
async fn readings_of_one_name_stay_apart() {
    let store = TestStore::loans().await;
    check(
        &store,
        &[
            (
                "SELECT (SELECT count(*) FROM loans FOR VALID_TIME AS OF '2023-12-31') AS a, (SELECT count(*) FROM loans FOR \
                 VALID_TIME AS OF '2024-01-12') AS b",
                &["0|3"],
            ),
            (
                "SELECT (SELECT count(*) FROM loans FOR VALID_TIME AS OF '2024-01-12') AS a, (SELECT count(*) FROM loans FOR \
                 VALID_TIME AS OF '2023-12-31') AS b",
                &["3|0"],
            ),
            (
                "SELECT (SELECT sum(balance) FROM loans FOR VALID_TIME AS OF '2024-01-12') - (SELECT sum(balance) FROM loans \
                 FOR VALID_TIME AS OF '2024-01-12' FOR SYSTEM_TIME AS OF '2024-02-01') AS d",
                &["10.00"],
            ),
            (
                "SELECT CASE WHEN (SELECT count(*) FROM loans FOR VALID_TIME AS OF '2023-12-31') = (SELECT count(*) FROM loans \
                 FOR VALID_TIME AS OF '2024-01-12') THEN 'same' ELSE 'other' END AS a",
                &["other"],
            ),
            (
                "SELECT id FROM loans FOR VALID_TIME AS OF '2024-01-12' WHERE id IN (SELECT id FROM loans FOR VALID_TIME AS OF \
                 '2024-01-12') AND id IN (SELECT id FROM loans FOR VALID_TIME AS OF '2024-01-04') ORDER BY id",
                &["1", "2"],
            ),
            (
                "SELECT id FROM loans FOR VALID_TIME AS OF '2024-01-12' WHERE id IN (SELECT id FROM loans FOR VALID_TIME AS OF \
                 '2023-12-31') OR id IN (SELECT id FROM loans FOR VALID_TIME AS OF '2024-01-04') ORDER BY id",
                &["1", "2"],
            ),
            (
                "SELECT 1 AS a WHERE EXISTS (SELECT 1 FROM loans FOR VALID_TIME AS OF '2024-01-12') AND NOT EXISTS (SELECT 1 \
                 FROM loans FOR VALID_TIME AS OF '2023-12-31')",
                &["1"],
            ),
            (
                "SELECT (SELECT count(*) FROM generate_series(1, 10)) AS a, (SELECT count(*) FROM generate_series(1, 20)) AS b",
                &["10|20"],
            ),
            (
                "SELECT (SELECT count(*) FROM history(loans, form => 'facts', known_at => '2024-02-01')) AS a, (SELECT count(*) \
                 FROM history(loans, form => 'facts')) AS b",
                &["3|6"],
            ),
            // By its name and without one.
            (
                "SELECT loans.id FROM loans FOR VALID_TIME AS OF '2024-01-04' WHERE public.loans.id = 1",
                &["1"],
            ),
            (
                "SELECT a.id, b.id FROM loans FOR VALID_TIME AS OF '2024-01-04' AS a LEFT JOIN loans FOR VALID_TIME AS OF \
                 '2023-12-31' AS b USING (id) ORDER BY a.id",
                &["1|-", "2|-"],
            ),
        ],
    )
    .await;
}

#[tokio::test]
async fn readings_of_one_name_are_all_claimed() {
    let store = TestStore::loans().await;
    let request = SqlRequest::new(
        "SELECT (SELECT count(*) FROM loans FOR VALID_TIME AS OF '2023-12-31') AS a, (SELECT count(*) FROM loans FOR \
         VALID_TIME AS OF '2024-01-12') AS b",
    );
    assert_eq!(store.engine.query(&request).await.unwrap().claim().reads.len(), 2, "both are claimed");
    check_refused(
        &store,
        &[(
            "SELECT loans.id FROM loans FOR VALID_TIME AS OF '2024-01-04', loans FOR VALID_TIME AS OF '2024-01-12'",
            "loans",
        )],
    )
    .await;
}

#[tokio::test]
async fn numbers_are_right_or_refused() {
    let store = TestStore::new().await;
    check(
        &store,
        &[
            (
                "SELECT sum(v), sum(v + 1), sum(DISTINCT v), sum(v) FILTER (WHERE v > 1) FROM (VALUES (1), (2), (2)) AS t(v)",
                &["5|8|3|4"],
            ),
            ("SELECT sum(v) AS s FROM (VALUES (9223372036854775807), (1), (-1)) AS t(v)", &["9223372036854775807"]),
            ("SELECT v % 2 AS g, sum(v) AS s FROM (VALUES (1), (2), (4)) AS t(v) GROUP BY v % 2 ORDER BY g", &["0|6", "1|1"]),
            (
                "SELECT sum(v) OVER (ORDER BY v ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) AS s FROM (VALUES (1), (2), (4)) AS \
                 t(v) ORDER BY s",
                &["1", "3", "6"],
            ),
            ("SELECT v + 1 AS w, count(*) FROM (VALUES (1), (1), (2)) AS t(v) GROUP BY v + 1 ORDER BY w", &["2|2", "3|1"]),
            ("SELECT -v AS w, v - 3 AS x, v * v AS y FROM (VALUES (2)) AS t(v)", &["-2|-1|4"]),
            ("SELECT sum(v) AS s FROM (VALUES (NULL::bigint)) AS t(v)", &["-"]),
            (
                "SELECT sum(v::decimal(38, 2)) AS s FROM (VALUES (1.5), (2.25)) AS t(v)",
                &["3.75"],
            ),
            ("SELECT count(*) FROM (SELECT '0.9452706955539223'::double AS f) AS t WHERE f = 0.9452706955539223", &["1"]),
            ("SELECT count(*) FROM (SELECT '0.9452706955539223'::double AS f) AS t WHERE f > 0.9452706955539223", &["0"]),
            (
                "SELECT count(*) FROM (SELECT '0.9452706955539223'::double AS f) AS t WHERE f BETWEEN 0.9452706955539223 AND \
                 0.9452706955539223 AND f IN (1.5, 0.9452706955539223)",
                &["1"],
            ),
        ],
    )
    .await;
    check_refused(
        &store,
        &[
            ("SELECT 9223372036854775807 + 1", "verflow"),
            ("SELECT v * 2 FROM (VALUES (9223372036854775807)) AS t(v)", "verflow"),
            ("SELECT v - 2 FROM (VALUES (-9223372036854775807)) AS t(v)", "verflow"),
            ("SELECT -v FROM (VALUES (-9223372036854775807 - 1)) AS t(v)", "verflow"),
            ("SELECT sum(v) FROM (VALUES (9223372036854775807), (1)) AS t(v)", "9223372036854775808"),
            (
                "SELECT v % 2, sum(v) FROM (VALUES (9223372036854775807), (1)) AS t(v) GROUP BY v % 2",
                "9223372036854775808",
            ),
            ("SELECT sum(v) OVER () FROM (VALUES (9223372036854775807), (1)) AS t(v)", "9223372036854775808"),
            (
                "SELECT sum(v::decimal(38, 0)) FROM (VALUES ('90000000000000000000000000000000000000'), \
                 ('90000000000000000000000000000000000000')) AS t(v)",
                "180000000000000000000000000000000000000",
            ),
        ],
    )
    .await;
}

/// Arithmetic on columns without nulls, where plans above have been told that there are none.
#[tokio::test]
async fn arithmetic_stands_below_all_operators() {
    let store = TestStore::loans().await;
    check(
        &store,
        &[
            ("SELECT id FROM loans UNION SELECT id + 1 FROM loans UNION SELECT -id FROM loans ORDER BY id", &["-3", "-1", "1", "2", "3", "4"]),
            ("SELECT id FROM loans EXCEPT SELECT id * 1 FROM loans", &[]),
            ("SELECT a.id FROM loans AS a JOIN loans AS b ON a.id = b.id - 2", &["1"]),
            ("SELECT id + 1 AS n FROM loans GROUP BY id + 1 HAVING sum(id - 1) > 0 ORDER BY id + 1 DESC", &["4"]),
            ("SELECT id, sum(id + 1) OVER (ORDER BY id - 1) AS s FROM loans ORDER BY id", &["1|2", "3|6"]),
            (
                "WITH RECURSIVE n AS (SELECT 1 AS v UNION ALL SELECT v + 1 FROM n WHERE v < 4) SELECT max(v), sum(v) FROM n",
                &["4|10"],
            ),
        ],
    )
    .await;
}

#[tokio::test]
async fn instants_are_those_that_are_written() {
    let store = TestStore::loans().await;
    check(
        &store,
        &[
            (
                "SELECT count(*) FROM loans FOR VALID_TIME AS OF DATE '2024-01-05' - INTERVAL '1 second'",
                &["2"],
            ),
            (
                "SELECT count(*) FROM loans FOR VALID_TIME AS OF INTERVAL '13 hours' + DATE '2024-01-05'",
                &["3"],
            ),
            ("SELECT DATE '2024-01-05' - INTERVAL '1 second' AS t", &["2024-01-04T23:59:59Z"]),
            (
                "SELECT d + INTERVAL '1 hour' AS t FROM (VALUES (DATE '2024-01-05')) AS t(d)",
                &["2024-01-05T01:00:00Z"],
            ),
            ("SELECT coalesce(TIMESTAMP '9999-12-31', now()) AS t", &["9999-12-31"]),
            ("SELECT now() < TIMESTAMP '9999-12-31' AS t, now() = current_timestamp AS u", &["true|true"]),
            (
                "SELECT count(*) FROM loans FOR VALID_TIME AS OF TIMESTAMP '2024-01-10T11:59:59.999999Z'",
                &["3"],
            ),
        ],
    )
    .await;
    check_refused(
        &store,
        &[
            ("SELECT TIMESTAMP '2024-01-10T11:59:59.9999999Z'", "finer"),
            ("SELECT * FROM loans FOR VALID_TIME AS OF '2024-01-10T11:59:59.9999999Z'::timestamp", "finer"),
            ("SELECT TIMESTAMP '2024-01-05' AT TIME ZONE 'America/New_York'", "offset"),
            ("SELECT * FROM loans FOR VALID_TIME AS OF TIMESTAMP '2024-01-05' AT TIME ZONE 'America/New_York'", "offset"),
        ],
    )
    .await;
    for (text, settled) in [
        ("SELECT count(*) FROM loans WHERE now() > TIMESTAMP '2024-01-01'", false),
        ("SELECT count(*) FROM (SELECT current_date FROM loans)", false),
        ("SELECT count(*) FROM loans FOR VALID_TIME AS OF now()", true),
    ] {
        let answer = store.engine.query(&SqlRequest::new(text)).await.unwrap();
        assert_eq!(answer.claim().settled, settled, "{text}");
    }
}

#[tokio::test]
async fn system_columns_change_no_other_column() {
    let store = TestStore::loans().await;
    check(
        &store,
        &[
            (
                "SELECT * EXCEPT (balance) FROM loans FOR VALID_TIME AS OF '2024-01-04' WHERE _valid_from < now() ORDER BY id",
                &["1|open", "2|open"],
            ),
            (
                "SELECT * EXCLUDE (balance, _valid_to) FROM loans FOR VALID_TIME AS OF '2024-01-04' WHERE _valid_from < now() \
                 ORDER BY id",
                &["1|open", "2|open"],
            ),
        ],
    )
    .await;
    check_refused(
        &store,
        &[("SELECT a.id FROM loans AS a NATURAL JOIN loans AS b WHERE a._valid_from < now()", "USING")],
    )
    .await;
}

/// What was found by comparing answers with another engine's.
#[tokio::test]
async fn what_would_be_answered_wrongly_is_refused() {
    let store = TestStore::loans().await;
    let w = "(VALUES (1), (NULL)) AS w(y)";
    check(
        &store,
        &[
            (&format!("SELECT v.x FROM (VALUES (1), (2)) AS v(x) WHERE v.x NOT IN (SELECT y FROM {w})"), &[]),
            (&format!("SELECT v.x FROM (VALUES (1), (2)) AS v(x) WHERE v.x IN (SELECT y FROM {w}) OR v.x = 2 ORDER BY x"), &["1", "2"]),
            ("SELECT id FROM loans WHERE id NOT IN (SELECT id FROM loans WHERE id > 1) OR id = 3 ORDER BY id", &["1", "3"]),
            ("SELECT count(*) FROM loans AS a JOIN loans AS b ON a._valid_from <= b._valid_from + INTERVAL '90 days'", &["4"]),
            ("SELECT id FROM loans WHERE (id, status) IN ((1, 'late'), (1, 'open'), (3, 'open')) ORDER BY id", &["1", "3"]),
            ("SELECT (a, b) = (1, 2) AS s, (a, b) <> (1, 2) AS t, (a, b) IN ((1, 2), (2, 2)) AS u, (a, b) NOT IN ((2, 2)) AS v FROM (VALUES (1, NULL)) AS t(a, b)", &["-|-|-|true"]),
            ("SELECT count(*) FROM (VALUES (1, NULL), (1, 3)) AS t(a, b) WHERE (t.a, t.b) NOT IN ((1, 2))", &["1"]),
            ("SELECT v FROM (VALUES (1), (2)) AS a(v) EXCEPT SELECT v FROM (VALUES (1)) AS b(v)", &["2"]),
            ("SELECT d = f AS a, d < f AS b FROM (SELECT 0.30::decimal(18, 2) AS d, '0.30000000000000004'::double AS f) AS t", &["false|true"]),
            ("SELECT coalesce(f, 0.00) > 0 AS a FROM (SELECT '1e-20'::double AS f) AS t", &["true"]),
            ("SELECT CASE WHEN id = 1 THEN DATE '2024-01-01' ELSE now() END > DATE '2023-01-01' AS t FROM loans WHERE id = 1", &["true"]),
            ("SELECT CASE WHEN id = 1 THEN DATE '2024-01-02' ELSE now() END AS t FROM loans WHERE id = 1", &["2024-01-02"]),
        ],
    )
    .await;
    check_refused(
        &store,
        &[
            (&format!("SELECT v.x FROM (VALUES (1), (2)) AS v(x) WHERE v.x NOT IN (SELECT y FROM {w}) OR v.x = 99"), "EXISTS"),
            (&format!("SELECT v.x FROM (VALUES (1), (2)) AS v(x) WHERE NOT (v.x IN (SELECT y FROM {w}) AND v.x > 0)"), "EXISTS"),
            (&format!("SELECT v.x FROM (VALUES (1), (2)) AS v(x) WHERE (v.x IN (SELECT y FROM {w})) IS NULL"), "EXISTS"),
            ("SELECT INTERVAL '36 hours' > INTERVAL '1 day' AS a", "intervals are not compared"),
            ("SELECT count(*) FROM loans WHERE now() - _valid_from > INTERVAL '1 day'", "intervals are not compared"),
            ("SELECT 1 FROM (VALUES (1)) AS v(a) EXCEPT ALL SELECT 2", "EXCEPT ALL"),
            ("SELECT 1 FROM (VALUES (1)) AS v(a) INTERSECT ALL SELECT 2", "INTERSECT ALL"),
            ("SELECT row_number() OVER (w ORDER BY id) FROM loans WINDOW w AS (PARTITION BY status)", "stands on another"),
            ("SELECT row_number() OVER u FROM loans WINDOW w AS (PARTITION BY status), u AS (w ORDER BY id)", "stands on another"),
            ("SELECT id FROM loans AS a WHERE EXISTS (SELECT count(*) FROM loans AS b WHERE b.id = a.id + 100)", "compare the total"),
            ("SELECT id FROM loans AS a WHERE EXISTS (SELECT 1 FROM loans AS b WHERE b.id = a.id OFFSET 1)", "OFFSET"),
            ("SELECT a.id, x.n FROM loans AS a CROSS JOIN LATERAL (SELECT row_number() OVER (ORDER BY id) AS n FROM loans AS b WHERE b.status = a.status) AS x", "window"),
            ("SELECT count(*) FROM loans WHERE (id, status) < (1, 'open')", "column by column"),
            ("SELECT count(*) FROM loans WHERE (id + 1, status) NOT IN ((1, 'open'))", "column by column"),
            ("SELECT lead(id, 2) IGNORE NULLS OVER (ORDER BY id) FROM loans", "IGNORE NULLS"),
            ("SELECT 'ba' SIMILAR TO 'a'", "SIMILAR TO"),
            ("SELECT balance FROM loans UNION ALL SELECT '1e-20'::double", "cast one of them"),
            ("SELECT DATE '2024-01-01' AS t UNION ALL SELECT now()", "cast one of them"),
            (&format!("SELECT {}status{} FROM loans", "coalesce(".repeat(22), ", 'a')".repeat(22)), "nodes of a plan"),
        ],
    )
    .await;
}

/// What would end the process, or take minutes, is refused before.
#[tokio::test]
async fn short_texts_stay_small() {
    let store = TestStore::loans().await;
    let mut joins =
        String::from("WITH c0 AS (SELECT id, _valid_from, _valid_to FROM loans FOR VALID_TIME ALL)");
    for place in 1..=24 {
        let before = place - 1;
        write!(
            joins,
            ", c{place} AS (SELECT id, _valid_from, _valid_to FROM temporal_join(c{before}, c{before}, on => 'id'))"
        )
        .unwrap();
    }
    joins += " SELECT count(*) FROM c24";
    let intervals = format!("SELECT {}'1 day'", "INTERVAL ".repeat(300));
    let positions = format!("SELECT {}1{}", "position(".repeat(24), ")".repeat(24));
    let casts = format!("SELECT {}1 1{}", "cast(".repeat(24), ")".repeat(24));
    let clauses = format!("SELECT * FROM loans{}", " FOR VALID_TIME AS OF 1, loans".repeat(12_000));
    let views = "CREATE TEMPORARY VIEW v AS SELECT 1;".repeat(4_000);
    check_refused(
        &store,
        &[
            (&joins, "400 relations"),
            (&intervals, "interval's value"),
            (&positions, "nested too deeply"),
            (&casts, "nested too deeply"),
            (&clauses, "400 relations"),
            (&format!("/*{}*/{views} SELECT 1", "x".repeat(900_000)), "twice"),
            (
                "SELECT count(arrow_cast(value::text::bytea, 'FixedSizeBinary(2147483647)')) FROM generate_series(1, 100000)",
                "arrow_cast",
            ),
            (
                "SELECT approx_percentile_cont(0.5, 1000000000000) WITHIN GROUP (ORDER BY value) FROM generate_series(1, 1000)",
                "approx_percentile_cont",
            ),
            ("SELECT levenshtein('a', 'b')", "levenshtein"),
        ],
    )
    .await;
}
