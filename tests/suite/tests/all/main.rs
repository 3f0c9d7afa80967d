//! One binary for all tests that span crates.

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
mod semantics;
mod statements;
mod writers;
