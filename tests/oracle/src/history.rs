//! Random histories: few cutoffs, keys and values, so that everything meets.
//! One seed gives one history.

use std::collections::BTreeMap;

use crate::events::{EventRow, EventsPut, OpenEnd};
use crate::key::Key;
use crate::operation::Operation;
use crate::seed::Seed;

/// The distance of generated cutoffs: 10, 20, 30, …
const CUTOFF_STEP: i64 = 10;

/// How large a history of a `state` context is. Each count is at least 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StatementShape {
    /// How many operations, refused withdrawals included.
    pub operations: u32,
    /// How many cutoffs: 10, 20, 30, …
    pub cutoffs: u32,
    /// How many keys: `k1`, `k2`, …
    pub keys: u32,
    /// How many values: 1, 2, …
    pub values: u32,
}

/// How large a history of an `events` context is. Each count is at least 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventsShape {
    /// How many puts.
    pub puts: u32,
    /// How many rows a put has at most; some have none.
    pub rows_max: u32,
    /// How many instants of valid time periods begin and end at: 0, 1, 2, …
    pub instants: u32,
    /// How many keys: `k1`, `k2`, …
    pub keys: u32,
    /// How many values: 1, 2, …
    pub values: u32,
}

/// A history of a `state` context. Cutoffs come in any order, hence late; some
/// operations are sent again as they were; some withdrawals will be refused.
pub fn statement_history(mut seed: Seed, shape: StatementShape) -> Vec<Operation<Key, u32>> {
    let mut history: Vec<Operation<Key, u32>> = Vec::new();
    for number in 0..shape.operations {
        let again = number > 0 && seed.percent(10);
        let operation = if again {
            history[index(seed.below(number))].clone()
        } else {
            random_operation(&mut seed, shape)
        };
        history.push(operation);
    }
    history
}

/// A history of an `events` context: rows that overlap, retractions, and ends
/// left open to either meaning. No put is malformed.
pub fn events_history(mut seed: Seed, shape: EventsShape) -> Vec<EventsPut<Key, u32>> {
    let mut history = Vec::new();
    for _ in 0..shape.puts {
        let open_end = match seed.below(3) {
            0 => None,
            1 => Some(OpenEnd::Open),
            _ => Some(OpenEnd::UntilNext),
        };
        let rows = seed.below(shape.rows_max + 1);
        let rows = (0..rows).map(|_| random_row(&mut seed, shape, open_end)).collect();
        history.push(EventsPut { rows, open_end });
    }
    history
}

fn random_operation(seed: &mut Seed, shape: StatementShape) -> Operation<Key, u32> {
    let cutoff = CUTOFF_STEP * (1 + i64::from(seed.below(shape.cutoffs)));
    match seed.below(100) {
        0..30 => Operation::Full { cutoff, rows: full_rows(seed, shape) },
        30..68 => Operation::Delta { cutoff, rows: delta_rows(seed, shape) },
        68..84 => Operation::Withdraw { cutoff },
        84..92 => Operation::ReplaceFull { cutoff, rows: full_rows(seed, shape) },
        _ => Operation::ReplaceDelta { cutoff, rows: delta_rows(seed, shape) },
    }
}

/// Two keys in three.
fn full_rows(seed: &mut Seed, shape: StatementShape) -> BTreeMap<Key, u32> {
    let mut rows = BTreeMap::new();
    for key in 1..=shape.keys {
        if seed.percent(67) {
            rows.insert(Key(key), 1 + seed.below(shape.values));
        }
    }
    rows
}

/// One key in three, a quarter of them retracted.
fn delta_rows(seed: &mut Seed, shape: StatementShape) -> BTreeMap<Key, Option<u32>> {
    let mut rows = BTreeMap::new();
    for key in 1..=shape.keys {
        if seed.percent(33) {
            rows.insert(Key(key), random_value(seed, shape.values));
        }
    }
    rows
}

fn random_row(seed: &mut Seed, shape: EventsShape, open_end: Option<OpenEnd>) -> EventRow<Key, u32> {
    let valid_from = i64::from(seed.below(shape.instants));
    let length = 1 + i64::from(seed.below(shape.instants));
    let ends = open_end.is_none() || seed.percent(50);
    EventRow {
        key: Key(1 + seed.below(shape.keys)),
        valid_from,
        valid_to: ends.then_some(valid_from + length),
        value: random_value(seed, shape.values),
    }
}

/// A value, or one time in four a retraction.
fn random_value(seed: &mut Seed, values: u32) -> Option<u32> {
    (!seed.percent(25)).then(|| 1 + seed.below(values))
}

fn index(number: u32) -> usize {
    usize::try_from(number).expect("an index fits into the address space")
}

#[cfg(test)]
mod tests {
    use super::*;

    const STATEMENTS: StatementShape = StatementShape { operations: 200, cutoffs: 4, keys: 3, values: 3 };
    const EVENTS: EventsShape = EventsShape { puts: 100, rows_max: 5, instants: 12, keys: 2, values: 3 };

    #[test]
    fn one_seed_gives_one_history() {
        let statements = |number| statement_history(Seed::new(number), STATEMENTS);
        assert_eq!(statements(1), statements(1));
        assert_ne!(statements(1), statements(2));
        let events = |number| events_history(Seed::new(number), EVENTS);
        assert_eq!(events(1), events(1));
        assert_ne!(events(1), events(2));
    }

    #[test]
    fn everything_occurs() {
        let history = statement_history(Seed::new(1), STATEMENTS);
        let count = |test: fn(&Operation<Key, u32>) -> bool| {
            history.iter().filter(|operation| test(operation)).count()
        };
        assert_eq!(history.len(), 200);
        assert!(count(|o| matches!(o, Operation::Full { .. })) > 10);
        assert!(count(|o| matches!(o, Operation::Delta { .. })) > 10);
        assert!(count(|o| matches!(o, Operation::Withdraw { .. })) > 10);
        assert!(count(|o| matches!(o, Operation::ReplaceFull { .. })) > 5);
        assert!(count(|o| matches!(o, Operation::ReplaceDelta { .. })) > 5);
        let late = history.windows(2).filter(|w| w[0].cutoff() > w[1].cutoff());
        assert!(late.count() > 10);

        let puts = events_history(Seed::new(1), EVENTS);
        let rows = || puts.iter().flat_map(|put| &put.rows);
        assert_eq!(puts.len(), 100);
        assert!(rows().filter(|row| row.valid_to.is_none()).count() > 10);
        assert!(rows().filter(|row| row.value.is_none()).count() > 10);
        for open_end in [None, Some(OpenEnd::Open), Some(OpenEnd::UntilNext)] {
            assert!(puts.iter().filter(|put| put.open_end == open_end).count() > 10);
        }
    }
}
