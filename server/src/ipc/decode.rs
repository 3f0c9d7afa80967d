//! Messages in their order: a schema, then dictionaries and record batches, one by one or as a stream.
//!
//! Invariants: a batch is handed out only after all of it was validated; its columns are plain; a message that is
//! refused leaves the decoder as it was, except that a dictionary of the same number is given up.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use arrow_array::{RecordBatch, RecordBatchOptions};
use arrow_ipc as fb;
use arrow_schema::SchemaRef;
use bytes::Bytes;

use super::column::Reader;
use super::dictionary::Dictionaries;
use super::error::{Expected, Fault, IpcError};
use super::gate::{self, Opened, Rows, signed};
use super::types::{self, Columns};
use crate::limits::Limits;

/// Begins every message of a stream.
const CONTINUATION: [u8; 4] = [0xff; 4];

/// Decodes the messages of one sender.
#[derive(Debug)]
pub struct Decoder {
    limits: Limits,
    columns: Option<Columns>,
    dictionaries: Dictionaries,
    messages: u64,
}

impl Decoder {
    /// A decoder that has seen nothing.
    pub fn new(limits: &Limits) -> Self {
        Self { limits: limits.clone(), columns: None, dictionaries: Dictionaries::default(), messages: 0 }
    }

    /// Takes the schema, which comes first and once: the flatbuffer of the message. Dictionary columns have the
    /// type of their values in what is returned.
    ///
    /// # Errors
    /// The message is no schema, or one that is not taken.
    pub fn schema(&mut self, header: &Bytes) -> Result<SchemaRef, IpcError> {
        match self.numbered(|decoder| decoder.open(header, &Bytes::new()))? {
            Taken::Schema(schema) => Ok(schema),
            Taken::Dictionary | Taken::Batch(_) => {
                Err(self.refusal(Fault::Kind { expected: "a schema", found: "another message" }))
            }
        }
    }

    /// Takes a message after the schema: the flatbuffer and the body. A record batch is handed out; a dictionary
    /// is held and gives `None`.
    ///
    /// # Errors
    /// The message is refused.
    pub fn message(&mut self, header: &Bytes, body: &Bytes) -> Result<Option<RecordBatch>, IpcError> {
        match self.numbered(|decoder| decoder.open(header, body))? {
            Taken::Batch(batch) => Ok(Some(batch)),
            Taken::Dictionary => Ok(None),
            Taken::Schema(_) => {
                Err(self.refusal(Fault::Kind { expected: "a record batch", found: "a schema" }))
            }
        }
    }

    /// As [`Self::message`], where no dictionaries are expected.
    ///
    /// # Errors
    /// The message is refused, or is a dictionary.
    pub fn batch(&mut self, header: &Bytes, body: &Bytes) -> Result<RecordBatch, IpcError> {
        self.message(header, body)?.ok_or_else(|| {
            let found = "a dictionary; send the column as plain values";
            self.refusal(Fault::Kind { expected: "a record batch", found })
        })
    }

    /// Runs a step that takes one message.
    fn numbered<T>(&mut self, step: impl FnOnce(&mut Self) -> Result<T, Fault>) -> Result<T, IpcError> {
        let message = self.messages;
        self.messages += 1;
        // The gate is meant to leave nothing that panics; should something, the sender is refused and no one else
        // notices. The dictionaries are replaced as a whole, so that nothing half done stays.
        let outcome = catch_unwind(AssertUnwindSafe(|| step(self))).unwrap_or(Err(Fault::Panicked));
        outcome.map_err(|fault| IpcError { message, fault })
    }

    /// A refusal of the message taken last.
    fn refusal(&self, fault: Fault) -> IpcError {
        IpcError { message: self.messages.saturating_sub(1), fault }
    }

    fn open(&mut self, header: &Bytes, body: &Bytes) -> Result<Taken, Fault> {
        let message = gate::verify(header, &self.limits)?;
        self.take(message, body)
    }

    fn take(&mut self, message: fb::Message<'_>, body: &Bytes) -> Result<Taken, Fault> {
        let opened = gate::open(message, body, &self.limits)?;
        match (opened, &self.columns) {
            (Opened::Schema(schema), None) => {
                let columns = types::read(schema, &self.limits)?;
                let schema = Arc::clone(&columns.schema);
                self.columns = Some(columns);
                Ok(Taken::Schema(schema))
            }
            (Opened::Schema(_), Some(_)) => {
                Err(Fault::Kind { expected: "a record batch", found: "a second schema" })
            }
            (Opened::Batch(_) | Opened::Dictionary { .. }, None) => {
                Err(Fault::Kind { expected: "the schema first", found: "rows" })
            }
            (Opened::Batch(rows), Some(columns)) => {
                batch(columns, &self.dictionaries, &rows, body, &self.limits).map(Taken::Batch)
            }
            (Opened::Dictionary { id, values }, Some(columns)) => {
                self.dictionaries.hold(id, &values, body, &columns.columns, &self.limits)?;
                Ok(Taken::Dictionary)
            }
        }
    }
}

