//! Temporal SQL.

#[allow(dead_code, unused_imports, reason = "the statement planner that calls it is being written beside it")]
mod temporal_join;
