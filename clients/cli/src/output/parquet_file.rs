//! Parquet, compressed with zstd.

use std::io::Write;

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::file::properties::WriterProperties;

use super::{BatchWriter, OutputError};

/// Writes a Parquet file.
pub(super) struct ParquetFileWriter {
    file: ArrowWriter<Box<dyn Write + Send>>,
}

impl ParquetFileWriter {
    /// Begins a file.
    pub(super) fn new(schema: &SchemaRef, out: Box<dyn Write + Send>) -> Result<Self, OutputError> {
        let compression = Compression::ZSTD(ZstdLevel::default());
        let properties = WriterProperties::builder().set_compression(compression).build();
        let file = ArrowWriter::try_new(out, schema.clone(), Some(properties));
        Ok(Self { file: file.map_err(OutputError::Parquet)? })
    }
}

impl BatchWriter for ParquetFileWriter {
    fn write(&mut self, batch: &RecordBatch) -> Result<(), OutputError> {
        self.file.write(batch).map_err(OutputError::Parquet)
    }

    fn finish(mut self: Box<Self>) -> Result<(), OutputError> {
        self.file.finish().map_err(OutputError::Parquet)?;
        self.file.inner_mut().flush().map_err(OutputError::Write)
    }
}
