//! Every door of the server.

// So that lints know that all of it is tests, helpers too.
#![cfg(test)]

mod changes;
mod events;
mod places;
mod process;
mod statements;
