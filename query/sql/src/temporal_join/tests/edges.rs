//! The edges of periods and keys, a row a case.

use super::*;

/// Compares the answer with what is expected: (left row, right row, begin, end), in any order.
async fn check(
    kind: Kind,
    left: &[Fact],
    right: &[Fact],
    expected: &[(i64, Option<i64>, i64, Option<i64>)],
    says: &str,
) {
    for batch_rows in [1, 8_192] {
        let context = session_of(left, right, batch_rows);
        let found = rows(&context, &sql(Axes::Valid, kind)).await;
        let mut found: Vec<_> =
            found.iter().map(|row| (row.l, row.r, row.periods[0].0, row.periods[0].1)).collect();
        found.sort_unstable();
        assert_eq!(found, expected, "{says}, batches of {batch_rows}");
    }
}

#[tokio::test]
async fn an_inner_join_gives_overlaps() {
    let one = [fact(1, 10, 20)];
    let open = [fact(1, 10, None)];
    for (left, right, expected, says) in [
        (&one[..], vec![fact(1, 20, 30)], vec![], "touching at the end"),
        (&one, vec![fact(1, 0, 10)], vec![], "touching at the begin"),
        (&one, vec![fact(1, 19, 30)], vec![(0, Some(0), 19, Some(20))], "the last instant"),
        (&one, vec![fact(1, 0, 11)], vec![(0, Some(0), 10, Some(11))], "the first instant"),
        (&one, vec![fact(1, 10, 20)], vec![(0, Some(0), 10, Some(20))], "equal periods"),
        (&one, vec![fact(1, 5, None)], vec![(0, Some(0), 10, Some(20))], "an open end on one side"),
        (&open, vec![fact(1, 15, None)], vec![(0, Some(0), 15, None)], "open ends on both sides"),
        (&open, vec![fact(2, 10, None)], vec![], "other keys"),
        (&open, vec![fact(None, 10, None)], vec![], "a NULL on one side"),
        (&one, vec![fact(1, 15, 15)], vec![], "an empty period inside"),
        (&one, vec![fact(1, 18, 12)], vec![], "an inverted period inside"),
        (&[fact(1, 12, 12)], vec![fact(1, 10, 20)], vec![], "an empty period on the left"),
        (&[], vec![fact(1, 10, 20)], vec![], "no left rows"),
        (&one, vec![], vec![], "no right rows"),
        (&[], vec![], vec![], "no rows"),
        (&[fact(None, 0, 9)], vec![fact(None, 0, 9)], vec![], "NULL keys on both sides"),
        (
            &one,
            vec![fact(1, 12, 14), fact(1, 12, 14)],
            vec![(0, Some(0), 12, Some(14)), (0, Some(1), 12, Some(14))],
            "duplicates each join",
        ),
        (
            &[fact(1, i64::MIN, None)],
            vec![fact(1, i64::MIN, i64::MIN + 1)],
            vec![(0, Some(0), i64::MIN, Some(i64::MIN + 1))],
            "the first instant there is",
        ),
    ] {
        check(Kind::Inner, left, &right, &expected, says).await;
    }
}

