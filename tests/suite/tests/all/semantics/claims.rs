//! What the model says of claims: completeness, positions, staleness, settled time,
//! what is not yet known; and answers by offsets.

use std::collections::BTreeMap;

use calotype_query::{AsOfRequest, Claim};
use calotype_storage::error::Code;
use calotype_storage::put::{OpenEnd, PutKind, PutOptions};
use calotype_storage::record::{CreateEntry, CutoffSemantics, Mode, Position};
use calotype_suite::harness::START;
use calotype_suite::replay::valid;
use calotype_suite::store::{Store, definition, expecting, full, known, name, now, point};
use calotype_suite::table::{batch, instants, ints, lines, texts};

use super::{delta_rows, fact_rows, rows};

/// Status and reason as the model writes them.
fn completeness(claim: &Claim) -> String {
    let found = &claim.completeness;
    found.reason.as_ref().map_or(found.status.to_owned(), |reason| format!("{}: {reason}", found.status))
}

#[test]
fn completeness_of_statements_is_that_of_the_newest_snapshot_or_no_full() {
    let store = Store::new(Mode::State, &["id"]);
    store.delta(10, &delta_rows(&[(1, Some(1))])).unwrap();
    assert_eq!(completeness(&store.claim(now(10))), "partial: no full");
    let unchecked = PutOptions::default();
    store.put(full(20), &rows(&[(1, 1)]), unchecked).unwrap();
    assert_eq!(completeness(&store.claim(now(20))), "partial: unchecked");
    assert_eq!(completeness(&store.claim(now(19))), "partial: no full");
    let counted = store.full(20, &rows(&[(1, 1)])).unwrap();
    assert_eq!(completeness(&store.claim(now(20))), "complete");
    store.delta(30, &delta_rows(&[(1, Some(2))])).unwrap();
    assert_eq!(completeness(&store.claim(now(30))), "partial: delta");
    assert_eq!(completeness(&store.claim(point(30, counted.system_time.micros()))), "complete");
    store.withdraw(20, PutOptions::default()).unwrap();
    assert_eq!(completeness(&store.claim(now(30))), "partial: no full");
    let totals = BTreeMap::from([("v".to_owned(), "5".to_owned())]);
    store.put(full(40), &rows(&[(1, 5)]), PutOptions { totals, ..PutOptions::default() }).unwrap();
    assert_eq!(completeness(&store.claim(now(40))), "complete");
}

#[test]
fn completeness_of_facts_is_the_watermarks() {
    let store = Store::new(Mode::Events, &["id"]);
    let kind = PutKind::Facts { valid_to: Some(OpenEnd::Open) };
    let put = |watermark: Option<i64>| {
        let options = PutOptions { watermark: watermark.map(valid), ..PutOptions::default() };
        store.put(kind, &fact_rows(&[(1, 5, None, 1)]), options).unwrap().system_time.micros()
    };
    let first = put(None);
    assert_eq!(completeness(&store.claim(now(5))), "partial: no watermark");
    put(Some(20));
    put(Some(10));
    assert_eq!(completeness(&store.claim(now(20))), "complete");
    assert_eq!(completeness(&store.claim(now(21))), "partial: no watermark");
    assert_eq!(completeness(&store.claim(point(20, first))), "partial: no watermark");
}

#[test]
fn a_claim_names_what_the_answer_rests_on() {
    let store = Store::new(Mode::State, &["id"]);
    let options = PutOptions { semantics: CutoffSemantics::BusinessEffective, ..expecting(1) };
    let receipt = store.put(full(10_000_000), &rows(&[(1, 1)]), options).unwrap();
    store.alter(None, Some(1_000_000)).unwrap();
    let claim = store.claim(now(25_900_000));
    assert_eq!(claim.store, store.database.store_id().to_string());
    assert_eq!((claim.context.as_str(), claim.schema_version), ("loans", Some(1)));
    assert_eq!(claim.valid_at, "1970-01-01T00:00:25.900000Z");
    assert_eq!(claim.behind_seconds, Some(15), "whole seconds since the newest snapshot's cutoff");
    let record = claim.record.unwrap();
    assert_eq!((record.commit, record.entry), (receipt.id.record.get(), receipt.id.place));
    assert_eq!(record.hash, receipt.record_hash.to_string());
    let snapshot = claim.snapshot.unwrap();
    assert_eq!(snapshot.id, receipt.snapshot.unwrap().to_string());
    assert_eq!((snapshot.kind, snapshot.revision), ("full", 1));
    assert_eq!(snapshot.cutoff, "1970-01-01T00:00:10.000000Z");
    assert_eq!(snapshot.semantics, CutoffSemantics::BusinessEffective);
    assert_eq!(store.claim(now(9_000_000)).snapshot.map(|snapshot| snapshot.id), None);
}

