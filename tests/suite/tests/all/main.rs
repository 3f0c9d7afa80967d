//! One binary for all tests that span crates.

// So that lints know that all of it is tests, helpers too.
#![cfg(test)]

mod bulletins;
mod clocks;
mod crash;
mod damage;
mod diff_answers;
mod enumeration;
mod events;
mod faults;
mod golden;
mod index_states;
mod maintenance;
mod planted;
mod processes;
mod refusals;
mod semantics;
mod snapshots;
mod statements;
mod writers;
