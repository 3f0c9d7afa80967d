//! Temporal questions in SQL over histories that others defined, each with a naive answer that it must equal.
//!
//! Nothing here starts a server: what loads takes a client, what asks takes a closure.

pub mod bih;
