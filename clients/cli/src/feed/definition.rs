//! What a feed is: the form of `feed.toml`, which `docs/feed.md` describes, checked.

use std::collections::{BTreeMap, BTreeSet};

use calotype_client::OnDuplicate;
use calotype_storage::name::{ContextName, Reason};
use calotype_storage::schema::FieldType;
use serde::Deserialize;

use super::FeedError;
use crate::input::{Column, ReadOptions};
use crate::value;

/// A feed as it is described.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Feed {
    /// Its name, part of every idempotency key.
    pub(crate) name: String,
    /// Its index: one line for each event.
    pub(crate) index: Index,
    /// An archive that holds index and files, beside the description; else they lie in its folder.
    #[serde(default)]
    pub(crate) archive: Option<String>,
    /// What a change in the index does.
    pub(crate) change: BTreeMap<String, Change>,
    /// The contexts, by name.
    #[serde(rename = "context")]
    pub(crate) contexts: BTreeMap<String, ContextPart>,
    /// Files that are written unlike the rest of their context, by path.
    #[serde(default, rename = "file")]
    pub(crate) files: BTreeMap<String, FilePart>,
}

/// The index and its columns.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Index {
    /// Its path: a CSV file with a header.
    pub(crate) file: String,
    /// The column that names the context.
    #[serde(default = "context")]
    pub(crate) context: String,
    /// The column with the cutoff.
    #[serde(default = "cutoff")]
    pub(crate) cutoff: String,
    /// How the cutoff is written: `rfc3339`, or a date such as `%Y%m%d`.
    #[serde(default = "rfc3339")]
    pub(crate) cutoff_format: String,
    /// Which instant of such a date is the cutoff: a time of day with its zone.
    #[serde(default)]
    pub(crate) cutoff_time: Option<String>,
    /// The column with the time at which it was known, RFC 3339.
    #[serde(default = "recorded_at")]
    pub(crate) recorded_at: String,
    /// The column that says what happens.
    #[serde(default = "change")]
    pub(crate) change: String,
    /// The column with the path of the file.
    #[serde(default = "file")]
    pub(crate) file_column: String,
}

/// What happens at a line of the index.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Deed {
    /// The file is a full extract.
    Full,
    /// The file is a delta extract.
    Delta,
    /// All that was said at the cutoff is taken back.
    Withdraw,
}

/// What a change in the index does.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Change {
    /// The deed.
    pub(crate) put: Deed,
    /// Why, for the log.
    #[serde(default)]
    pub(crate) reason: Option<String>,
}

/// One context of the feed.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct ContextPart {
    /// The columns that identify an entity.
    pub(crate) key: Vec<String>,
    /// All columns that files may have, after renaming, with their types.
    pub(crate) columns: BTreeMap<String, String>,
    /// Columns that must not be null, besides those of the key.
    #[serde(default)]
    pub(crate) required: BTreeSet<String>,
    /// Column of a file → column.
    #[serde(default)]
    pub(crate) rename: BTreeMap<String, String>,
    /// Columns of files to leave out.
    #[serde(default)]
    pub(crate) ignore: BTreeSet<String>,
    /// Texts that stand for null besides the empty one.
    #[serde(default)]
    pub(crate) null: Vec<String>,
    /// What may separate fields; of several, the one that the header has most of.
    #[serde(default = "delimiters")]
    pub(crate) delimiters: Vec<String>,
    /// The encoding, or `auto`.
    #[serde(default = "encoding")]
    pub(crate) encoding: String,
    /// Whether white space around names and cells is dropped.
    #[serde(default)]
    pub(crate) trim: bool,
    /// Whether empty fields after the last column pass.
    #[serde(default)]
    pub(crate) allow_trailing_comma: bool,
    /// Which row counts where a key repeats.
    #[serde(default)]
    pub(crate) on_duplicate: Duplicate,
}

/// A file that is written unlike the rest.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct FilePart {
    /// Its encoding.
    #[serde(default)]
    pub(crate) encoding: Option<String>,
    /// What separates its fields.
    #[serde(default)]
    pub(crate) delimiter: Option<String>,
    /// Its own renames, besides those of the context.
    #[serde(default)]
    pub(crate) rename: BTreeMap<String, String>,
}

