//! Hostile messages: none panics past the decoder, none takes memory without bound, each is refused with the place
//! or read as valid rows.

use std::cell::Cell;
use std::panic;
use std::sync::{Arc, Once};

use arrow_array::types::Int8Type;
use arrow_array::{
    Array, ArrayRef, BooleanArray, Decimal128Array, DictionaryArray, Int64Array, RecordBatch, StringArray,
    StringViewArray, TimestampMillisecondArray,
};
use arrow_ipc::CompressionType;
use arrow_ipc::writer::{IpcWriteOptions, StreamWriter};
use arrow_schema::SchemaRef;
use bytes::Bytes;

use super::{Fault, IpcError, decode};
use crate::limits::Limits;

mod allocation;
mod bombs;
mod dictionaries;
mod handmade;
mod refusals;
mod sweep;

/// Limits under which compressed bodies are taken.
fn lenient() -> Limits {
    Limits { ipc_accept_compressed: true, ..Limits::default() }
}

fn schema_and_batches() -> (SchemaRef, Vec<RecordBatch>) {
    let words = ["a view of more than twelve bytes", "short", "äöü"];
    let columns: [(&str, ArrayRef, bool); 7] = [
        ("id", Arc::new(Int64Array::from(vec![1, -2, 3, i64::MAX])), false),
        ("text", Arc::new(StringArray::from(vec![Some("one"), None, Some(""), Some("vier")])), true),
        ("at", Arc::new(TimestampMillisecondArray::from(vec![0, 1, 2, 3]).with_timezone("+02:00")), true),
        (
            "amount",
            Arc::new(
                Decimal128Array::from(vec![Some(1), None, Some(-5), Some(999)])
                    .with_precision_and_scale(5, 2)
                    .unwrap(),
            ),
            true,
        ),
        ("flag", Arc::new(BooleanArray::from(vec![Some(true), None, Some(false), Some(true)])), true),
        (
            "kind",
            Arc::new(
                [Some("x"), Some("y"), None, Some("x")].into_iter().collect::<DictionaryArray<Int8Type>>(),
            ),
            true,
        ),
        (
            "view",
            Arc::new(StringViewArray::from(vec![Some(words[0]), None, Some(words[1]), Some(words[2])])),
            true,
        ),
    ];
    let batch = RecordBatch::try_from_iter_with_nullable(columns).unwrap();
    (batch.schema(), vec![batch.slice(0, 3), batch])
}

/// A valid stream by Arrow's own writer.
fn valid_stream(codec: Option<CompressionType>) -> Vec<u8> {
    let (schema, batches) = schema_and_batches();
    let options = IpcWriteOptions::default().try_with_compression(codec).unwrap();
    let mut writer = StreamWriter::try_new_with_options(Vec::new(), &schema, options).unwrap();
    for batch in &batches {
        writer.write(batch).unwrap();
    }
    writer.into_inner().unwrap()
}

/// Cuts a valid stream into the flatbuffers and bodies of its messages.
fn messages(stream: &[u8]) -> Vec<(Bytes, Bytes)> {
    let stream = Bytes::copy_from_slice(stream);
    let (mut at, mut messages) = (0, Vec::new());
    loop {
        let length = u32::from_le_bytes(stream[at + 4..at + 8].try_into().unwrap()) as usize;
        if length == 0 {
            return messages;
        }
        let header = stream.slice(at + 8..at + 8 + length);
        let body = usize::try_from(arrow_ipc::root_as_message(&header).unwrap().bodyLength()).unwrap();
        at += 8 + length + body;
        messages.push((header, stream.slice(at - body..at)));
    }
}

/// What became of hostile messages.
#[derive(Debug, Default)]
struct Tally {
    read: u64,
    refused: u64,
    panicked: u64,
    peak: usize,
}

impl Tally {
    /// Runs one case; its rows must be valid, its memory bounded.
    fn count(&mut self, length: usize, case: impl FnOnce() -> Result<Vec<RecordBatch>, IpcError>) {
        let (outcome, peak) = allocation::peak_of(|| quietly(case));
        assert!(peak <= 2 * length + (64 << 20), "{peak} bytes for a message of {length}");
        self.peak = self.peak.max(peak);
        match outcome {
            Ok(batches) => {
                for column in batches.iter().flat_map(RecordBatch::columns) {
                    column.to_data().validate_full().unwrap();
                }
                self.read += 1;
            }
            Err(IpcError { fault: Fault::Panicked, .. }) => self.panicked += 1,
            Err(error) => {
                assert!(!error.status().message().contains('\n'), "{error}");
                self.refused += 1;
            }
        }
    }
}

thread_local! {
    static QUIET: Cell<bool> = const { Cell::new(false) };
}

/// Runs without a word about panics that are caught.
fn quietly<T>(work: impl FnOnce() -> T) -> T {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let loud = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if !QUIET.get() {
                loud(info);
            }
        }));
    });
    QUIET.set(true);
    let outcome = work();
    QUIET.set(false);
    outcome
}

fn read(stream: &[u8], limits: &Limits) -> Result<Vec<RecordBatch>, IpcError> {
    decode::stream(&Bytes::copy_from_slice(stream), limits).map(|(_, batches)| batches)
}
