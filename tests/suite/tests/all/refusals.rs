//! Bad input: each is refused with an error that names row and column, and nothing
//! of it is applied.

use arrow_array::{ArrayRef, RecordBatch};
use calotype_query::{AsOfRequest, Form, HistoryRequest, Keys, TimeRange};
use calotype_storage::database::OpenOptions;
use calotype_storage::error::Code;
use calotype_storage::identity::Sequence;
use calotype_storage::put::{OpenEnd, PutKind, PutLimits, PutOptions};
use calotype_storage::record::{CreateEntry, FieldWire, Listed, Mode, Position, SchemaWire};
use calotype_suite::store::{Store, definition, delta, evolving, expecting, full, known, name, now};
use calotype_suite::table::{batch, bools, bytes, floats, instants, ints, no_rows, texts};

/// A store whose context knows one entity, and all that a refused put must leave alone.
struct Kept {
    store: Store,
    before: String,
}

impl Kept {
    fn new(mode: Mode) -> Self {
        Self::of(Store::new(mode, &["id"]), mode)
    }

    fn of(store: Store, mode: Mode) -> Self {
        let rows = [("id", ints([1])), ("v", ints([7])), ("s", texts(["x"]))];
        match mode {
            Mode::State => store.full(10, &batch(&rows)),
            Mode::Events => store.facts(Some(OpenEnd::Open), &with(&rows, ("_valid_from", instants([10])))),
        }
        .unwrap();
        let before = Self::told(&store);
        Self { store, before }
    }

    /// Head, context and state in words.
    fn told(store: &Store) -> String {
        let (head, context) = (store.database.head(), store.context());
        format!("{head:?} {context:?} {:?} {:?}", store.rows(now(10)), store.told(Form::Facts))
    }

    fn refuses(&self, kind: PutKind, rows: &RecordBatch, options: PutOptions, expected: &str) {
        let error = self.store.put(kind, rows, options).map(|receipt| receipt.counts);
        assert_eq!(error.unwrap_err().to_string(), expected);
        assert_eq!(Self::told(&self.store), self.before, "nothing is applied: {expected}");
    }
}

