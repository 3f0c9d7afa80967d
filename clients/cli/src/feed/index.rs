//! The index of a feed, line by line, with the system time that each line gets.

use std::collections::BTreeMap;

use calotype_client::{SystemTime, ValidTime};
use calotype_storage::name::ContextName;
use chrono::NaiveDate;

use super::FeedError;
use super::definition::{Deed, Feed, Index};
use crate::input::{self, Column, Format, ReadOptions};

/// What the cutoff column says where it is no date.
const RFC3339: &str = "rfc3339";

/// One line of an index.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Line {
    /// The line, counted from 1, header included.
    pub(crate) number: u64,
    /// The context.
    pub(crate) context: ContextName,
    /// The cutoff as the index writes it.
    pub(crate) cutoff_text: String,
    /// The cutoff.
    pub(crate) cutoff: ValidTime,
    /// The system time it gets: when it was known, or, where the context has one as late already,
    /// the microsecond after that.
    pub(crate) recorded_at: SystemTime,
    /// The change as the index writes it.
    pub(crate) change: String,
    /// What it does.
    pub(crate) deed: Deed,
    /// The path of the file; empty for a withdrawal.
    pub(crate) file: String,
}

/// Reads an index.
///
/// # Errors
/// [`FeedError`] names line and column.
pub(super) fn read(feed: &Feed, bytes: &[u8]) -> Result<Vec<Line>, crate::error::CliError> {
    let index = &feed.index;
    let options = ReadOptions {
        format: Some(Format::Csv),
        encoding: "auto".to_owned(),
        columns: Some(Vec::new()),
        system_columns: columns(index)
            .map(|name| Column::nullable(name, arrow_schema::DataType::Utf8))
            .to_vec(),
        ..ReadOptions::default()
    };
    let extract = input::read_bytes(&index.file, bytes, &options)?;
    let mut places = Vec::new();
    for column in columns(index) {
        places.push(extract.schema.index_of(column).map_err(|_| {
            let names = extract.schema.fields().iter().map(|field| field.name().as_str());
            FeedError::NoColumn {
                file: index.file.clone(),
                column: column.to_owned(),
                found: names.collect::<Vec<_>>().join(", "),
            }
        })?);
    }
    let mut newest = BTreeMap::new();
    let mut lines = Vec::new();
    for (number, row) in (2..).zip(crate::console::texts(&extract.batches)?) {
        let cells = places.iter().map(|place| row[*place].clone().unwrap_or_default());
        let mut line = line(feed, number, &cells.collect::<Vec<_>>())?;
        let newest = newest.entry(line.context.clone()).or_insert(i64::MIN);
        // Equal times are ordered by their lines.
        line.recorded_at = line.recorded_at.max(SystemTime::from_micros(newest.saturating_add(1)));
        *newest = line.recorded_at.micros();
        lines.push(line);
    }
    Ok(lines)
}

/// The columns that an index must have.
fn columns(index: &Index) -> [&str; 5] {
    [&index.context, &index.cutoff, &index.recorded_at, &index.change, &index.file_column]
}

fn line(feed: &Feed, number: u64, cells: &[String]) -> Result<Line, FeedError> {
    let index = &feed.index;
    let wrong = |place: usize, expected: String| FeedError::Line {
        file: index.file.clone(),
        line: number,
        column: columns(index)[place].to_owned(),
        found: cells[place].clone(),
        expected,
    };
    let contexts = || feed.contexts.keys().cloned().collect::<Vec<_>>().join(", ");
    let context = ContextName::parse(&cells[0])
        .ok()
        .filter(|context| feed.contexts.contains_key(context.as_str()))
        .ok_or_else(|| wrong(0, format!("one of the feed's contexts: {}", contexts())))?;
    let cutoff = cutoff(index, &cells[1]).map_err(|expected| wrong(1, expected))?;
    let recorded_at =
        SystemTime::parse(&cells[2]).map_err(|error| wrong(2, format!("an instant ({error})")))?;
    let changes = || feed.change.keys().cloned().collect::<Vec<_>>().join(", ");
    let change = feed
        .change
        .get(&cells[3])
        .ok_or_else(|| wrong(3, format!("one of the feed's changes: {}", changes())))?;
    if cells[4].is_empty() && change.put != Deed::Withdraw {
        return Err(wrong(4, "the path of a file".to_owned()));
    }
    Ok(Line {
        number,
        context,
        cutoff_text: cells[1].clone(),
        cutoff,
        recorded_at,
        change: cells[3].clone(),
        deed: change.put,
        file: cells[4].clone(),
    })
}

fn cutoff(index: &Index, text: &str) -> Result<ValidTime, String> {
    if index.cutoff_format == RFC3339 {
        return ValidTime::parse(text).map_err(|error| format!("an instant ({error})"));
    }
    let format = &index.cutoff_format;
    let date = NaiveDate::parse_from_str(text, format)
        .map_err(|error| format!("a date written as {format} ({error})"))?;
    let time = index.cutoff_time.as_deref().ok_or("cutoff_time in the feed, such as 00:00:00Z")?;
    ValidTime::parse(&format!("{}T{time}", date.format("%Y-%m-%d")))
        .map_err(|error| format!("a time of day with its zone in cutoff_time ({error})"))
}