#[tokio::test]
async fn a_left_join_gives_what_is_not_covered() {
    let one = [fact(1, 10, 20)];
    for (left, right, expected, says) in [
        (&one[..], vec![], vec![(0, None, 10, Some(20))], "no right rows"),
        (&one, vec![fact(2, 10, 20)], vec![(0, None, 10, Some(20))], "other keys"),
        (&one, vec![fact(1, 20, 30), fact(1, 0, 10)], vec![(0, None, 10, Some(20))], "touching"),
        (&one, vec![fact(1, 0, None)], vec![(0, Some(0), 10, Some(20))], "covered by more"),
        (
            &one,
            vec![fact(1, 12, 12), fact(1, 15, 11)],
            vec![(0, None, 10, Some(20))],
            "empty periods cover nothing",
        ),
        (
            &one,
            vec![fact(1, 12, 14), fact(1, 13, 16)],
            vec![
                (0, None, 10, Some(12)),
                (0, None, 16, Some(20)),
                (0, Some(0), 12, Some(14)),
                (0, Some(1), 13, Some(16)),
            ],
            "the union of two covers",
        ),
        (
            &one,
            vec![fact(1, 11, 19), fact(1, 12, 13)],
            vec![
                (0, None, 10, Some(11)),
                (0, None, 19, Some(20)),
                (0, Some(0), 11, Some(19)),
                (0, Some(1), 12, Some(13)),
            ],
            "a cover inside another",
        ),
        (
            &one,
            vec![fact(1, 10, 12), fact(1, 12, 20)],
            vec![(0, Some(0), 10, Some(12)), (0, Some(1), 12, Some(20))],
            "touching covers leave no gap",
        ),
        (
            &[fact(1, 10, None)],
            vec![fact(1, 12, 14)],
            vec![(0, None, 10, Some(12)), (0, None, 14, None), (0, Some(0), 12, Some(14))],
            "an open end stays open",
        ),
        (
            &[fact(None, 10, None)],
            vec![fact(None, 10, None)],
            vec![(0, None, 10, None)],
            "NULL keys are not covered",
        ),
        (
            &[fact(1, 12, 12), fact(1, 12, 10)],
            vec![fact(1, 10, 20)],
            vec![],
            "an empty period has no part uncovered",
        ),
    ] {
        check(Kind::Left, left, &right, &expected, says).await;
    }
}

#[tokio::test]
async fn both_axes_must_overlap() {
    let at = |valid, system| Fact { system, ..fact(1, 0, None) }.valid(valid);
    let left = [at((0, Some(10)), (0, Some(10)))];
    let right = [
        at((5, None), (5, None)),
        at((5, None), (10, None)),
        at((10, None), (5, None)),
        at((0, Some(3)), (9, Some(10))),
        at((0, Some(3)), (9, Some(9))),
    ];
    let found = rows(&session_of(&left, &right, 8_192), &sql(Axes::Both, Kind::Inner)).await;
    let found: Vec<_> = found.into_iter().map(|row| (row.r, row.periods)).collect();
    let expected =
        [(Some(3), vec![(0, Some(3)), (9, Some(10))]), (Some(0), vec![(5, Some(10)), (5, Some(10))])];
    assert_eq!(found, expected);
}

impl Fact {
    fn valid(self, valid: Bounds) -> Self {
        Self { valid, ..self }
    }
}

#[tokio::test]
async fn keys_of_two_types_are_compared_as_one() {
    let context = session_of(&[fact(1, 0, None), fact(2, 0, None)], &[fact(2, 3, None)], 8_192);
    let sql = "SELECT k, l, r FROM temporal_join((SELECT * FROM l), (SELECT CAST(k AS INT) AS k, r, _valid_from, _valid_to FROM r), \
               on => 'k')";
    let found = batches(&context, sql).await.unwrap();
    let found = arrow_select::concat::concat_batches(&found[0].schema(), &found).unwrap();
    assert_eq!(found.column(0).as_primitive::<Int64Type>().values(), &[2]);
    assert_eq!(found.column(1).as_primitive::<Int64Type>().values(), &[1]);
}

#[tokio::test]
async fn a_join_joins_again() {
    let context = session_of(&[fact(1, 0, 10)], &[fact(1, 4, 20)], 8_192);
    let sql = "WITH a AS (SELECT * FROM l), j AS (SELECT * FROM temporal_join(a, \
               (SELECT k, r, _valid_from, _valid_to FROM r), on => 'k')) \
               SELECT k, g, l, a.r, _valid_from, _valid_to FROM temporal_join(j, \
               (SELECT k, r AS s, _valid_from, _valid_to FROM r), on => 'k') AS a";
    let found = rows(&context, sql).await;
    let expected = Row { k: Some(1), g: Some(String::new()), l: 0, r: Some(0), periods: vec![(4, Some(10))] };
    assert_eq!(found, [expected]);
}

#[tokio::test]
async fn a_period_without_a_begin_is_refused() {
    let context = session_of(&[fact(1, 0, 10)], &[fact(1, 4, 20)], 8_192);
    let sql = "SELECT * FROM temporal_join((SELECT * FROM l), (SELECT k, r, nullif(_valid_from, _valid_from) AS _valid_from, \
               _valid_to FROM r), on => 'k')";
    let error = batches(&context, sql).await.unwrap_err().to_string();
    assert!(error.contains("a row of the right relation has no \"_valid_from\""), "{error}");
}