fn with(columns: &[(&'static str, ArrayRef)], column: (&'static str, ArrayRef)) -> RecordBatch {
    let mut columns = columns.to_vec();
    columns.push(column);
    batch(&columns)
}

/// Two good rows, of which a test spoils one column.
fn rows(spoiled: &[(&'static str, ArrayRef)]) -> RecordBatch {
    let mut columns = vec![("id", ints([1, 2])), ("v", ints([7, 8])), ("s", texts(["x", "y"]))];
    for (name, column) in spoiled {
        match columns.iter_mut().find(|(other, _)| other == name) {
            Some(known) => known.1 = column.clone(),
            None => columns.push((name, column.clone())),
        }
    }
    batch(&columns)
}

#[test]
fn rows_that_are_no_statements_of_the_context() {
    let kept = Kept::new(Mode::State);
    let check = |spoiled: &[(&'static str, ArrayRef)], expected: &str| {
        for options in [expecting(2), evolving()] {
            kept.refuses(full(10), &rows(spoiled), options, expected);
        }
    };
    check(&[("id", ints([Some(1), None]))], "row 2: column 'id' is null: it belongs to the key");
    check(
        &[("id", ints([3, 3]))],
        "1 keys come more than once: id=3 in rows 1, 2; remove the duplicates, or say with on_duplicate which row counts",
    );
    check(&[("id", floats([1.0, 2.0]))], "column 'id' is of type double; expected int64");
    check(&[("v", texts(["7", "8"]))], "column 'v' is of type string; expected int64");
    check(&[("s", bools([true, false]))], "column 's' is of type bool; expected string");
    check(&[("s", bytes([b"x".as_slice(), b"y"]))], "column 's' is of type binary; expected string");
    check(&[("_op", texts(["assert", "assert"]))], "'_op' does not go with a put of kind full");
    check(&[("_valid_from", instants([1, 2]))], "'_valid_from' does not go with a put of kind full");
    let no_name = "is not a column name: 1 to 128 bytes without control characters, not beginning with _";
    check(&[("_note", ints([1, 2]))], &format!("'_note' {no_name}"));
    kept.refuses(full(10), &rows(&[("", ints([1, 2]))]), evolving(), &format!("'' {no_name}"));
    kept.refuses(
        full(10),
        &rows(&[("new", ints([1, 2]))]),
        expecting(2),
        "column 'new' is not a column of context 'loans'; allow the put to evolve the schema, or leave the column out",
    );
    let twice = batch(&[("id", ints([1])), ("v", ints([1])), ("s", texts(["x"])), ("v", ints([1]))]);
    kept.refuses(full(10), &twice, evolving(), "column 'v' came twice");
}

#[test]
fn deltas_that_are_none() {
    let kept = Kept::new(Mode::State);
    let check = |spoiled: &[(&'static str, ArrayRef)], expected: &str| {
        kept.refuses(delta(20), &rows(spoiled), PutOptions::default(), expected);
    };
    check(&[("_op", texts(["assert", "delete"]))], "row 2: _op is 'delete'; expected assert or retract");
    check(&[("_op", ints([1, 2]))], "column '_op' is of type Int64; expected string");
    check(&[("_valid_to", instants([1, 2]))], "'_valid_to' does not go with a put of kind delta");
    let null = [("id", ints([Some(1), None])), ("_op", texts(["assert", "retract"]))];
    check(&null, "row 2: column 'id' is null: it belongs to the key");
    let facts = PutKind::Facts { valid_to: Some(OpenEnd::Open) };
    kept.refuses(
        facts,
        &rows(&[("_valid_from", instants([1, 2]))]),
        PutOptions::default(),
        "context 'loans' takes statements (full, delta; one record is mended by a delta); facts was handed over",
    );
}

#[test]
fn facts_with_bad_periods() {
    let kept = Kept::new(Mode::Events);
    let facts = PutKind::Facts { valid_to: None };
    let check = |from: ArrayRef, to: ArrayRef, expected: &str| {
        let spoiled = [("_valid_from", from), ("_valid_to", to)];
        kept.refuses(facts, &rows(&spoiled), PutOptions::default(), expected);
    };
    let inverted = "row 2: the period from 1970-01-01T00:00:00.000005Z to 1970-01-01T00:00:00.000004Z is empty or inverted";
    check(instants([1, 5]), instants([2, 4]), inverted);
    let empty = "row 1: the period from 1970-01-01T00:00:00.000005Z to 1970-01-01T00:00:00.000005Z is empty or inverted";
    check(instants([5, 5]), instants([5, 6]), empty);
    let out_of_range = |column| format!("row 2: column '{column}' holds an instant out of range");
    check(instants([1, i64::MIN]), instants([2, 4]), &out_of_range("_valid_from"));
    check(instants([1, i64::MAX]), instants([2, 4]), &out_of_range("_valid_from"));
    check(instants([1, 1]), instants([2, i64::MAX]), &out_of_range("_valid_to"));
    check(
        texts(["1970-01-01T00:00:00Z", "1970-01-01"]),
        texts(["1970-01-02T00:00:00Z", "1970-01-02T00:00:00Z"]),
        "row 2: column '_valid_from' does not hold an instant: '1970-01-01' is a date alone; give an instant, for example 1970-01-01T00:00:00Z",
    );
    let replace = PutOptions { replace: true, ..PutOptions::default() };
    let good = rows(&[("_valid_from", instants([1, 1])), ("_valid_to", instants([2, 2]))]);
    kept.refuses(facts, &good, replace, "'replace' does not go with a put of kind facts");
    kept.refuses(full(10), &rows(&[]), expecting(2), "context 'loans' takes facts; full was handed over");
    let offset = rows(&[
        ("_valid_from", instants([1, 1])),
        ("_valid_to", instants([2, 2])),
        ("_offset", texts(["1", "2"])),
    ]);
    kept.refuses(facts, &offset, PutOptions::default(), "column '_offset' is of type Utf8; expected int64");
}

#[test]
fn rows_and_keys_over_the_limits() {
    let limits = PutLimits { rows_max: 3, bytes_max: 100_000 };
    let store = Store::opened(|options| OpenOptions { limits, ..options });
    store.create(definition(Mode::State, &["id"])).unwrap();
    let kept = Kept::of(store, Mode::State);
    let four = batch(&[("id", ints(0..4)), ("v", ints(0..4)), ("s", texts(["x"; 4]))]);
    let too_many = "the put has 4 rows; at most 3 are taken at once: split it, or raise the limit";
    kept.refuses(full(10), &four, expecting(4), too_many);
    let error = kept.store.put(full(10), &four, expecting(4)).unwrap_err();
    assert_eq!(error.code(), Code::ResourceExhausted);
    let long = "x".repeat(200_000);
    let error = kept.store.full(10, &rows(&[("s", texts(["x", &long]))])).unwrap_err();
    let found = error.to_string();
    assert!(
        found.starts_with("the put has 2") && found.contains("bytes; at most 100000 are taken"),
        "{found}"
    );
    assert_eq!(Kept::told(&kept.store), kept.before);

    let texts_as_keys = Store::new(Mode::State, &["s"]);
    let kept = Kept::of(texts_as_keys, Mode::State);
    let (fits, long) = ("k".repeat(1_000), "k".repeat(1_100));
    kept.store.full(10, &rows(&[("s", texts([fits.as_str(), "y"]))])).unwrap();
    let error = kept.store.full(10, &rows(&[("s", texts(["x", &long]))])).unwrap_err().to_string();
    let is_long =
        error.starts_with("row 2: the key has 11") && error.ends_with(" bytes; at most 1024 are kept");
    assert!(is_long, "{error}");

    let kept = Kept::new(Mode::State);
    let (fits, long) = ("x".repeat(1_000_000), "x".repeat(1 << 20));
    let error = kept.store.full(10, &rows(&[("s", texts(["x", &long]))])).unwrap_err().to_string();
    let is_long = error.starts_with("row 2 has 10485") && error.ends_with(" bytes; at most 1048576 are kept");
    assert!(is_long, "{error}");
    assert_eq!(Kept::told(&kept.store), kept.before);
    kept.store.full(10, &rows(&[("s", texts(["x", &fits]))])).unwrap();
}

#[test]
fn fulls_that_were_announced_otherwise() {
    let kept = Kept::new(Mode::State);
    kept.refuses(full(10), &rows(&[]), expecting(3), "2 rows came; expected_rows says 3");
    let empty = no_rows(&[("id", ints([1])), ("v", ints([1])), ("s", texts(["x"]))]);
    let unannounced = "the full has no rows; if every entity is really gone, say expected_rows 0";
    kept.refuses(full(10), &empty, PutOptions::default(), unannounced);
    let commit = Sequence::new(0);
    let options = PutOptions { expected_commit: Some(commit), ..expecting(2) };
    let found = kept.store.context().newest_record().unwrap();
    kept.refuses(
        full(10),
        &rows(&[]),
        options,
        &format!(
            "context 'loans' was last changed in commit {found}; expected_commit says {commit}: look again and decide"
        ),
    );
    let position = |source: &str, from, to| Position {
        source: source.into(),
        partition: "0".into(),
        epoch: 0,
        from,
        to,
    };
    let check = |position, expected: &str| {
        let options = PutOptions { positions: vec![position], ..expecting(2) };
        kept.refuses(full(10), &rows(&[]), options, expected);
    };
    check(position("s", 5, 4), "positions: from at or below to");
    let words = "positions: source and partition of 1 to 256 bytes without control characters";
    check(position("", 1, 2), words);
    check(position("a\nb", 1, 2), words);
}

#[test]
fn times_in_the_future() {
    let kept = Kept::new(Mode::State);
    let future = kept.store.clock.micros() + 3_600_000_000;
    let starts = format!("known_at {} is in the future; the time is ", known(future));
    let request = AsOfRequest::new(name(), calotype_suite::store::point(10, future));
    let error = kept.store.ask(&request).unwrap_err();
    assert!(error.code() == Code::OutOfRange && error.to_string().starts_with(&starts), "{error}");
    let request = HistoryRequest {
        system: TimeRange::At(known(future)),
        ..HistoryRequest::new(name(), Keys::All, Form::Facts)
    };
    let error = kept.store.tell(&request).unwrap_err().to_string();
    assert!(error.starts_with(&starts), "{error}");
    let far = calotype_suite::store::point(10, future);
    let error = kept.store.differences(now(10), far).unwrap_err().to_string();
    assert!(error.starts_with(&starts), "{error}");
    let error = kept.store.materialise(10, future).unwrap_err().to_string();
    assert!(error.starts_with(&starts), "a keyframe of what is not known yet: {error}");
    assert_eq!(Kept::told(&kept.store), kept.before);
}

/// A context that is none is not created.
fn check_definition(columns: &[(&str, &str)], key: &[&str], expected: &str) {
    let fields = (1..).zip(columns).map(|(id, (name, of_type))| FieldWire {
        id,
        name: (*name).to_owned(),
        r#type: (*of_type).to_owned(),
        nullable: true,
        class: None,
    });
    let schema = SchemaWire {
        version: 1,
        key: key.iter().map(ToString::to_string).collect(),
        fields: fields.collect(),
    };
    let store = Store::empty();
    let head = store.database.head();
    let created =
        store.create(CreateEntry { schema: Some(Listed::Inline(schema)), ..definition(Mode::State, key) });
    assert_eq!(created.unwrap_err().to_string(), expected);
    assert_eq!(store.database.head(), head);
    assert_eq!(store.database.contexts().unwrap(), []);
}

#[test]
fn contexts_that_are_none() {
    let expected = "columns: distinct names and kept types, and a key that names some of them";
    check_definition(&[("id", "int7")], &["id"], expected);
    check_definition(&[("id", "double")], &["id"], expected);
    check_definition(&[("id", "int64"), ("id", "int64")], &["id"], expected);
    check_definition(&[("id", "int64")], &["other"], expected);
    let name = "'_id' is not a column name: 1 to 128 bytes without control characters, not beginning with _";
    check_definition(&[("_id", "int64")], &["_id"], name);
    let store = Store::new(Mode::State, &["id"]);
    assert!(store.create(definition(Mode::State, &["id"])).unwrap().replayed);
    let error = store.create(definition(Mode::Events, &["id"])).unwrap_err();
    assert_eq!(error.code(), Code::AlreadyExists);
    assert_eq!(error.to_string(), "context 'loans' exists already with another mode");
    let error = store.create(definition(Mode::State, &["id", "part"])).unwrap_err();
    assert_eq!(error.to_string(), "context 'loans' exists already with another key");
    let put = Store::empty().full(10, &rows(&[])).unwrap_err();
    let expected = "there is no context 'loans'; create it first, or look at the list of contexts";
    assert_eq!((put.code(), put.to_string()), (Code::NotFound, expected.to_owned()));
    let error = store.full(10, &batch(&[("v", ints([1]))])).unwrap_err().to_string();
    assert_eq!(error, "the columns do not make a schema: key column 'id' is not among the columns");
}
