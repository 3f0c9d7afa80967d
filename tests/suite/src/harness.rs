//! Stores to test, with a clock and randomness that a test sets.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use calotype_storage::SystemTime;
use calotype_storage::backend::Backend;
use calotype_storage::clock::{Clock, Entropy};
use calotype_storage::database::{Access, Database, OpenOptions, StateFolder};

/// A clock that moves a second at every reading, and where a test puts it.
#[derive(Debug)]
pub struct TestClock(AtomicI64);

impl TestClock {
    /// A clock that begins at an instant, microseconds.
    pub fn new(micros: i64) -> Arc<Self> {
        Arc::new(Self(AtomicI64::new(micros)))
    }

    /// Puts the clock somewhere else.
    pub fn set(&self, micros: i64) {
        self.0.store(micros, Ordering::SeqCst);
    }

    /// Where the clock stands.
    pub fn micros(&self) -> i64 {
        self.0.load(Ordering::SeqCst)
    }
}

impl Clock for TestClock {
    fn now(&self) -> SystemTime {
        SystemTime::from_micros(self.0.fetch_add(1_000_000, Ordering::SeqCst))
            .expect("tests use ordinary instants")
    }
}

/// Numbers that count up: no two draws are the same.
#[derive(Debug)]
pub struct TestEntropy(AtomicU64);

impl TestEntropy {
    /// Draws that begin at a number.
    pub fn new(first: u64) -> Arc<Self> {
        Arc::new(Self(AtomicU64::new(first)))
    }
}

impl Entropy for TestEntropy {
    fn draw(&self) -> [u8; 16] {
        u128::from(self.0.fetch_add(1, Ordering::SeqCst)).to_be_bytes()
    }
}

/// An instant all tests may start from: 2026-01-01, microseconds.
pub const START: i64 = 1_767_225_600_000_000;

/// Options for a store with an index in memory.
pub fn options(clock: &Arc<TestClock>) -> OpenOptions {
    OpenOptions {
        clock: Arc::clone(clock) as Arc<dyn Clock>,
        entropy: TestEntropy::new(1),
        ..OpenOptions::new(Access::Create, StateFolder::Memory)
    }
}

/// Opens a store in memory.
///
/// # Panics
/// If it cannot be opened.
pub fn memory(clock: &Arc<TestClock>) -> (Backend, Database) {
    let backend = Backend::memory();
    let database = futures::executor::block_on(Database::open(backend.clone(), options(clock)));
    (backend, database.expect("a store in memory opens"))
}
