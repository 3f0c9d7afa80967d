//! Temporal SQL.

#[allow(dead_code, unused_imports, reason = "until the relation functions are registered")]
mod temporal_aggregate;
