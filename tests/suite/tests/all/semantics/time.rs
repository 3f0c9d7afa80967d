//! Points 1 to 7: periods, ties, open ends, pieces, corrections.

use calotype_oracle::{Seed, StatementOracle, StatementShape, statement_history};
use calotype_query::{AsOfRequest, Form, HistoryRequest, Keys, TimeRange};
use calotype_storage::backend::Backend;
use calotype_storage::database::Database;
use calotype_storage::put::{OpenEnd, PutKind, PutOptions};
use calotype_storage::record::Mode;
use calotype_suite::harness::{START, TestClock, options};
use calotype_suite::replay::{apply_async, create, state, valid};
use calotype_suite::store::{Store, definition, full, known, name, now, point};
use calotype_suite::table::{batch, instants, ints, lines};
use futures::future::join_all;

use super::{delta_rows, fact_rows, message, rows};

/// `_valid_from` and `_valid_to` of small instants as they are printed.
fn period(from: i64, to: Option<i64>) -> String {
    format!("{} {}", valid(from), to.map_or("-".to_owned(), |to| valid(to).to_string()))
}

#[test]
fn point_01_periods_are_half_open_and_never_empty() {
    let store = Store::new(Mode::Events, &["id"]);
    store.facts(None, &fact_rows(&[(1, 10, Some(20), 7)])).unwrap();
    for (valid_at, expected) in [(9, 0), (10, 1), (19, 1), (20, 0)] {
        assert_eq!(store.rows(now(valid_at)).len(), expected, "at {valid_at}");
    }
    let refused = |to| message(store.facts(None, &fact_rows(&[(1, 1, Some(9), 1), (1, 10, Some(to), 7)])));
    for to in [10, 9] {
        let expected = format!(
            "row 2: the period from 1970-01-01T00:00:00.000010Z to 1970-01-01T00:00:00.{to:06}Z is empty or inverted"
        );
        assert_eq!(refused(to), expected);
    }
}

#[test]
fn point_01_from_to_takes_a_half_open_range_and_between_a_closed_one() {
    let store = Store::new(Mode::Events, &["id"]);
    store.facts(None, &fact_rows(&[(1, 10, Some(20), 7)])).unwrap();
    let told = |range| {
        let request =
            HistoryRequest { valid: range, ..HistoryRequest::new(name(), Keys::All, Form::Rectangles) };
        let answered = store.tell(&request);
        answered.map(|(batches, ..)| lines(&batches).len()).map_err(|error| error.to_string())
    };
    for (range, expected) in [
        (TimeRange::FromTo(valid(5), valid(10)), 0),
        (TimeRange::FromTo(valid(5), valid(11)), 1),
        (TimeRange::Between(valid(5), valid(9)), 0),
        (TimeRange::Between(valid(5), valid(10)), 1),
        (TimeRange::FromTo(valid(19), valid(30)), 1),
        (TimeRange::FromTo(valid(20), valid(30)), 0),
        (TimeRange::Between(valid(20), valid(30)), 0),
    ] {
        assert_eq!(told(range), Ok(expected), "{range:?}");
    }
    let empty = |to: &str| {
        format!("the range from 1970-01-01T00:00:00.000010Z to 1970-01-01T00:00:00.{to}Z is empty")
    };
    assert_eq!(told(TimeRange::FromTo(valid(10), valid(10))), Err(empty("000010")));
    assert_eq!(told(TimeRange::Between(valid(10), valid(9))), Err(empty("000009")));
}

#[test]
fn point_02_ties_are_ordered_by_sequence_and_never_by_the_clock() {
    let store = Store::new(Mode::State, &["id"]);
    let put = |value| {
        store.clock.set(START + 60_000_000);
        store.full(10, &rows(&[(1, value)])).unwrap().system_time.micros()
    };
    let times = [put(1), put(2), put(3)];
    assert_eq!(times, [times[0], times[0] + 1, times[0] + 2]);
    for (time, value) in times.into_iter().zip(1..) {
        assert_eq!(store.rows(point(10, time)), [format!("1 {value}")]);
    }
}

