//! Points 13 to 17: permanent fields, compatible change, past reads, nothing cast.

use arrow_array::{ArrayRef, RecordBatch};
use calotype_query::{AsOfRequest, Form, HistoryRequest, Keys, TimeRange};
use calotype_storage::put::{OpenEnd, PutKind, PutOptions};
use calotype_storage::record::Mode;
use calotype_storage::schema::SchemaVersion;
use calotype_suite::store::{Store, evolving, expecting, full, known, name, now, point};
use calotype_suite::table::{
    batch, bools, bytes, days, decimals, floats, instants, ints, lines, small_floats, small_ints, texts,
};

use super::{fact_rows, message, named, rows};

/// Names and types of an answer's columns.
fn columns(batch: &RecordBatch) -> Vec<String> {
    let schema = batch.schema();
    let print = |field: &arrow_schema::FieldRef| format!("{} {}", field.name(), field.data_type());
    schema.fields().iter().map(print).collect()
}

/// Puts a full of another shape into a context that knows a first one, and reads both points.
fn check_evolves(first: ArrayRef, next: ArrayRef, types: [&str; 2], shown: [&str; 2]) {
    let store = Store::new(Mode::State, &["id"]);
    let before = store.full(10, &named(&[1], ("v", first))).unwrap();
    let rows = named(&[1, 2], ("v", next));
    let refused = message(store.full(20, &rows));
    let wider = "wider than the declared";
    assert!(refused.contains(wider) && refused.contains("column 'v'"), "{refused}");
    let after = store.put(full(20), &rows, evolving()).unwrap();
    assert_eq!((before.schema_version, after.schema_version), (1, 2));
    for (receipt, of_type, value) in [(before, types[0], shown[0]), (after, types[1], shown[1])] {
        let request = AsOfRequest::new(name(), point(10, receipt.system_time.micros()));
        let (batches, claim, _) = store.ask(&request).unwrap();
        assert_eq!(columns(&batches[0]), ["id Int64".to_owned(), format!("v {of_type}")]);
        assert_eq!(lines(&batches), [format!("1 {value}")]);
        assert_eq!(claim.schema_version, Some(receipt.schema_version));
    }
}

#[test]
fn point_13_widening_makes_a_new_version_and_past_reads_keep_theirs() {
    check_evolves(small_ints([7]), ints([8, 9]), ["Int32", "Int64"], ["7", "7"]);
    let (small, wide) = (small_floats([0.5]), floats([1.5, 2.5]));
    check_evolves(small, wide, ["Float32", "Float64"], ["0.5", "0.5"]);
    let (small, wide) = (decimals(9, 2, [1230]), decimals(18, 2, [4560, 1]));
    check_evolves(small, wide, ["Decimal128(9, 2)", "Decimal128(18, 2)"], ["12.30", "12.30"]);
}

#[test]
fn point_13_widening_alone_changes_no_content() {
    let store = Store::new(Mode::State, &["id"]);
    store.full(10, &named(&[1, 2], ("v", small_ints([7, 8])))).unwrap();
    let put = store.put(full(20), &named(&[1, 2], ("v", ints([7, 9]))), evolving()).unwrap();
    assert_eq!((put.counts.asserted, put.counts.unchanged), (1, 1), "7 is 7 in any width");
}

/// A column of another type is refused by name, with and without leave to evolve.
fn check_refused(first: ArrayRef, next: ArrayRef, types: [&str; 2]) {
    let store = Store::new(Mode::State, &["id"]);
    store.full(10, &named(&[1], ("v", first))).unwrap();
    let before = (store.database.head(), store.context().schema().cloned());
    let expected = format!("column 'v' is of type {}; expected {}", types[1], types[0]);
    let rows = named(&[2], ("v", next));
    for options in [expecting(1), PutOptions { expected_rows: Some(1), ..evolving() }] {
        assert_eq!(message(store.put(full(20), &rows, options)), expected);
    }
    let after = (store.database.head(), store.context().schema().cloned());
    assert_eq!(before, after);
}

