//! Puts cells of text together into batches.

use std::sync::Arc;

use arrow_array::{RecordBatch, RecordBatchOptions};
use arrow_schema::{ArrowError, DataType, SchemaRef};

use super::cell::{self, CellBuilder};
use super::error::{self, CellFault};
use super::plan::{self, Plan};
use super::type_name::type_name;
use super::{BATCH_BYTES_MAX, BATCH_ROWS_MAX, BadCell, Extract, InputError, Place};

/// Collects rows, cell by cell. Each column must get one cell before a row ends.
pub(super) struct Assembly {
    file: String,
    columns: Vec<Plan>,
    builders: Vec<Box<dyn CellBuilder>>,
    schema: SchemaRef,
    batches: Vec<RecordBatch>,
    rows: u64,
    /// The line of each row since the last batch.
    lines: Vec<u64>,
    bytes: usize,
}

impl Assembly {
    /// An assembly of columns whose types are all known by now.
    pub(super) fn new(file: &str, columns: Vec<Plan>) -> Result<Self, InputError> {
        let builder = |plan: &Plan| {
            let data_type = plan.data_type.as_ref().unwrap_or(&DataType::Utf8);
            cell::builder(data_type).ok_or_else(|| InputError::UnsupportedType {
                file: file.to_owned(),
                column: plan.name.clone(),
                found: type_name(data_type),
                advice: "it is not read from text; declare the column with another type",
            })
        };
        let builders = columns.iter().map(builder).collect::<Result<_, _>>()?;
        Ok(Self {
            file: file.to_owned(),
            schema: Arc::new(plan::schema(&columns)),
            columns,
            builders,
            batches: Vec::new(),
            rows: 0,
            lines: Vec::new(),
            bytes: 0,
        })
    }

    /// The type of a column.
    pub(super) fn data_type(&self, column: usize) -> &DataType {
        self.schema.field(column).data_type()
    }

    /// Adds a cell to the row being read, which begins at `line`.
    pub(super) fn append(&mut self, column: usize, text: &[u8], line: u64) -> Result<(), InputError> {
        match self.builders[column].append(text) {
            Ok(()) => Ok(()),
            Err(fault) => Err(self.bad_cell(column, text, line, fault)),
        }
    }

    /// The error for a cell of the row being read.
    pub(super) fn bad_cell(&self, column: usize, text: &[u8], line: u64, fault: CellFault) -> InputError {
        InputError::Cell(Box::new(BadCell {
            place: Place { file: self.file.clone(), row: self.rows + 1, line: Some(line) },
            column: self.columns[column].name.clone(),
            found: error::shown(text),
            expected: type_name(self.data_type(column)),
            fault,
        }))
    }

    /// Adds a null to the row being read.
    pub(super) fn append_null(&mut self, column: usize) {
        self.builders[column].append_null();
    }

    /// Ends the row, which began at `line` and took so many bytes of text.
    pub(super) fn end_row(&mut self, line: u64, bytes: usize) -> Result<(), InputError> {
        self.rows += 1;
        self.lines.push(line);
        self.bytes += bytes;
        if self.lines.len() >= BATCH_ROWS_MAX || self.bytes >= BATCH_BYTES_MAX {
            self.end_batch()?;
        }
        Ok(())
    }

    /// All rows.
    pub(super) fn finish(mut self) -> Result<Extract, InputError> {
        self.end_batch()?;
        Ok(Extract {
            schema: self.schema,
            batches: self.batches,
            rows: self.rows,
            extra: plan::extra(&self.columns),
        })
    }

    fn end_batch(&mut self) -> Result<(), InputError> {
        if self.lines.is_empty() {
            return Ok(());
        }
        let arrays: Vec<_> = self.builders.iter_mut().map(|builder| builder.finish()).collect();
        let rows = self.lines.len();
        for (plan, array) in self.columns.iter().zip(&arrays) {
            assert_eq!(array.len(), rows, "column {} has one cell a row", plan.name);
        }
        self.refuse_nulls(&arrays)?;
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        let schema = Arc::clone(&self.schema);
        let batch = RecordBatch::try_new_with_options(schema, arrays, &options)
            .map_err(|source| self.arrow_error(source))?;
        self.batches.push(batch);
        self.lines.clear();
        self.bytes = 0;
        Ok(())
    }

    /// Looks for a null where none is allowed.
    fn refuse_nulls(&self, arrays: &[arrow_array::ArrayRef]) -> Result<(), InputError> {
        let Some((row, column)) = plan::forbidden_null(&self.columns, arrays) else {
            return Ok(());
        };
        let before = self.rows - self.lines.len() as u64;
        Err(InputError::Null {
            place: Place {
                file: self.file.clone(),
                row: before + row as u64 + 1,
                line: self.lines.get(row).copied(),
            },
            column: self.columns[column].name.clone(),
        })
    }

    fn arrow_error(&self, source: ArrowError) -> InputError {
        InputError::Arrow { file: self.file.clone(), source }
    }
}
