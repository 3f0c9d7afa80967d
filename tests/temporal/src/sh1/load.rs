//! Loading: a context for each table, open for import, and one put for each publication and table.

use std::sync::Arc;

use anyhow::{Context as _, Result};
use arrow_array::{ArrayRef, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use arrow_schema::{DataType, Field, Schema, SchemaRef, TimeUnit};
use calotype_client::{CaptureMode, Client, Deed, NewContext, PutOptions};

use super::day::{day, publication};
use super::generator::Event;
use super::table::Table;

/// What was loaded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Loaded {
    /// Puts.
    pub puts: u64,
    /// Rows in them.
    pub rows: u64,
}

/// Makes the three contexts.
///
/// # Errors
/// The server refuses one, or cannot be reached.
pub async fn create(client: &Client) -> Result<()> {
    for table in Table::ALL {
        let new = NewContext {
            name: table.name().to_owned(),
            key: vec!["id".to_owned()],
            mode: CaptureMode::Events,
            import: true,
            ..NewContext::default()
        };
        client.create_context(&new).await.with_context(|| format!("context '{table}'"))?;
    }
    Ok(())
}

/// Puts a stream of events into the contexts, in order and many puts on their way at once.
///
/// # Errors
/// The server refuses a put, which is named, or cannot be reached.
pub async fn load(client: &Client, events: &[Event]) -> Result<Loaded> {
    let puts: Vec<&[Event]> =
        events.chunk_by(|a, b| (a.publication, a.table) == (b.publication, b.table)).collect();
    let deeds = puts.iter().map(|events| deed(events)).collect::<Result<Vec<Deed>>>()?;
    let receipts = client.put_many(deeds).await?;
    let mut loaded = Loaded::default();
    for (events, receipt) in puts.iter().zip(receipts) {
        let receipt = receipt.with_context(|| format!("the put of {}", place(events)))?;
        loaded.puts += 1;
        loaded.rows += receipt.rows;
    }
    Ok(loaded)
}

/// The put of what one publication says about one table.
fn deed(events: &[Event]) -> Result<Deed> {
    let first = events.first().context("a put has rows")?;
    let batch = batch(first.table, events).with_context(|| format!("rows of {}", place(events)))?;
    let options = PutOptions {
        recorded_at: Some(publication(first.publication)),
        ..PutOptions::facts(first.table.name())
    };
    Ok(Deed::Put { options: Box::new(options), schema: batch.schema(), batches: vec![batch] })
}

fn place(events: &[Event]) -> String {
    events
        .first()
        .map_or_else(String::new, |event| format!("publication {} of '{}'", event.publication, event.table))
}

fn batch(table: Table, events: &[Event]) -> Result<RecordBatch> {
    let instants = |instant: fn(&Event) -> i64| -> ArrayRef {
        let micros = events.iter().map(|event| day(instant(event)).micros());
        Arc::new(TimestampMicrosecondArray::from_iter_values(micros).with_timezone("UTC"))
    };
    let ops = events.iter().map(|event| if event.values.is_some() { "assert" } else { "retract" });
    let mut columns: Vec<ArrayRef> = vec![
        Arc::new(StringArray::from_iter_values(ops)),
        instants(|event| event.from),
        instants(|event| event.to),
        Arc::new(Int64Array::from_iter_values(events.iter().map(|event| event.id))),
    ];
    for at in 0..table.columns().len() {
        let values = events.iter().map(|event| event.values.as_ref()?.get(at).copied());
        columns.push(Arc::new(values.collect::<Int64Array>()));
    }
    Ok(RecordBatch::try_new(schema(table), columns)?)
}

/// The columns of a put. Those after the key may be null, because a retraction has no values.
fn schema(table: Table) -> SchemaRef {
    let instant = DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()));
    let mut fields = vec![
        Field::new("_op", DataType::Utf8, false),
        Field::new("_valid_from", instant.clone(), false),
        Field::new("_valid_to", instant, false),
        Field::new("id", DataType::Int64, false),
    ];
    fields.extend(table.columns().iter().map(|name| Field::new(*name, DataType::Int64, true)));
    Arc::new(Schema::new(fields))
}
