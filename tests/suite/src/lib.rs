//! What the tests of the suite share: stores to test, a clock that stands where it
//! is put, and histories of the oracle turned into puts.

pub mod harness;
pub mod replay;
