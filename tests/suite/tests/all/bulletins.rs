//! The real bulletins in a store answer what a naive reader of the files answers.
//!
//! All extracts are fulls, so that the rule is short: the state at (V, S) is what the
//! newest publication known at S says of the greatest day ≤ V, of those published
//! and not withdrawn.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, RecordBatch, StringArray};
use arrow_schema::{DataType, Field, Schema};
use calotype_oracle::Seed;
use calotype_query::{AsOfRequest, LocalPolicy, resolve};
use calotype_storage::database::Database;
use calotype_storage::error::Error;
use calotype_storage::evaluate::{CreateContext, Deed, Withdraw};
use calotype_storage::name::ContextName;
use calotype_storage::put::{Put, PutKind, PutOptions};
use calotype_storage::record::{CreateEntry, Mode};
use calotype_suite::replay::valid;
use calotype_suite::store::{Store, definition, known, point, taken};
use futures::executor::block_on;

mod feed;

use feed::{Publication, Row, Table, key, read};

const CONTEXTS: [&str; 3] = ["national", "regions", "provinces"];
const DAY: i64 = 86_400_000_000;

fn context(name: &str) -> ContextName {
    ContextName::parse(name).unwrap()
}

/// What the files say.
fn naive(feed: &[Publication], context: &str, valid: i64, known: i64) -> BTreeMap<Vec<String>, Row> {
    let mut days: BTreeMap<i64, &Table> = BTreeMap::new();
    let mine = feed.iter().filter(|p| p.context == context && p.recorded_at <= known);
    for publication in mine.filter(|p| p.cutoff <= valid) {
        match &publication.table {
            None => drop(days.remove(&publication.cutoff)),
            Some(Ok(table)) if publication.fits => drop(days.insert(publication.cutoff, table)),
            Some(_) => {}
        }
    }
    days.pop_last().and_then(|(_, table)| table.rows(key(context))).unwrap_or_default()
}

/// All columns as texts, empty ones null.
fn batch(table: &Table) -> RecordBatch {
    let field = |name: &String| Field::new(name, DataType::Utf8, true);
    let schema = Schema::new(table.header.iter().map(field).collect::<Vec<_>>());
    let column = |place: usize| -> ArrayRef {
        let values =
            table.records.iter().map(|record| Some(record[place].as_str()).filter(|v| !v.is_empty()));
        Arc::new(values.collect::<StringArray>())
    };
    let columns = (0..table.header.len()).map(column).collect();
    RecordBatch::try_new(Arc::new(schema), columns).unwrap()
}

fn load(database: &Database, publication: &Publication) -> Result<(), Error> {
    let cutoff = valid(publication.cutoff);
    let context = context(&publication.context);
    let options = PutOptions {
        recorded_at: Some(known(publication.recorded_at)),
        evolve: true,
        ..PutOptions::default()
    };
    match &publication.table {
        None => {
            let deed = Deed { context, options };
            block_on(database.withdraw(Withdraw { deed, cutoff })).map(|_| ())
        }
        Some(Err(_)) => Ok(()),
        Some(Ok(table)) => {
            let rows = batch(table);
            let put = Put {
                context,
                kind: PutKind::Full { cutoff },
                schema: rows.schema(),
                batches: vec![rows],
                options,
            };
            block_on(database.put(put)).map(|_| ())
        }
    }
}

/// A store with all bulletins, and what was refused.
fn loaded(feed: &[Publication]) -> (Store, Vec<String>) {
    let store = Store::empty();
    for name in CONTEXTS {
        let definition = CreateEntry { import: true, ..definition(Mode::State, key(name)) };
        let deed = Deed { context: context(name), options: PutOptions::default() };
        block_on(store.database.create_context(CreateContext { deed, definition })).unwrap();
    }
    let mut refused = Vec::new();
    for publication in feed {
        match load(&store.database, publication) {
            Ok(()) => {
                let skipped = matches!(publication.table, Some(Err(_)));
                assert!(publication.fits || skipped, "{}", publication.file);
            }
            Err(error) => {
                assert!(!publication.fits, "{}: {error}", publication.file);
                refused.push(format!("{}: {error}", publication.file));
            }
        }
    }
    (store, refused)
}

