//! Statements asked of whole stores.

mod book;
mod catalog;
mod series;
mod statements;
mod store;
mod table_functions;
