//! What became of a feed: how much was taken, and what was refused and why.

use std::collections::BTreeMap;
use std::path::Path;

use calotype_client::ServerError;
use comfy_table::{CellAlignment, ContentArrangement, Table, presets};

use super::FeedError;
use super::index::Line;
use crate::error::{CliError, reasons};
use crate::input::InputError;
use crate::listing::{Cell, Kind, Listing};
use crate::output::{Format, TableOptions, escaped};
use crate::session::create;

/// How many characters of a reason a table shows.
const REASON_CHARS_MAX: usize = 160;

/// An extract that was not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refused {
    /// The line of the index, counted from 1, header included.
    pub(crate) line: u64,
    /// The context.
    pub(crate) context: String,
    /// The cutoff as the index writes it.
    pub(crate) cutoff: String,
    /// The file; empty for a withdrawal.
    pub(crate) file: String,
    /// The row, counted from 1 without the header, where one is to blame.
    pub(crate) row: Option<u64>,
    /// The column, where one is to blame.
    pub(crate) column: Option<String>,
    /// Why.
    pub(crate) reason: String,
}

/// What became of a feed.
#[derive(Clone, Debug, Default)]
pub(crate) struct Outcome {
    /// Lines that were committed now.
    pub(crate) committed: u64,
    /// Lines that had been committed before.
    pub(crate) replayed: u64,
    /// Rows in what was committed, by context.
    pub(crate) rows: BTreeMap<String, u64>,
    /// Lines in what was committed, by context.
    pub(crate) taken: BTreeMap<String, u64>,
    /// What was not taken, in the order of the index.
    pub(crate) refused: Vec<Refused>,
}

impl Refused {
    fn new(line: &Line, reason: String) -> Self {
        Self {
            line: line.number,
            context: line.context.to_string(),
            cutoff: line.cutoff_text.clone(),
            file: line.file.clone(),
            row: None,
            column: None,
            reason,
        }
    }

    /// A file that is not there.
    pub(super) fn file(line: &Line, error: &FeedError) -> Box<Self> {
        Box::new(Self::new(line, reasons(error)))
    }

    /// A column that nobody declared.
    pub(super) fn column(line: &Line, column: &str) -> Box<Self> {
        let reason = format!("column {column:?} is not declared in the feed");
        Box::new(Self { column: Some(column.to_owned()), ..Self::new(line, reason) })
    }

    /// A file that cannot be read.
    pub(super) fn input(line: &Line, error: &InputError) -> Box<Self> {
        let (row, column) = error.place();
        Box::new(Self { row, column, ..Self::new(line, reasons(error)) })
    }

    /// A put or withdrawal that the store refused.
    pub(super) fn store(line: &Line, refusal: &ServerError) -> Box<Self> {
        let (row, column) = place(refusal);
        Box::new(Self { row, column, ..Self::new(line, refusal.to_string()) })
    }
}

impl Refused {
    /// The reason without file and row, where those stand before it.
    fn bare_reason(&self, file: &str) -> &str {
        let Some(rest) = self.reason.strip_prefix(file) else {
            return &self.reason;
        };
        let rest = rest.trim_start_matches([':', ',', ' ']);
        let Some(place) = rest.strip_prefix("row ") else {
            return rest;
        };
        // Either `2 (line 3): ...` or `2 (line 3), column v: ...`.
        let end = place.find([',', ':']).unwrap_or(0);
        place[end..].trim_start_matches([':', ',', ' '])
    }
}

/// The beginning of a long reason; the report has all of it.
fn shortened(reason: &str) -> String {
    if reason.chars().nth(REASON_CHARS_MAX).is_none() {
        return reason.to_owned();
    }
    let head: String = reason.chars().take(REASON_CHARS_MAX).collect();
    let head = head.rsplit_once(' ').map_or(head.as_str(), |(head, _)| head);
    format!("{head} …")
}

/// The row and the column that a refusal names; of rows with one key, the second.
fn place(refusal: &ServerError) -> (Option<u64>, Option<String>) {
    let variable = |name: &str| refusal.metadata.get(name);
    let second = variable("rows_1").and_then(|rows| rows.split(',').nth(1));
    let row = variable("row").map(String::as_str).or(second).and_then(|row| row.parse().ok());
    (row, variable("column").cloned())
}

impl Outcome {
    /// What was refused, as a table for people of some width.
    pub(crate) fn lines(&self, width: usize) -> String {
        let mut table = Table::new();
        table.load_preset(presets::UTF8_FULL_CONDENSED);
        table.set_content_arrangement(ContentArrangement::Dynamic);
        table.set_width(u16::try_from(width).unwrap_or(u16::MAX));
        table.set_header(["line", "file", "row", "why"]);
        for refused in &self.refused {
            let file = if refused.file.is_empty() {
                format!("{} {}", refused.context, refused.cutoff)
            } else {
                refused.file.clone()
            };
            table.add_row([
                refused.line.to_string(),
                escaped(&file),
                refused.row.map_or("-".to_owned(), |row| row.to_string()),
                shortened(&escaped(refused.bare_reason(&file))),
            ]);
        }
        for (place, side) in [(0, CellAlignment::Right), (2, CellAlignment::Right)] {
            if let Some(column) = table.column_mut(place) {
                column.set_cell_alignment(side);
            }
        }
        format!("{table}\n")
    }

    /// Writes what was refused to a file, as NDJSON.
    ///
    /// # Errors
    /// The file cannot be written.
    pub(crate) fn write(&self, path: &Path) -> Result<(), CliError> {
        let mut listing = Listing::new(&[
            ("line", Kind::Number),
            ("context", Kind::Text),
            ("cutoff", Kind::Text),
            ("file", Kind::Text),
            ("row", Kind::Number),
            ("column", Kind::Text),
            ("reason", Kind::Text),
        ]);
        for refused in &self.refused {
            listing.push(vec![
                Cell::count(refused.line),
                Cell::text(&refused.context),
                Cell::text(&refused.cutoff),
                Cell::text(&refused.file),
                Cell::option(refused.row, Cell::count),
                Cell::option(refused.column.as_ref(), Cell::text),
                Cell::text(&refused.reason),
            ]);
        }
        listing.write(Format::Ndjson, create(path)?, TableOptions::default())
    }
}
