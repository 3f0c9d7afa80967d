//! What is counted, for Prometheus.

/// What is counted. One for each server: there is no global registry.
#[derive(Debug, Default)]
pub struct Metrics;

impl Metrics {
    /// All at nought.
    pub fn new() -> Self {
        Self
    }

    /// Something ran into a limit, named as in the settings.
    pub fn refused(&self, limit: &'static str) {
        _ = limit;
    }

    /// Rows and bytes in memory of a batch that was sent.
    pub fn sent(&self, rows: usize, bytes: usize) {
        _ = (rows, bytes);
    }

    /// Rows and bytes in memory of a batch that came in.
    pub fn received(&self, rows: usize, bytes: usize) {
        _ = (rows, bytes);
    }

    /// A handler panicked; its request alone was lost.
    pub fn panicked(&self) {}
}
