//! Temporal SQL.
