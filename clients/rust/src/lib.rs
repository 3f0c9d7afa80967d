//! The Rust client of Calotype: typed, asynchronous, retries only what is safe to retry.
//!
//! ```no_run
//! use calotype_client::{AsOfQuestion, Client, NewContext, Point, PutOptions, Row, ValidTime, Value};
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let client = Client::connect("http://127.0.0.1:7432").await?;
//! let loans = NewContext { name: "loans".into(), key: vec!["id".into()], ..NewContext::default() };
//! client.create_context(&loans).await?;
//!
//! let cutoff = ValidTime::parse("2026-03-31T00:00:00Z")?;
//! let rows = [Row(vec![1.into(), "open".into()]), Row(vec![2.into(), Value::Null])];
//! let receipt = client.put_rows(&PutOptions::full("loans", cutoff), &["id", "status"], &rows).await?;
//! println!("commit {}", receipt.commit);
//!
//! let point = Point { valid_at: Some(cutoff), known_at: None };
//! let mut answer = client.as_of(&AsOfQuestion::new("loans", point)).await?;
//! println!("{}", answer.claim().to_json());
//! while let Some(batch) = answer.next().await? {
//!     println!("{} rows", batch.num_rows());
//! }
//! # Ok(())
//! # }
//! ```
//!
//! What is retried: reads, and deeds under a request id, which every put has unless told otherwise; only where the
//! server cannot be reached, is not ready, or names a time; with growing pauses, never for ever. See [`RetryPolicy`].

mod answer;
mod arrow;
mod claim;
mod client;
mod context;
mod convert;
mod endpoint;
mod error;
mod log;
mod operation;
mod options;
mod put;
mod question;
mod request_id;
mod retry;
mod seen;
mod snapshot;
#[cfg(test)]
mod tests;
mod time;
mod value;
mod watch;

pub use answer::{Answer, AnswerEnd, Entity, RowAnswer};
pub use claim::{
    Claim, Completeness, OffsetsClaim, PositionClaim, RecordClaim, SnapshotClaim, StatementClaim,
};
pub use client::Client;
pub use client::flight::FlightHeaders;
pub use client::operations::OperationHandle;
pub use client::pages::Listing;
pub use context::{
    Alteration, Altered, CaptureMode, Context, Created, GoLive, Materialised, NewContext, SchemaVersion,
};
pub use endpoint::tuned;
pub use error::{ClientError, ServerError};
pub use log::{EntryCounts, Head, LogEntry, LogRecord, RecordsQuestion, Since, WatchEvent};
pub use operation::{Operation, OperationState, VerifyFinding, VerifyReport};
pub use options::{Options, RetryPolicy};
pub use put::{
    CutoffSemantics, Deed, OnDuplicate, OpenEnd, Position, PutKind, PutOptions, Receipt, Withdrawal,
};
pub use question::{
    AsOfQuestion, DiffQuestion, EntityQuestion, HistoryForm, HistoryQuestion, Keys, Point, SqlQuestion,
    TimeRange,
};
pub use request_id::RequestId;
pub use snapshot::Snapshot;
pub use time::{Instant, ParseTimeError, SystemTime, ValidTime};
pub use tonic;
pub use value::{Column, Key, Row, Value};
pub use watch::Watch;
