//! Points 20 and 21: duplicate keys, key types and their order.

use arrow_array::ArrayRef;
use calotype_query::{AsOfRequest, KeyValue, Keys};
use calotype_storage::put::{OnDuplicate, PutOptions};
use calotype_storage::record::Mode;
use calotype_suite::store::{Store, full, name, now};
use calotype_suite::table::{
    batch, bools, bytes, days, decimals, floats, instants, ints, lines, naturals, small_ints, texts,
};

use super::{fact_rows, message, rows};

#[test]
fn point_20_duplicate_keys_are_refused_with_the_first_ten_and_their_rows() {
    let store = Store::new(Mode::State, &["id"]);
    let twice: Vec<(i64, i64)> = (0..24).map(|row| (row % 12, row)).collect();
    let named: Vec<String> =
        (0..10).map(|key| format!("id={key} in rows {}, {}", key + 1, key + 13)).collect();
    let expected = format!(
        "12 keys come more than once: {}; remove the duplicates, or say with on_duplicate which row counts",
        named.join("; ")
    );
    assert_eq!(message(store.full(10, &rows(&twice))), expected);
    assert!(store.context().schema().is_none(), "nothing was applied");
}

#[test]
fn point_20_on_duplicate_says_which_row_counts_and_the_result_how_many_were_dropped() {
    let repeated = rows(&[(1, 10), (2, 20), (1, 11), (1, 12)]);
    for (on_duplicate, kept) in [(OnDuplicate::First, "1 10"), (OnDuplicate::Last, "1 12")] {
        let store = Store::new(Mode::State, &["id"]);
        let options = PutOptions { on_duplicate, ..PutOptions::default() };
        let receipt = store.put(full(10), &repeated, options).unwrap();
        assert_eq!((receipt.counts.duplicates, receipt.counts.rows), (2, 4));
        assert_eq!(store.rows(now(10)), [kept, "2 20"]);
    }
}

#[test]
fn point_20_a_later_row_of_a_facts_put_overrides_an_earlier_one() {
    let store = Store::new(Mode::Events, &["id"]);
    let put = fact_rows(&[(1, 10, Some(30), 1), (1, 20, Some(40), 2), (1, 35, Some(36), 3)]);
    store.facts(None, &put).unwrap();
    let values: Vec<String> = [10, 20, 35, 36].map(|at| store.rows(now(at)).join("")).to_vec();
    assert_eq!(values, ["1 1", "1 2", "1 3", "1 2"]);
}

#[test]
fn point_20_a_null_in_a_key_is_refused() {
    let store = Store::new(Mode::State, &["id", "part"]);
    let put = batch(&[("id", ints([1, 2])), ("part", texts([Some("a"), None])), ("v", ints([1, 2]))]);
    let expected = "row 2: column 'part' is null: it belongs to the key";
    assert_eq!(message(store.full(10, &put)), expected);
}

/// Keys of a type come in their order, and each is found by its value.
fn check_order(keys: ArrayRef, expected: &[&str], values: &[KeyValue]) {
    let store = Store::new(Mode::State, &["id"]);
    let count = i64::try_from(keys.len()).unwrap();
    let found = message(store.full(10, &batch(&[("id", keys), ("v", ints(0..count))])));
    assert_eq!(found, "taken");
    let request = AsOfRequest { columns: Some(vec!["id".into()]), ..AsOfRequest::new(name(), now(10)) };
    assert_eq!(lines(&store.ask(&request).unwrap().0), expected);
    for (value, expected) in values.iter().zip(expected) {
        let one = AsOfRequest { keys: Keys::one(vec![value.clone()]), ..request.clone() };
        assert_eq!(lines(&store.ask(&one).unwrap().0), [*expected], "{value:?}");
    }
}

fn text(text: &str) -> KeyValue {
    KeyValue::Text(text.to_owned())
}

