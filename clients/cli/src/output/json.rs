//! JSON: one array of objects, or one object a line. Every row names every column, null or not.

use std::io::{self, Write};

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;

use super::cells::Kind;
use super::{BatchWriter, OutputError, columns};

/// Writes rows as JSON objects.
pub(super) struct JsonWriter {
    out: Box<dyn Write + Send>,
    /// What stands before each value: `{"a":` or `,"b":`.
    names: Vec<Vec<u8>>,
    array: bool,
    rows: u64,
}

impl JsonWriter {
    /// Begins one array.
    pub(super) fn array(schema: &SchemaRef, out: Box<dyn Write + Send>) -> Result<Self, OutputError> {
        Self::new(schema, out, true)
    }

    /// Begins lines.
    pub(super) fn lines(schema: &SchemaRef, out: Box<dyn Write + Send>) -> Result<Self, OutputError> {
        Self::new(schema, out, false)
    }

    fn new(schema: &SchemaRef, out: Box<dyn Write + Send>, array: bool) -> Result<Self, OutputError> {
        let name = |(index, field): (usize, &std::sync::Arc<arrow_schema::Field>)| {
            let mut name = vec![if index == 0 { b'{' } else { b',' }];
            quote(field.name(), &mut name)?;
            name.push(b':');
            Ok(name)
        };
        let names = schema.fields().iter().enumerate().map(name).collect::<io::Result<_>>();
        Ok(Self { out, names: names.map_err(OutputError::Write)?, array, rows: 0 })
    }

    fn write_batch(&mut self, batch: &RecordBatch) -> Result<(), OutputError> {
        let columns = columns(batch, "JSON")?;
        let mut bytes = Vec::new();
        let mut text = String::new();
        for row in 0..batch.num_rows() {
            if self.array {
                bytes.extend_from_slice(if self.rows == 0 { b"[\n" } else { b",\n" });
            }
            if columns.is_empty() {
                bytes.push(b'{');
            }
            for (name, cells) in self.names.iter().zip(&columns) {
                bytes.extend_from_slice(name);
                text.clear();
                match cells.append(row, &mut text) {
                    None => bytes.extend_from_slice(b"null"),
                    Some(Kind::Literal) => bytes.extend_from_slice(text.as_bytes()),
                    Some(Kind::Text) => quote(&text, &mut bytes).map_err(OutputError::Write)?,
                }
            }
            bytes.push(b'}');
            if !self.array {
                bytes.push(b'\n');
            }
            self.rows += 1;
        }
        self.out.write_all(&bytes).map_err(OutputError::Write)
    }
}

impl BatchWriter for JsonWriter {
    fn write(&mut self, batch: &RecordBatch) -> Result<(), OutputError> {
        self.write_batch(batch)
    }

    fn finish(mut self: Box<Self>) -> Result<(), OutputError> {
        let end: &[u8] = match (self.array, self.rows) {
            (false, _) => b"",
            (true, 0) => b"[]\n",
            (true, _) => b"\n]\n",
        };
        self.out.write_all(end).and_then(|()| self.out.flush()).map_err(OutputError::Write)
    }
}

/// Appends a JSON string.
fn quote(text: &str, out: &mut Vec<u8>) -> io::Result<()> {
    serde_json::to_writer(out, text).map_err(io::Error::from)
}
