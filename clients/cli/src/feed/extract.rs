//! From a line of the index to what is committed for it.

use calotype_client::{Deed, PutOptions, RequestId, Withdrawal};
use calotype_storage::name::{IdempotencyKey, Reason};

use super::definition::{self, ContextPart, Feed, FilePart};
use super::index::Line;
use super::{Refused, Source};
use crate::input::{self, Extract, ReadOptions};
use crate::value;

/// Bytes of the longest idempotency key.
const KEY_BYTES_MAX: usize = 128;

/// What a line asks for.
///
/// # Errors
/// Its file cannot be taken.
pub(super) fn deed(feed: &Feed, source: &Source, line: &Line) -> Result<Deed, Box<Refused>> {
    let change = feed.change.get(&line.change);
    let reason = change.and_then(|change| change.reason.as_deref());
    let reason = reason.and_then(|reason| Reason::parse(reason).ok()).map(|reason| reason.to_string());
    let request_id =
        idempotency_key(feed, line).map_or(RequestId::None, |key| RequestId::Is(key.to_string()));
    let recorded_at = Some(line.recorded_at);
    let options = match line.deed {
        definition::Deed::Full => PutOptions::full(line.context.as_str(), line.cutoff),
        definition::Deed::Delta => PutOptions::delta(line.context.as_str(), line.cutoff),
        definition::Deed::Withdraw => {
            let withdrawal = Withdrawal::of(line.context.as_str(), line.cutoff);
            return Ok(Deed::Withdraw(Withdrawal { recorded_at, request_id, reason, ..withdrawal }));
        }
    };
    let part = &feed.contexts[line.context.as_str()];
    let on_duplicate = part.on_duplicate.into();
    let extract = read(feed, part, source, line)?;
    let options = PutOptions { recorded_at, request_id, reason, evolve: true, on_duplicate, ..options };
    Ok(Deed::Put { options: Box::new(options), schema: extract.schema, batches: extract.batches })
}

/// What makes a line the same line when the import runs again: all that it says, not its place.
fn idempotency_key(feed: &Feed, line: &Line) -> Option<IdempotencyKey> {
    let Line { cutoff_text, recorded_at, change, file, .. } = line;
    let name = &feed.name;
    let text = format!("{name} {cutoff_text} {change} {recorded_at} {file}");
    if text.len() <= KEY_BYTES_MAX
        && let Ok(key) = IdempotencyKey::parse(text.trim_end())
    {
        return Some(key);
    }
    let hash = blake3::hash(text.as_bytes()).to_hex();
    IdempotencyKey::parse(&format!("{name} {hash}")).ok()
}

fn read(feed: &Feed, part: &ContextPart, source: &Source, line: &Line) -> Result<Extract, Box<Refused>> {
    let bytes = source.bytes(&line.file).map_err(|error| Refused::file(line, &error))?;
    let options = options(part, feed.files.get(&line.file), &bytes);
    let extract =
        input::read_bytes(&line.file, &bytes, &options).map_err(|error| Refused::input(line, &error))?;
    match extract.extra.first() {
        None => Ok(extract),
        Some(column) => Err(Refused::column(line, column)),
    }
}

/// The options of the context, and what differs in the file.
fn options(part: &ContextPart, file: Option<&FilePart>, bytes: &[u8]) -> ReadOptions {
    let mut options = part.options();
    let given = file.and_then(|file| file.delimiter.as_deref());
    let one = |text: &str| value::delimiter(text).ok();
    options.delimiter = match given.and_then(one) {
        Some(delimiter) => delimiter,
        None => most_frequent(part.delimiters.iter().filter_map(|text| one(text)), bytes),
    };
    if let Some(file) = file {
        if let Some(encoding) = &file.encoding {
            options.encoding.clone_from(encoding);
        }
        options.rename.extend(file.rename.clone());
    }
    options
}

/// The delimiter that the header has most of; of several, the first.
fn most_frequent(delimiters: impl Iterator<Item = u8>, bytes: &[u8]) -> u8 {
    let lines = bytes.split(|byte| *byte == b'\n');
    let mut headers = lines.filter(|line| !line.trim_ascii().is_empty());
    let header = headers.next().unwrap_or_default();
    let count = |delimiter: u8| header.split(|byte| *byte == delimiter).count();
    let mut best = None;
    for delimiter in delimiters {
        let found = count(delimiter);
        if best.is_none_or(|(_, most)| found > most) {
            best = Some((delimiter, found));
        }
    }
    best.map_or(b',', |(delimiter, _)| delimiter)
}
