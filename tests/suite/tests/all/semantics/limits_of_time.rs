//! Points 8 to 12: precision, settled answers, reading one's writes.

use std::sync::Arc;

use calotype_query::{AsOfRequest, LocalPolicy, Point, resolve};
use calotype_storage::ValidTime;
use calotype_storage::database::{Database, OpenOptions};
use calotype_storage::error::Code;
use calotype_storage::identity::Sequence;
use calotype_storage::put::{OpenEnd, PutOptions};
use calotype_storage::record::Mode;
use calotype_suite::harness::{START, TestClock, TestEntropy, options};
use calotype_suite::store::{Store, full, known, name, now, point, taken};
use calotype_suite::table::{batch, days, instants, ints, lines, nanoseconds, texts, zoneless};
use futures::executor::block_on;

use super::{delta_rows, fact_rows, message, named, rows};

#[test]
fn point_08_whole_microseconds_are_kept_and_anything_finer_is_refused() {
    let store = Store::new(Mode::State, &["id"]);
    store.full(10, &named(&[1, 2], ("at", nanoseconds([1_000, 2_000])))).unwrap();
    assert_eq!(store.rows(now(10)), ["1 1970-01-01T00:00:00.000001Z", "2 1970-01-01T00:00:00.000002Z"]);
    let finer = named(&[1, 2], ("at", nanoseconds([1_000, 2_001])));
    assert_eq!(
        message(store.full(10, &finer)),
        "row 2: column 'at' is finer than a microsecond; nothing is rounded"
    );
    let texts = ["2026-03-31T23:59:59.999999Z", "2026-03-31T23:59:59.9999999Z", "2026-03-31"];
    let read = texts.map(|text| ValidTime::parse(text).map_err(|error| error.to_string()));
    assert!(read[0].is_ok());
    assert_eq!(
        read[1].clone().unwrap_err(),
        "'2026-03-31T23:59:59.9999999Z' is finer than a microsecond; at most six fractional digits are kept"
    );
    assert_eq!(
        read[2].clone().unwrap_err(),
        "'2026-03-31' is a date alone; give an instant, for example 2026-03-31T00:00:00Z"
    );
}

#[test]
fn point_08_times_without_a_zone_are_refused_on_both_axes() {
    let store = Store::new(Mode::Events, &["id"]);
    let columns =
        |from, to| batch(&[("id", ints([1])), ("v", ints([1])), ("_valid_from", from), ("_valid_to", to)]);
    let check = |rows, expected: &str| assert_eq!(message(store.facts(None, &rows)), expected);
    check(
        columns(zoneless([5]), instants([9])),
        "column '_valid_from' is of type Timestamp(µs); expected a timestamp with a zone",
    );
    check(
        columns(instants([5]), zoneless([9])),
        "column '_valid_to' is of type Timestamp(µs); expected a timestamp with a zone",
    );
    check(
        columns(days([5]), instants([9])),
        "column '_valid_from' is of type Date32; expected a timestamp with a zone",
    );
    let at = batch(&[("id", ints([1])), ("at", zoneless([5])), ("_valid_from", instants([5]))]);
    assert_eq!(
        message(store.facts(Some(OpenEnd::Open), &at)),
        "column 'at' is of type Timestamp(µs), which is not kept; give it a zone: which instants are meant is not known"
    );
    let found = ValidTime::parse("2026-03-31T23:59:59").map_err(|error| error.to_string());
    assert_eq!(found, Err("'2026-03-31T23:59:59' has no zone; add Z or an offset such as +01:00".to_owned()));
}

