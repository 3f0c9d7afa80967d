//! Brings Arrow columns to the types that Calotype keeps: encodings are flattened, texts and
//! instants get their one form, and whatever would lose something is refused.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use arrow_array::{
    Array, ArrayRef, RecordBatch, RecordBatchOptions, TimestampMicrosecondArray, new_null_array,
};
use arrow_cast::{CastOptions, cast_with_options};
use arrow_schema::{ArrowError, DataType, Field, Schema, SchemaRef, TimeUnit};

use super::error::CellFault;
use super::options::OP;
use super::plan::{self, Plan};
use super::type_name::type_name;
use super::{BATCH_ROWS_MAX, BadCell, Extract, InputError, Place, ReadOptions, instant_type};

const MILLIS_PER_DAY: i64 = 86_400_000;

/// Collects batches of one file in the form that Calotype keeps.
pub(super) struct Conform {
    file: String,
    /// The columns that stay, and their places in the file.
    columns: Vec<Plan>,
    fields: Vec<usize>,
    schema: SchemaRef,
    batches: Vec<RecordBatch>,
    rows: u64,
}

impl Conform {
    /// For a file of this schema.
    pub(super) fn new(file: &str, schema: &Schema, options: &ReadOptions) -> Result<Self, InputError> {
        let names: Vec<_> = schema.fields().iter().map(|field| field.name().clone()).collect();
        let plans = plan::of_header(file, &names, options)?;
        let mut columns = Vec::new();
        let mut fields = Vec::new();
        for (index, plan) in plans.into_iter().enumerate() {
            fields.extend(plan.as_ref().map(|_| index));
            columns.extend(plan);
        }
        let retracts = columns.iter().any(|plan| plan.name == OP);
        let kept = |(plan, index): (&Plan, &usize)| {
            let field = schema.field(*index);
            let kept = kept_type(field.data_type(), plan.data_type.as_ref());
            let data_type = kept.map_err(|advice| InputError::UnsupportedType {
                file: file.to_owned(),
                column: plan.name.clone(),
                found: type_name(field.data_type()),
                advice,
            })?;
            let declared = plan.data_type.is_some();
            let nullable = if declared { plan.nullable } else { field.is_nullable() };
            Ok(Field::new(&plan.name, data_type, nullable || retracts))
        };
        let kept: Vec<_> = columns.iter().zip(&fields).map(kept).collect::<Result<_, _>>()?;
        let schema = Arc::new(Schema::new(kept));
        Ok(Self { file: file.to_owned(), columns, fields, schema, batches: Vec::new(), rows: 0 })
    }

    /// The places of the columns that stay, for readers that can leave out the others.
    pub(super) fn fields(&self) -> &[usize] {
        &self.fields
    }

    /// Adds a batch of the file, with all its columns.
    pub(super) fn push(&mut self, batch: &RecordBatch) -> Result<(), InputError> {
        let arrays: Vec<_> = self.fields.iter().map(|field| batch.column(*field).clone()).collect();
        self.push_selected(&arrays, batch.num_rows())
    }

    /// Adds the columns that stay, alone.
    pub(super) fn push_selected(&mut self, arrays: &[ArrayRef], rows: usize) -> Result<(), InputError> {
        for start in (0..rows).step_by(BATCH_ROWS_MAX) {
            let len = BATCH_ROWS_MAX.min(rows - start);
            let part: Vec<_> = arrays.iter().map(|array| array.slice(start, len)).collect();
            self.push_part(&part, len)?;
        }
        Ok(())
    }

    /// All rows.
    pub(super) fn finish(self) -> Extract {
        Extract {
            schema: self.schema,
            batches: self.batches,
            rows: self.rows,
            extra: plan::extra(&self.columns),
        }
    }

    fn push_part(&mut self, arrays: &[ArrayRef], rows: usize) -> Result<(), InputError> {
        let convert = |(column, array): (usize, &ArrayRef)| {
            let to = self.schema.field(column).data_type();
            converted(array, to).map_err(|fault| match fault {
                Fault::Cell { row, found, fault } => InputError::Cell(Box::new(BadCell {
                    place: self.place(row),
                    column: self.columns[column].name.clone(),
                    found,
                    expected: type_name(to),
                    fault,
                })),
                Fault::Arrow(source) => self.arrow_error(source),
            })
        };
        let arrays: Vec<_> = arrays.iter().enumerate().map(convert).collect::<Result<_, _>>()?;
        if let Some((row, column)) = plan::forbidden_null(&self.columns, &arrays) {
            let column = self.columns[column].name.clone();
            return Err(InputError::Null { place: self.place(row), column });
        }
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        let schema = Arc::clone(&self.schema);
        let batch = RecordBatch::try_new_with_options(schema, arrays, &options)
            .map_err(|source| self.arrow_error(source))?;
        self.batches.push(batch);
        self.rows += rows as u64;
        Ok(())
    }

    fn place(&self, row: usize) -> Place {
        Place { file: self.file.clone(), row: self.rows + row as u64 + 1, line: None }
    }

    fn arrow_error(&self, source: ArrowError) -> InputError {
        InputError::Arrow { file: self.file.clone(), source }
    }
}

