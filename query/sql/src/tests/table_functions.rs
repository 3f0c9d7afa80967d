//! Differences, histories and changes in FROM.

use super::statements::{check, check_refused};
use super::store::TestStore;
use crate::SqlRequest;

#[tokio::test]
async fn differences_are_told_by_key_with_their_cause() {
    let store = TestStore::loans().await;
    check(
        &store,
        &[
            (
                "SELECT * EXCEPT (_entry) FROM diff('loans', from_valid_at => '2024-01-06', to_valid_at => DATE '2024-01-12')",
                &[
                    "changed_from|1|open|100.00|2024-02-02",
                    "changed_to|1|late|110.00|2024-02-02",
                    "changed_from|3|open|333.33|2024-02-01",
                    "changed_to|3|open|300.00|2024-02-01",
                ],
            ),
            (
                "SELECT _change, id, _system_from FROM diff(loans, from_known_at => '2024-02-01', to_known_at => '2024-02-03', \
                 from_valid_at => '2024-01-16', to_valid_at => '2024-01-16') AS d WHERE d.id > 1",
                &["removed|2|2024-02-03"],
            ),
            // What is left out is the statement's: valid now, and the settled time.
            ("SELECT balance, _change FROM diff(loans, from_known_at => '2024-01-31')", &["100.00|added", "300.00|added"]),
            (
                "SET calotype.valid_time = '2024-01-12'; SET calotype.system_time = '2024-02-01'; \
                 SELECT _change, id, balance FROM diff(public.loans, to_known_at => '2024-02-02')",
                &["changed_from|1|100.00", "changed_to|1|110.00"],
            ),
            ("SELECT count(*) FROM diff('loans', from_valid_at => '2024-01-06', to_valid_at => '2024-01-06')", &["0"]),
            // With the time turned round, what was added is removed.
            ("SELECT _change, count(*) FROM diff(loans, to_known_at => '2024-01-31') GROUP BY _change", &["removed|2"]),
        ],
    )
    .await;
}

#[tokio::test]
async fn histories_are_told_as_rectangles_or_facts() {
    let store = TestStore::loans().await;
    check(
        &store,
        &[
            (
                "SELECT balance, _valid_from, _valid_to, _system_from, _system_to FROM history('loans', key => 1)",
                &[
                    "100.00|2024-01-01|2024-01-10|2024-02-01|-",
                    "100.00|2024-01-10|2024-01-20|2024-02-01|2024-02-02",
                    "110.00|2024-01-10|2024-01-20|2024-02-02|-",
                    "100.00|2024-01-20|-|2024-02-01|-",
                ],
            ),
            (
                "SELECT id, status, _op, _valid_from, _valid_to, _system_from FROM history(loans, key => [2], form => 'facts')",
                &["2|open|assert|2024-01-01|-|2024-02-01", "2|-|retract|2024-01-15|-|2024-02-03"],
            ),
            (
                "SELECT count(*) FROM history(loans, key => 2, form => 'facts', known_at => TIMESTAMP '2024-02-03' - INTERVAL \
                 '1 microsecond')",
                &["1"],
            ),
            ("SELECT id, count(*) FROM history(loans) GROUP BY id ORDER BY id", &["1|4", "2|2", "3|3"]),
            ("SELECT _op FROM history(loans, form => 'facts') WHERE id = 2 AND _system_from > TIMESTAMP '2024-02-02'", &["retract"]),
            ("SELECT id, balance FROM history(loans, key => 1, form => 'facts') WHERE id = 3", &[]),
            (
                "SELECT h.balance, l.balance FROM history(loans, form => 'facts') AS h JOIN loans AS l ON h.id = l.id AND \
                 h.balance <> l.balance ORDER BY 1",
                &["110.00|100.00", "333.33|300.00"],
            ),
            (
                "WITH h AS (SELECT id, max(_system_from) AS last FROM history(loans) GROUP BY id) SELECT count(*) FROM h WHERE \
                 last = TIMESTAMP '2024-02-03'",
                &["1"],
            ),
            (
                "CREATE TEMPORARY VIEW told AS SELECT id, _op FROM history('loans', form => 'facts'); SELECT _op, count(*) FROM \
                 told GROUP BY _op ORDER BY _op",
                &["assert|5", "retract|1"],
            ),
        ],
    )
    .await;
}