#[test]
fn point_13_all_other_changes_are_refused_with_the_column_named() {
    check_refused(decimals(9, 2, [1]), decimals(12, 3, [1]), ["decimal128(9, 2)", "decimal128(12, 3)"]);
    check_refused(ints([1]), floats([1.0]), ["int64", "double"]);
    check_refused(ints([1]), texts(["1"]), ["int64", "string"]);
    check_refused(texts(["x"]), bytes([b"x".as_slice()]), ["string", "binary"]);
    check_refused(days([1]), instants([1]), ["date32[day]", "timestamp[us, tz=UTC]"]);
    check_refused(bools([true]), ints([1]), ["bool", "int64"]);
}

#[test]
fn point_13_renaming_keeps_the_field_and_is_done_by_alter_context_alone() {
    let mut store = Store::new(Mode::State, &["id"]);
    let first = store.full(10, &rows(&[(1, 7)])).unwrap();
    let altered = store.alter(Some(("v", "amount")), None).unwrap();
    assert_eq!(altered.schema_version, 2);
    let unchanged = store.full(20, &named(&[1], ("amount", ints([7])))).unwrap();
    assert_eq!((unchanged.counts.unchanged, unchanged.schema_version), (1, 2));
    for _ in 0..2 {
        let shape = |at| columns(&store.ask(&AsOfRequest::new(name(), at)).unwrap().0[0]);
        assert_eq!(shape(now(10)), ["id Int64", "amount Int64"]);
        assert_eq!(shape(point(10, first.system_time.micros())), ["id Int64", "v Int64"]);
        store.reopen();
    }
    assert_eq!(
        message(store.alter(Some(("v", "x")), None)),
        "column 'v' is not a column of context 'loans'; allow the put to evolve the schema, or leave the column out"
    );
    assert_eq!(message(store.alter(Some(("id", "amount")), None)), "column 'amount' exists already");
    assert_eq!(
        message(store.alter(Some(("amount", "_op")), None)),
        "'_op' is not a column name: 1 to 128 bytes without control characters, not beginning with _"
    );
    store.alter(Some(("id", "loan")), None).unwrap();
    let put = store.full(30, &batch(&[("loan", ints([1])), ("amount", ints([8]))])).unwrap();
    assert_eq!((put.counts.asserted, put.counts.retracted), (1, 0), "the key is the same key");
}

#[test]
fn point_13_the_key_never_changes_save_widening() {
    let store = Store::new(Mode::State, &["id"]);
    let key = |column: ArrayRef| batch(&[("id", column), ("v", ints([7]))]);
    store.full(10, &key(small_ints([1]))).unwrap();
    let found = message(store.put(full(20), &key(texts(["1"])), evolving()));
    assert_eq!(found, "column 'id' is of type string; expected int32");
    let found = message(store.put(full(20), &batch(&[("v", ints([7]))]), evolving()));
    assert_eq!(found, "column 'id' of context 'loans' is missing; it belongs to the key");
    let widened = store.put(full(20), &key(ints([1])), evolving()).unwrap();
    assert_eq!((widened.counts.unchanged, widened.counts.asserted), (1, 0), "1 is the same key in any width");
    let wide = store.put(full(30), &key(ints([1 << 40])), evolving()).unwrap();
    assert_eq!((wide.counts.asserted, wide.counts.retracted), (1, 1));
}

/// A context whose second put adds a column. The receipts' times.
fn with_added_column() -> (Store, [i64; 2]) {
    let store = Store::new(Mode::State, &["id"]);
    let first = store.full(10, &rows(&[(1, 7)])).unwrap();
    let columns = [("id", ints([1, 2])), ("v", ints([7, 8])), ("note", texts([None, Some("new")]))];
    let second = store.put(full(20), &batch(&columns), evolving()).unwrap();
    assert_eq!(second.schema_version, 2);
    let times = [first, second].map(|receipt| receipt.system_time.micros());
    (store, times)
}