/// The type that a column of a file is kept as, or advice where there is none. A column of nothing
/// but nulls takes the declared type; nothing else is cast to make it fit.
#[expect(clippy::wildcard_enum_match_arm, reason = "every other type is refused")]
fn kept_type(found: &DataType, declared: Option<&DataType>) -> Result<DataType, &'static str> {
    Ok(match found {
        DataType::Null => declared.cloned().unwrap_or(DataType::Null),
        DataType::Dictionary(_, values) => kept_type(values, declared)?,
        DataType::RunEndEncoded(_, values) => kept_type(values.data_type(), declared)?,
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View => DataType::Utf8,
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView | DataType::FixedSizeBinary(_) => {
            DataType::Binary
        }
        DataType::Date32 | DataType::Date64 => DataType::Date32,
        DataType::Timestamp(_, Some(_)) => instant_type(),
        DataType::Timestamp(_, None) => {
            return Err("an instant needs its zone; write it with time zone UTC");
        }
        DataType::Float16 | DataType::Float32 => DataType::Float32,
        DataType::Decimal32(precision, scale)
        | DataType::Decimal64(precision, scale)
        | DataType::Decimal128(precision, scale)
        | DataType::Decimal256(precision, scale) => {
            if *precision > 38 || *scale < 0 {
                return Err("write it with at most 38 digits and no negative scale");
            }
            DataType::Decimal128(*precision, *scale)
        }
        plain @ (DataType::Boolean
        | DataType::Int8
        | DataType::Int16
        | DataType::Int32
        | DataType::Int64
        | DataType::UInt8
        | DataType::UInt16
        | DataType::UInt32
        | DataType::UInt64
        | DataType::Float64) => plain.clone(),
        _ => return Err("write it as another type, or ignore the column"),
    })
}

/// Why a column cannot be converted.
enum Fault {
    /// One value does not fit.
    Cell { row: usize, found: String, fault: CellFault },
    /// Arrow refuses.
    Arrow(ArrowError),
}

/// The column as a type that [`kept_type`] chose for it.
fn converted(array: &ArrayRef, to: &DataType) -> Result<ArrayRef, Fault> {
    let array = flattened(array)?;
    if array.data_type() == to {
        Ok(array)
    } else if *array.data_type() == DataType::Null {
        Ok(new_null_array(to, array.len()))
    } else if let DataType::Timestamp(unit, _) = array.data_type() {
        microseconds(&cast(&array, &DataType::Int64)?, *unit)
    } else if *array.data_type() == DataType::Date64 {
        let millis = cast(&array, &DataType::Int64)?;
        let whole = |millis: i64| (millis % MILLIS_PER_DAY == 0).then_some(millis);
        checked(&millis, "ms since 1970", CellFault::Malformed, whole)?;
        cast(&array, to)
    } else {
        cast(&array, to)
    }
}

/// The values of a dictionary or of runs, one a row.
fn flattened(array: &ArrayRef) -> Result<ArrayRef, Fault> {
    if let DataType::Dictionary(_, values) = array.data_type() {
        flattened(&cast(array, values)?)
    } else if let DataType::RunEndEncoded(_, values) = array.data_type() {
        flattened(&cast(array, values.data_type())?)
    } else {
        Ok(Arc::clone(array))
    }
}

/// Instants of any unit in microseconds.
fn microseconds(values: &ArrayRef, unit: TimeUnit) -> Result<ArrayRef, Fault> {
    let micros: Vec<_> = match unit {
        TimeUnit::Second => {
            let scaled = |value: i64| value.checked_mul(1_000_000);
            checked(values, "s since 1970", CellFault::OutOfRange, scaled)?
        }
        TimeUnit::Millisecond => {
            let scaled = |value: i64| value.checked_mul(1_000);
            checked(values, "ms since 1970", CellFault::OutOfRange, scaled)?
        }
        TimeUnit::Microsecond => checked(values, "", CellFault::OutOfRange, Some)?,
        TimeUnit::Nanosecond => {
            let whole = |value: i64| (value % 1_000 == 0).then_some(value / 1_000);
            let finer = CellFault::FractionDigits { found: 9, kept: 6 };
            checked(values, "ns since 1970", finer, whole)?
        }
    };
    Ok(Arc::new(TimestampMicrosecondArray::from(micros).with_timezone("UTC")))
}

/// Each value through a function that may refuse it.
fn checked(
    values: &ArrayRef,
    unit: &str,
    fault: CellFault,
    function: impl Fn(i64) -> Option<i64>,
) -> Result<Vec<Option<i64>>, Fault> {
    let convert = |(row, value): (usize, Option<i64>)| match value {
        None => Ok(None),
        Some(value) => function(value).map(Some).ok_or_else(|| Fault::Cell {
            row,
            found: format!("{value} {unit}"),
            fault,
        }),
    };
    values.as_primitive::<Int64Type>().iter().enumerate().map(convert).collect()
}

/// Arrow's cast, which errs on a value that does not fit instead of making it null.
fn cast(array: &ArrayRef, to: &DataType) -> Result<ArrayRef, Fault> {
    let options = CastOptions { safe: false, ..CastOptions::default() };
    cast_with_options(array, to, &options).map_err(Fault::Arrow)
}
