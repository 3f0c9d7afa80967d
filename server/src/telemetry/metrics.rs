//! What is counted, for Prometheus.
//!
//! Invariants: base units; every label has few values, none of them from a client; each limit has a series from the
//! start, so that the first refusal is seen as a rise.

mod guard;
mod labels;
mod process;

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use calotype_storage::identity::Sequence;
use prometheus_client::encoding::text;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};
use tonic::Status;

pub use guard::{Counted, RequestTimer};
pub use labels::{Door, word_of};

use crate::limits::Limits;
use crate::settings::section::Section as _;
use crate::status;
use labels::{AtDoor, Limit, Method, Outcome, PutEnd};

/// Upper bounds of the times of requests, seconds.
const SECONDS: [f64; 16] =
    [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 60.0, 300.0];

type Times = Family<Method, Histogram, fn() -> Histogram>;

/// What is counted. One for each server: there is no global registry.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    requests: Family<Outcome, Counter>,
    times: Times,
    in_flight: Family<AtDoor, Gauge>,
    connections: Gauge,
    connections_opened: Counter,
    refusals: Family<Limit, Counter>,
    rows_sent: Counter,
    bytes_sent: Counter,
    rows_received: Counter,
    bytes_received: Counter,
    puts: Family<PutEnd, Counter>,
    panics: Counter,
    watches: Gauge,
    queries: Gauge,
    statements: Gauge,
    puts_open: Gauge,
    puts_held: Gauge,
    operations: Gauge,
    head: Gauge<u64, AtomicU64>,
    poisoned: Gauge,
}

impl Default for Metrics {
    fn default() -> Self {
        Self::new()
    }
}

impl Metrics {
    /// All at nought.
    pub fn new() -> Self {
        let mut metrics = Self {
            registry: Registry::default(),
            requests: Family::default(),
            times: Family::new_with_constructor(|| Histogram::new(SECONDS)),
            in_flight: Family::default(),
            connections: Gauge::default(),
            connections_opened: Counter::default(),
            refusals: Family::default(),
            rows_sent: Counter::default(),
            bytes_sent: Counter::default(),
            rows_received: Counter::default(),
            bytes_received: Counter::default(),
            puts: Family::default(),
            panics: Counter::default(),
            watches: Gauge::default(),
            queries: Gauge::default(),
            statements: Gauge::default(),
            puts_open: Gauge::default(),
            puts_held: Gauge::default(),
            operations: Gauge::default(),
            head: Gauge::default(),
            poisoned: Gauge::default(),
        };
        metrics.registry = metrics.registered();
        for declaration in Limits::declarations() {
            drop(metrics.refusals.get_or_create(&Limit { limit: declaration.name }));
        }
        for end in PutEnd::ALL {
            drop(metrics.puts.get_or_create(&end));
        }
        for door in Door::ALL {
            drop(metrics.in_flight.get_or_create(&AtDoor { door }));
        }
        metrics
    }

    fn registered(&self) -> Registry {
        let mut all = Registry::default();
        all.register_collector(Box::new(process::Process));
        let ours = all.sub_registry_with_prefix("calotype");
        ours.register("build", "The program", Info::new(vec![("version", env!("CARGO_PKG_VERSION"))]));
        ours.register("requests", "Requests that ended", self.requests.clone());
        let help = "How long requests took, until their last byte was sent";
        ours.register_with_unit("request_duration", help, Unit::Seconds, self.times.clone());
        ours.register("requests_in_flight", "Requests being worked on", self.in_flight.clone());
        ours.register("connections", "Open connections", self.connections.clone());
        ours.register("connections_opened", "Connections there were", self.connections_opened.clone());
        ours.register("refusals", "What was refused or ended by a limit", self.refusals.clone());
        ours.register("rows_sent", "Rows of answers", self.rows_sent.clone());
        let help = "Batches of answers, as they lie in memory";
        ours.register_with_unit("batches_sent", help, Unit::Bytes, self.bytes_sent.clone());
        ours.register("rows_received", "Rows of puts", self.rows_received.clone());
        let help = "Batches of puts, as they lie in memory";
        ours.register_with_unit("batches_received", help, Unit::Bytes, self.bytes_received.clone());
        ours.register("puts", "Puts, and other changes, that ended", self.puts.clone());
        ours.register("panics", "Handlers that panicked; each lost its own request", self.panics.clone());
        ours.register("watches", "Open watches", self.watches.clone());
        ours.register("queries", "Questions that are worked on or wait for their turn", self.queries.clone());
        ours.register("statements", "Statements of SQL that are worked on", self.statements.clone());
        ours.register("puts_open", "Puts that are being taken", self.puts_open.clone());
        let help = "Memory that puts hold which are being taken";
        ours.register_with_unit("puts_held", help, Unit::Bytes, self.puts_held.clone());
        ours.register("operations", "Long-running operations being worked on", self.operations.clone());
        ours.register("head_commit", "The newest commit that this server has seen", self.head.clone());
        ours.register("poisoned", "1 if a write failed with an unknown outcome", self.poisoned.clone());
        all
    }

