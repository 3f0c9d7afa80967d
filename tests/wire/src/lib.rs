//! What the tests through the wire share: servers in this process, doors to put and ask through, failures as
//! clients see them.

pub mod doors;
pub mod failure;
pub mod serving;
