//! Reads an extract, a file in one of several formats, into Arrow batches of the types that
//! Calotype keeps.
//!
//! Invariants: nothing is rounded, truncated, guessed or left out in silence; a decimal or integer
//! never passes through a float; the first thing that does not fit is an [`InputError`] that names
//! its place, and nothing of the file is used then. All batches of an [`Extract`] have its schema
//! and at most [`BATCH_ROWS_MAX`] rows.
//!
//! Types read from text: `bool`, `int8` to `uint64`, `float`, `double`, `string`, `binary`
//! (base64), `date32[day]`, `timestamp[us, tz=UTC]` (RFC 3339) and `decimal128`.

use std::panic::{self, AssertUnwindSafe};
use std::path::Path;

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;

mod arrow;
mod assemble;
mod cell;
mod conform;
mod csv;
mod encoding;
mod error;
mod infer;
mod instant;
mod ndjson;
mod number;
mod options;
mod parquet_file;
mod plan;
mod source;
mod type_name;

pub(crate) use error::{BadCell, InputError, Place};
pub(crate) use options::{Column, Format, ReadOptions, instant_type};
pub(crate) use type_name::type_name;

use source::{Meter, Source};

/// The most rows of a batch.
pub(crate) const BATCH_ROWS_MAX: usize = 65_536;
/// The most bytes of a row of text.
const ROW_BYTES_MAX: usize = 64 << 20;
/// A batch ends when its text exceeds this, so that the offsets of its strings fit 32 bits.
const BATCH_BYTES_MAX: usize = 256 << 20;

/// What an extract holds.
#[derive(Clone, Debug)]
pub(crate) struct Extract {
    /// The columns in the order of the file.
    pub(crate) schema: SchemaRef,
    /// The rows in the order of the file; no batch is empty.
    pub(crate) batches: Vec<RecordBatch>,
    /// How many rows there are.
    pub(crate) rows: u64,
    /// Columns that the declared ones do not have; empty where none are declared.
    pub(crate) extra: Vec<String>,
}

/// Reads a file, or standard input for the path `-`. CSV and NDJSON whose types are not all
/// declared are read twice.
///
/// # Errors
/// See [`InputError`].
#[cfg(test)]
pub(crate) fn read(path: &Path, options: &ReadOptions) -> Result<Extract, InputError> {
    read_with_progress(path, options, &mut |_, _| {})
}

/// As the file is read, `progress` is called with (bytes done, bytes in all), rising, many times.
///
/// # Errors
/// See [`InputError`].
pub(crate) fn read_with_progress(
    path: &Path,
    options: &ReadOptions,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<Extract, InputError> {
    let format = options.format.or_else(|| Format::of_path(path));
    let file = || source::name_of(path);
    let format = format.ok_or_else(|| InputError::UnknownFormat { file: file() })?;
    read_source(&Source::open(path)?, format, options, progress)
}

/// Reads CSV, TSV or NDJSON from memory; `name` stands for the file in messages, and its
/// extension tells the format where the options do not.
///
/// # Errors
/// See [`InputError`].
pub(crate) fn read_bytes(name: &str, bytes: &[u8], options: &ReadOptions) -> Result<Extract, InputError> {
    let format = options.format.or_else(|| Format::of_path(Path::new(name)));
    let file = || name.to_owned();
    let format = format.ok_or_else(|| InputError::UnknownFormat { file: file() })?;
    read_source(&Source::memory(name, bytes), format, options, &mut |_, _| {})
}

fn read_source(
    source: &Source<'_>,
    format: Format,
    options: &ReadOptions,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<Extract, InputError> {
    let mut meter = Meter::new(source.len_bytes(), progress);
    let extract = match format {
        Format::Csv => csv::read(source, options.delimiter, options, &mut meter),
        Format::Tsv => csv::read(source, b'\t', options, &mut meter),
        Format::Ndjson => ndjson::read(source, options, &mut meter),
        Format::Parquet => read_columnar(source, || parquet_file::read(source, options, &mut meter)),
        Format::Arrow => read_columnar(source, || arrow::read(source, options, &mut meter)),
    }?;
    meter.finish();
    Ok(extract)
}

/// The readers of Arrow and Parquet panic on some damaged files; here that is an error like any
/// other. (The process's panic hook still prints its message.)
fn read_columnar(
    source: &Source<'_>,
    read: impl FnOnce() -> Result<Extract, InputError>,
) -> Result<Extract, InputError> {
    let damaged = |_| Err(InputError::Damaged { file: source.name().to_owned() });
    panic::catch_unwind(AssertUnwindSafe(read)).unwrap_or_else(damaged)
}

#[cfg(test)]
mod tests;