#[test]
fn point_08_the_extremes_are_reserved_and_the_year_9999_is_ordinary() {
    assert_eq!(ValidTime::from_micros(i64::MIN), None);
    assert_eq!(ValidTime::from_micros(i64::MAX), None);
    let store = Store::new(Mode::Events, &["id"]);
    for (column, bad) in [("_valid_from", i64::MIN), ("_valid_from", i64::MAX), ("_valid_to", i64::MAX)] {
        let rows = if column == "_valid_from" {
            fact_rows(&[(1, 5, Some(9), 1), (1, bad, Some(9), 1)])
        } else {
            fact_rows(&[(1, 5, Some(9), 1), (1, 5, Some(bad), 1)])
        };
        let expected = format!("row 2: column '{column}' holds an instant out of range");
        assert_eq!(message(store.facts(Some(OpenEnd::Open), &rows)), expected);
    }
    let year_9999 = ValidTime::parse("9999-12-31T00:00:00Z").unwrap().micros();
    store.facts(None, &fact_rows(&[(1, 5, Some(year_9999), 1)])).unwrap();
    assert_eq!(store.rows(now(year_9999 - 1)), ["1 1"]);
    assert!(store.rows(now(year_9999)).is_empty(), "it is an end like any other");
    let texts = batch(&[
        ("id", ints([1])),
        ("v", ints([2])),
        ("_valid_from", texts(["9999-12-31T00:00:00Z"])),
        ("_valid_to", texts([None::<&str>])),
    ]);
    store.facts(Some(OpenEnd::Open), &texts).unwrap();
    assert_eq!(store.rows(now(year_9999)), ["1 2"]);
}

/// An answer's lines and its hash.
fn answer(database: &Database, at: Point) -> (Vec<String>, String) {
    let request = AsOfRequest::new(name(), at);
    let answer = block_on(resolve(database, &LocalPolicy, &request)).unwrap();
    let (batches, _, end) = taken(answer).unwrap();
    (lines(&batches), end.result_hash.to_string())
}

#[test]
fn point_09_keyframes_and_rebuilds_never_change_an_answer_or_its_hash() {
    let mut store = Store::new(Mode::State, &["id"]);
    let receipts = [
        store.full(10, &rows(&[(1, 1), (2, 2)])),
        store.delta(20, &delta_rows(&[(2, None), (3, Some(3))])),
        store.full(15, &rows(&[(1, 9)])),
    ];
    let times = receipts.map(|receipt| receipt.unwrap().system_time.micros());
    let grid = |store: &Store| {
        let points = times.iter().flat_map(|known| [9, 10, 15, 20].map(|valid| point(valid, *known)));
        points.map(|at| answer(&store.database, at)).collect::<Vec<_>>()
    };
    let before = grid(&store);
    for valid in [5, 10, 17, 30] {
        for known in &times {
            store.materialise(valid, *known).unwrap();
            assert_eq!(grid(&store), before, "keyframe at {valid} known {known}");
        }
    }
    store.reopen();
    assert_eq!(grid(&store), before);
}

#[test]
fn point_10_now_asked_for_explicitly_and_implicitly_answers_the_same() {
    let store = Store::new(Mode::State, &["id"]);
    let put = store.full(10, &rows(&[(1, 1), (2, 2)])).unwrap();
    let clock = store.clock.micros();
    let implicit = answer(&store.database, Point::default());
    let explicit = answer(&store.database, point(clock, put.system_time.micros()));
    assert_eq!(implicit, explicit);
    assert_eq!(implicit.0, ["1 1", "2 2"]);
    let other = answer(&store.database, point(9, put.system_time.micros()));
    assert_ne!(implicit.1, other.1, "another answer has another hash");
}

#[test]
fn point_10_a_settled_answer_never_changes_whoever_writes_with_whatever_clock() {
    let store = Store::opened(|options| OpenOptions { clock_behind_max_micros: 120_000_000, ..options });
    store.create(calotype_suite::store::definition(Mode::State, &["id"])).unwrap();
    let open = |ahead: i64, first| {
        let clock = TestClock::new(START + ahead);
        let options = OpenOptions {
            clock_behind_max_micros: 120_000_000,
            entropy: TestEntropy::new(first),
            ..options(&clock)
        };
        block_on(Database::open(store.backend.clone(), options)).unwrap()
    };
    let writers = [open(0, 1_000), open(60_000_000, 2_000)];
    let mut answers = Vec::new();
    for round in 0..12 {
        let writer = &writers[round % 2];
        let value = i64::try_from(round).unwrap();
        let put = calotype_storage::put::Put {
            context: name(),
            kind: full(10 + value % 3),
            schema: rows(&[(1, value)]).schema(),
            batches: vec![rows(&[(1, value)])],
            options: PutOptions::default(),
        };
        let receipt = block_on(writer.put(put)).unwrap();
        let at = point(12, receipt.system_time.micros());
        answers.push((at, answer(writer, at)));
        for reader in &writers {
            block_on(reader.catch_up()).unwrap();
            for (at, expected) in &answers {
                assert_eq!(&answer(reader, *at), expected, "round {round}");
            }
        }
    }
    let hashes: std::collections::BTreeSet<_> = answers.iter().map(|(_, (_, hash))| hash).collect();
    assert!(hashes.len() > 4, "the answers differ from each other");
}

