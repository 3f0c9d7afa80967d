//! Statements over a small store in memory, answer by answer.

mod statements;
pub(crate) mod store;
