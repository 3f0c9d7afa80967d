//! Why an extract could not be read: each error names file, row, line and column, what was
//! found and what was expected, and what to do next.

use std::fmt;
use std::io;

use arrow_schema::ArrowError;
use parquet::errors::ParquetError;

/// How many characters of a bad cell a message shows.
const FOUND_CHARS_MAX: usize = 60;

/// Where in a file a row stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    /// The file's name as given, or `standard input`.
    pub(crate) file: String,
    /// The row, counted from 1, without the header.
    pub(crate) row: u64,
    /// The line of a text file, counted from 1, header included; none in Parquet and Arrow.
    pub(crate) line: Option<u64>,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, row {}", self.file, self.row)?;
        match self.line {
            Some(line) => write!(f, " (line {line})"),
            None => Ok(()),
        }
    }
}

/// What is wrong with the text of one cell.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum CellFault {
    /// The text is no value of the type at all.
    #[error("not a value of this type; mend it, or declare the column with another type")]
    Malformed,
    /// A value of the right form that the type cannot hold.
    #[error("outside the range of this type; widen the column's type")]
    OutOfRange,
    /// Digits after the point that would be lost.
    #[error("{found} fractional digits where the type keeps {kept}; nothing is rounded")]
    FractionDigits {
        /// How many the text has.
        found: usize,
        /// How many the type keeps.
        kept: usize,
    },
    /// An instant that does not say in which zone it is.
    #[error("no time zone; add Z or an offset such as +02:00")]
    NoZone,
    /// A year, month, day, hour, minute or second that does not exist.
    #[error("no such date or time of day")]
    NoSuchTime,
    /// A JSON value of a kind that is not read as this type.
    #[error("JSON {found} is not read as this type; mend it, or declare the column otherwise")]
    JsonKind {
        /// The kind found: `number`, `string`, `boolean`, `array`, `object`.
        found: &'static str,
    },
}

/// A cell that does not hold what its column declares.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct BadCell {
    /// The row that holds the cell.
    pub(crate) place: Place,
    /// The column, under the name it has after renaming.
    pub(crate) column: String,
    /// The text found, shortened.
    pub(crate) found: String,
    /// The type expected, as Calotype prints types.
    pub(crate) expected: String,
    /// What is wrong with it.
    pub(crate) fault: CellFault,
}

impl fmt::Display for BadCell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { place, column, found, expected, fault } = self;
        write!(f, "{place}, column {column}: found {found}, expected {expected}: {fault}")
    }
}