/// What a message was.
enum Taken {
    Schema(SchemaRef),
    Dictionary,
    Batch(RecordBatch),
}

fn batch(
    columns: &Columns,
    dictionaries: &Dictionaries,
    rows: &Rows,
    body: &Bytes,
    limits: &Limits,
) -> Result<RecordBatch, Fault> {
    let mut reader = Reader::new(rows, body, limits);
    let mut arrays = Vec::with_capacity(columns.columns.len());
    for column in &columns.columns {
        let array = match &column.dictionary {
            Some(encoding) => dictionaries.column(&mut reader, column, encoding)?,
            None => reader.values(&column.name, &column.values)?,
        };
        if !column.nullable && array.logical_null_count() > 0 {
            return Err(Fault::Parameter {
                column: column.name.clone(),
                what: "nulls, where the schema allows none",
                expected: Expected::Exactly(0),
                found: signed(array.logical_null_count()),
            });
        }
        arrays.push(array);
    }
    reader.finish()?;
    let options = RecordBatchOptions::new().with_row_count(Some(rows.length));
    RecordBatch::try_new_with_options(Arc::clone(&columns.schema), arrays, &options).map_err(Fault::Batch)
}

/// Decodes a whole stream: framed messages, then an end mark or the end of the bytes.
///
/// # Errors
/// A message is refused, or the bytes end within one.
pub fn stream(bytes: &Bytes, limits: &Limits) -> Result<(SchemaRef, Vec<RecordBatch>), IpcError> {
    let mut decoder = Decoder::new(limits);
    let mut at = 0;
    let mut schema = None;
    let mut batches = Vec::new();
    while let Some(taken) = decoder.numbered(|decoder| decoder.framed(bytes, &mut at))? {
        match taken {
            Taken::Schema(first) => schema = Some(first),
            Taken::Dictionary => {}
            Taken::Batch(batch) => batches.push(batch),
        }
    }
    match schema {
        Some(schema) => Ok((schema, batches)),
        None => Err(decoder.refusal(Fault::Kind { expected: "a schema", found: "the end of the stream" })),
    }
}

impl Decoder {
    /// Takes the message at a place of a stream and goes on to the next; `None` at the end.
    fn framed(&mut self, bytes: &Bytes, at: &mut usize) -> Result<Option<Taken>, Fault> {
        if *at == bytes.len() {
            return Ok(None);
        }
        let mark = word(bytes, *at)?;
        if mark != CONTINUATION {
            let (expected, found) = ("a message", i64::from(i32::from_le_bytes(mark)));
            return Err(Fault::Framing { expected, at: *at, found });
        }
        let length = i32::from_le_bytes(word(bytes, *at + 4)?);
        let from = *at + 8;
        if length == 0 {
            let left = bytes.len() - from;
            *at = bytes.len();
            let fault = Fault::Framing { expected: "the end of the stream", at: from, found: signed(left) };
            return if left == 0 { Ok(None) } else { Err(fault) };
        }
        let header = part(bytes, from, usize::try_from(length).ok(), length.into(), "metadata")?;
        let message = gate::verify(&header, &self.limits)?;
        let body = gate::body_length(&message, &self.limits)?;
        let from = from + header.len();
        let body = part(bytes, from, Some(body), signed(body), "a body")?;
        *at = from + body.len();
        self.take(message, &body).map(Some)
    }
}

fn word(bytes: &Bytes, at: usize) -> Result<[u8; 4], Fault> {
    let left = &bytes[at..];
    let found = signed(left.len());
    left.first_chunk().copied().ok_or(Fault::Framing { expected: "4 bytes of framing", at, found })
}

/// A part of a stream, if it has so many bytes.
fn part(
    bytes: &Bytes,
    at: usize,
    length: Option<usize>,
    found: i64,
    expected: &'static str,
) -> Result<Bytes, Fault> {
    let left = bytes.len() - at;
    let length = length.filter(|length| *length <= left).ok_or(Fault::Framing { expected, at, found })?;
    Ok(bytes.slice(at..at + length))
}
