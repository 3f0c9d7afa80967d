//! The doors of `calotype.v1`: what each service does, in a file of its own.
//!
//! Invariants: whatever a client sends is checked before anything is done, and what is wrong is named by its field;
//! what is committed is committed by tasks that outlive the request.

pub mod claim;
pub mod contexts;
pub mod ingest;
pub mod log;
pub mod operations;
pub mod page;
pub mod query;
pub mod snapshots;
pub mod values;
