//! Arrow IPC stream: batches and the schema's metadata as they are.

use std::io::Write;

use arrow_array::RecordBatch;
use arrow_ipc::writer::StreamWriter;
use arrow_schema::{ArrowError, SchemaRef};

use super::{BatchWriter, OutputError};

/// Writes an Arrow IPC stream.
pub(super) struct ArrowStreamWriter {
    stream: StreamWriter<Box<dyn Write + Send>>,
}

impl ArrowStreamWriter {
    /// Begins with the schema.
    pub(super) fn new(schema: &SchemaRef, out: Box<dyn Write + Send>) -> Result<Self, OutputError> {
        let stream = StreamWriter::try_new(out, schema).map_err(arrow_error)?;
        Ok(Self { stream })
    }
}

impl BatchWriter for ArrowStreamWriter {
    fn write(&mut self, batch: &RecordBatch) -> Result<(), OutputError> {
        self.stream.write(batch).map_err(arrow_error)
    }

    fn finish(mut self: Box<Self>) -> Result<(), OutputError> {
        self.stream.finish().map_err(arrow_error)?;
        self.stream.flush().map_err(arrow_error)
    }
}

fn arrow_error(source: ArrowError) -> OutputError {
    OutputError::Arrow { format: "an Arrow stream", source }
}
