//! Statements asked of whole stores.

mod book;
mod catalog;
mod random;
mod series;
mod statements;
mod store;
mod table_functions;
