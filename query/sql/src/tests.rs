//! Statements asked of whole stores.

mod book;
mod cancels;
mod catalog;
mod panics;
mod series;
mod statements;
mod store;
mod table_functions;
