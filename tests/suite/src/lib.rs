//! What the tests of the suite share: stores to test, a clock that stands where it
//! is put, and histories of the oracle turned into puts.

pub mod committer;
pub mod cuts;
pub mod golden;
pub mod golden_store;
pub mod harness;
pub mod histories;
pub mod oracle_rows;
pub mod pure_engine;
pub mod recovered;
pub mod replay;
pub mod script;
pub mod simulated;
pub mod store;
pub mod table;
pub mod told;
pub mod world;
pub mod writers;