#[test]
fn point_14_reads_answer_in_the_version_of_their_time_or_in_a_chosen_one() {
    let (store, [first, second]) = with_added_column();
    let ask = |valid, known, version: Option<u32>| {
        let request = AsOfRequest {
            schema_version: version.map(SchemaVersion::new),
            ..AsOfRequest::new(name(), point(valid, known))
        };
        let answered = store.ask(&request).map_err(|error| error.to_string());
        answered.map(|(batches, claim, _)| (lines(&batches), claim.schema_version))
    };
    let lines =
        |lines: &[&str], version| Ok((lines.iter().map(ToString::to_string).collect(), Some(version)));
    assert_eq!(ask(20, first, None), lines(&["1 7"], 1));
    assert_eq!(ask(20, second, None), lines(&["1 7 -", "2 8 new"], 2));
    assert_eq!(ask(20, first, Some(2)), lines(&["1 7 -"], 2), "not yet known: null");
    assert_eq!(ask(20, second, Some(1)), lines(&["1 7", "2 8"], 1));
    assert_eq!(ask(20, 1, None), lines(&[], 1), "before the first put: the first");
    assert_eq!(ask(20, second, Some(3)), Err("context 'loans' has no schema version 3".to_owned()));
    let request = AsOfRequest {
        columns: Some(vec!["note".into(), "id".into()]),
        ..AsOfRequest::new(name(), point(20, first))
    };
    assert_eq!(
        store.ask(&request).unwrap_err().to_string(),
        "context 'loans' has no column 'note' in schema version 1"
    );
}

#[test]
fn point_14_ranges_answer_in_the_version_at_their_end() {
    let (store, [first, second]) = with_added_column();
    let shape = |system| {
        let request = HistoryRequest { system, ..HistoryRequest::new(name(), Keys::All, Form::Rectangles) };
        let (batches, claim, _) = store.tell(&request).unwrap();
        (columns(&batches[0]).len() - 5, claim.schema_version)
    };
    assert_eq!(shape(TimeRange::Between(known(1), known(first))), (2, Some(1)));
    assert_eq!(shape(TimeRange::FromTo(known(1), known(second))), (2, Some(1)));
    assert_eq!(shape(TimeRange::Between(known(1), known(second))), (3, Some(2)));
    assert_eq!(shape(TimeRange::All), (3, Some(2)));
}

#[test]
fn point_15_a_name_taken_again_is_another_field() {
    let (mut store, [first, second]) = with_added_column();
    store.alter(Some(("note", "old_note")), None).unwrap();
    let columns = [("id", ints([1, 2])), ("v", ints([7, 8])), ("note", ints([1, 2]))];
    let mut all = columns.to_vec();
    all.push(("old_note", texts([None::<&str>; 2])));
    let refused = message(store.put(full(30), &batch(&all), PutOptions::default()));
    assert!(refused.starts_with("column 'note' is not a column of context 'loans'"), "{refused}");
    let put = store.put(full(30), &batch(&columns), evolving()).unwrap();
    let ids = |store: &Store| {
        let schema = store.context().schema().cloned().unwrap();
        schema.fields().iter().map(|field| (field.name.to_string(), field.id.get())).collect::<Vec<_>>()
    };
    let expected = [("id", 1), ("v", 2), ("old_note", 3), ("note", 4)];
    let expected = expected.map(|(name, id)| (name.to_owned(), id));
    for _ in 0..2 {
        assert_eq!(ids(&store), expected);
        assert_eq!(store.rows(now(20)), ["1 7 - -", "2 8 new -"], "the old one's texts stay its own");
        assert_eq!(store.rows(point(30, put.system_time.micros())), ["1 7 - 1", "2 8 - 2"]);
        assert_eq!(store.rows(point(30, second)), ["1 7 -", "2 8 new"]);
        assert_eq!(store.rows(point(30, first)), ["1 7"]);
        store.reopen();
    }
}

#[test]
fn point_16_nothing_is_cast_to_make_it_fit() {
    let store = Store::new(Mode::State, &["id"]);
    let first = [("id", ints([1])), ("n", ints([7])), ("amount", decimals(9, 2, [100])), ("s", texts(["x"]))];
    store.full(10, &batch(&first)).unwrap();
    let head = store.database.head();
    let check = |place: usize, column: ArrayRef, expected: &str| {
        let mut columns = first.clone();
        columns[place].1 = column;
        for options in [expecting(1), evolving()] {
            assert_eq!(message(store.put(full(10), &batch(&columns), options)), expected);
        }
        assert_eq!(store.database.head(), head);
    };
    check(1, floats([7.0]), "column 'n' is of type double; expected int64");
    check(1, texts(["7"]), "column 'n' is of type string; expected int64");
    check(2, ints([1]), "column 'amount' is of type int64; expected decimal128(9, 2)");
    check(2, floats([1.0]), "column 'amount' is of type double; expected decimal128(9, 2)");
    check(3, ints([1]), "column 's' is of type int64; expected string");
    assert_eq!(store.rows(now(10)), ["1 7 1.00 x"]);
    // A narrower column fits unchanged: its values are values of the declared type.
    let narrow = [
        ("id", small_ints([1])),
        ("n", small_ints([7])),
        ("amount", decimals(5, 2, [100])),
        ("s", texts(["x"])),
    ];
    assert_eq!(store.full(20, &batch(&narrow)).unwrap().counts.unchanged, 1);
}

