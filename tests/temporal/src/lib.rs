//! Public temporal benchmarks, each with generator, naive oracle, SQL and loader.
//!
//! ```
//! use calotype_temporal::sh1::{Tier, answers, events};
//!
//! let events = events(Tier::Dev);
//! assert_eq!(answers(&events).of("Q3"), Some(&vec![vec![Some(60_121), Some(60_321), Some(3)]]));
//! ```

pub mod sh1;
