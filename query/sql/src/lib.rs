//! Temporal SQL over a Calotype store: the one crate that knows DataFusion.
//!
//! A text is read by [`script`](self) into a syntax tree and temporal clauses, checked by a gate that refuses what would be
//! passed over, planned in a scope where names stand for contexts at instants, and run within limits. No type of
//! DataFusion is in the public interface, so that nothing but this crate is built anew with it.

mod answer;
mod batches;
mod bounded;
mod catalog;
mod caught;
mod claim;
mod claimed;
mod clauses;
mod dates;
mod depth;
mod dialect;
mod effort;
mod engine;
mod error;
mod exact;
mod expansion;
mod functions;
mod gate;
mod instant;
mod memory;
mod names;
mod nearest;
mod parameters;
mod planner;
mod pushdown;
mod reading;
mod relation;
mod rereads;
mod result;
mod rows;
mod scan;
mod scope;
mod script;
mod shared;
mod show;
mod spill;
mod system_columns;
mod table;
mod table_functions;
mod temporal_aggregate;
mod temporal_join;
#[cfg(test)]
mod tests;
mod unsound;
mod view;
mod watch;

pub use answer::SqlAnswer;
pub use claim::StatementClaim;
pub use engine::{Limits, SqlEngine, SqlRequest};
pub use error::SqlError;
pub use parameters::{Parameters, Value};
pub use view::check_view;