#[test]
fn nothing_is_known_before_the_first_commit_and_the_claim_says_so() {
    let store = Store::new(Mode::State, &["id"]);
    let claim = store.claim(now(10));
    assert!(claim.not_yet_known && !claim.settled && claim.settled_to.is_none() && claim.record.is_none());
    assert!(store.rows(now(10)).is_empty());
    let put = store.full(10, &rows(&[(1, 1)])).unwrap().system_time.micros();
    let before = store.claim(point(10, put - 1));
    assert!(before.not_yet_known && before.settled && before.record.is_none());
    assert!(store.rows(point(10, put - 1)).is_empty());
    let after = store.claim(point(10, put));
    assert!(!after.not_yet_known && after.settled);
    let json: serde_json::Value = serde_json::from_str(&before.to_json()).unwrap();
    assert_eq!(json["not_yet_known"], true);
}

#[test]
fn system_time_left_out_is_the_settled_time_and_the_future_is_refused() {
    let store = Store::new(Mode::State, &["id"]);
    let put = store.full(10, &rows(&[(1, 1)])).unwrap().system_time;
    let claim = store.claim(now(10));
    assert_eq!((claim.known_at, claim.settled), (put.to_string(), true));
    assert_eq!(claim.settled_to, Some(put.to_string()));
    let later = store.claim(point(10, put.micros() + 1));
    assert_eq!((later.settled, later.settled_to), (false, Some(put.to_string())));
    let future = store.clock.micros() + 3_600_000_000;
    let error = store.ask(&AsOfRequest::new(name(), point(10, future))).unwrap_err();
    assert_eq!(error.code(), Code::OutOfRange);
    let expected = format!("known_at {} is in the future; the time is ", known(future));
    assert!(error.to_string().starts_with(&expected), "{error}");
    // Not beyond the settled time, although the clock was set back: answered.
    store.clock.set(START - 3_600_000_000);
    assert_eq!(store.rows(point(10, put.micros())), ["1 1"]);
}

#[test]
fn another_contexts_commit_settles_what_was_open() {
    let store = Store::new(Mode::State, &["id"]);
    let put = store.full(10, &rows(&[(1, 1)])).unwrap().system_time.micros();
    assert!(!store.claim(point(10, put + 1)).settled);
    let context = calotype_storage::name::ContextName::parse("payments").unwrap();
    let deed = calotype_storage::evaluate::Deed { context, options: PutOptions::default() };
    let definition = definition(Mode::State, &["id"]);
    let create = calotype_storage::evaluate::CreateContext { deed, definition };
    let other = futures::executor::block_on(store.database.create_context(create)).unwrap();
    let claim = store.claim(point(10, put + 1));
    assert_eq!((claim.settled, claim.settled_to), (true, Some(other.system_time.to_string())));
}

#[test]
fn a_context_open_for_import_is_settled_up_to_its_own_newest_entry() {
    let store = Store::empty();
    store.create(CreateEntry { import: true, ..definition(Mode::State, &["id"]) }).unwrap();
    let put = |recorded_at: i64, value| {
        let options = PutOptions { recorded_at: Some(known(recorded_at)), ..expecting(1) };
        store.put(full(10), &rows(&[(1, value)]), options).unwrap()
    };
    assert_eq!(put(1_000, 1).system_time, known(1_000));
    let claim = store.claim(now(10));
    assert_eq!(claim.settled_to, Some(known(1_000).to_string()));
    assert!(!store.claim(point(10, 1_500)).settled);
    assert_eq!(store.rows(point(10, 1_500)), ["1 1"]);
    put(1_400, 2);
    assert_eq!(
        [999, 1_000, 1_399, 1_400].map(|at| store.rows(point(10, at)).join("")),
        ["", "1 1", "1 1", "1 2"]
    );
    let live = store.go_live().unwrap();
    assert!(live.system_time > known(START));
    let claim = store.claim(now(10));
    assert_eq!(claim.settled_to, Some(live.system_time.to_string()));
    assert_eq!(store.rows(point(10, 1_000)), ["1 1"], "an answer that was settled stays");
    store.full(10, &rows(&[(1, 3)])).unwrap();
    assert_eq!([1_000, 1_400].map(|at| store.rows(point(10, at)).join("")), ["1 1", "1 2"]);
}