#[test]
fn point_10_a_clock_too_far_behind_refuses_to_commit() {
    let store = Store::new(Mode::State, &["id"]);
    store.full(10, &rows(&[(1, 1)])).unwrap();
    store.clock.set(START - 60_000_000);
    let error = store.full(10, &rows(&[(1, 2)])).unwrap_err();
    assert_eq!(error.code(), Code::Unavailable);
    let newest = store.database.head().unwrap().newest_time;
    assert_eq!(
        error.to_string(),
        format!(
            "this server's clock says 2025-12-31T23:59:00.000000Z, but the newest record is of {newest}: set the clock"
        )
    );
    store.clock.set(newest.micros() - 4_000_000);
    let later = store.full(10, &rows(&[(1, 2)])).unwrap();
    assert_eq!(later.system_time, newest.next(), "a little behind: one microsecond later");
}

#[test]
fn point_11_at_least_reads_what_was_written_or_says_how_far_it_is() {
    let store = Store::new(Mode::State, &["id"]);
    let clock = TestClock::new(START);
    let reader = block_on(Database::open(store.backend.clone(), options(&clock))).unwrap();
    let receipt = store.full(10, &rows(&[(1, 1)])).unwrap();
    let ask = |at_least| {
        let request = AsOfRequest { at_least, ..AsOfRequest::new(name(), now(10)) };
        block_on(resolve(&reader, &LocalPolicy, &request)).and_then(taken)
    };
    assert!(lines(&ask(None).unwrap().0).is_empty(), "the reader has not looked yet");
    let (batches, claim, _) = ask(Some(receipt.id.record)).unwrap();
    assert_eq!(lines(&batches), ["1 1"]);
    assert_eq!(claim.record.unwrap().commit, receipt.id.record.get());
    let next = Sequence::new(receipt.id.record.get() + 1);
    let error = ask(Some(next)).unwrap_err();
    assert_eq!(error.code(), Code::Unavailable);
    let (seen, wanted) = (receipt.id.record, next);
    assert_eq!(
        error.to_string(),
        format!("this node has seen commit {seen}, not yet commit {wanted}; ask again")
    );
}

#[test]
fn point_12_answers_that_share_a_store_know_nothing_of_each_other() {
    let store = Arc::new(Store::new(Mode::State, &["id"]));
    let first = store.full(10, &rows(&[(1, 1), (2, 2)])).unwrap().system_time.micros();
    store.full(10, &rows(&[(1, 5)])).unwrap();
    let open = |request: &AsOfRequest| block_on(resolve(&store.database, &LocalPolicy, request)).unwrap();
    let past = AsOfRequest { columns: Some(vec!["v".into()]), ..AsOfRequest::new(name(), point(10, first)) };
    let present = AsOfRequest::new(name(), now(10));
    let (mut one, mut other) = (open(&past), open(&present));
    // Taken in turns.
    let (a, b) = (block_on(one.next()).unwrap().unwrap(), block_on(other.next()).unwrap().unwrap());
    store.full(10, &rows(&[(7, 7)])).unwrap();
    assert!(block_on(other.next()).unwrap().is_none() && block_on(one.next()).unwrap().is_none());
    assert_eq!(lines(&[a]), ["1", "2"]);
    assert_eq!(lines(&[b]), ["1 5"]);
    assert_eq!(store.rows(point(10, known(first).micros())), ["1 1", "2 2"]);
}
