//! The log: one event a line, as text for people or JSON for programs.
//!
//! Invariant: an event is exactly one line, whatever it holds: what would begin another line, move a cursor or turn
//! the direction of writing is escaped as `\u001b`, in one place for both forms. So there are no colours either.

use std::fmt::Write as _;
use std::io::{self, Write};

use tracing::Subscriber;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::{EnvFilter, Layer};

use super::TelemetryError;
use crate::printable::is_escaped;
use crate::settings::sections::{LogFormat, LogSettings};

/// What others log at the level of the whole would drown the rest; a filter that names them sets it again.
const OTHERS: &str = "h2=warn,hyper=warn,hyper_util=warn,tonic=warn,tower=warn,opentelemetry=warn,\
                      opentelemetry_sdk=warn,opentelemetry-otlp=warn,object_store=warn,reqwest=warn,rustls=warn";

/// The layer that writes the log.
pub(super) fn layer<S, W>(
    settings: &LogSettings,
    lines: Lines<W>,
    is_terminal: bool,
) -> Result<Box<dyn Layer<S> + Send + Sync>, TelemetryError>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    Lines<W>: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let filter = EnvFilter::try_new(format!("{OTHERS},{}", settings.filter))
        .map_err(|source| TelemetryError::Filter { filter: settings.filter.clone(), source })?;
    let layer = tracing_subscriber::fmt::layer().with_ansi(false).with_writer(lines);
    let is_text = match settings.format {
        LogFormat::Auto => is_terminal,
        LogFormat::Text => true,
        LogFormat::Json => false,
    };
    Ok(if is_text {
        layer.with_filter(filter).boxed()
    } else {
        layer.json().flatten_event(true).with_span_list(false).with_filter(filter).boxed()
    })
}

/// Where lines go, and that they stay lines.
#[derive(Clone, Debug)]
pub(super) struct Lines<W> {
    writer: W,
}

impl<W> Lines<W> {
    /// Lines to what `writer` makes.
    pub(super) fn new(writer: W) -> Self {
        Self { writer }
    }
}

impl<'a, W: MakeWriter<'a>> MakeWriter<'a> for Lines<W> {
    type Writer = Line<W::Writer>;

    fn make_writer(&'a self) -> Self::Writer {
        Line { writer: self.writer.make_writer() }
    }
}

/// Writes one event; the subscriber hands it over whole.
#[derive(Debug)]
pub(super) struct Line<W> {
    writer: W,
}

impl<W: Write> Write for Line<W> {
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(event);
        let line = text.strip_suffix('\n').unwrap_or(&text);
        if line.contains(is_escaped) {
            self.writer.write_all(escaped(line).as_bytes())?;
        } else {
            self.writer.write_all(event)?;
        }
        Ok(event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.writer.flush()
    }
}

/// A line in which every character that may not stand there is written as JSON writes it.
fn escaped(line: &str) -> String {
    let mut text = String::with_capacity(line.len() + 16);
    let mut units = [0; 2];
    for character in line.chars() {
        if is_escaped(character) {
            for unit in character.encode_utf16(&mut units) {
                write!(text, "\\u{unit:04x}").expect("a string takes all");
            }
        } else {
            text.push(character);
        }
    }
    text.push('\n');
    text
}
