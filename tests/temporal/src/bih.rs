//! A benchmark *after* TPC-BiH: TPC-H's tables under two time axes, a history of business scenarios, and classes of
//! temporal questions over it. Its results are no official TPC results.
//!
//! The benchmark was defined by Kaufmann, Fischer, May, Tonder and Kossmann (TPCTC 2013); the full text was not at
//! hand, so that scenarios and periods follow a public re-implementation of its generator, and the reduced form is
//! run: one application period a table (valid time), the receivable period of ORDERS in two ordinary columns.
//!
//! What is decided here, where the definition is silent or describes systems that overwrite rows:
//! - Valid time is the application period, by days at midnight UTC. A table without one holds from [`day::BEGINNING`].
//! - System time is the simulated day plus the scenario's number in microseconds; version 0 is known before the first
//!   simulated day. Every change that a scenario makes to one table is one put.
//! - A change "from now on" is a fact for each piece that reaches beyond now. What held before stays as it was.
//! - "Active end = now" is an assertion of the changed row from the beginning of its last piece up to now, and a
//!   retraction of all from now on. What ends on the day on which it began holds for that day.
//! - A delete is a retraction from now on.
//! - A change to what ended before now (items and orders of version 0 that are still open in status) is made to its
//!   last piece and leaves the period as it is.
//! - What is never visible in version 0 (a customer without orders) has no fact until a scenario makes it visible.
//! - An order becomes final when it is closed. An order paid before its delivery is never closed, since its receivable
//!   period is over when its last item goes out: so it stands in the definition, and so it stays.
//! - Comments come from a text pool of 4 MiB where TPC-H's has 300.

pub mod base;
pub mod cell;
pub mod check;
pub mod day;
mod draw;
pub mod event_file;
pub mod fact;
pub mod history;
pub mod load;
pub mod oracle;
mod pool;
pub mod queries;
mod scenario;
pub mod tables;
mod timeline;
