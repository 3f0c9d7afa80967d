//! What the server tells about itself: logs, traces, metrics.
//!
//! Invariant: none of it ever holds a key, a row or a statement; what a client made up is escaped.

mod log;
pub mod metrics;
mod otlp;

use std::io::{IsTerminal as _, stderr};

use tracing::Subscriber;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::registry::Registry;

pub use otlp::{continue_trace, trace_parent};

use crate::settings::sections::{LogSettings, OtlpSettings};
use log::Lines;
use otlp::Traces;

/// Why nothing can be told.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TelemetryError {
    /// The filter of the log is none. Mend `log.filter`.
    #[error("log.filter {filter:?} cannot be read")]
    Filter {
        /// The filter.
        filter: String,
        /// What is wrong with it.
        #[source]
        source: tracing_subscriber::filter::ParseError,
    },
    /// The collector cannot be reached in this way. Mend `otlp.endpoint`.
    #[error("traces cannot be sent to {endpoint}")]
    Exporter {
        /// Where the collector was said to be.
        endpoint: String,
        /// Why not.
        #[source]
        source: opentelemetry_otlp::ExporterBuildError,
    },
    /// Somebody else has begun to log in this process.
    #[error("this process logs already")]
    Twice,
}

/// What tells about the server until it ends.
#[derive(Debug)]
#[must_use = "traces are sent until this is ended"]
pub struct Telemetry {
    traces: Option<Traces>,
}

impl Telemetry {
    /// Begins to log to standard error, and to send traces where an endpoint is set, for the whole process. Where
    /// one is set, a tokio runtime must be running.
    ///
    /// # Errors
    /// [`TelemetryError`] names the setting.
    pub fn start(log: &LogSettings, otlp: &OtlpSettings) -> Result<Self, TelemetryError> {
        let (subscriber, traces) = subscriber(log, otlp, Lines::new(stderr), stderr().is_terminal())?;
        tracing::subscriber::set_global_default(subscriber).map_err(|_| TelemetryError::Twice)?;
        Ok(Self { traces })
    }

    /// Sends what is still to be sent, for as long as the collector may take.
    pub async fn end(self) {
        if let Some(traces) = self.traces {
            traces.end().await;
        }
    }
}

/// What takes the events and spans of a process.
fn subscriber<W>(
    log: &LogSettings,
    otlp: &OtlpSettings,
    lines: Lines<W>,
    is_terminal: bool,
) -> Result<(impl Subscriber + Send + Sync + 'static, Option<Traces>), TelemetryError>
where
    Lines<W>: for<'a> tracing_subscriber::fmt::MakeWriter<'a> + Send + Sync + 'static,
{
    let traces = Traces::start(otlp)?;
    let layer = log::layer::<Registry, _>(log, lines, is_terminal)?;
    let subscriber = Registry::default().with(layer).with(traces.as_ref().map(Traces::layer));
    Ok((subscriber, traces))
}

#[cfg(test)]
mod tests;