/// What becomes of repeated keys.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Duplicate {
    /// The file is refused.
    #[default]
    Refuse,
    /// The first row counts.
    First,
    /// The last row counts.
    Last,
}

impl From<Duplicate> for OnDuplicate {
    fn from(duplicate: Duplicate) -> Self {
        match duplicate {
            Duplicate::Refuse => Self::Refuse,
            Duplicate::First => Self::First,
            Duplicate::Last => Self::Last,
        }
    }
}

fn context() -> String {
    "context".to_owned()
}

fn cutoff() -> String {
    "cutoff".to_owned()
}

fn rfc3339() -> String {
    "rfc3339".to_owned()
}

fn recorded_at() -> String {
    "recorded_at".to_owned()
}

fn change() -> String {
    "change".to_owned()
}

fn file() -> String {
    "file".to_owned()
}

fn delimiters() -> Vec<String> {
    vec![",".to_owned()]
}

fn encoding() -> String {
    "utf-8".to_owned()
}

impl Feed {
    /// Reads a description and checks what can be checked without the files.
    ///
    /// # Errors
    /// [`FeedError`] names the place.
    pub(crate) fn parse(file: &str, text: &str) -> Result<Self, FeedError> {
        let feed: Self = toml::from_str(text)
            .map_err(|source| FeedError::Toml { file: file.to_owned(), source: Box::new(source) })?;
        feed.check().map_err(|(place, what)| FeedError::Value { file: file.to_owned(), place, what })?;
        Ok(feed)
    }

    fn check(&self) -> Result<(), (String, String)> {
        let plain = |byte: u8| byte.is_ascii_graphic();
        if self.name.is_empty() || self.name.len() > 32 || !self.name.bytes().all(plain) {
            let what = "1 to 32 printable ASCII characters without spaces".to_owned();
            return Err(("name".to_owned(), what));
        }
        for (name, change) in &self.change {
            if let Some(reason) = &change.reason {
                let place = || format!("change.{name}.reason");
                Reason::parse(reason).map_err(|error| (place(), error.to_string()))?;
            }
        }
        for (path, part) in &self.files {
            if let Some(delimiter) = &part.delimiter {
                let place = || format!("file.{path:?}.delimiter");
                value::delimiter(delimiter).map_err(|error| (place(), error.to_string()))?;
            }
        }
        self.contexts.iter().try_for_each(|(name, part)| part.check(name))
    }
}

impl ContextPart {
    fn check(&self, name: &str) -> Result<(), (String, String)> {
        let place = |field: &str| format!("context.{name}.{field}");
        ContextName::parse(name).map_err(|error| (place("name"), error.to_string()))?;
        for (column, text) in &self.columns {
            value::field_type(text)
                .map_err(|error| (place(&format!("columns.{column}")), error.to_string()))?;
        }
        for column in self.key.iter().chain(&self.required) {
            if !self.columns.contains_key(column) {
                return Err((place("columns"), format!("{column:?} is not among them")));
            }
        }
        for delimiter in &self.delimiters {
            value::delimiter(delimiter).map_err(|error| (place("delimiters"), error.to_string()))?;
        }
        if self.key.is_empty() || self.delimiters.is_empty() {
            let what = "it must name at least one".to_owned();
            return Err((place("key and delimiters"), what));
        }
        Ok(())
    }

    /// How the files of the context are read, apart from what differs from file to file.
    pub(super) fn options(&self) -> ReadOptions {
        let column = |(name, text): (&String, &String)| Column {
            name: name.clone(),
            data_type: value::field_type(text).map_or(arrow_schema::DataType::Utf8, FieldType::to_arrow),
            nullable: !self.key.contains(name) && !self.required.contains(name),
        };
        let mut options = ReadOptions {
            encoding: self.encoding.clone(),
            rename: self.rename.clone(),
            rename_if_present: true,
            ignore: self.ignore.clone(),
            trim: self.trim,
            allow_trailing_comma: self.allow_trailing_comma,
            columns: Some(self.columns.iter().map(column).collect()),
            ..ReadOptions::default()
        };
        options.null_values.extend(self.null.iter().cloned());
        options
    }
}
