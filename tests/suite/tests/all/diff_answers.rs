//! What differs between any two points equals the difference of the oracle's states.

use std::collections::BTreeMap;

use arrow_array::cast::AsArray;
use arrow_array::types::{Int64Type, UInt32Type};
use arrow_array::{Array, RecordBatch};
use calotype_oracle::{
    Change, EventsShape, FactOracle, Key, Seed, StatementOracle, StatementShape, diff, events_history,
    statement_history,
};
use calotype_query::{DiffRequest, Keys, LocalPolicy};
use calotype_storage::SystemTime;
use calotype_storage::database::Database;
use calotype_storage::evaluate::{Deed, Materialise};
use calotype_storage::put::PutOptions;
use calotype_storage::record::Mode;
use calotype_suite::harness::{START, TestClock, memory};
use calotype_suite::replay::{apply, apply_events, context, create, instants, valid};
use calotype_suite::store::{point, taken};
use futures::executor::block_on;

/// A point on both axes: valid time, system time.
type At = (i64, i64);

/// A row of a diff: what changed, key, value.
type ChangeRow = (String, Key, u32);

/// The rows in which a difference is told, by key.
fn told(changes: &BTreeMap<Key, Change<u32>>) -> Vec<ChangeRow> {
    let mut rows = Vec::new();
    for (key, change) in changes {
        let mut row = |word: &str, value: &u32| rows.push((word.to_owned(), *key, *value));
        match change {
            Change::Added(value) => row("added", value),
            Change::Removed(value) => row("removed", value),
            Change::Changed { from, to } => {
                row("changed_from", from);
                row("changed_to", to);
            }
        }
    }
    rows
}

/// The rows of an answer. Each names an entry of the context that the later point knows, with its system time.
fn rows(database: &Database, batch: &RecordBatch, known: i64) -> Vec<ChangeRow> {
    let context = database.context(&context()).unwrap();
    let words = batch.column_by_name("_change").unwrap().as_string::<i32>();
    let keys = batch.column_by_name("k").unwrap().as_primitive::<Int64Type>();
    let values = batch.column_by_name("v").unwrap().as_primitive::<UInt32Type>();
    let entries = batch.column_by_name("_entry").unwrap().as_string::<i32>();
    let times = instants(batch, "_system_from");
    let row = |row: usize| {
        let named = |entry: &&_| -> bool {
            let entry: &std::sync::Arc<calotype_storage::context::KnownEntry> = entry;
            entry.id.to_string() == entries.value(row)
        };
        let entry = context.entries().iter().find(named).unwrap();
        assert!(entry.facts().is_some(), "an entry that brought facts");
        assert_eq!(Some(entry.system_time().micros()), times[row]);
        assert!(times[row] <= Some(known), "an entry known at one of the points");
        assert!(values.is_valid(row));
        let key = Key(u32::try_from(keys.value(row)).unwrap());
        (words.value(row).to_owned(), key, values.value(row))
    };
    (0..batch.num_rows()).map(row).collect()
}

fn ask(database: &Database, from: At, to: At) -> Vec<ChangeRow> {
    let request = DiffRequest {
        principal: PutOptions::default().principal,
        context: context(),
        from: point(from.0, from.1),
        to: point(to.0, to.1),
        keys: Keys::All,
        schema_version: None,
        at_least: None,
    };
    let answer = block_on(calotype_query::diff(database, &LocalPolicy, &request)).unwrap();
    let (batches, ..) = taken(answer).unwrap();
    let known = from.1.max(to.1);
    batches.iter().flat_map(|batch| rows(database, batch, known)).collect()
}

/// Compares the differences of random pairs of points.
fn check(
    database: &Database,
    state: impl Fn(i64, i64) -> BTreeMap<Key, u32>,
    (valid, known): (&[i64], &[i64]),
    seed: &mut Seed,
) -> usize {
    let mut pick = |from: &[i64]| from[seed.below(u32::try_from(from.len()).unwrap()) as usize];
    let mut found = 0;
    for round in 0..60 {
        let from = (pick(valid), pick(known));
        // Every third pair shares its valid time, every fifth its system time.
        let to = (
            if round % 3 == 0 { from.0 } else { pick(valid) },
            if round % 5 == 0 { from.1 } else { pick(known) },
        );
        let expected = told(&diff(&state(from.0, from.1), &state(to.0, to.1)));
        assert_eq!(ask(database, from, to), expected, "from {from:?} to {to:?}");
        found += expected.len();
    }
    found
}

fn keyframe(database: &Database, valid_at: i64, known_at: i64) {
    let deed = Deed { context: context(), options: PutOptions::default() };
    let (valid, known) = (valid(valid_at), SystemTime::from_micros(known_at).unwrap());
    block_on(database.materialise(Materialise { deed, valid, known })).unwrap();
}

#[test]
fn of_statements_between_any_two_points() {
    let shape = StatementShape { operations: 14, cutoffs: 5, keys: 5, values: 3 };
    let mut changes = 0;
    for number in 0..40 {
        let (_, database) = memory(&TestClock::new(START));
        create(&database, Mode::State).unwrap();
        let mut oracle = StatementOracle::new();
        let mut known = vec![START - 1];
        for operation in statement_history(Seed::new(number), shape) {
            if let Ok(system) = apply(&database, &operation) {
                oracle.apply(system, operation).unwrap();
                known.push(system);
            }
        }
        let valid = [9, 10, 15, 20, 30, 40, 50, 51];
        let mut seed = Seed::new(number);
        let state = |valid, known| oracle.state(valid, known);
        changes += check(&database, state, (&valid, &known), &mut seed);
        keyframe(&database, 30, known[known.len() / 2]);
        keyframe(&database, 10, known[known.len() - 1]);
        changes += check(&database, state, (&valid, &known), &mut seed);
    }
    assert!(changes > 5_000, "{changes} changes were compared");
}

#[test]
fn of_facts_between_any_two_points() {
    let shape = EventsShape { puts: 12, rows_max: 5, instants: 9, keys: 4, values: 3 };
    let mut changes = 0;
    for number in 0..40 {
        let (_, database) = memory(&TestClock::new(START));
        create(&database, Mode::Events).unwrap();
        let mut oracle = FactOracle::new();
        let mut known = vec![START - 1];
        for put in events_history(Seed::new(number), shape) {
            if let Ok(system) = apply_events(&database, &put) {
                oracle.events_put(system.unsigned_abs(), system, &put).unwrap();
                known.push(system);
            }
        }
        let valid: Vec<i64> = (-1..=10).collect();
        let mut seed = Seed::new(number);
        let state = |valid, known| oracle.state(valid, known);
        changes += check(&database, state, (&valid, &known), &mut seed);
        keyframe(&database, 5, known[known.len() - 1]);
        changes += check(&database, state, (&valid, &known), &mut seed);
    }
    assert!(changes > 3_000, "{changes} changes were compared");
}
