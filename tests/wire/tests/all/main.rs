//! Every door of the server.

// So that lints know that all of it is tests, helpers too.
#![cfg(test)]

mod cancels;
mod changes;
mod claims;
mod events;
mod faults;
mod many_nodes;
mod places;
mod planted;
mod process;
mod sql;
mod statements;
mod unknown_fields;
