//! Rows of a put as record batches, one message after the other.
//!
//! Invariants: a column that the context has is read as its declared type; the columns of the system have their own
//! types; any other column gets the type that its values show, the same in all messages.

use std::sync::Arc;

use arrow_array::{ArrayRef, NullArray, RecordBatch, RecordBatchOptions};
use arrow_schema::{DataType, Field as ArrowField, Schema as ArrowSchema, SchemaRef};
use calotype_proto::v1::RowBatch;
use calotype_storage::schema::{FIELDS_MAX, FieldType, Schema};
use tonic::Status;

use super::arrays::{array, settled};
use super::cells::{Cells, merge};
use crate::status::{Field, internal, invalid};

/// Columns of the system that a put may bring.
const SYSTEM_COLUMNS: usize = 5;

/// Reads the rows of a put, one message after the other.
#[derive(Debug)]
pub struct RowReader {
    schema: Option<Arc<Schema>>,
    columns: Option<Vec<Column>>,
    rows: u64,
}

/// What is known of a column.
#[derive(Debug)]
struct Column {
    name: String,
    /// `None` as long as all values are null.
    field_type: Option<FieldType>,
    /// Whether the type was taken from the values.
    is_inferred: bool,
}

impl Column {
    /// A column of a put, as far as its name says what it is.
    fn named(name: String, schema: Option<&Schema>) -> Self {
        let declared = match name.as_str() {
            "_valid_from" | "_valid_to" => Some(FieldType::Timestamp),
            "_op" | "_partition" => Some(FieldType::Utf8),
            "_offset" => Some(FieldType::Int(64)),
            other => schema.and_then(|schema| Some(schema.fields()[schema.place_of(other)?].field_type)),
        };
        Self { name, field_type: declared, is_inferred: declared.is_none() }
    }

    /// Reads the cells of one message.
    fn read(&mut self, cells: Cells<'_>) -> Result<ArrayRef, Status> {
        if self.is_inferred
            && let Some(found) = cells.inferred()?
        {
            let known = self.field_type.unwrap_or(found);
            let merged = merge(known, found).ok_or_else(|| {
                cells.wrong(
                    cells.first_row,
                    known,
                    &format!("this message holds {found}, those before it held {known}"),
                )
            })?;
            self.field_type = Some(merged);
        }
        match self.field_type {
            Some(field_type) => array(cells, field_type, self.name.starts_with('_')),
            None => Ok(Arc::new(NullArray::new(cells.rows.len()))),
        }
    }
}

impl RowReader {
    /// Reads rows for a context of the given schema; `None` before the first.
    pub fn new(schema: Option<Arc<Schema>>) -> Self {
        Self { schema, columns: None, rows: 0 }
    }

    /// Reads the rows of one message.
    ///
    /// # Errors
    /// The columns are others than before, or a value does not fit; it is named by row, from 1, and column.
    pub fn read(&mut self, batch: RowBatch) -> Result<RecordBatch, Status> {
        self.take_columns(batch.columns)?;
        let columns = self.columns.as_mut().ok_or_else(|| internal("rows were read without columns"))?;
        let first_row = self.rows + 1;
        let uneven = (first_row..).zip(&batch.rows).find(|(_, row)| row.values.len() != columns.len());
        if let Some((number, row)) = uneven {
            let what = format!("row {number} has {} values for {} columns", row.values.len(), columns.len());
            return Err(invalid(Field("rows"), what));
        }
        let mut arrays = Vec::with_capacity(columns.len());
        for (place, column) in columns.iter_mut().enumerate() {
            let name = column.name.clone();
            arrays.push(column.read(Cells { name: &name, rows: &batch.rows, place, first_row })?);
        }
        self.rows += batch.rows.len() as u64;
        let fields = columns.iter().zip(&arrays).map(|(column, array)| {
            // Whether nulls are allowed is the context's to say.
            ArrowField::new(column.name.as_str(), array.data_type().clone(), true)
        });
        assemble(Arc::new(ArrowSchema::new(fields.collect::<Vec<_>>())), arrays, batch.rows.len())
    }

    /// Takes the columns of the first message; those of later ones must be the same.
    fn take_columns(&mut self, names: Vec<String>) -> Result<(), Status> {
        let field = Field("rows.columns");
        if let Some(columns) = &self.columns {
            let is_same = columns.len() == names.len()
                && columns.iter().zip(&names).all(|(column, name)| column.name == *name);
            return if is_same {
                Ok(())
            } else {
                Err(invalid(field, "are others than in the message before"))
            };
        }
        if names.is_empty() {
            return Err(invalid(field, "are missing: name the columns in the order of the values"));
        }
        if names.len() > FIELDS_MAX + SYSTEM_COLUMNS {
            let what = format!("are {}; a context has at most {FIELDS_MAX}", names.len());
            return Err(invalid(field, what));
        }
        let mut sorted: Vec<_> = names.iter().collect();
        sorted.sort_unstable();
        if let Some(twice) = sorted.windows(2).find(|pair| pair[0] == pair[1]) {
            let name: String = twice[0].chars().take(128).flat_map(char::escape_debug).collect();
            return Err(invalid(field, format!("name '{name}' twice")));
        }
        let schema = self.schema.as_deref();
        self.columns = Some(names.into_iter().map(|name| Column::named(name, schema)).collect());
        Ok(())
    }

    /// Ends the put: its columns, and its batches in the types that the columns have in the whole put.
    ///
    /// # Errors
    /// No message named columns, or a decimal has too many digits beside another with many after the point.
    pub fn finish(self, batches: Vec<RecordBatch>) -> Result<(SchemaRef, Vec<RecordBatch>), Status> {
        let columns = self.columns.ok_or_else(|| {
            invalid(Field("rows"), "are missing: an empty full has columns, no rows and expected_rows 0")
        })?;
        let fields = columns.iter().map(|column| {
            let data_type = column.field_type.map_or(DataType::Null, FieldType::to_arrow);
            ArrowField::new(column.name.as_str(), data_type, true)
        });
        let schema = Arc::new(ArrowSchema::new(fields.collect::<Vec<_>>()));
        let settle = |batch: RecordBatch| {
            if batch.schema_ref() == &schema {
                return Ok(batch);
            }
            let mut arrays = Vec::with_capacity(columns.len());
            for (column, array) in columns.iter().zip(batch.columns()) {
                arrays.push(settled(array, column.field_type).ok_or_else(|| {
                    let what =
                        format!("column '{}': decimals of one column need more than 38 digits", column.name);
                    invalid(Field("rows"), what)
                })?);
            }
            assemble(Arc::clone(&schema), arrays, batch.num_rows())
        };
        let batches = batches.into_iter().map(settle).collect::<Result<_, _>>()?;
        Ok((schema, batches))
    }
}

fn assemble(schema: SchemaRef, arrays: Vec<ArrayRef>, rows: usize) -> Result<RecordBatch, Status> {
    let options = RecordBatchOptions::new().with_row_count(Some(rows));
    RecordBatch::try_new_with_options(schema, arrays, &options).map_err(internal)
}
