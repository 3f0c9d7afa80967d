//! A simulated object store that fails the way disks and networks do.
//!
//! [`SimStore`] implements [`object_store::ObjectStore`] over a disk in memory. Each call is
//! performed as the steps that the local store with synchronisation switched on takes (stage,
//! write, file sync, link or rename, directory sync, unlink), so that a crash or an error can fall
//! between any two of them. What was not synced may be lost, in any combination. Everything is a
//! function of the calls, the [`FaultPlan`] and its seeds: the same run gives the same
//! [trace](SimStore::trace_hash).
//!
//! ```
//! use calotype_simulation::{FaultPlan, SimCrash, SimStore, StepKind, Survivors};
//! use futures::executor::block_on;
//! use object_store::{ObjectStore, PutMode, path::Path};
//!
//! // How many steps does one commit take?
//! let slot = Path::from("log/0");
//! let store = SimStore::new();
//! block_on(store.put_opts(&slot, "record".into(), PutMode::Create.into()))?;
//! assert_eq!(store.steps().last().map(|step| step.kind), Some(StepKind::Unlink));
//!
//! // Cut before each of them: the slot is absent or whole, whatever survives.
//! for step in 0..store.step_count() {
//!     let store = SimStore::new();
//!     store.set_plan(FaultPlan::crash_at(step));
//!     let answer = block_on(store.put_opts(&slot, "record".into(), PutMode::Create.into()));
//!     assert!(SimCrash::is_behind(&answer.unwrap_err()));
//!     for choice in 0..store.survivor_choices() {
//!         let after = store.restart(Survivors::Choice(choice));
//!         match after.image().get("log/0") {
//!             None => {}
//!             Some(bytes) => assert_eq!(bytes, b"record"),
//!         }
//!     }
//! }
//! # Ok::<(), object_store::Error>(())
//! ```
//!
//! What is modelled, and what is not:
//!
//! * A call holds the disk from its first step to its last: calls of two writers interleave, their
//!   steps do not.
//! * A directory change survives or is lost on its own, whatever came before or after it; only the
//!   rename within a directory is atomic. File contents survive by 512-byte sectors.
//! * A failed sync leaves what it should have written clean: later syncs do not write it either.
//! * Multipart uploads, copies, attributes and conditional updates answer with an error.

pub mod conformance;

mod answer;
mod damage;
mod disk;
mod error;
mod fault;
mod local;
mod machine;
mod rng;
mod store;
mod survivors;
mod trace;

#[cfg(test)]
mod tests;

pub use answer::{AnswerFault, AnswerPlan};
pub use error::{AnswerLost, SimCrash, StepError};
pub use fault::{Errno, FaultPlan, PlantedBugs, Repeat, StepFault, Target};
pub use rng::SplitMix64;
pub use store::SimStore;
pub use survivors::{SECTOR_BYTES, Survivors};
pub use trace::{Outcome, Step, StepKind};
