//! Points 18, 19 and 22 to 25: what makes facts, what is refused whole, repetition,
//! totals, puts without change, money.

use std::collections::BTreeMap;

use arrow_array::RecordBatch;
use calotype_query::Form;
use calotype_storage::commit::Receipt;
use calotype_storage::error::{Code, Error};
use calotype_storage::name::{ContextName, IdempotencyKey, Principal, Reason};
use calotype_storage::put::{OpenEnd, Put, PutOptions};
use calotype_storage::record::{CreateEntry, Mode, Position};
use calotype_suite::replay::valid;
use calotype_suite::store::{Store, definition, delta, evolving, expecting, full, name, now, point};
use calotype_suite::table::{batch, decimals, floats, ints, no_rows, texts};
use futures::executor::block_on;

use super::{delta_rows, fact_rows, message, named, rows};

/// Asserted, retracted, unchanged.
fn counts(receipt: &Receipt) -> (u64, u64, u64) {
    let counts = receipt.counts;
    (counts.asserted, counts.retracted, counts.unchanged)
}

#[test]
fn point_18_unchanged_rows_of_a_full_make_no_facts_and_those_of_a_delta_do() {
    let store = Store::new(Mode::State, &["id"]);
    assert_eq!(counts(&store.full(10, &rows(&[(1, 1), (2, 2), (3, 3)])).unwrap()), (3, 0, 0));
    assert_eq!(counts(&store.full(20, &rows(&[(1, 1), (2, 5)])).unwrap()), (1, 1, 1));
    assert_eq!(counts(&store.delta(30, &delta_rows(&[(1, Some(1)), (9, None)])).unwrap()), (1, 1, 0));
    assert_eq!(store.told(Form::Facts).len(), 7);
}

#[test]
fn point_18_equal_means_equal_in_canonical_form() {
    let store = Store::new(Mode::State, &["id"]);
    let row = |v: arrow_array::ArrayRef| named(&[1, 2], ("v", v));
    let nan = f64::from_bits(0x7ff8_0000_0000_0001);
    store.full(10, &row(floats([0.0, f64::NAN]))).unwrap();
    assert_eq!(counts(&store.full(20, &row(floats([-0.0, nan]))).unwrap()), (0, 0, 2));
    assert_eq!(counts(&store.full(20, &row(floats([-0.0, -nan]))).unwrap()), (0, 0, 2));
    assert_eq!(store.rows(now(10)), ["1 0.0", "2 NaN"]);

    let negative = Store::new(Mode::State, &["id"]);
    negative.full(10, &row(floats([-0.0, nan]))).unwrap();
    assert_eq!(negative.rows(now(10)), ["1 0.0", "2 NaN"], "stored as 0.0, whatever came first");

    let money = Store::new(Mode::State, &["id"]);
    money.full(10, &row(decimals(18, 2, [100, 5]))).unwrap();
    assert_eq!(counts(&money.full(20, &row(decimals(5, 2, [100, 5]))).unwrap()), (0, 0, 2));
}

#[test]
fn point_19_a_key_missing_from_a_full_is_absent_from_its_cutoff_on() {
    let store = Store::new(Mode::State, &["id"]);
    store.full(10, &rows(&[(1, 1), (2, 2)])).unwrap();
    store.full(20, &rows(&[(1, 1)])).unwrap();
    let found: Vec<String> = [9, 10, 19, 20, 30].map(|at| store.rows(now(at)).join(",")).to_vec();
    assert_eq!(found, ["", "1 1,2 2", "1 1,2 2", "1 1", "1 1"]);
}

#[test]
fn point_19_truncated_and_empty_fulls_are_refused_unless_announced() {
    let store = Store::new(Mode::State, &["id"]);
    store.full(10, &rows(&[(1, 1), (2, 2)])).unwrap();
    let head = store.database.head();
    let put = |rows: &RecordBatch, options| message(store.put(full(20), rows, options));
    assert_eq!(put(&rows(&[(1, 1)]), expecting(2)), "1 rows came; expected_rows says 2");
    let empty = no_rows(&[("id", ints([1])), ("v", ints([1]))]);
    assert_eq!(
        put(&empty, PutOptions::default()),
        "the full has no rows; if every entity is really gone, say expected_rows 0"
    );
    assert_eq!(store.database.head(), head);
    assert_eq!(put(&empty, expecting(0)), "taken");
    assert!(store.rows(now(20)).is_empty());
    assert_eq!(store.rows(now(10)).len(), 2);
}

