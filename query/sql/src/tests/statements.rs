//! What statements answer, and which are refused.

use super::store::TestStore;

/// Asks each statement and compares rows with lines.
pub(super) async fn check(store: &TestStore, cases: &[(&str, &[&str])]) {
    let mut wrong = Vec::new();
    for (text, expected) in cases {
        match store.ask(text).await {
            Ok(found) if found.lines().collect::<Vec<_>>() == *expected => {}
            Ok(found) => wrong.push(format!("{text}\nexpected {expected:#?}, found\n{found}")),
            Err(error) => wrong.push(format!("{text}\n{error}")),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

/// Asks each statement and looks for a text in its error.
pub(super) async fn check_refused(store: &TestStore, cases: &[(&str, &str)]) {
    let mut wrong = Vec::new();
    for (text, expected) in cases {
        match store.ask(text).await {
            Ok(rows) => wrong.push(format!("{text}\nwas answered:\n{rows}")),
            Err(error) if error.to_string().contains(expected) => {}
            Err(error) => wrong.push(format!("{text}\nexpected '{expected}', found {error}")),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

#[tokio::test]
async fn instants_are_chosen_on_both_axes() {
    let store = TestStore::loans().await;
    check(
        &store,
        &[
            ("SELECT * FROM loans", &["1|open|100.00", "3|open|300.00"]),
            ("SELECT * FROM loans FOR VALID_TIME AS OF '2024-01-12'", &["1|late|110.00", "2|open|200.00", "3|open|300.00"]),
            (
                "SELECT * FROM loans FOR VALID_TIME AS OF TIMESTAMP '2024-01-12' FOR SYSTEM_TIME AS OF TIMESTAMP '2024-02-01'",
                &["1|open|100.00", "2|open|200.00", "3|open|300.00"],
            ),
            (
                "SELECT l.id FROM loans FOR SYSTEM_TIME AS OF DATE '2024-01-31' + INTERVAL '1 day' for valid_time as of \
                 DATE '2024-01-16' AS l ORDER BY id DESC",
                &["3", "2", "1"],
            ),
            (
                "SELECT id, _valid_from, _valid_to, _system_from, _system_to FROM loans FOR VALID_TIME AS OF '2024-01-12' \
                 WHERE id = 1",
                &["1|2024-01-10|2024-01-20|2024-02-02|-"],
            ),
            (
                "SELECT * FROM loans FOR VALID_TIME AS OF '2024-01-06' WHERE _system_from > TIMESTAMP '2024-02-02'",
                &["3|open|333.33"],
            ),
            ("SELECT count(*) FROM loans FOR SYSTEM_TIME AS OF '2024-01-31'", &["0"]),
        ],
    )
    .await;
}

#[tokio::test]
async fn ranges_give_pieces_and_rectangles() {
    let store = TestStore::loans().await;
    check(
        &store,
        &[
            (
                "SELECT * FROM loans FOR VALID_TIME ALL WHERE id = 1",
                &[
                    "1|open|100.00|2024-01-01|2024-01-10|2024-02-01|-",
                    "1|late|110.00|2024-01-10|2024-01-20|2024-02-02|-",
                    "1|open|100.00|2024-01-20|-|2024-02-01|-",
                ],
            ),
            (
                "SELECT id, _valid_from FROM loans FOR ALL VALID_TIME WHERE id IN (2, 3)",
                &["2|2024-01-01", "3|2024-01-05", "3|2024-01-08"],
            ),
            (
                "SELECT id, balance FROM loans FOR VALID_TIME FROM '2024-01-09' TO '2024-01-10' WHERE id = 1",
                &["1|100.00"],
            ),
            // An interval right before TO.
            (
                "SELECT id, balance FROM loans FOR VALID_TIME FROM DATE '2024-01-08' + INTERVAL '1 day' TO '2024-01-10' WHERE id = 1",
                &["1|100.00"],
            ),
            (
                "SELECT count(*) FROM loans FOR SYSTEM_TIME FROM (DATE '2024-01-01' + INTERVAL '31' day) TO DATE '2024-02-01' + \
                 INTERVAL '1 day' FOR VALID_TIME ALL",
                &["3"],
            ),
            (
                "SELECT id, balance FROM loans FOR VALID_TIME BETWEEN '2024-01-09' AND '2024-01-10' WHERE id = 1",
                &["1|100.00", "1|110.00"],
            ),
            (
                "SELECT id, balance, _system_from, _system_to FROM loans FOR VALID_TIME AS OF '2024-01-16' FOR SYSTEM_TIME ALL \
                 WHERE id = 2",
                &["2|200.00|2024-02-01|2024-02-03"],
            ),
            (
                "SELECT id, balance, _system_to FROM loans FOR SYSTEM_TIME FROM '2024-02-01' TO '2024-02-02' FOR VALID_TIME AS \
                 OF '2024-01-12' WHERE id = 1",
                &["1|100.00|-"],
            ),
            (
                "SELECT count(*) FROM loans FOR SYSTEM_TIME ALL FOR VALID_TIME ALL WHERE _system_to IS NOT NULL",
                &["3"],
            ),
        ],
    )
    .await;
}

#[tokio::test]
async fn one_statement_reads_many_instants() {
    let store = TestStore::loans().await;
    check(
        &store,
        &[
            (
                "SELECT a.id, a.balance, b.balance FROM loans FOR VALID_TIME AS OF '2024-01-06' AS a JOIN loans FOR VALID_TIME \
                 AS OF '2024-01-12' AS b ON a.id = b.id WHERE a.balance <> b.balance ORDER BY a.id",
                &["1|100.00|110.00", "3|333.33|300.00"],
            ),
            (
                "WITH before AS (SELECT * FROM loans FOR SYSTEM_TIME AS OF '2024-02-01' FOR VALID_TIME AS OF '2024-01-16'), \
                 loans AS (SELECT id FROM loans FOR VALID_TIME AS OF '2024-01-16') SELECT id FROM before EXCEPT SELECT id FROM loans",
                &["2"],
            ),
            (
                "SET calotype.valid_time = '2024-01-12'; SET calotype.system_time TO '2024-02-01'; SELECT balance FROM loans \
                 WHERE id = 1 UNION ALL SELECT balance FROM loans FOR SYSTEM_TIME AS OF '2024-02-02' WHERE id = 1",
                &["100.00", "110.00"],
            ),
            (
                "CREATE TEMPORARY VIEW mid AS SELECT id, balance FROM loans FOR VALID_TIME AS OF '2024-01-12'; CREATE TEMP \
                 VIEW late AS SELECT * FROM mid WHERE balance < 150.5; SELECT * FROM late",
                &["1|110.00"],
            ),
            ("SELECT id FROM loans WHERE balance = (SELECT max(balance) FROM loans)", &["3"]),
            ("SELECT now() > TIMESTAMP '2024-01-01' AS later", &["true"]),
        ],
    )
    .await;
}

#[tokio::test]
async fn keys_and_bounds_narrow_and_never_lose() {
    let store = TestStore::loans().await;
    check(
        &store,
        &[
            ("SELECT id FROM loans WHERE id > 1 AND id <= 3", &["3"]),
            ("SELECT id FROM loans WHERE id >= 1 AND id < 3", &["1"]),
            ("SELECT id FROM loans WHERE id IN (1, 3, 7) AND id <> 1", &["3"]),
            ("SELECT id FROM loans WHERE id = 1 AND id = 3", &[]),
            ("SELECT id FROM loans WHERE id IN (1, 2) AND id IN (1, 3)", &["1"]),
            ("SELECT id FROM loans WHERE id = 9223372036854775807 OR id = 1", &["1"]),
            ("SELECT id FROM loans WHERE 1 = id", &["1"]),
            ("SELECT id FROM loans WHERE id = NULL", &[]),
            ("SELECT id FROM loans WHERE id > 1.5", &["3"]),
            // What follows AND is another predicate.
            ("SELECT id FROM loans WHERE status IS DISTINCT FROM 'late' AND id = 1 OR id IS NOT DISTINCT FROM 7 OR false", &["1"]),
            ("SELECT true IS DISTINCT FROM true AND false AS x", &["false"]),
            ("SELECT id FROM loans WHERE NOT status IS DISTINCT FROM 'open' AND id IS NOT DISTINCT FROM 1 + 2", &["3"]),
            ("SELECT count(*) FROM loans FOR VALID_TIME ALL WHERE _valid_to > TIMESTAMP '2024-01-10'", &["2"]),
            ("SELECT count(*) FROM loans FOR VALID_TIME ALL WHERE _valid_to = TIMESTAMP '2024-01-10'", &["1"]),
            ("SELECT count(*) FROM loans FOR VALID_TIME ALL WHERE _valid_from <= TIMESTAMP '2024-01-01'", &["2"]),
            ("SELECT count(*) FROM loans FOR VALID_TIME ALL WHERE _valid_from = TIMESTAMP '2024-01-20'", &["1"]),
            (
                "SELECT count(*) FROM loans FOR VALID_TIME ALL FOR SYSTEM_TIME ALL WHERE _system_to = TIMESTAMP '2024-02-03'",
                &["2"],
            ),
        ],
    )
    .await;
}

#[tokio::test]
async fn what_is_not_understood_is_refused() {
    let store = TestStore::loans().await;
    check_refused(
        &store,
        &[
            ("SELECT * FROM loans AS l FOR VALID_TIME AS OF '2024-01-12'", "before its alias"),
            ("SELECT * FROM (SELECT * FROM loans) FOR VALID_TIME AS OF '2024-01-12'", "right behind a table's name"),
            ("WITH c AS (SELECT 1) SELECT * FROM c FOR VALID_TIME AS OF '2024-01-12'", "not a context"),
            ("SELECT * FROM loans FOR VALID_TIME AS OF '2024-01-12' FOR VALID_TIME ALL", "one clause for each axis"),
            ("SELECT * FROM loans FOR VALID_TIME SOON", "expected AS OF"),
            ("SELECT * FROM loans FOR VALID_TIME AS OF id", "No field named id"),
            ("SELECT * FROM loans FOR VALID_TIME AS OF 5", "no instant"),
            ("SELECT * FROM loans FOR VALID_TIME AS OF '2024-01-12T00:00:00.1234567Z'", "no instant"),
            ("SELECT * FROM loans FOR VALID_TIME FROM '2024-01-12' TO '2024-01-12'", "empty"),
            ("SELECT * FROM loans FOR SYSTEM_TIME AS OF '9999-01-01'", "9999"),
            ("SELECT * FROM loans FOR BUSINESS_TIME AS OF '2024-01-12'", "cannot be read"),
            ("SELECT * FROM loans TIMESTAMP AS OF '2024-01-12'", "the end of the statement"),
            ("SELECT * FROM loans VERSION AS OF 2", "the end of the statement"),
            ("SELECT * FROM loans FOR UPDATE", "FOR UPDATE"),
            ("SELECT * FROM loans TABLESAMPLE BERNOULLI (10)", "TABLESAMPLE"),
            ("SELECT * INTO x FROM loans", "only read"),
            ("INSERT INTO loans VALUES (1)", "only read"),
            ("DROP TABLE loans", "only read"),
            ("CREATE TABLE x AS SELECT 1", "only read"),
            ("COPY loans TO 'x.csv'", "only read"),
            ("CREATE EXTERNAL TABLE x STORED AS CSV LOCATION '/etc/passwd'", ""),
            ("SELECT * FROM '/etc/passwd'", ""),
            ("SELECT * FROM nothing", "no context"),
            ("SELECT random()", "random"),
            ("SELECT repeat('x', 1000000000)", "repeat"),
            ("SELECT $1", "no value"),
            ("SET calotype.valid_tim = '2024-01-12'; SELECT 1", "no setting"),
            ("SELECT 1; SELECT 2", "only read"),
            ("", "no statement"),
            ("SELECT [1, 2] AS list", "not kept"),
            ("SELECT balance / 0 FROM loans", "no result"),
            ("CREATE TEMPORARY VIEW a AS SELECT * FROM b; CREATE TEMPORARY VIEW b AS SELECT * FROM a; SELECT * FROM a", "itself"),
        ],
    )
    .await;
}
