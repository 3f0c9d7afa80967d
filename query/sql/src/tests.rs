//! Statements asked of whole stores.

mod catalog;
mod series;
mod statements;
mod store;
mod table_functions;
