//! Facts: what the history says, table by table, in the order in which it became known.

use std::sync::Arc;

use calotype_client::SystemTime;

use super::day::Day;
use super::tables::{Customer, LineItem, Nation, Orders, Part, PartSupp, Region, Row, Supplier};

/// One assertion or retraction about a row over a period of days.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fact<R> {
    /// The scenario that brought it; 0 is version 0.
    pub scenario: u32,
    /// When it became known.
    pub known: SystemTime,
    /// The first day on which it holds.
    pub from: Day,
    /// The first day on which it no longer does; `None`: open.
    pub to: Option<Day>,
    /// The row; of a retraction the last one of its key.
    pub row: Arc<R>,
    /// Whether the key is absent over the period.
    pub retracts: bool,
}

/// The facts of all tables. Within a table they are in the order of their scenarios, and of one scenario a later
/// one overrides an earlier one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "each field is a table of that name")]
pub struct Facts {
    pub region: Vec<Fact<Region>>,
    pub nation: Vec<Fact<Nation>>,
    pub supplier: Vec<Fact<Supplier>>,
    pub part: Vec<Fact<Part>>,
    pub partsupp: Vec<Fact<PartSupp>>,
    pub customer: Vec<Fact<Customer>>,
    pub orders: Vec<Fact<Orders>>,
    pub lineitem: Vec<Fact<LineItem>>,
}

/// Does something with the facts of each table, whatever the type of their rows.
pub trait Visit {
    /// Why it stopped.
    type Error;

    /// One table.
    ///
    /// # Errors
    /// As the visitor says.
    fn visit<R: Row>(&mut self, facts: &[Fact<R>]) -> Result<(), Self::Error>;
}

impl Facts {
    /// Shows all tables to a visitor, in the order of [`super::tables::Table`].
    ///
    /// # Errors
    /// The first one of the visitor.
    pub fn visit<V: Visit>(&self, visitor: &mut V) -> Result<(), V::Error> {
        visitor.visit(&self.region)?;
        visitor.visit(&self.nation)?;
        visitor.visit(&self.supplier)?;
        visitor.visit(&self.part)?;
        visitor.visit(&self.partsupp)?;
        visitor.visit(&self.customer)?;
        visitor.visit(&self.orders)?;
        visitor.visit(&self.lineitem)
    }
}
