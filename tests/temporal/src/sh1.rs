//! SH1, "Supply History 1": a small, exactly reproducible bitemporal benchmark, published by the author of `SirixDB` in 2026.
//!
//! Written from its public description. Contracts are bought under by product and supplier; 25 publications correct what is
//! known about all three. Valid time is days 0 to 365, day 0 being 2024-01-01 UTC, half-open; system time is the
//! publications, publication e being known at day 15·e. Money is in whole cents. A tier's stream of events has a published
//! SHA-256, and its twelve questions have one answer each, compared value by value.

mod check;
mod day;
mod generator;
mod load;
mod oracle;
mod questions;
mod table;
mod timing;

pub use check::compare;
pub use day::{day, publication};
pub use generator::{Event, Tier, events, stream_sha256};
pub use load::{Loaded, create, load};
pub use oracle::{Answer, Answers, Row, answers};
pub use questions::{QUESTIONS, Question};
pub use table::Table;
pub use timing::{Ask, Timing, Timings, timings};
