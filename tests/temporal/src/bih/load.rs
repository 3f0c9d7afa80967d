//! Loading: one context a table, and for each scenario one put a table.
//!
//! Invariant: how many scenarios go together in one call changes no answer: each put keeps its own system time.

use std::sync::Arc;

use anyhow::{Context as _, Result};
use arrow_array::{
    ArrayRef, Date32Array, Decimal128Array, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray,
};
use arrow_schema::{DataType, Field, Schema, SchemaRef, TimeUnit};
use calotype_client::{
    CaptureMode, Client, Deed, GoLive, NewContext, OpenEnd, PutOptions, Receipt, SystemTime, ValidTime,
};

use super::cell::{Cell, Cells};
use super::day::Day;
use super::fact::{Fact, Visit};
use super::history::History;
use super::oracle::{Known, Oracle, Point};
use super::tables::{Kind, Row, Table};

/// Digits of money, and those after the point: TPC-H's decimal.
const MONEY: (u8, i8) = (15, 2);
const UTC: &str = "UTC";

/// Creates the contexts of all tables, open for import.
///
/// # Errors
/// The server refuses one, or does not answer.
pub async fn create(client: &Client) -> Result<()> {
    let keys: [(Table, &[&str]); 8] = [
        key::<super::tables::Region>(),
        key::<super::tables::Nation>(),
        key::<super::tables::Supplier>(),
        key::<super::tables::Part>(),
        key::<super::tables::PartSupp>(),
        key::<super::tables::Customer>(),
        key::<super::tables::Orders>(),
        key::<super::tables::LineItem>(),
    ];
    for (table, key) in keys {
        let context = NewContext {
            name: table.name().to_owned(),
            key: key.iter().map(|&name| name.to_owned()).collect(),
            mode: CaptureMode::Events,
            import: true,
            ..NewContext::default()
        };
        client.create_context(&context).await.with_context(|| format!("context '{}'", table.name()))?;
    }
    Ok(())
}

/// Puts what the scenarios of these numbers said, 0 being version 0, all on one stream. Answers with the receipts.
///
/// # Errors
/// A put was refused, or the server does not answer.
pub async fn put_scenarios(
    client: &Client,
    history: &History,
    numbers: impl Iterator<Item = u32>,
) -> Result<Vec<Receipt>> {
    let mut puts = Puts { scenario: 0, deeds: Vec::new() };
    for scenario in numbers {
        puts.scenario = scenario;
        history.facts.visit(&mut puts)?;
    }
    let receipts = client.put_many(puts.deeds).await.context("the puts of scenarios")?;
    receipts.into_iter().map(|receipt| receipt.context("a put of a scenario")).collect()
}

/// Ends the import of all tables: from now on the past is settled in all of them alike.
///
/// # Errors
/// The server refuses, or does not answer.
pub async fn go_live(client: &Client) -> Result<()> {
    for table in Table::ALL {
        let go_live = GoLive { context: table.name().to_owned(), ..GoLive::default() };
        client.go_live(&go_live).await.with_context(|| format!("context '{}' goes live", table.name()))?;
    }
    Ok(())
}

/// Contexts that hold nothing but the state at a point, as the oracle has it, each under its table's name and a suffix.
///
/// # Errors
/// The server refuses one, or does not answer.
pub async fn put_state(client: &Client, oracle: &Oracle, point: Point, suffix: &str) -> Result<()> {
    put_table(client, &oracle.region, point, suffix).await?;
    put_table(client, &oracle.nation, point, suffix).await?;
    put_table(client, &oracle.supplier, point, suffix).await?;
    put_table(client, &oracle.part, point, suffix).await?;
    put_table(client, &oracle.partsupp, point, suffix).await?;
    put_table(client, &oracle.customer, point, suffix).await?;
    put_table(client, &oracle.orders, point, suffix).await?;
    put_table(client, &oracle.lineitem, point, suffix).await
}

async fn put_table<R: Row>(client: &Client, known: &Known<R>, point: Point, suffix: &str) -> Result<()> {
    let name = format!("{}{suffix}", R::TABLE.name());
    let key = R::KEY.iter().map(|&name| name.to_owned()).collect();
    let context = NewContext { name: name.clone(), key, ..NewContext::default() };
    client.create_context(&context).await.with_context(|| format!("context '{name}'"))?;
    let rows: Vec<Cells> = known.at(point).into_iter().map(Row::cells).collect();
    let schema = Arc::new(Schema::new(fields::<R>()));
    let batch = RecordBatch::try_new(Arc::clone(&schema), columns::<R>(&rows)?)?;
    let expected_rows = u64::try_from(rows.len()).ok();
    let options = PutOptions { expected_rows, ..PutOptions::full(&name, point.valid) };
    client.put_arrow(&options, schema, &[batch]).await.with_context(|| format!("the full of '{name}'"))?;
    Ok(())
}

fn key<R: Row>() -> (Table, &'static [&'static str]) {
    (R::TABLE, R::KEY)
}

/// Makes the puts of one scenario after another.
struct Puts {
    scenario: u32,
    deeds: Vec<Deed>,
}

impl Visit for Puts {
    type Error = anyhow::Error;

    fn visit<R: Row>(&mut self, facts: &[Fact<R>]) -> Result<()> {
        let first = facts.partition_point(|fact| fact.scenario < self.scenario);
        let length = facts[first..].partition_point(|fact| fact.scenario == self.scenario);
        for together in facts[first..first + length].chunk_by(|one, next| one.known == next.known) {
            self.deeds.push(deed(together)?);
        }
        Ok(())
    }
}

