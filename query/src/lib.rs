//! Questions over a Calotype store: as of, history, ranges, diff, snapshots; each
//! answer with its claim and its result hash. All of it stands on storage alone.
//!
//! Reading order: [`times`] (what is asked about), [`claim`] (what an answer rests
//! on), [`answer`] (how it comes), then one module a question.

pub mod answer;
pub mod as_of;
pub mod claim;
pub mod diff;
pub mod error;
pub mod fixed;
pub mod history;
pub mod keys;
pub mod offsets;
pub mod parts;
pub mod policy;
pub mod result_hash;
pub mod snapshot;
pub mod times;
pub mod touched;

pub use answer::{Answer, Batches, End, Rows};
pub use as_of::{AsOfRequest, resolve};
pub use claim::Claim;
pub use diff::{DiffRequest, diff};
pub use error::QueryError;
pub use fixed::{Fixed, fix};
pub use history::{Form, HistoryRequest, history};
pub use keys::{KeyValue, Keys};
pub use policy::{LocalPolicy, Policy};
pub use snapshot::snapshot;
pub use times::{Point, TimeRange};
pub use touched::{Touched, touched_by_as_of, touched_by_history};
