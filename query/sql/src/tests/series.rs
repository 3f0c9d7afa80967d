//! Series and lists in FROM.

use super::statements::{check, check_refused};
use super::store::TestStore;

#[tokio::test]
async fn series_count_integers_days_and_instants() {
    let store = TestStore::loans().await;
    check(
        &store,
        &[
            ("SELECT * FROM generate_series(1, 3)", &["1", "2", "3"]),
            ("SELECT value FROM range(1, 3)", &["1", "2"]),
            ("SELECT n FROM generate_series(7, 1, -3) AS t(n)", &["7", "4", "1"]),
            ("SELECT n FROM range(7, 1, -3) AS t(n)", &["7", "4"]),
            ("SELECT count(*) FROM generate_series(3, 1)", &["0"]),
            ("SELECT count(*) FROM range(0, 100000)", &["100000"]),
            ("SELECT value FROM range(9223372036854775800, 9223372036854775807, 5)", &["9223372036854775800", "9223372036854775805"]),
            ("SELECT value FROM generate_series(1 + 1, 2 * 2) ORDER BY value DESC LIMIT 1", &["4"]),
            // The ends of months stay their ends.
            (
                "SELECT * FROM generate_series(DATE '2024-01-31', DATE '2024-04-30', INTERVAL '1 month')",
                &["2024-01-31", "2024-02-29", "2024-03-31", "2024-04-30"],
            ),
            (
                "SELECT * FROM range(TIMESTAMP '2024-01-01', TIMESTAMP '2024-01-02', INTERVAL '8 hours')",
                &["2024-01-01", "2024-01-01T08:00:00Z", "2024-01-01T16:00:00Z"],
            ),
            (
                "SELECT * FROM generate_series(TIMESTAMP '2024-01-02', DATE '2024-01-01', INTERVAL '-12 hours')",
                &["2024-01-02", "2024-01-01T12:00:00Z", "2024-01-01"],
            ),
            (
                "SELECT d.value, count(l.id) FROM generate_series(DATE '2024-01-04', DATE '2024-01-05', INTERVAL '1 day') AS d \
                 LEFT JOIN loans FOR VALID_TIME ALL AS l ON l._valid_from <= d.value AND (l._valid_to IS NULL OR l._valid_to > \
                 d.value) GROUP BY d.value ORDER BY d.value",
                &["2024-01-04|2", "2024-01-05|3"],
            ),
            ("SELECT * FROM UNNEST([3, 1, 2]) AS t(x) WHERE x > 1", &["3", "2"]),
            ("SELECT l.id FROM loans AS l JOIN UNNEST([3, 4]) AS t(x) ON l.id = t.x", &["3"]),
        ],
    )
    .await;
}

#[tokio::test]
async fn long_series_take_no_memory() {
    let store = TestStore::with_memory(1 << 20).await;
    check(
        &store,
        &[
            ("SELECT value FROM generate_series(1, 9223372036854775807) LIMIT 1 OFFSET 100000", &["100001"]),
            ("SELECT sum(value) FROM range(0, 1000000)", &["499999500000"]),
        ],
    )
    .await;
}

#[tokio::test]
async fn series_that_are_none_are_refused() {
    let store = TestStore::loans().await;
    check_refused(
        &store,
        &[
            ("SELECT * FROM generate_series(1)", "expected (start, end[, step])"),
            ("SELECT * FROM generate_series(1, 2, 0)", "leads one way; found 0"),
            ("SELECT * FROM generate_series(1, NULL)", "Null"),
            ("SELECT * FROM generate_series(1, 2.5)", "Decimal"),
            ("SELECT * FROM generate_series('2024-01-01', '2024-01-02', INTERVAL '1 day')", "(Utf8, Utf8"),
            ("SELECT * FROM generate_series(DATE '2024-01-01', DATE '2024-01-02')", "(Date32, Date32)"),
            (
                "SELECT * FROM generate_series(DATE '2024-01-01', DATE '2025-01-02', INTERVAL '1 month -1 day')",
                "leads one way",
            ),
            ("SELECT * FROM generate_series(1, end => 2)", "found 'end => 2'"),
            ("SELECT * FROM loans, generate_series(1, id)", "No field named id"),
            ("SELECT generate_series(1, 1000000000)", "generate_series"),
        ],
    )
    .await;
}