#[test]
fn point_21_every_key_type_has_its_order() {
    use KeyValue::{Bool, Bytes, Integer};
    check_order(bools([true, false]), &["false", "true"], &[Bool(false), Bool(true)]);
    let extremes = [i64::MAX, 0, -1, i64::MIN, 5];
    let sorted = ["-9223372036854775808", "-1", "0", "5", "9223372036854775807"];
    let values = [i64::MIN, -1, 0, 5, i64::MAX].map(|value| Integer(value.into()));
    check_order(ints(extremes), &sorted, &values);
    check_order(small_ints([3, -3, 0]), &["-3", "0", "3"], &[Integer(-3), Integer(0), Integer(3)]);
    check_order(
        naturals([u64::MAX, 0]),
        &["0", "18446744073709551615"],
        &[Integer(0), text("18446744073709551615")],
    );
    check_order(
        decimals(18, 2, [100, -5, 1_000_000]),
        &["-0.05", "1.00", "10000.00"],
        &[text("-0.05"), text("1"), text("10000.00")],
    );
    check_order(days([1, -1]), &["1969-12-31", "1970-01-02"], &[text("1969-12-31"), text("1970-01-02")]);
    check_order(
        instants([1_000_000, -1_000_000]),
        &["1969-12-31T23:59:59.000000Z", "1970-01-01T00:00:01.000000Z"],
        &[text("1969-12-31T23:59:59Z"), text("1970-01-01T01:00:01+01:00")],
    );
    // By bytes, without collation or normalisation: é as one letter and as two are two keys.
    let names = ["é", "e\u{301}", "z", "Z", "", "a", "aa", "a\0"];
    let sorted = ["", "Z", "a", "a\0", "aa", "e\u{301}", "z", "é"];
    check_order(texts(names), &sorted, &sorted.map(text));
    let (two, one) = ([0xff_u8, 0x00], [0xff_u8]);
    check_order(
        bytes([two.as_slice(), one.as_slice(), b"\x00"]),
        &["00", "ff", "ff00"],
        &[Bytes(vec![0]), Bytes(vec![0xff]), Bytes(vec![0xff, 0])],
    );
}

#[test]
fn point_21_composite_keys_are_ordered_column_by_column_as_declared() {
    let store = Store::new(Mode::State, &["part", "id"]);
    let put = batch(&[
        ("id", ints([2, 10, 1, 1])),
        ("part", texts(["a", "a", "ab", "b"])),
        ("v", ints([1, 2, 3, 4])),
    ]);
    store.full(10, &put).unwrap();
    assert_eq!(store.rows(now(10)), ["2 a 1", "10 a 2", "1 ab 3", "1 b 4"]);
    let ask = |key: Vec<KeyValue>| {
        let request = AsOfRequest { keys: Keys::one(key), ..AsOfRequest::new(name(), now(10)) };
        store.ask(&request).map(|(batches, ..)| lines(&batches)).map_err(|error| error.to_string())
    };
    assert_eq!(ask(vec![text("ab"), KeyValue::Integer(1)]), Ok(vec!["1 ab 3".to_owned()]));
    assert_eq!(ask(vec![text("a"), KeyValue::Integer(1)]), Ok(vec![]));
    // Keys are never one string: columns do not run into each other.
    let store = Store::new(Mode::State, &["a", "b"]);
    store.full(10, &batch(&[("a", texts(["x", "xy"])), ("b", texts(["yz", "z"]))])).unwrap();
    assert_eq!(store.rows(now(10)), ["x yz", "xy z"]);
    let wrong = Store::new(Mode::State, &["part", "id"]);
    wrong.full(10, &put).unwrap();
    let request =
        AsOfRequest { keys: Keys::one(vec![KeyValue::Integer(1)]), ..AsOfRequest::new(name(), now(10)) };
    assert_eq!(
        wrong.ask(&request).unwrap_err().to_string(),
        "a key of context 'loans' is part (string), id (int64); found 1"
    );
}

#[test]
fn point_21_floats_and_nested_types_are_no_keys() {
    let store = Store::new(Mode::State, &["id"]);
    let put = |key: ArrayRef| message(store.full(10, &batch(&[("id", key), ("v", ints([1]))])));
    assert_eq!(
        put(floats([1.0])),
        "the columns do not make a schema: key column 'id' is of type double; a key is bool, integer, decimal, date, timestamp, string or binary"
    );
    let list =
        arrow_array::ListArray::from_iter_primitive::<arrow_array::types::Int32Type, _, _>([Some([Some(1)])]);
    let found = put(std::sync::Arc::new(list));
    assert!(found.starts_with("column 'id' is of type List("), "{found}");
    assert!(found.contains("which is not kept"), "{found}");
}

#[test]
fn point_20_duplicates_of_every_type_are_named_as_people_read_them() {
    let check = |keys: ArrayRef, expected: &str| {
        let store = Store::new(Mode::State, &["id"]);
        let found = message(store.full(10, &batch(&[("id", keys), ("v", ints([1, 2]))])));
        let found = found.trim_start_matches("1 keys come more than once: ");
        assert_eq!(found.split(" in rows").next(), Some(expected));
    };
    check(texts(["a b", "a b"]), "id=a b");
    check(days([1, 1]), "id=1970-01-02");
    check(decimals(9, 2, [5, 5]), "id=0.05");
    check(instants([5, 5]), "id=1970-01-01T00:00:00.000005Z");
}
