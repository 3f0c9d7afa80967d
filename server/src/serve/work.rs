//! The pool that works: a runtime of its own, so that connections never wait for questions and puts.

use std::io;
use std::num::NonZeroUsize;

use tokio::runtime::{Builder, Handle, Runtime};

/// The least number of threads that work.
const THREADS_MIN: usize = 4;

/// The pool that works. Dropped, it ends without waiting for what still runs.
#[derive(Debug)]
pub struct Work {
    runtime: Option<Runtime>,
    handle: Handle,
}

impl Work {
    /// Starts a pool with so many threads.
    ///
    /// # Errors
    /// The machine gives no threads.
    pub fn start(threads: NonZeroUsize) -> io::Result<Self> {
        let mut builder = Builder::new_multi_thread();
        let runtime =
            builder.worker_threads(threads.get()).thread_name("calotype-work").enable_all().build()?;
        let handle = runtime.handle().clone();
        Ok(Self { runtime: Some(runtime), handle })
    }

    /// Where work is spawned.
    pub fn handle(&self) -> &Handle {
        &self.handle
    }
}

impl Drop for Work {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            // Waiting here is not allowed within a runtime, where a server may well be dropped.
            runtime.shutdown_background();
        }
    }
}

/// How many threads work where nothing is said: two for each core, since some of them wait for disks, and four at
/// least.
pub fn threads_default() -> NonZeroUsize {
    let cores = std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
    NonZeroUsize::new(cores.saturating_mul(2).max(THREADS_MIN)).unwrap_or(NonZeroUsize::MIN)
}