fn position(partition: &str, epoch: u64, to: i64) -> Position {
    let (source, partition) = ("ledger".to_owned(), partition.to_owned());
    Position { source, partition, epoch, from: 0, to }
}

#[test]
fn positions_are_the_furthest_as_known_then() {
    let store = Store::new(Mode::State, &["id"]);
    let put = |positions| {
        let options = PutOptions { positions, ..expecting(1) };
        store.put(full(10), &rows(&[(1, 1)]), options).unwrap().system_time.micros()
    };
    let first = put(vec![position("0", 1, 100), position("1", 1, 5)]);
    let second = put(vec![position("0", 2, 7), position("1", 1, 4)]);
    let told = |known| {
        let positions = store.claim(point(10, known)).positions;
        positions
            .iter()
            .map(|p| format!("{}/{}@{}:{}", p.source, p.partition, p.epoch, p.to))
            .collect::<Vec<_>>()
    };
    assert_eq!(told(first), ["ledger/0@1:100", "ledger/1@1:5"]);
    assert_eq!(told(second), ["ledger/0@2:7", "ledger/1@1:5"], "a later epoch is further");
    assert!(told(first - 1).is_empty());
}

#[test]
fn answers_by_offsets_take_facts_at_or_below_the_vector_and_count_those_without_position() {
    let store = Store::new(Mode::Events, &["id"]);
    let kind = PutKind::Facts { valid_to: Some(OpenEnd::Open) };
    let facts = batch(&[
        ("id", ints([1, 1, 2])),
        ("v", ints([10, 11, 20])),
        ("_valid_from", instants([5, 5, 5])),
        ("_valid_to", instants([Some(50), Some(50), None])),
        ("_partition", texts(["a", "a", "b"])),
        ("_offset", ints([1, 1, 3])),
    ]);
    let put = |rows: &arrow_array::RecordBatch, positions| {
        store.put(kind, rows, PutOptions { positions, ..PutOptions::default() }).unwrap();
    };
    put(&facts, vec![position("a", 1, 2), position("b", 1, 3)]);
    // One whose put reached a position, one with neither.
    put(&fact_rows(&[(3, 5, None, 30)]), vec![position("a", 1, 4)]);
    put(&fact_rows(&[(1, 5, None, 99)]), vec![]);
    let ask = |vector: &[(&str, u64, i64)]| {
        let vector = vector
            .iter()
            .map(|(partition, epoch, to)| (("ledger".to_owned(), (*partition).to_owned()), (*epoch, *to)));
        let request = AsOfRequest { offsets: Some(vector.collect()), ..AsOfRequest::new(name(), now(5)) };
        let (batches, claim, _) = store.ask(&request).unwrap();
        assert_eq!(claim.completeness.reason.as_deref(), Some("offsets"));
        (lines(&batches), claim.offsets.map(|offsets| offsets.facts_without_position))
    };
    let expected = |lines: &[&str]| (lines.iter().map(ToString::to_string).collect::<Vec<_>>(), Some(1));
    assert_eq!(ask(&[]), expected(&[]));
    assert_eq!(ask(&[("a", 1, 0), ("b", 1, 2)]), expected(&[]));
    assert_eq!(ask(&[("a", 1, 1)]), expected(&["1 11"]));
    assert_eq!(ask(&[("a", 1, 3), ("b", 1, 3)]), expected(&["1 11", "2 20"]));
    assert_eq!(ask(&[("a", 1, 4), ("b", 1, 3)]), expected(&["1 11", "2 20", "3 30"]));
    assert_eq!(ask(&[("a", 2, 0), ("b", 0, 9)]), expected(&["1 11", "3 30"]), "epochs count first");
    assert_eq!(store.rows(now(5)), ["1 99", "2 20", "3 30"]);
    let state = Store::new(Mode::State, &["id"]);
    state.full(10, &rows(&[(1, 1)])).unwrap();
    let request = AsOfRequest { offsets: Some(BTreeMap::new()), ..AsOfRequest::new(name(), now(10)) };
    let expected = "context 'loans' keeps statements; an offset vector selects among facts";
    assert_eq!(state.ask(&request).unwrap_err().to_string(), expected);
}
