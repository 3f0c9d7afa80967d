//! Writes a stream of Arrow batches for people and for programs.
//!
//! Invariants of the text formats: a value is printed exactly; decimals, 64-bit integers and
//! binary (base64) are strings in JSON; an instant is RFC 3339 in UTC with six fractional digits;
//! a date is `YYYY-MM-DD`; what goes to a terminal holds no control characters.

use std::io::{self, Write};
use std::path::Path;

use arrow_array::RecordBatch;
use arrow_schema::{ArrowError, SchemaRef};
use parquet::errors::ParquetError;

mod arrow;
mod cells;
mod csv;
mod escape;
mod instant;
mod json;
mod parquet_file;
pub(crate) mod progress;
mod table;
pub(crate) mod timeline;

pub(crate) use cells::Cells;
pub(crate) use escape::escaped;
pub(crate) use table::TableOptions;

/// A format that answers are written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Format {
    /// A table for people.
    Table,
    /// One JSON array of objects.
    Json,
    /// One JSON object a line.
    Ndjson,
    /// CSV (RFC 4180); a null is nothing at all, an empty text is `""`.
    Csv,
    /// An Arrow IPC stream.
    Arrow,
    /// Apache Parquet.
    Parquet,
}

impl Format {
    /// The format that a file's extension stands for.
    pub(crate) fn of_path(path: &Path) -> Option<Self> {
        let extension = path.extension()?.to_str()?.to_ascii_lowercase();
        match extension.as_str() {
            "txt" => Some(Self::Table),
            "json" => Some(Self::Json),
            "ndjson" | "jsonl" => Some(Self::Ndjson),
            "csv" => Some(Self::Csv),
            "arrow" | "arrows" | "ipc" => Some(Self::Arrow),
            "parquet" | "pq" => Some(Self::Parquet),
            _ => None,
        }
    }

    /// Whether it is for programs alone; such a format is not to be written to a terminal.
    pub(crate) fn is_binary(self) -> bool {
        matches!(self, Self::Arrow | Self::Parquet)
    }
}

/// Why an answer could not be written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum OutputError {
    /// The file, pipe or terminal did not take the bytes; see [`OutputError::is_broken_pipe`].
    #[error("could not write the answer")]
    Write(#[source] io::Error),
    /// The format has no form for a column.
    #[error("could not write the answer as {format}; choose another format or leave out columns")]
    Arrow {
        /// The format.
        format: &'static str,
        /// What Arrow said.
        #[source]
        source: ArrowError,
    },
    /// Parquet has no form for a column, or the file did not take the bytes.
    #[error("could not write the answer as parquet")]
    Parquet(#[source] ParquetError),
}

impl OutputError {
    /// Whether the reader went away, as `head` does: no reason to complain.
    pub(crate) fn is_broken_pipe(&self) -> bool {
        self.is_of_kind(io::ErrorKind::BrokenPipe)
    }

    /// Whether the disk is full.
    pub(crate) fn is_storage_full(&self) -> bool {
        self.is_of_kind(io::ErrorKind::StorageFull)
    }

    fn is_of_kind(&self, kind: io::ErrorKind) -> bool {
        let mut next: Option<&dyn std::error::Error> = Some(self);
        while let Some(error) = next {
            let io = error.downcast_ref::<io::Error>();
            if io.is_some_and(|error| error.kind() == kind) {
                return true;
            }
            next = error.source();
        }
        false
    }
}

/// Writes batches of one schema, in order.
pub(crate) trait BatchWriter {
    /// Adds a batch.
    ///
    /// # Errors
    /// See [`OutputError`]; what was written is then no whole answer.
    fn write(&mut self, batch: &RecordBatch) -> Result<(), OutputError>;

    /// Ends the answer and flushes it. Without it the answer is not whole.
    ///
    /// # Errors
    /// See [`OutputError`].
    fn finish(self: Box<Self>) -> Result<(), OutputError>;
}

/// Begins an answer; a table gets its usual options.
///
/// # Errors
/// The output did not take the beginning, or the format has no form for the schema.
#[cfg(test)]
pub(crate) fn writer(
    format: Format,
    schema: &SchemaRef,
    out: Box<dyn Write + Send>,
) -> Result<Box<dyn BatchWriter>, OutputError> {
    writer_with(format, schema, out, TableOptions::default())
}

/// Begins an answer; `table` says how a table is drawn and means nothing to other formats.
///
/// # Errors
/// The output did not take what the format writes first.
pub(crate) fn writer_with(
    format: Format,
    schema: &SchemaRef,
    out: Box<dyn Write + Send>,
    table: TableOptions,
) -> Result<Box<dyn BatchWriter>, OutputError> {
    Ok(match format {
        Format::Table => Box::new(table::TableWriter::new(schema, out, table)),
        Format::Json => Box::new(json::JsonWriter::array(schema, out)?),
        Format::Ndjson => Box::new(json::JsonWriter::lines(schema, out)?),
        Format::Csv => Box::new(csv::CsvWriter::new(schema, out)?),
        Format::Arrow => Box::new(arrow::ArrowStreamWriter::new(schema, out)?),
        Format::Parquet => Box::new(parquet_file::ParquetFileWriter::new(schema, out)?),
    })
}

/// The cells of each column of a batch.
fn columns(batch: &RecordBatch, format: &'static str) -> Result<Vec<Cells>, OutputError> {
    batch
        .columns()
        .iter()
        .map(|column| Cells::of(column).map_err(|source| OutputError::Arrow { format, source }))
        .collect()
}

#[cfg(test)]
mod tests;
