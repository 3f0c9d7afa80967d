//! Public temporal benchmarks: questions in SQL over histories that others defined, each with generator, loader, and the
//! naive answers that they must equal.
//!
//! Nothing here starts a server: what loads takes a client, what asks takes a closure.
//!
//! ```
//! use calotype_temporal::sh1::{Tier, answers, events};
//!
//! let events = events(Tier::Dev);
//! assert_eq!(answers(&events).of("Q3"), Some(&vec![vec![Some(60_121), Some(60_321), Some(3)]]));
//! ```

pub mod bih;
pub mod sh1;