#[test]
fn point_19_a_full_that_retracts_too_much_is_refused_unless_its_rows_were_counted() {
    let store = Store::empty();
    store
        .create(CreateEntry { max_retracted_ppm: Some(250_000), ..definition(Mode::State, &["id"]) })
        .unwrap();
    let keys = |count: i64| rows(&(0..count).map(|key| (key, key)).collect::<Vec<_>>());
    let put = |rows: &RecordBatch| message(store.put(full(20), rows, PutOptions::default()));
    assert_eq!(put(&keys(8)), "taken");
    assert_eq!(
        put(&keys(5)),
        "the full would retract 3 of 8 known keys, more than the context's max_retracted allows; if that is right, say expected_rows"
    );
    assert_eq!(put(&keys(6)), "taken", "a quarter is not more than a quarter");
    assert_eq!(message(store.full(20, &keys(1))), "taken", "it was announced and met");
    store.full(20, &keys(8)).unwrap();
    store.alter(None, Some(500_000)).unwrap();
    assert_eq!(put(&keys(5)), "taken", "the share can be changed");
}

fn with_key(key: &str) -> PutOptions {
    PutOptions { idempotency_key: Some(IdempotencyKey::parse(key).unwrap()), ..PutOptions::default() }
}

#[test]
fn point_22_the_same_put_again_is_answered_as_the_first_time() {
    let mut store = Store::new(Mode::State, &["id"]);
    let first = store.put(full(10), &rows(&[(1, 1), (2, 2)]), with_key("load")).unwrap();
    assert!(!first.replayed);
    store.full(10, &rows(&[(1, 9)])).unwrap();
    for _ in 0..2 {
        let head = store.database.head();
        // The same rows in another order are the same rows.
        for rows in [rows(&[(1, 1), (2, 2)]), rows(&[(2, 2), (1, 1)])] {
            let again = store.put(full(10), &rows, with_key("load")).unwrap();
            assert_eq!(again, Receipt { replayed: true, ..first.clone() });
        }
        assert_eq!(store.database.head(), head);
        assert_eq!(store.rows(now(10)), ["1 9"], "it was not put again");
        store.reopen();
    }
}

#[test]
fn point_22_the_same_put_is_the_same_after_the_schema_changed() {
    let store = Store::new(Mode::State, &["id"]);
    let first = store.put(full(10), &rows(&[(1, 1)]), with_key("load")).unwrap();
    let added = batch(&[("id", ints([1])), ("v", ints([1])), ("note", texts(["x"]))]);
    store.put(full(20), &added, evolving()).unwrap();
    let again = store.put(full(10), &rows(&[(1, 1)]), with_key("load")).unwrap();
    assert_eq!(again, Receipt { replayed: true, ..first });
}

#[test]
fn point_22_another_put_under_the_same_key_is_refused() {
    let mut store = Store::new(Mode::State, &["id"]);
    let first = store.put(full(10), &rows(&[(1, 1)]), with_key("load")).unwrap();
    let expected = format!(
        "idempotency key 'load' was used for another put, in commit {}; use another key",
        first.id.record
    );
    for _ in 0..2 {
        let check = |kind, rows: &RecordBatch, options: PutOptions| {
            let error = store.put(kind, rows, options).unwrap_err();
            assert_eq!(error.to_string(), expected);
            assert_eq!(error.code(), Code::AlreadyExists);
        };
        check(full(10), &rows(&[(1, 2)]), with_key("load"));
        check(full(20), &rows(&[(1, 1)]), with_key("load"));
        check(delta(10), &rows(&[(1, 1)]), with_key("load"));
        let reason = Some(Reason::parse("another").unwrap());
        check(full(10), &rows(&[(1, 1)]), PutOptions { reason, ..with_key("load") });
        check(full(10), &rows(&[(1, 1)]), PutOptions { replace: true, ..with_key("load") });
        let refused = store.withdraw(10, with_key("load")).map(|_| ());
        assert_eq!(message(refused), expected);
        store.reopen();
    }
    assert_eq!(store.rows(now(10)), ["1 1"]);
}