/// Puts operations all at once, so that several stand in one record. The answer is how many did.
async fn check_one_record(number: u64) -> usize {
    let folder = tempfile::tempdir().unwrap();
    let backend = Backend::local(folder.path(), true).unwrap();
    let clock = TestClock::new(START);
    let database = Database::open(backend, options(&clock)).await.unwrap();
    create(&database, Mode::State).unwrap();
    let shape = StatementShape { operations: 9, cutoffs: 3, keys: 2, values: 3 };
    let history = statement_history(Seed::new(number), shape);
    let put = history.iter().map(|operation| apply_async(&database, operation));
    let mut applied: Vec<_> = join_all(put).await.into_iter().zip(&history).collect();
    applied.retain(|(result, _)| result.is_ok());
    applied.sort_by_key(|(result, _)| result.clone().unwrap());
    let mut oracle = StatementOracle::new();
    for (system, operation) in &applied {
        let system = system.clone().unwrap();
        oracle.apply(system, (*operation).clone()).unwrap();
    }
    for (system, _) in &applied {
        let known = system.clone().unwrap();
        for valid in [9, 10, 20, 30, 31] {
            let (found, expected) = (state(&database, valid, known), oracle.state(valid, known));
            assert_eq!(found, expected, "seed {number} at {valid} known {known}");
        }
    }
    let newest = database.head().unwrap().sequence.get();
    // One record creates the context.
    applied.len() + 1 - usize::try_from(newest).unwrap()
}

#[tokio::test]
async fn point_02_entries_of_one_record_take_a_microsecond_each_and_follow_each_other() {
    let mut shared = 0;
    for number in 0..20 {
        shared += check_one_record(number).await;
    }
    assert!(shared > 20, "{shared} entries shared a record with one before");
}

#[test]
fn point_03_the_period_of_a_facts_put_is_never_guessed() {
    let store = Store::new(Mode::Events, &["id"]);
    let no_from = batch(&[("id", ints([1])), ("v", ints([1]))]);
    assert_eq!(
        message(store.facts(Some(OpenEnd::Open), &no_from)),
        "_valid_from: facts need the column _valid_from: a period is never guessed"
    );
    let null_from =
        batch(&[("id", ints([1, 2])), ("v", ints([1, 2])), ("_valid_from", instants([Some(5), None]))]);
    assert_eq!(
        message(store.facts(Some(OpenEnd::Open), &null_from)),
        "row 2: column '_valid_from' is null: a period is never guessed"
    );
    let no_end = fact_rows(&[(1, 10, Some(20), 1), (1, 30, None, 2)]);
    assert_eq!(
        message(store.facts(None, &no_end)),
        "row 2: _valid_to is null and the put does not say what that means; say valid_to open or until_next"
    );
    assert!(store.database.context(&name()).unwrap().schema().is_none(), "nothing was applied");
}

/// Pieces after a put over one that is known, as printed: value, `_valid_from`, `_valid_to`.
fn check_open_end(end: OpenEnd, put: &[(i64, i64, Option<i64>, i64)], expected: &[(i64, i64, Option<i64>)]) {
    let store = Store::new(Mode::Events, &["id"]);
    store.facts(None, &fact_rows(&[(1, 20, Some(30), 1), (1, 40, Some(50), 2)])).unwrap();
    store.facts(Some(end), &fact_rows(put)).unwrap();
    let request = HistoryRequest {
        system: TimeRange::At(store.context().newest_system_time().unwrap()),
        ..HistoryRequest::new(name(), Keys::All, Form::Rectangles)
    };
    let told = lines(&store.tell(&request).unwrap().0);
    let expected = expected.iter().map(|(v, from, to)| format!("1 {v} {}", period(*from, *to)));
    let starts = told.iter().zip(expected.clone()).all(|(line, start)| line.starts_with(&start));
    assert!(starts && told.len() == expected.len(), "{put:?}: {told:#?}");
}

