//! What the tests through the wire share.

pub mod process;
