//! A table for people: the first rows, the columns that fit, and a line that says what is left
//! out. Nothing is left out without being named.

use std::io::Write;
use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::{Field, SchemaRef};
use comfy_table::{Cell, CellAlignment, ContentArrangement, Table, presets};

use super::escape::escape;
use super::instant::append;
use super::{BatchWriter, OutputError, columns};

/// How many characters of a cell are usually shown.
const CELL_CHARS_MAX: usize = 60;

/// How a table is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TableOptions {
    /// The most rows shown; the rest is counted.
    pub(crate) rows_max: usize,
    /// The width in characters; none: as wide as it gets.
    pub(crate) width: Option<usize>,
    /// What stands for null.
    pub(crate) null: &'static str,
    /// How many characters of a cell are shown.
    pub(crate) cell_chars_max: usize,
    /// Whether a last line counts the rows.
    pub(crate) counts_rows: bool,
}

impl Default for TableOptions {
    /// Forty rows, the width of the terminal if there is one, `-` for null.
    fn default() -> Self {
        Self {
            rows_max: 40,
            width: Table::new().width().map(usize::from),
            null: "-",
            cell_chars_max: CELL_CHARS_MAX,
            counts_rows: true,
        }
    }
}

/// Collects the rows to show and draws them at the end, when the widths are known.
pub(super) struct TableWriter {
    out: Box<dyn Write + Send>,
    options: TableOptions,
    names: Vec<String>,
    numeric: Vec<bool>,
    shown: Vec<Vec<String>>,
    rows: u64,
    cut_cells: bool,
}

impl TableWriter {
    /// An empty table.
    pub(super) fn new(schema: &SchemaRef, out: Box<dyn Write + Send>, options: TableOptions) -> Self {
        let name = |field: &Arc<Field>| {
            let mut name = String::new();
            escape(field.name(), &mut name);
            name
        };
        let numeric = |field: &Arc<Field>| field.data_type().is_numeric();
        Self {
            out,
            options,
            names: schema.fields().iter().map(name).collect(),
            numeric: schema.fields().iter().map(numeric).collect(),
            shown: Vec::new(),
            rows: 0,
            cut_cells: false,
        }
    }

    /// The text of a cell: escaped, then cut.
    fn cell(&mut self, raw: &str) -> String {
        let mut text = String::new();
        escape(raw, &mut text);
        if text.chars().nth(self.options.cell_chars_max).is_none() {
            return text;
        }
        self.cut_cells = true;
        text.chars().take(self.options.cell_chars_max - 1).chain(['…']).collect()
    }

    /// The table of the first `count` columns.
    fn table(&self, count: usize) -> Table {
        let mut table = Table::new();
        table.load_preset(presets::UTF8_FULL_CONDENSED);
        table.set_content_arrangement(ContentArrangement::Disabled);
        let cell = |(text, numeric): (&String, &bool)| {
            let side = if *numeric { CellAlignment::Right } else { CellAlignment::Left };
            Cell::new(text).set_alignment(side)
        };
        let row = |cells: &[String]| cells.iter().zip(&self.numeric).take(count).map(cell).collect();
        let header: Vec<_> = row(&self.names);
        table.set_header(header);
        for cells in &self.shown {
            let cells: Vec<_> = row(cells);
            table.add_row(cells);
        }
        table
    }

    /// How many columns fit the width; at least one.
    fn fitting(&self) -> usize {
        let Some(width) = self.options.width else {
            return self.names.len();
        };
        // A column takes a space on both sides and a line after it; the first, a line before.
        let widths = self.table(self.names.len()).column_max_content_widths();
        let mut used = 1;
        let fits = |content: &u16| {
            used += usize::from(*content) + 3;
            used <= width
        };
        widths.iter().copied().take_while(fits).count().max(1)
    }

    fn draw(&self) -> String {
        let count = self.fitting().min(self.names.len());
        let mut text = String::new();
        if count > 0 {
            text = self.table(count).to_string();
            text.push('\n');
        }
        if self.options.counts_rows || self.rows > self.shown.len() as u64 {
            text.push_str(&self.count_line());
        }
        let hidden = &self.names[count..];
        if !hidden.is_empty() {
            let names = hidden.join(", ");
            append(
                &mut text,
                format_args!("columns that do not fit: {names}; choose columns or another format\n"),
            );
        }
        if self.cut_cells {
            let most = self.options.cell_chars_max;
            append(&mut text, format_args!("texts of more than {most} characters end in …\n"));
        }
        text
    }

    fn count_line(&self) -> String {
        let shown = self.shown.len() as u64;
        match (self.rows, self.rows - shown) {
            (0, _) => "no rows\n".to_owned(),
            (1, 0) => "1 row\n".to_owned(),
            (rows, 0) => format!("{rows} rows\n"),
            (rows, more) => format!("{rows} rows, the first {shown} shown, {more} more\n"),
        }
    }
}

impl BatchWriter for TableWriter {
    fn write(&mut self, batch: &RecordBatch) -> Result<(), OutputError> {
        let wanted = self.options.rows_max.saturating_sub(self.shown.len()).min(batch.num_rows());
        self.rows += batch.num_rows() as u64;
        let columns = columns(&batch.slice(0, wanted), "a table")?;
        for row in 0..wanted {
            let mut cells = Vec::with_capacity(columns.len());
            for column in &columns {
                let mut raw = String::new();
                cells.push(match column.append(row, &mut raw) {
                    Some(_) => self.cell(&raw),
                    None => self.options.null.to_owned(),
                });
            }
            self.shown.push(cells);
        }
        Ok(())
    }

    fn finish(mut self: Box<Self>) -> Result<(), OutputError> {
        let text = self.draw();
        self.out.write_all(text.as_bytes()).and_then(|()| self.out.flush()).map_err(OutputError::Write)
    }
}
