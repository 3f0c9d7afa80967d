//! Small tables that commands make themselves, in the formats of every answer.

use std::sync::Arc;

use arrow_array::builder::{Int64Builder, StringBuilder, TimestampMicrosecondBuilder};
use arrow_array::{ArrayRef, BooleanArray, RecordBatch};
use arrow_schema::{DataType, Field, Schema};

use crate::error::CliError;
use crate::input::instant_type;
use crate::output::{self, Format, OutputError, TableOptions};
use crate::session::Session;

/// Characters of the longest cell that is shown in full: an escaped reason fits.
const WHOLE_CHARS_MAX: usize = 8192;

/// What a column of a listing holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Text.
    Text,
    /// A whole number.
    Number,
    /// An instant of either axis.
    Instant,
    /// True or false.
    Truth,
}

/// One cell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Cell {
    /// Text.
    Text(String),
    /// A whole number.
    Number(i64),
    /// Microseconds since the Unix epoch.
    Instant(i64),
    /// True or false.
    Truth(bool),
    /// Nothing.
    Null,
}

impl Cell {
    /// Anything as text.
    #[expect(clippy::needless_pass_by_value, reason = "callers hold some by value, some by reference")]
    pub(crate) fn text(value: impl ToString) -> Self {
        Self::Text(value.to_string())
    }

    /// A count.
    pub(crate) fn count(value: u64) -> Self {
        Self::Number(i64::try_from(value).unwrap_or(i64::MAX))
    }

    /// What is there, or nothing.
    pub(crate) fn option<T>(value: Option<T>, cell: impl FnOnce(T) -> Self) -> Self {
        value.map_or(Self::Null, cell)
    }
}

/// A table in the making.
#[derive(Clone, Debug)]
pub(crate) struct Listing {
    columns: Vec<(&'static str, Kind)>,
    rows: Vec<Vec<Cell>>,
    table: TableOptions,
}

impl Listing {
    /// An empty table.
    pub(crate) fn new(columns: &[(&'static str, Kind)]) -> Self {
        Self { columns: columns.to_vec(), rows: Vec::new(), table: TableOptions::default() }
    }

    /// A table of names and values, for one thing.
    pub(crate) fn of_one() -> Self {
        let mut listing = Self::new(&[("property", Kind::Text), ("value", Kind::Text)]).whole();
        listing.table.counts_rows = false;
        listing
    }

    /// The same, with every cell and column shown in full whatever the terminal's width.
    pub(crate) fn whole(mut self) -> Self {
        self.table.width = None;
        self.table.cell_chars_max = WHOLE_CHARS_MAX;
        self.table.rows_max = usize::MAX;
        self
    }

    /// Adds a row of a table of names and values.
    pub(crate) fn say(&mut self, property: &str, value: impl ToString) {
        self.push(vec![Cell::text(property), Cell::text(value)]);
    }

    /// Adds a row.
    pub(crate) fn push(&mut self, row: Vec<Cell>) {
        assert_eq!(row.len(), self.columns.len(), "a cell for each column");
        self.rows.push(row);
    }

    /// How many rows there are.
    pub(crate) fn len(&self) -> usize {
        self.rows.len()
    }

    /// Writes it where answers go.
    ///
    /// # Errors
    /// The output did not take it.
    pub(crate) fn print(&self, session: &Session) -> Result<(), CliError> {
        let format = session.format()?;
        self.write(format, session.out()?, self.table)
    }

    /// Writes it as a table for people on standard error.
    ///
    /// # Errors
    /// The output did not take it.
    pub(crate) fn show(&self) -> Result<(), CliError> {
        let out = Box::new(std::io::stderr());
        self.write(Format::Table, out, self.table)
    }

    /// Writes it.
    ///
    /// # Errors
    /// The output did not take it.
    pub(crate) fn write(
        &self,
        format: Format,
        out: Box<dyn std::io::Write + Send>,
        table: TableOptions,
    ) -> Result<(), CliError> {
        let batch = self.batch()?;
        let mut writer = output::writer_with(format, &batch.schema(), out, table)?;
        writer.write(&batch)?;
        Ok(writer.finish()?)
    }

    /// It as a batch.
    ///
    /// # Errors
    /// None that can be: a column has the kind of its cells.
    pub(crate) fn batch(&self) -> Result<RecordBatch, OutputError> {
        let mut fields = Vec::new();
        let mut arrays = Vec::new();
        for (place, (name, kind)) in self.columns.iter().enumerate() {
            let data_type = match kind {
                Kind::Text => DataType::Utf8,
                Kind::Number => DataType::Int64,
                Kind::Instant => instant_type(),
                Kind::Truth => DataType::Boolean,
            };
            fields.push(Field::new(*name, data_type, true));
            arrays.push(self.column(place, *kind));
        }
        RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays)
            .map_err(|source| OutputError::Arrow { format: "a table", source })
    }

    fn column(&self, place: usize, kind: Kind) -> ArrayRef {
        let cells = self.rows.iter().map(|row| &row[place]);
        match kind {
            Kind::Text => {
                let mut column = StringBuilder::new();
                for cell in cells {
                    column.append_option(match cell {
                        Cell::Text(text) => Some(text.as_str()),
                        Cell::Number(_) | Cell::Instant(_) | Cell::Truth(_) | Cell::Null => None,
                    });
                }
                Arc::new(column.finish())
            }
            Kind::Number => {
                let mut column = Int64Builder::new();
                for cell in cells {
                    column.append_option(match cell {
                        Cell::Number(number) => Some(*number),
                        Cell::Text(_) | Cell::Instant(_) | Cell::Truth(_) | Cell::Null => None,
                    });
                }
                Arc::new(column.finish())
            }
            Kind::Instant => {
                let mut column = TimestampMicrosecondBuilder::new();
                for cell in cells {
                    column.append_option(match cell {
                        Cell::Instant(micros) => Some(*micros),
                        Cell::Text(_) | Cell::Number(_) | Cell::Truth(_) | Cell::Null => None,
                    });
                }
                Arc::new(column.finish().with_timezone("UTC"))
            }
            Kind::Truth => {
                let truth = |cell: &Cell| match cell {
                    Cell::Truth(truth) => Some(*truth),
                    Cell::Text(_) | Cell::Number(_) | Cell::Instant(_) | Cell::Null => None,
                };
                Arc::new(cells.map(truth).collect::<BooleanArray>())
            }
        }
    }
}
