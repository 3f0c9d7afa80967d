//! The naive model of what Calotype means: a list of statements, a list of
//! facts, and one filter over each. It decides what is right.
//!
//! It is slow, small and written from the definitions alone: it shares no code
//! with the engine, keeps no index and remembers nothing but what it was told.
//! Every read path must equal it.
//!
//! ```
//! use calotype_oracle::{Operation, StatementOracle};
//!
//! let mut oracle = StatementOracle::new();
//! oracle.apply(1, Operation::full(10, [("loan", "open")]))?;
//! oracle.apply(2, Operation::delta(20, [("loan", None)]))?;
//!
//! assert_eq!(oracle.state(15, 2).get("loan"), Some(&"open"));
//! assert!(oracle.state(20, 2).is_empty());
//! assert_eq!(oracle.state(20, 1).get("loan"), Some(&"open"));
//! # Ok::<(), calotype_oracle::UnknownCutoff>(())
//! ```

mod key;
mod operation;
mod period;
mod range;

mod statement;

mod diff;
mod events;
mod fact;

mod enumerate;
mod history;
mod seed;
mod truth_table;

pub use diff::{Change, diff};
pub use enumerate::{CUTOFFS, one_key_histories, two_key_histories};
pub use events::{EventRow, EventsPut, OpenEnd, PutError};
pub use fact::{Fact, FactOracle, Piece};
pub use history::{EventsShape, StatementShape, events_history, statement_history};
pub use key::Key;
pub use operation::Operation;
pub use period::Period;
pub use range::TimeRange;
pub use seed::Seed;
pub use statement::{SpokenKeys, StatementOracle, UnknownCutoff};
pub use truth_table::{TruthRow, truth_table};