/// What the store says, by key, null values left out.
fn state(database: &Database, name: &str, valid: i64, known: i64) -> BTreeMap<Vec<String>, Row> {
    let request = AsOfRequest::new(context(name), point(valid, known));
    let answer = block_on(resolve(database, &LocalPolicy, &request)).unwrap();
    let (batches, ..) = taken(answer).unwrap();
    let mut rows = BTreeMap::new();
    for batch in &batches {
        for place in 0..batch.num_rows() {
            let schema = batch.schema();
            let cells = schema.fields().iter().zip(batch.columns()).filter_map(|(field, column)| {
                let column = column.as_string::<i32>();
                column.is_valid(place).then(|| (field.name().clone(), column.value(place).to_owned()))
            });
            let row: Row = cells.collect();
            let key = key(name).iter().map(|column| row[*column].clone()).collect();
            rows.insert(key, row);
        }
    }
    rows
}

#[test]
fn a_thousand_points_answer_as_a_naive_reader_does() {
    let feed = read();
    assert_eq!(feed.len(), 4_022);
    let (mut store, refused) = loaded(&feed);
    check_refusals(&refused, &feed);
    let mut seed = Seed::new(1_000);
    let times: Vec<i64> = feed.iter().map(|publication| publication.recorded_at).collect();
    let first_day = feed.iter().map(|publication| publication.cutoff).min().unwrap();
    let mut points = Vec::new();
    for _ in 0..1_000 {
        let name = CONTEXTS[seed.below(3) as usize];
        let valid = first_day - 3 * DAY + i64::from(seed.below(690 * 24)) * (DAY / 24);
        // At a publication, just before it, or some hours later.
        let known = times[seed.below(4_022) as usize] + [0, -1, DAY / 6][seed.below(3) as usize];
        points.push((name, valid, known));
    }
    // What was withdrawn, just before, then, and up to the next publication.
    for withdrawn in feed.iter().filter(|publication| publication.table.is_none()) {
        let name = CONTEXTS.into_iter().find(|name| *name == withdrawn.context).unwrap();
        for known in [-1, 0, 1].map(|later| withdrawn.recorded_at + later) {
            points.extend([(name, withdrawn.cutoff, known), (name, withdrawn.cutoff + DAY, known)]);
        }
    }
    let expected: Vec<_> =
        points.iter().map(|(name, valid, known)| naive(&feed, name, *valid, *known)).collect();
    let distinct: BTreeSet<_> = expected.iter().collect();
    assert!(distinct.len() > 400, "{} different states", distinct.len());
    for when in ["as loaded", "with a new index"] {
        for ((name, valid, known), expected) in points.iter().zip(&expected) {
            let found = state(&store.database, name, *valid, *known);
            assert_eq!(&found, expected, "{when}: {name} at {valid} known {known}");
        }
        store.reopen();
    }
}

/// What the naive reader found no table in is not put; of the rest, the store refuses what has no place in it.
fn check_refusals(refused: &[String], feed: &[Publication]) {
    let no_name = "'' is not a column name: 1 to 128 bytes without control characters, not beginning with _";
    let twice = "21 keys come more than once: codice_regione=01, codice_provincia=991 in rows 120, 141; \
                 codice_regione=02, codice_provincia=998 in rows 127, 148; codice_regione=03, ";
    let expected = [
        ("regions/00001_20200305.csv", no_name),
        ("regions/00005_20200305.csv", no_name),
        ("provinces/00157_20200625.csv", twice),
        ("provinces/00162_20200625.csv", twice),
        ("provinces/00164_20200625.csv", twice),
    ];
    assert_eq!(refused.len(), expected.len(), "{refused:#?}");
    for (found, (file, why)) in refused.iter().zip(expected) {
        assert!(found.starts_with(&format!("{file}: {why}")), "{found}");
    }
    let mut unread = BTreeMap::new();
    for publication in feed {
        if let Some(Err(why)) = publication.table {
            unread.entry(why).or_insert_with(Vec::new).push(publication.file.as_str());
        }
    }
    assert_eq!(unread["no key"], ["regions/00099_20200511.csv"]);
    let lengths =
        ["regions/00072_20200311.csv", "regions/00072_20200410.csv", "provinces/00187_20200713.csv"];
    assert_eq!(unread["rows of several lengths"], lengths);
}