#[test]
fn point_03_open_ends_are_for_ever_or_until_the_next_thing_known() {
    let (first, second) = ((1, 20, Some(30)), (2, 40, Some(50)));
    check_open_end(OpenEnd::Open, &[(1, 25, None, 9)], &[(1, 20, Some(25)), (9, 25, None)]);
    let until = OpenEnd::UntilNext;
    // Within a piece: to its end. Before and between pieces: to the start of the next. After all: for ever.
    check_open_end(until, &[(1, 25, None, 9)], &[(1, 20, Some(25)), (9, 25, Some(30)), second]);
    check_open_end(until, &[(1, 10, None, 9)], &[(9, 10, Some(20)), first, second]);
    check_open_end(until, &[(1, 30, None, 9)], &[first, (9, 30, Some(40)), second]);
    check_open_end(until, &[(1, 50, None, 9)], &[first, second, (9, 50, None)]);
    // A later row of the same put bounds it as well, in whatever order they come.
    let both = [(1, 35, None, 8), (1, 32, None, 7)];
    check_open_end(until, &both, &[first, (7, 32, Some(35)), (8, 35, Some(40)), second]);
    // An end that was given is kept.
    check_open_end(until, &[(1, 32, Some(36), 7)], &[first, (7, 32, Some(36)), second]);
}

#[test]
fn point_04_periods_are_those_of_the_whole_piece_and_equal_neighbours_stay_two() {
    let store = Store::new(Mode::Events, &["id"]);
    store.facts(None, &fact_rows(&[(1, 10, Some(20), 7)])).unwrap();
    store.facts(None, &fact_rows(&[(1, 20, Some(40), 7)])).unwrap();
    let request = HistoryRequest {
        valid: TimeRange::Between(valid(15), valid(25)),
        columns: Some(vec!["v".into()]),
        ..HistoryRequest::new(name(), Keys::All, Form::Rectangles)
    };
    let told = lines(&store.tell(&request).unwrap().0);
    assert_eq!(told.len(), 2, "{told:#?}");
    assert!(told[0].starts_with(&format!("7 {}", period(10, Some(20)))), "{told:#?}");
    assert!(told[1].starts_with(&format!("7 {}", period(20, Some(40)))), "{told:#?}");
    let request = AsOfRequest { system_columns: true, ..AsOfRequest::new(name(), now(15)) };
    let rows = lines(&store.ask(&request).unwrap().0);
    assert!(rows[0].starts_with(&format!("1 7 {}", period(10, Some(20)))), "{rows:#?}");
}

#[test]
fn point_05_system_times_are_the_facts_own_and_end_only_within_the_asked_range() {
    let store = Store::new(Mode::Events, &["id"]);
    let put = |rows: &[_]| store.facts(Some(OpenEnd::Open), &fact_rows(rows)).unwrap().system_time;
    let (first, second) = (put(&[(1, 10, None, 1)]), put(&[(1, 20, None, 2)]));
    let told = |system| {
        let request = HistoryRequest {
            system,
            columns: Some(vec!["v".into()]),
            ..HistoryRequest::new(name(), Keys::All, Form::Rectangles)
        };
        let (batches, ..) = store.tell(&request).unwrap();
        let lines = lines(&batches);
        // Value, periods of both axes; the entry is left out.
        lines.iter().map(|line| line.rsplit_once(' ').unwrap().0.to_owned()).collect::<Vec<_>>()
    };
    let line =
        |v, valid: String, from: calotype_storage::SystemTime, to: &str| format!("{v} {valid} {from} {to}");
    let whole = line(1, period(10, None), first, "-");
    assert_eq!(told(TimeRange::At(first)), std::slice::from_ref(&whole));
    assert_eq!(told(TimeRange::Between(known(START), first)), std::slice::from_ref(&whole));
    assert_eq!(told(TimeRange::FromTo(known(START), second)), [whole]);
    let cut = [
        line(1, period(10, Some(20)), first, "-"),
        line(1, period(20, None), first, &second.to_string()),
        line(2, period(20, None), second, "-"),
    ];
    assert_eq!(told(TimeRange::All), cut);
    assert_eq!(told(TimeRange::Between(first, second)), cut);
    assert_eq!(told(TimeRange::At(second)), [cut[0].clone(), cut[2].clone()]);
}