#[tokio::test]
async fn changes_are_what_became_known_in_a_range() {
    let store = TestStore::loans().await;
    check(
        &store,
        &[
            (
                "SELECT id, balance, _op, _system_from FROM changes(loans, since_known_at => '2024-02-01', until_known_at => \
                 '2024-02-02')",
                &["1|110.00|assert|2024-02-02"],
            ),
            (
                "SELECT id, _op FROM changes('loans', since_known_at => '2024-02-02') ORDER BY _system_from, id",
                &["2|retract", "3|assert"],
            ),
            ("SELECT count(*) FROM changes(loans, until_known_at => '2024-02-02')", &["4"]),
            ("SELECT count(*) FROM changes(loans)", &["6"]),
            ("SELECT count(*) FROM changes(loans, since_known_at => '2024-02-03')", &["0"]),
            ("SELECT _op FROM changes(loans) WHERE id IN (2, 9)", &["assert", "retract"]),
            (
                "SELECT count(DISTINCT _entry) FROM changes(loans, since_known_at => TIMESTAMP '2024-02-01' - INTERVAL '1 \
                 second')",
                &["3"],
            ),
        ],
    )
    .await;
}

#[tokio::test]
async fn before_the_first_put_nothing_is_told() {
    let store = TestStore::new().await;
    store.create("empty").await;
    check(
        &store,
        &[
            ("SELECT * FROM changes(empty)", &[]),
            ("SELECT count(*) FROM history(empty, key => 1)", &["0"]),
            ("SELECT _change, _entry FROM diff(empty, from_valid_at => '2024-01-01')", &[]),
        ],
    )
    .await;
}

#[tokio::test]
async fn predicates_over_keys_reach_the_reading() {
    let store = TestStore::loans().await;
    for (text, expected) in [
        ("SELECT balance FROM changes(loans) WHERE id = 2", "keys=1 named, columns=[id, balance]"),
        ("SELECT balance FROM history(loans) WHERE id > 2", "keys=a range, columns=[id, balance]"),
        (
            "SELECT id, _change FROM diff(loans, from_valid_at => '2024-01-01') WHERE id IN (1, 2)",
            "keys=2 named, columns=[_change, id]",
        ),
        ("SELECT balance FROM loans WHERE id IN (1, 2)", "keys=2 named, columns=[id, balance]"),
        (
            "SELECT balance FROM loans WHERE id = 1 OR 2 = id OR id IN (4, 5, 6, 7)",
            "keys=6 named, columns=[id, balance]",
        ),
        ("SELECT id FROM loans WHERE id = 1 OR id > 2", "keys=all, columns=[id]"),
        ("SELECT id FROM loans WHERE id = 1 OR status = 'open'", "keys=all, columns=[id, status]"),
        ("SELECT id FROM history(loans, key => 1) WHERE id > 2", "keys=1 named, columns=[id]"),
        ("SELECT balance FROM changes(loans) WHERE _op = 'retract'", "keys=all, columns=[balance, _op]"),
    ] {
        let plan = store.engine.explain(&SqlRequest::new(text)).await.unwrap();
        assert!(plan.contains(expected), "{text}\nexpected {expected}, found\n{plan}");
    }
    // Rows come sorted by key: nothing is sorted again.
    let sorted = "SELECT id, _system_from FROM changes(loans) ORDER BY id, _system_from";
    let plan = store.engine.explain(&SqlRequest::new(sorted)).await.unwrap();
    assert!(!plan.contains("SortExec"), "{plan}");
}

#[tokio::test]
async fn what_functions_read_is_claimed() {
    let store = TestStore::loans().await;
    for (text, settled, expected) in [
        ("SELECT 1 FROM history(loans, known_at => '2024-02-02')", true, &["2024-02-02"][..]),
        ("SELECT id FROM changes(loans)", true, &["2024-02-03"]),
        (
            "SELECT id FROM diff(loans, from_known_at => '2024-02-01', to_known_at => '2024-02-02')",
            true,
            &["2024-02-01", "2024-02-02"],
        ),
        (
            "SELECT id FROM diff(loans, from_known_at => '2024-02-01') WHERE id = 1",
            true,
            &["2024-02-01", "2024-02-03"],
        ),
        ("SELECT id FROM history(loans, known_at => '2024-03-01')", false, &["2024-03-01"]),
        // The same reading stands once.
        ("SELECT l.id FROM loans AS l, changes(loans) AS c", true, &["2024-02-03"]),
        ("SELECT value FROM range(1, 3)", true, &[]),
        ("SELECT count(context) FROM calotype.contexts", false, &[]),
        (
            "SELECT count(l.id) FROM loans AS l JOIN information_schema.tables AS t ON l.status = t.table_name",
            false,
            &["2024-02-03"],
        ),
    ] {
        let answer = store.engine.query(&SqlRequest::new(text)).await.unwrap();
        let claim = answer.claim();
        let known: Vec<&str> =
            claim.reads.iter().filter_map(|read| read.known_at.split('T').next()).collect();
        assert_eq!((claim.settled, known.as_slice()), (settled, expected), "{text}");
    }
}