#[test]
fn point_22_keys_are_scoped_to_principal_and_context() {
    let store = Store::new(Mode::State, &["id"]);
    store.put(full(10), &rows(&[(1, 1)]), with_key("load")).unwrap();
    let other = PutOptions { principal: Principal::parse("other").unwrap(), ..with_key("load") };
    let theirs = store.put(full(10), &rows(&[(1, 2)]), other).unwrap();
    assert!(!theirs.replayed);
    assert_eq!(store.rows(now(10)), ["1 2"]);
    let context = ContextName::parse("payments").unwrap();
    let create = calotype_storage::evaluate::CreateContext {
        deed: calotype_storage::evaluate::Deed { context: context.clone(), options: PutOptions::default() },
        definition: definition(Mode::State, &["id"]),
    };
    block_on(store.database.create_context(create)).unwrap();
    let put = Put {
        context,
        kind: full(10),
        schema: rows(&[]).schema(),
        batches: vec![rows(&[(1, 3)])],
        options: with_key("load"),
    };
    assert!(!block_on(store.database.put(put)).unwrap().replayed);
}

#[test]
fn point_22_a_refused_put_does_not_use_its_key_up() {
    let store = Store::new(Mode::State, &["id"]);
    let twice = message(store.put(full(10), &rows(&[(1, 1), (1, 2)]), with_key("load")));
    assert!(twice.starts_with("1 keys come more than once: id=1 in rows 1, 2"), "{twice}");
    assert!(!store.put(full(10), &rows(&[(1, 1)]), with_key("load")).unwrap().replayed);
    for bad in ["", "tab\t", "\u{e9}", &"x".repeat(129)] {
        assert!(IdempotencyKey::parse(bad).is_err(), "{bad:?}");
    }
    assert!(IdempotencyKey::parse(&"~ ".repeat(64)).is_ok());
}

#[test]
fn point_23_totals_that_disagree_refuse_the_put_whole() {
    let store = Store::new(Mode::State, &["id"]);
    let rows = batch(&[
        ("id", ints([1, 2])),
        ("amount", decimals(18, 2, [1010, 220])),
        ("n", ints([Some(5), None])),
        ("rate", floats([0.5, 0.5])),
    ]);
    let put = |totals: &[(&str, &str)]| {
        let totals: BTreeMap<_, _> = totals.iter().map(|(c, t)| ((*c).to_owned(), (*t).to_owned())).collect();
        message(store.put(full(10), &rows, PutOptions { totals, ..PutOptions::default() }))
    };
    let total = |column: &str, found: &str, expected: &str| {
        format!("the total of column '{column}' is {found}; {expected} was announced")
    };
    assert_eq!(put(&[("amount", "12.31")]), total("amount", "12.30", "12.31"));
    assert_eq!(put(&[("amount", "12.30"), ("n", "6")]), total("n", "5", "6"));
    assert_eq!(put(&[("amount", "12.301")]), total("amount", "12.30", "12.301"));
    assert_eq!(put(&[("amount", "1.23e1")]), total("amount", "12.30", "1.23e1"));
    let none = |column: &str| {
        format!(
            "there is no total of column '{column}': it must be a decimal or integer column of the context"
        )
    };
    assert_eq!(put(&[("rate", "1.0")]), none("rate"));
    assert_eq!(put(&[("missing", "1")]), none("missing"));
    assert!(store.context().schema().is_none(), "nothing was applied");
    assert_eq!(put(&[("amount", "12.3"), ("n", "5")]), "taken");
    assert_eq!(store.claim(now(10)).completeness.status, "complete");
}