/// Facts that became known together, as a put.
fn deed<R: Row>(facts: &[Fact<R>]) -> Result<Deed> {
    let known: Option<SystemTime> = facts.first().map(|fact| fact.known);
    let options =
        PutOptions { recorded_at: known, valid_to: OpenEnd::Open, ..PutOptions::facts(R::TABLE.name()) };
    let rows: Vec<Cells> = facts.iter().map(|fact| fact.row.cells()).collect();
    let mut columns = columns::<R>(&rows)?;
    let instants = |at: &dyn Fn(&Fact<R>) -> Option<Day>| -> ArrayRef {
        let micros = facts.iter().map(|fact| at(fact).map(Day::valid).map(ValidTime::micros));
        Arc::new(micros.collect::<TimestampMicrosecondArray>().with_timezone(UTC))
    };
    columns.push(instants(&|fact| Some(fact.from)));
    columns.push(instants(&|fact| fact.to));
    let operation = |fact: &Fact<R>| if fact.retracts { "retract" } else { "assert" };
    columns.push(Arc::new(StringArray::from_iter_values(facts.iter().map(operation))));
    let schema = facts_schema::<R>();
    let batches = vec![RecordBatch::try_new(Arc::clone(&schema), columns)?];
    Ok(Deed::Put { options: Box::new(options), schema, batches })
}

fn facts_schema<R: Row>() -> SchemaRef {
    let mut fields = fields::<R>();
    let instant = DataType::Timestamp(TimeUnit::Microsecond, Some(UTC.into()));
    fields.push(Field::new("_valid_from", instant.clone(), false));
    fields.push(Field::new("_valid_to", instant, true));
    fields.push(Field::new("_op", DataType::Utf8, false));
    Arc::new(Schema::new(fields))
}

fn fields<R: Row>() -> Vec<Field> {
    let field = |&(name, kind): &(&str, Kind)| {
        let data_type = match kind {
            Kind::Integer => DataType::Int64,
            Kind::Money => DataType::Decimal128(MONEY.0, MONEY.1),
            Kind::Text => DataType::Utf8,
            Kind::Day => DataType::Date32,
        };
        Field::new(name, data_type, false)
    };
    R::COLUMNS.iter().map(field).collect()
}

fn columns<R: Row>(rows: &[Cells]) -> Result<Vec<ArrayRef>> {
    let column = |(at, &(name, kind)): (usize, &(&str, Kind))| {
        let cells = rows.iter().map(|row| row.get(at).unwrap_or(&Cell::Null));
        array(kind, cells).with_context(|| format!("column '{name}' of '{}'", R::TABLE.name()))
    };
    R::COLUMNS.iter().enumerate().map(column).collect()
}

fn array<'a>(kind: Kind, cells: impl Iterator<Item = &'a Cell>) -> Result<ArrayRef> {
    let scaled = |cell: &Cell, scale: i8| {
        let Cell::Number(digits, own) = cell else { return None };
        let power = u32::try_from(scale - own).ok()?;
        digits.checked_mul(10_i128.checked_pow(power)?)
    };
    Ok(match kind {
        Kind::Integer => {
            let whole = |cell| scaled(cell, 0).and_then(|value| i64::try_from(value).ok());
            Arc::new(cells.map(|cell| whole(cell).context("no integer")).collect::<Result<Int64Array>>()?)
        }
        Kind::Money => {
            let money = cells.map(|cell| scaled(cell, MONEY.1).context("no money"));
            Arc::new(money.collect::<Result<Decimal128Array>>()?.with_precision_and_scale(MONEY.0, MONEY.1)?)
        }
        Kind::Text => {
            let text = cells.map(|cell| {
                let Cell::Text(text) = cell else { anyhow::bail!("{cell:?} is no text") };
                Ok(Some(&**text))
            });
            Arc::new(text.collect::<Result<StringArray>>()?)
        }
        Kind::Day => {
            let day = cells.map(|cell| {
                let Cell::Day(day) = cell else { anyhow::bail!("{cell:?} is no day") };
                Ok(Some(day.0))
            });
            Arc::new(day.collect::<Result<Date32Array>>()?)
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bih::cell::rows;
    use crate::bih::history::Scale;

    #[test]
    fn every_fact_is_put_once_in_order_with_its_row_and_period() {
        let history = History::generate(Scale::SMALL);
        let mut puts = Puts { scenario: 0, deeds: Vec::new() };
        for scenario in 0..=u32::try_from(history.scenarios.len()).unwrap() {
            puts.scenario = scenario;
            history.facts.visit(&mut puts).unwrap();
        }
        let mut newest = None;
        let mut found = Vec::new();
        for deed in puts.deeds {
            let Deed::Put { options, batches, .. } = deed else { panic!("a withdrawal") };
            if options.context == "orders" {
                assert!(newest < options.recorded_at, "{newest:?}");
                newest = options.recorded_at;
                found.extend(rows(&batches).unwrap());
            }
        }
        let row = |fact: &Fact<super::super::tables::Orders>| {
            let mut cells = fact.row.cells();
            cells.extend([fact.from.valid().into(), fact.to.map(Day::valid).into()]);
            cells.push(Cell::Text(if fact.retracts { "retract" } else { "assert" }.into()));
            cells
        };
        assert_eq!(found, history.facts.orders.iter().map(row).collect::<Vec<_>>());
    }
}