#[tokio::test]
async fn one_settled_time_holds_for_contexts_and_functions() {
    let store = TestStore::loans().await;
    store.create("old").await;
    store.put("old", 2, &[(1, Some("open"), 1, 1, 0)]).await;
    store.create("records").await;
    store.put("records", 1, &[(1, Some("open"), 1, 1, 0)]).await;
    check(
        &store,
        &[
            // The settled time of `old` is February 2nd: all is read as known then.
            ("SELECT count(*) FROM changes(loans) AS c, old", &["4"]),
            ("SELECT count(*) FROM loans AS l, changes('old') AS o WHERE l._system_from > TIMESTAMP '2024-02-02'", &["0"]),
            ("SELECT count(*) FROM changes(loans) AS c, changes(\"old\") AS o", &["4"]),
            ("SELECT count(*) FROM changes(loans) AS c, history(old, known_at => '2024-02-02') AS o", &["6"]),
            // A relation that a temporal operator names counts as any other.
            ("SELECT count(*) FROM changes(loans) AS c, temporal_aggregate(old, n => count(*)) AS o WHERE o._valid_from < now()", &["4"]),
            // A query of the statement's own is no context, whatever it is called, but may stand on one of its name.
            ("WITH old AS (SELECT 1 AS id) SELECT count(*) FROM changes(loans) AS c, old", &["6"]),
            ("WITH old AS (SELECT * FROM old) SELECT count(*) FROM changes(loans) AS c, old", &["4"]),
            // Tables of other schemas are no contexts, whatever they are called.
            ("SELECT count(*) FROM changes(loans) AS c, (SELECT count(*) FROM calotype.records)", &["6"]),
            ("SELECT count(*) FROM history(loans, form => 'facts') AS c, diff(old, from_known_at => '2024-02-01') AS o", &["4"]),
        ],
    )
    .await;
}

#[tokio::test]
async fn wrong_arguments_are_refused_by_name() {
    let store = TestStore::loans().await;
    check_refused(
        &store,
        &[
            ("SELECT * FROM diff()", "found no argument"),
            ("SELECT * FROM diff('loans')", "expected at least one of from_valid_at"),
            ("SELECT * FROM diff(from_valid_at => '2024-01-01')", "found 'from_valid_at => '2024-01-01'' first"),
            ("SELECT * FROM diff(loans, '2024-01-01')", "not of the form name => value"),
            ("SELECT * FROM diff(loans, at => '2024-01-01')", "an argument 'at'"),
            ("SELECT * FROM diff(loans, to_valid_at => '2024-01-01', to_valid_at => '2024-01-02')", "'to_valid_at' twice"),
            ("SELECT * FROM diff(loans, to_valid_at => 5)", "no instant"),
            ("SELECT * FROM diff(loans, to_valid_at => id)", "No field named id"),
            ("SELECT * FROM diff(loans, to_known_at => '2999-01-01')", "2999"),
            ("SELECT * FROM diff(1 + 1, to_valid_at => '2024-01-01')", "a context's name"),
            ("SELECT * FROM diff(calotype.contexts, to_valid_at => '2024-01-01')", "found 'calotype.contexts'"),
            ("SELECT * FROM diff(lonas, to_valid_at => '2024-01-01')", "did you mean 'loans'?"),
            ("SELECT * FROM history('nothing', key => 1)", "no context 'nothing'"),
            ("SELECT * FROM history(loans, key => [1, 2])", "is id (int64); found 1, 2"),
            ("SELECT * FROM history(loans, key => NULL)", "key expected a value for each key column"),
            ("SELECT * FROM history(loans, key => 'x')", "'x'"),
            ("SELECT * FROM history(loans, key => balance)", "No field named balance"),
            ("SELECT * FROM history(loans, form => 'pieces')", "'facts' or 'rectangles'; found 'pieces'"),
            ("SELECT * FROM history(loans, known_at => '2024-02-01', key => 1) FOR SYSTEM_TIME AS OF '2024-02-01'", "right behind a table's name"),
            ("SELECT * FROM changes(loans, since_known_at => '2024-02-03', until_known_at => '2024-02-02')", "at or before until_known_at"),
            ("CREATE TEMPORARY VIEW v AS SELECT * FROM loans; SELECT * FROM changes(v)", "the view 'v'"),
            ("SELECT * FROM histroy(loans)", "did you mean 'history'?"),
            ("SELECT * FROM read_csv('/etc/passwd')", "no table function 'read_csv'"),
            ("SELECT * FROM read_csv(path => '/etc/passwd')", "no table function 'read_csv'"),
            ("SELECT * FROM lonas", "did you mean 'loans'?"),
            ("SELECT * FROM calotype.context", "did you mean 'calotype.contexts'?"),
            ("SELECT * FROM elsewhere.loans", "no table 'elsewhere.loans'"),
        ],
    )
    .await;
}