#[test]
fn point_06_a_partial_correction_creates_nothing_where_nothing_was_valid() {
    let store = Store::new(Mode::Events, &["id"]);
    store.facts(None, &fact_rows(&[(1, 10, Some(20), 1)])).unwrap();
    let retract = batch(&[
        ("id", ints([1])),
        ("v", ints([None])),
        ("_op", calotype_suite::table::texts(["retract"])),
        ("_valid_from", instants([15])),
        ("_valid_to", instants([30])),
    ]);
    store.facts(None, &retract).unwrap();
    store.facts(None, &fact_rows(&[(1, 12, Some(14), 2)])).unwrap();
    let values = |at| store.rows(now(at)).join("");
    let found: Vec<String> = [9, 10, 12, 14, 15, 20, 25, 30].map(values).to_vec();
    assert_eq!(found, ["", "1 1", "1 2", "1 1", "", "", "", ""]);

    // A late full before another one says nothing beyond it, and a delta nothing about others.
    let store = Store::new(Mode::State, &["id"]);
    store.full(30, &rows(&[(2, 2)])).unwrap();
    store.full(10, &rows(&[(1, 1)])).unwrap();
    store.delta(20, &delta_rows(&[(3, Some(3))])).unwrap();
    let states: Vec<_> = [9, 10, 20, 30].map(|at| store.rows(now(at)).join(",")).to_vec();
    assert_eq!(states, ["", "1 1", "1 1,3 3", "2 2"]);
}

#[test]
fn point_07_a_put_with_a_bad_declared_time_fails_whole_and_leaves_no_trace() {
    let store = Store::empty();
    let importing =
        calotype_storage::record::CreateEntry { import: true, ..definition(Mode::State, &["id"]) };
    store.create(importing).unwrap();
    let put = |recorded_at: Option<i64>, value| {
        let options = PutOptions {
            recorded_at: recorded_at.map(known),
            expected_rows: Some(1),
            ..PutOptions::default()
        };
        message(store.put(full(10), &rows(&[(1, value)]), options))
    };
    assert_eq!(put(Some(1_000_000), 1), "taken");
    let head = store.database.head();
    let check = |found: String, expected: &str| {
        assert!(found.starts_with(expected), "{found}");
        assert_eq!(store.database.head(), head);
        assert_eq!(store.rows(now(10)), ["1 1"]);
    };
    check(put(None, 2), "context 'loans' is open for import: each put must bring recorded_at");
    let order =
        "recorded_at 1970-01-01T00:00:01.000000Z is not after 1970-01-01T00:00:01.000000Z, the newest";
    check(put(Some(1_000_000), 2), order);
    check(put(Some(999_999), 2), "recorded_at 1970-01-01T00:00:00.999999Z is not after");
    let future = store.clock.micros() + 3_600_000_000;
    check(put(Some(future), 2), &format!("recorded_at {} is not in the past; the time is", known(future)));
    store.go_live().unwrap();
    let live = message(store.put(
        full(10),
        &rows(&[(1, 2)]),
        PutOptions { recorded_at: Some(known(2_000_000)), ..PutOptions::default() },
    ));
    assert_eq!(
        live,
        "context 'loans' is live: the database gives the system time, so recorded_at is refused"
    );
    assert_eq!(message(store.go_live()), "context 'loans' is live already");
    assert_eq!(store.rows(now(10)), ["1 1"]);
    // The kind of put decides too: a put of statements brings no periods.
    let kind = PutKind::Full { cutoff: valid(10) };
    let found = message(store.put(kind, &fact_rows(&[(1, 1, None, 1)]), PutOptions::default()));
    assert_eq!(found, "'_valid_from' does not go with a put of kind full");
}
