//! What the tests through the wire share: servers in this process and in processes of their own, doors to put and ask
//! through, failures as clients see them.

pub mod bare;
pub mod doors;
pub mod failure;
pub mod process;
pub mod serving;