#[test]
fn point_17_a_missing_column_is_null_and_never_carried_over() {
    let store = Store::new(Mode::State, &["id"]);
    store.full(10, &batch(&[("id", ints([1])), ("v", ints([7])), ("note", texts(["x"]))])).unwrap();
    let without = rows(&[(1, 7)]);
    assert_eq!(
        message(store.full(20, &without)),
        "column 'note' of context 'loans' is missing; allow the put to evolve the schema, and it is null in these rows"
    );
    let put = store.put(full(20), &without, evolving()).unwrap();
    assert_eq!((put.counts.asserted, put.schema_version), (1, 1), "the note went");
    assert_eq!(store.rows(now(20)), ["1 7 -"]);
    let again = store.put(full(30), &without, evolving()).unwrap();
    assert_eq!((again.counts.unchanged, again.counts.asserted), (1, 0), "it alone makes no fact");
}

#[test]
fn point_17_columns_that_are_not_nullable_must_come() {
    let store = Store::empty();
    let field = |id, name: &str, of_type: &str, nullable| calotype_storage::record::FieldWire {
        id,
        name: name.into(),
        r#type: of_type.into(),
        nullable,
        class: None,
    };
    let schema = calotype_storage::record::SchemaWire {
        version: 1,
        key: vec!["id".into()],
        fields: vec![
            field(1, "id", "int64", false),
            field(2, "v", "int64", false),
            field(3, "s", "string", true),
        ],
    };
    let definition = calotype_storage::record::CreateEntry {
        schema: Some(calotype_storage::record::Listed::Inline(schema)),
        ..calotype_suite::store::definition(Mode::State, &["id"])
    };
    store.create(definition).unwrap();
    let put = |rows: RecordBatch| message(store.put(full(10), &rows, evolving()));
    let missing = "column 'v' of context 'loans' is missing; it is not nullable";
    assert_eq!(put(named(&[1], ("s", texts(["x"])))), missing);
    let null = batch(&[("id", ints([1, 2])), ("v", ints([Some(1), None])), ("s", texts(["x", "y"]))]);
    assert_eq!(put(null), "row 2: column 'v' is null: it is not nullable");
    assert_eq!(put(rows(&[(1, 1)])), "taken", "a nullable one may be left out");
}

#[test]
fn point_17_a_column_of_nulls_says_no_type_in_a_first_put_and_is_null_later() {
    let store = Store::new(Mode::State, &["id"]);
    let nulls = || arrow_array::new_null_array(&arrow_schema::DataType::Null, 1);
    assert_eq!(
        message(store.full(10, &named(&[1], ("v", nulls())))),
        "column 'v' is of type null, which is not kept; a first put must say what a column is: declare its type"
    );
    store.full(10, &rows(&[(1, 7)])).unwrap();
    store.full(20, &named(&[1], ("v", nulls()))).unwrap();
    assert_eq!(store.rows(now(20)), ["1 -"]);
    // In facts as well, where a retraction has its key alone.
    let events = Store::new(Mode::Events, &["id"]);
    events.facts(Some(OpenEnd::Open), &fact_rows(&[(1, 10, None, 7)])).unwrap();
    let columns = [("id", ints([1])), ("v", nulls()), ("_valid_from", instants([20]))];
    let kind = PutKind::Facts { valid_to: Some(OpenEnd::Open) };
    events.put(kind, &batch(&columns), PutOptions::default()).unwrap();
    assert_eq!(events.rows(now(20)), ["1 -"]);
}