#[test]
fn point_24_a_put_without_change_is_a_commit_that_carries_what_came_with_it() {
    let store = Store::new(Mode::State, &["id"]);
    let first = store.full(10, &rows(&[(1, 1)])).unwrap();
    let position = Position { source: "ledger".into(), partition: "0".into(), epoch: 1, from: 0, to: 17 };
    let options = PutOptions {
        reason: Some(Reason::parse("monthly run").unwrap()),
        positions: vec![position.clone()],
        watermark: Some(valid(10)),
        ..expecting(1)
    };
    let second = store.put(full(10), &rows(&[(1, 1)]), options).unwrap();
    assert_eq!(counts(&second), (0, 0, 1));
    assert!(second.id.record > first.id.record);
    assert_ne!(first.snapshot, second.snapshot, "it seals a snapshot of its own");
    let context = store.context();
    let entry = context.entries().last().unwrap();
    assert_eq!(entry.entry.reason.as_ref().unwrap().as_str(), "monthly run");
    assert_eq!(entry.positions(), [position]);
    assert_eq!(context.watermark_at(second.system_time), Some(valid(10)));
    assert_eq!(context.watermark_at(first.system_time), None);
    let claim = store.claim(now(10));
    assert_eq!(
        (claim.positions[0].to.as_str(), claim.record.unwrap().commit),
        ("17", second.id.record.get())
    );
}

#[test]
fn point_24_a_delta_of_no_rows_states_nothing_and_is_committed() {
    let store = Store::new(Mode::State, &["id"]);
    store.full(10, &rows(&[(1, 1)])).unwrap();
    let empty = no_rows(&[("id", ints([1])), ("v", ints([1]))]);
    let receipt = store.delta(20, &empty).unwrap();
    assert_eq!(counts(&receipt), (0, 0, 0));
    assert!(receipt.snapshot.is_some());
    assert_eq!(store.rows(now(20)), ["1 1"]);
    store.full(10, &rows(&[(1, 9)])).unwrap();
    assert_eq!(store.rows(now(20)), ["1 9"], "it bounds nothing");
    assert_eq!(message(store.withdraw(20, PutOptions::default())), "taken", "its cutoff is known");
    let unknown = |at: &str| {
        format!(
            "context 'loans' knows nothing at cutoff 1970-01-01T00:00:00.0000{at}Z, so there is nothing to withdraw"
        )
    };
    assert_eq!(message(store.withdraw(20, PutOptions::default())), unknown("20"));
    let error = store.withdraw(30, PutOptions::default()).unwrap_err();
    assert_eq!((error.code(), error.to_string()), (Code::NotFound, unknown("30")));
}

#[test]
fn point_24_retracting_where_nothing_holds_is_allowed_and_kept() {
    let store = Store::new(Mode::State, &["id"]);
    assert_eq!(counts(&store.delta(20, &delta_rows(&[(1, None)])).unwrap()), (0, 1, 0));
    store.full(10, &rows(&[(1, 1)])).unwrap();
    assert_eq!([10, 20].map(|at| store.rows(now(at)).len()), [1, 0]);
    let events = Store::new(Mode::Events, &["id"]);
    let retract = batch(&[
        ("id", ints([1])),
        ("v", ints([None])),
        ("_op", texts(["retract"])),
        ("_valid_from", calotype_suite::table::instants([5])),
    ]);
    assert_eq!(counts(&events.facts(Some(OpenEnd::Open), &retract).unwrap()), (0, 1, 0));
    let empty = fact_rows(&[]);
    assert_eq!(counts(&events.facts(None, &empty).unwrap()), (0, 0, 0));
}

#[test]
fn point_25_money_is_decimal_from_end_to_end() {
    let store = Store::new(Mode::State, &["id"]);
    // More digits than a double holds, at both ends of the type.
    let (most, least) = (10_i128.pow(38) - 1, -(10_i128.pow(38) - 1));
    let amounts =
        batch(&[("id", ints([1, 2, 3])), ("amount", decimals(38, 2, [most, least, 9_007_199_254_740_993]))]);
    let known = store.full(10, &amounts).unwrap().system_time.micros();
    let nines = "9".repeat(36);
    let expected = [format!("1 {nines}.99"), format!("2 -{nines}.99"), "3 90071992547409.93".to_owned()];
    assert_eq!(store.rows(point(10, known)), expected);
    store.materialise(10, known).unwrap();
    assert_eq!(store.rows(point(10, known)), expected);
    let as_float = named(&[1], ("amount", floats([1.0])));
    let refused: Result<_, Error> = store.put(full(10), &as_float, evolving());
    assert_eq!(message(refused), "column 'amount' is of type double; expected decimal128(38, 2)");
    assert_eq!(store.context().name(), &name());
}
