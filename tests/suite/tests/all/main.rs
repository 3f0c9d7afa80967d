//! One binary for all tests that span crates.

mod clocks;
mod crash;
mod diff_answers;
mod enumeration;
mod events;
mod faults;
mod maintenance;
mod semantics;
mod statements;
