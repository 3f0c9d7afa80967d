//! SH1, the development tier.

use std::collections::BTreeMap;

use arrow_array::Array as _;
use arrow_array::cast::AsArray as _;
use arrow_array::types::Int64Type;
use calotype_client::{AsOfQuestion, Client, Point};
use calotype_temporal::sh1::{Event, Table, Tier, answers, create, day, events, load, publication, timings};

use crate::served::Served;

type State = BTreeMap<i64, Vec<i64>>;

/// The last event known that covers the day wins.
fn expected(events: &[Event], table: Table, known: i64, on: i64) -> State {
    let mut state = State::new();
    let told = events.iter().filter(|event| event.table == table && event.publication <= known);
    for event in told.filter(|event| (event.from..event.to).contains(&on)) {
        match &event.values {
            Some(values) => drop(state.insert(event.id, values.clone())),
            None => drop(state.remove(&event.id)),
        }
    }
    state
}

async fn found(client: &Client, table: Table, known: i64, on: i64) -> State {
    let point = Point { valid_at: Some(day(on)), known_at: Some(publication(known)) };
    let mut answer = client.as_of(&AsOfQuestion::new(table.name(), point)).await.unwrap();
    let mut state = State::new();
    while let Some(batch) = answer.next().await.unwrap() {
        for row in 0..batch.num_rows() {
            let value = |name: &str| {
                let column = batch.column_by_name(name).unwrap().as_primitive::<Int64Type>();
                assert!(column.is_valid(row), "{table} has no nulls");
                column.value(row)
            };
            let values = table.columns().iter().copied().map(value).collect();
            assert_eq!(state.insert(value("id"), values), None);
        }
    }
    state
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_loaded_is_what_was_published() {
    let served = Served::start().await;
    let events = events(Tier::Dev);
    create(&served.client).await.unwrap();
    let loaded = load(&served.client, &events).await.unwrap();
    assert_eq!((loaded.puts, loaded.rows), (75, events.len() as u64));
    for table in Table::ALL {
        for (known, on) in [(0, 0), (12, 166), (18, 166), (24, 150), (24, 166), (24, 209), (24, 365)] {
            let expected = expected(&events, table, known, on);
            assert!(!expected.is_empty());
            assert_eq!(found(&served.client, table, known, on).await, expected, "{table} on {on} at {known}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_twelve_questions_are_answered_as_the_oracle_answers_them() {
    let served = Served::start().await;
    let events = events(Tier::Dev);
    create(&served.client).await.unwrap();
    load(&served.client, &events).await.unwrap();
    let answers = answers(&events);
    timings(&answers, 1, async |sql| served.ask(sql).await).await.unwrap();
}
