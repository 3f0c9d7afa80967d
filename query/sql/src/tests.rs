//! Statements over a small store in memory, answer by answer.

mod book;
mod statements;
pub(crate) mod store;