/// Why an extract could not be read. Nothing of it is used then.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum InputError {
    /// The file cannot be opened: check name and rights.
    #[error("could not open {file}")]
    Open {
        /// The file.
        file: String,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// Reading stopped in the middle. May succeed when retried.
    #[error("could not read {file}")]
    Read {
        /// The file.
        file: String,
        /// What the system said.
        #[source]
        source: io::Error,
    },
    /// The format was not given and the file's name does not tell.
    #[error(
        "cannot tell the format of {file} from its name; \
         pass --input-format csv, tsv, ndjson, parquet or arrow"
    )]
    UnknownFormat {
        /// The file.
        file: String,
    },
    /// Only text formats are read from memory.
    #[error("{file}: {format} is read from a file, not from memory; write it to a file first")]
    NotInMemory {
        /// The name given to the bytes.
        file: String,
        /// The format asked for.
        format: &'static str,
    },
    /// The encoding's label is not known.
    #[error(
        "no encoding is called {label:?}; use utf-8, latin-1, windows-1252, utf-16, another label \
         of the WHATWG encoding standard, or auto"
    )]
    UnknownEncoding {
        /// The label given.
        label: String,
    },
    /// The delimiter cannot separate fields.
    #[error(
        "{delimiter:?} cannot separate fields; use an ASCII character that is neither a quote, a \
         letter, a digit nor a line break"
    )]
    BadDelimiter {
        /// The delimiter given.
        delimiter: char,
    },
    /// No byte, or nothing but blank lines: not even a header.
    #[error("{file} is empty, without even a header; did its export fail?")]
    Empty {
        /// The file.
        file: String,
    },
    /// Two columns end up with one name.
    #[error("{file}: columns {first} and {second} are both called {column:?}; rename or ignore one")]
    DuplicateColumn {
        /// The file.
        file: String,
        /// The name.
        column: String,
        /// The position of the first, counted from 1.
        first: usize,
        /// The position of the second, counted from 1.
        second: usize,
    },
    /// A header field without a name.
    #[error(
        "{file}: column {position} has no name in the header; name it, or, if each line ends with \
         a delimiter, allow a trailing one"
    )]
    UnnamedColumn {
        /// The file.
        file: String,
        /// The position, counted from 1.
        position: usize,
    },
    /// A column to be renamed is not in the file.
    #[error("{file} has no column {column:?} to rename; it has {found}")]
    NothingToRename {
        /// The file.
        file: String,
        /// The column named.
        column: String,
        /// The columns of the file.
        found: String,
    },
    /// A row with more or fewer fields than the header.
    #[error(
        "{place}: {found} fields where the header has {expected}; look for a missing quote, a \
         line cut short or a delimiter inside a value"
    )]
    Ragged {
        /// The row.
        place: Place,
        /// Fields of the row.
        found: usize,
        /// Fields of the header.
        expected: usize,
    },
    /// A quote that is opened and never closed: the file was cut short, or a quote is stray.
    #[error("{place}: a quote is opened here and never closed; was the file cut short?")]
    OpenQuote {
        /// The row.
        place: Place,
    },
    /// A row too long to be meant.
    #[error("{place}: the row is longer than {bytes_max} bytes; look for a missing quote")]
    RowTooLong {
        /// The row.
        place: Place,
        /// The bound.
        bytes_max: usize,
    },
    /// Bytes that the encoding does not have.
    #[error(
        "{place}: bytes that are not valid {encoding}; pass the file's encoding, such as \
         windows-1252, or auto"
    )]
    InvalidBytes {
        /// The row; row 0 is the header.
        place: Place,
        /// The encoding that was tried.
        encoding: &'static str,
    },
    /// A cell that does not hold what its column declares.
    #[error("{0}")]
    Cell(Box<BadCell>),
    /// A null in a column that allows none.
    #[error("{place}, column {column}: null, but the column is declared not null")]
    Null {
        /// The row.
        place: Place,
        /// The column.
        column: String,
    },
    /// A line that is no JSON.
    #[error("{place}: not a JSON object on a line of its own; was the file cut short?")]
    Json {
        /// The row.
        place: Place,
        /// What the parser said.
        #[source]
        source: serde_json::Error,
    },
    /// The file is one JSON array, not one object a line.
    #[error("{file} is a JSON array; write one object a line, for example with jq -c '.[]'")]
    JsonArray {
        /// The file.
        file: String,
    },
    /// An object that names a field twice.
    #[error("{place}: the field {column:?} is given twice")]
    DuplicateField {
        /// The row.
        place: Place,
        /// The field.
        column: String,
    },
    /// Values of two kinds in a column whose type is not declared.
    #[error(
        "{place}, column {column}: a {found} where the rows before have a {before}; \
         declare the column's type"
    )]
    MixedKinds {
        /// The row.
        place: Place,
        /// The column.
        column: String,
        /// The kind of the rows before.
        before: &'static str,
        /// The kind found.
        found: &'static str,
    },
    /// The file is not the one that the first pass read.
    #[error("{file} changed while it was read; read it again when its writer is done")]
    Changed {
        /// The file.
        file: String,
    },
    /// A column of a type that Calotype does not keep.
    #[error("{file}, column {column}: {found} is not kept; {advice}")]
    UnsupportedType {
        /// The file.
        file: String,
        /// The column.
        column: String,
        /// The type found.
        found: String,
        /// What to do.
        advice: &'static str,
    },
    /// An Arrow stream that stops before its end marker.
    #[error("{file} ends without the end-of-stream marker of Arrow; was it cut short?")]
    NoEndOfStream {
        /// The file.
        file: String,
    },
    /// A Parquet or Arrow file whose lengths contradict each other: write it again.
    #[error("{file} is damaged or cut short, or not of the format it is read as")]
    Damaged {
        /// The file.
        file: String,
    },
    /// Not a Parquet file, or a damaged one: write it again.
    #[error("{file} cannot be read as Parquet; was it cut short?")]
    Parquet {
        /// The file.
        file: String,
        /// What the reader said.
        #[source]
        source: ParquetError,
    },
    /// Not Arrow IPC, or damaged: write it again.
    #[error("{file} cannot be read as Arrow; was it cut short?")]
    Arrow {
        /// The file.
        file: String,
        /// What the reader said.
        #[source]
        source: ArrowError,
    },
}

impl InputError {
    /// The row, counted from 1, and the column to blame, where there are such.
    #[expect(clippy::wildcard_enum_match_arm, reason = "every other error is about the whole file")]
    pub(crate) fn place(&self) -> (Option<u64>, Option<String>) {
        match self {
            Self::Cell(cell) => (Some(cell.place.row), Some(cell.column.clone())),
            Self::Null { place, column }
            | Self::DuplicateField { place, column }
            | Self::MixedKinds { place, column, .. } => (Some(place.row), Some(column.clone())),
            Self::Ragged { place, .. }
            | Self::OpenQuote { place }
            | Self::RowTooLong { place, .. }
            | Self::InvalidBytes { place, .. }
            | Self::Json { place, .. } => (Some(place.row), None),
            Self::DuplicateColumn { column, .. }
            | Self::NothingToRename { column, .. }
            | Self::UnsupportedType { column, .. } => (None, Some(column.clone())),
            _ => (None, None),
        }
    }
}

/// The text of a cell as a message shows it: quoted, escaped, shortened.
pub(super) fn shown(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(text);
    let mut chars = text.chars();
    let head: String = chars.by_ref().take(FOUND_CHARS_MAX).collect();
    let more = if chars.next().is_some() { "…" } else { "" };
    format!("{head:?}{more}")
}
