//! The engine of Calotype: an immutable, bitemporal store of facts in an object
//! store.
//!
//! ```
//! use std::sync::Arc;
//!
//! use arrow_array::{Int64Array, RecordBatch, StringArray};
//! use calotype_storage::ValidTime;
//! use calotype_storage::backend::Backend;
//! use calotype_storage::database::{Access, Database, OpenOptions, StateFolder};
//! use calotype_storage::evaluate::{CreateContext, Deed};
//! use calotype_storage::name::ContextName;
//! use calotype_storage::put::{Put, PutKind, PutOptions};
//! use calotype_storage::record::{CreateEntry, Mode};
//!
//! # futures::executor::block_on(async {
//! let options = OpenOptions::new(Access::Create, StateFolder::Memory);
//! let database = Database::open(Backend::memory(), options).await?;
//! let loans = ContextName::parse("loans")?;
//! let deed = Deed { context: loans.clone(), options: PutOptions::default() };
//! let definition = CreateEntry {
//!     mode: Mode::State,
//!     key: vec!["id".into()],
//!     import: false,
//!     max_retracted_ppm: None,
//!     schema: None,
//! };
//! database.create_context(CreateContext { deed, definition }).await?;
//! let rows = RecordBatch::try_from_iter([
//!     ("id", Arc::new(Int64Array::from(vec![1, 2])) as _),
//!     ("status", Arc::new(StringArray::from(vec!["open", "closed"])) as _),
//! ])?;
//! let receipt = database
//!     .put(Put {
//!         context: loans,
//!         kind: PutKind::Full { cutoff: ValidTime::parse("2026-03-31T00:00:00Z")? },
//!         schema: rows.schema(),
//!         batches: vec![rows],
//!         options: PutOptions::default(),
//!     })
//!     .await?;
//! assert_eq!(receipt.counts.asserted, 2);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # }).unwrap();
//! ```
//!
//! Reading order: the pure core first (times, names, schemas, keys; statements into
//! facts; facts into pieces), then the bytes (columns, packs, manifests, records),
//! then the shell that fetches and stores them (backend, reader, scan, commit).

// The words of the domain.
pub mod clock;
pub mod decimal;
pub mod error;
pub mod identity;
pub mod key;
pub mod name;
pub mod refusal;
pub mod schema;
pub mod time;
pub mod variables;

// The meaning: statements, facts, pieces.
pub mod context;
pub mod cutoffs;
pub mod pieces;
pub mod planted;
pub mod statement;

// The bytes.
pub mod column;
pub mod facts;
pub mod manifest;
pub mod merkle;
pub mod pack;
pub mod record;
pub mod row_group;
pub mod snapshot;

// The shell.
pub mod backend;
pub mod commit;
pub mod database;
pub mod evaluate;
mod format;
pub mod index;
pub mod log;
pub mod put;
pub mod reader;
pub mod scan;
mod self_test;
mod turn;
pub mod verify;

pub use commit::Receipt;
pub use time::{AsOf, Instant, ParseInstantError, Period, SystemTime, ValidTime};
