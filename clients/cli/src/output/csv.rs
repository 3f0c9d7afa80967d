//! CSV (RFC 4180) with a header. A null is nothing between the commas, an empty text is `""`, as
//! in `PostgreSQL`; only the null of a table of one column is `""` too, as a blank line is no row.

use std::io::Write;

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;

use super::{BatchWriter, OutputError, columns};

/// Writes rows as CSV.
pub(super) struct CsvWriter {
    out: Box<dyn Write + Send>,
}

impl CsvWriter {
    /// Begins with the header.
    pub(super) fn new(schema: &SchemaRef, mut out: Box<dyn Write + Send>) -> Result<Self, OutputError> {
        let mut header = String::new();
        for (index, field) in schema.fields().iter().enumerate() {
            if index > 0 {
                header.push(',');
            }
            quote(field.name(), &mut header);
        }
        header.push('\n');
        out.write_all(header.as_bytes()).map_err(OutputError::Write)?;
        Ok(Self { out })
    }
}

impl BatchWriter for CsvWriter {
    fn write(&mut self, batch: &RecordBatch) -> Result<(), OutputError> {
        let columns = columns(batch, "CSV")?;
        let mut lines = String::new();
        let mut text = String::new();
        for row in 0..batch.num_rows() {
            for (index, cells) in columns.iter().enumerate() {
                if index > 0 {
                    lines.push(',');
                }
                text.clear();
                let null = cells.append(row, &mut text).is_none();
                if !null || columns.len() == 1 {
                    quote(&text, &mut lines);
                }
            }
            lines.push('\n');
        }
        self.out.write_all(lines.as_bytes()).map_err(OutputError::Write)
    }

    fn finish(mut self: Box<Self>) -> Result<(), OutputError> {
        self.out.flush().map_err(OutputError::Write)
    }
}

/// Appends a field, quoted if it is empty or holds a comma, a quote or a line break.
fn quote(text: &str, out: &mut String) {
    if !text.is_empty() && !text.contains([',', '"', '\n', '\r']) {
        out.push_str(text);
        return;
    }
    out.push('"');
    for part in text.split_inclusive('"') {
        out.push_str(part);
        if part.ends_with('"') {
            out.push('"');
        }
    }
    out.push('"');
}
