//! How an extract is to be read: its format, its text conventions, and the types that are
//! declared for its columns.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use arrow_schema::{DataType, TimeUnit};

/// The column that says whether a row asserts or retracts.
pub(super) const OP: &str = "_op";
/// What that column holds where the row retracts; such a row needs no more than its key.
pub(super) const RETRACT: &str = "retract";

/// A format that extracts are read from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Format {
    /// Text with a header line and fields between delimiters (RFC 4180).
    Csv,
    /// As `csv`, with tabs between the fields whatever the delimiter says.
    Tsv,
    /// One JSON object a line.
    Ndjson,
    /// Apache Parquet.
    Parquet,
    /// Arrow IPC, stream or file: its first bytes tell which.
    Arrow,
}

impl Format {
    /// The format that a file's extension stands for, in any case of letters.
    pub(crate) fn of_path(path: &Path) -> Option<Self> {
        let extension = path.extension()?.to_str()?.to_ascii_lowercase();
        match extension.as_str() {
            "csv" => Some(Self::Csv),
            "tsv" | "tab" => Some(Self::Tsv),
            "ndjson" | "jsonl" | "json" => Some(Self::Ndjson),
            "parquet" | "pq" => Some(Self::Parquet),
            "arrow" | "arrows" | "ipc" | "feather" => Some(Self::Arrow),
            _ => None,
        }
    }
}

/// A column whose type is declared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Column {
    /// Its name, after renaming.
    pub(crate) name: String,
    /// Its type, one of those that are kept.
    pub(crate) data_type: DataType,
    /// Whether it may be null. Where it may not, a null is refused, save in a row whose `_op` is
    /// `retract`.
    pub(crate) nullable: bool,
}

impl Column {
    /// A column that may be null.
    pub(crate) fn nullable(name: &str, data_type: DataType) -> Self {
        Self { name: name.to_owned(), data_type, nullable: true }
    }
}

/// How an extract is to be read. Start from [`ReadOptions::default`].
#[derive(Clone, Debug)]
pub(crate) struct ReadOptions {
    /// The format; none: by the file's extension.
    pub(crate) format: Option<Format>,
    /// What separates the fields of a CSV file; `,` by default.
    pub(crate) delimiter: u8,
    /// A label of the WHATWG encoding standard, such as `utf-8` (the default), `latin-1`,
    /// `windows-1252`, `utf-16`; or `auto`: what a byte order mark says, else UTF-8 if the whole
    /// file is valid UTF-8, else windows-1252. CSV and NDJSON only.
    pub(crate) encoding: String,
    /// Texts read as null; the empty text by default. CSV only: it cannot tell a quoted text from
    /// an unquoted one. JSON has a null of its own.
    pub(crate) null_values: Vec<String>,
    /// File column → column. A CSV, Parquet or Arrow file must have the file column.
    pub(crate) rename: BTreeMap<String, String>,
    /// Whether a file column to be renamed may be missing.
    pub(crate) rename_if_present: bool,
    /// File columns to leave out, under their names in the file.
    pub(crate) ignore: BTreeSet<String>,
    /// Whether white space around names and cells is dropped, quoted or not. CSV only.
    pub(crate) trim: bool,
    /// Whether empty fields after the last column are let pass, in header and rows. CSV only.
    pub(crate) allow_trailing_comma: bool,
    /// The columns of the context; none: all types are inferred, or as the file has them.
    pub(crate) columns: Option<Vec<Column>>,
    /// Columns known without being declared by a context, never reported as extra: by default the
    /// period and `_op`.
    pub(crate) system_columns: Vec<Column>,
}

impl Default for ReadOptions {
    fn default() -> Self {
        Self {
            format: None,
            delimiter: b',',
            encoding: "utf-8".to_owned(),
            null_values: vec![String::new()],
            rename: BTreeMap::new(),
            rename_if_present: false,
            ignore: BTreeSet::new(),
            trim: false,
            allow_trailing_comma: false,
            columns: None,
            system_columns: vec![
                Column::nullable("_valid_from", instant_type()),
                Column::nullable("_valid_to", instant_type()),
                Column::nullable(OP, DataType::Utf8),
            ],
        }
    }
}

/// The one type of an instant: `timestamp[us, tz=UTC]`.
pub(crate) fn instant_type() -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()))
}