    /// A request begins. `method` is one that is served, never what a client made up.
    pub fn request_started(self: &Arc<Self>, door: Door, method: &'static str) -> RequestTimer {
        self.in_flight.get_or_create(&AtDoor { door }).inc();
        RequestTimer::new(Arc::clone(self), door, method)
    }

    /// A connection was opened; it is counted until the guard is dropped.
    pub fn connection_opened(&self) -> Counted {
        self.connections_opened.inc();
        Counted::new(&self.connections)
    }

    /// A watch was opened; it is counted until the guard is dropped.
    pub fn watch_opened(&self) -> Counted {
        Counted::new(&self.watches)
    }

    /// A statement of SQL is worked on; it is counted until the guard is dropped.
    #[cfg(feature = "sql")]
    pub fn statement_began(&self) -> Counted {
        Counted::new(&self.statements)
    }

    /// A question came; it is counted until the guard is dropped.
    pub fn query_came(&self) -> Counted {
        Counted::new(&self.queries)
    }

    /// A put began; it is counted until the guard is dropped.
    pub fn put_began(&self) -> Counted {
        Counted::new(&self.puts_open)
    }

    /// Puts that are being taken hold so many bytes more.
    pub fn add_puts_held(&self, bytes: usize) {
        self.puts_held.inc_by(i64::try_from(bytes).unwrap_or(i64::MAX));
    }

    /// Puts that were being taken gave so many bytes back.
    pub fn sub_puts_held(&self, bytes: usize) {
        self.puts_held.dec_by(i64::try_from(bytes).unwrap_or(i64::MAX));
    }

    /// An operation began; it is counted until the guard is dropped.
    pub fn operation_started(&self) -> Counted {
        Counted::new(&self.operations)
    }

    /// The limit that a request ran into, where its status names one. The one place where such are counted is where
    /// its end is recorded.
    pub fn ran_into(&self, status: &Status) {
        if let Some(limit) = status::limit(status) {
            self.refused(limit);
        }
    }

    /// Something that is no request ran into a limit, named as in the settings; or nobody was there to be told.
    pub fn refused(&self, limit: &'static str) {
        self.refusals.get_or_create(&Limit { limit }).inc();
    }

    /// Rows and bytes in memory of a batch that was sent.
    pub fn sent(&self, rows: usize, bytes: usize) {
        add(&self.rows_sent, rows);
        add(&self.bytes_sent, bytes);
    }

    /// Rows and bytes in memory of a batch that came in.
    pub fn received(&self, rows: usize, bytes: usize) {
        add(&self.rows_received, rows);
        add(&self.bytes_received, bytes);
    }

    /// A put, or another change, is durable; `replayed` if it had been before.
    pub fn committed(&self, replayed: bool) {
        let end = if replayed { PutEnd::REPLAYED } else { PutEnd::COMMITTED };
        self.puts.get_or_create(&end).inc();
    }

    /// A put, or another change, was refused or failed.
    pub fn put_failed(&self) {
        self.puts.get_or_create(&PutEnd::FAILED).inc();
    }

    /// A handler panicked; its request alone was lost.
    pub fn panicked(&self) {
        self.panics.inc();
    }

    /// The newest commit seen; none in an empty store.
    pub fn set_head(&self, head: Option<Sequence>) {
        self.head.set(head.map_or(0, Sequence::get));
    }

    /// Whether a write failed with an unknown outcome, so that nothing more is written.
    pub fn set_poisoned(&self, is_poisoned: bool) {
        self.poisoned.set(i64::from(is_poisoned));
    }

    /// All of it as `OpenMetrics` text.
    pub fn encode(&self) -> String {
        let mut encoded = String::new();
        // A string takes all; what cannot be encoded is left out with what follows it.
        if text::encode(&mut encoded, &self.registry).is_err() {
            tracing::error!("the metrics could not be encoded");
        }
        encoded
    }
}

fn add(counter: &Counter, count: usize) {
    counter.inc_by(u64::try_from(count).unwrap_or(u64::MAX));
}

#[cfg(test)]
mod tests;
