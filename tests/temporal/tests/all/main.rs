//! The benchmarks through a server in this process.

// So that lints know that all of it is tests, helpers too.
#![cfg(test)]

mod bih;
mod served;
mod sh1;
