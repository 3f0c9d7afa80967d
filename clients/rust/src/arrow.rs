//! Arrow record batches as messages, and messages as record batches.
//!
//! Invariants: nothing that comes in makes a panic go further than this file; a body is as long as its header says.

use std::panic::{AssertUnwindSafe, catch_unwind};

use arrow_array::RecordBatch;
use arrow_buffer::Buffer;
use arrow_flight::encode::FlightDataEncoderBuilder;
use arrow_flight::error::FlightError;
use arrow_ipc::reader::StreamDecoder;
use arrow_schema::{ArrowError, SchemaRef};
use bytes::Bytes;
use calotype_proto::v1::ArrowMessage;
use futures::stream::{BoxStream, Stream, StreamExt};

use crate::error::{Broken, ClientError};

/// What messages aim at, bytes.
const MESSAGE_BYTES: usize = 1 << 20;
/// What every message of an Arrow stream begins with.
const CONTINUATION: [u8; 4] = [0xff; 4];

/// Record batches as messages: the schema first; dictionaries become plain columns.
pub(crate) fn encode(
    schema: SchemaRef,
    batches: BoxStream<'static, Result<RecordBatch, ClientError>>,
) -> impl Stream<Item = Result<ArrowMessage, ClientError>> + Send + 'static {
    let batches = batches.map(|batch| batch.map_err(|error| FlightError::ExternalError(Box::new(error))));
    FlightDataEncoderBuilder::new()
        .with_schema(schema)
        .with_max_flight_data_size(MESSAGE_BYTES)
        .build(batches)
        .map(|message| match message {
            Ok(data) => Ok(ArrowMessage { header: data.data_header, body: data.data_body }),
            Err(FlightError::ExternalError(error)) => Err(match error.downcast::<ClientError>() {
                Ok(error) => *error,
                Err(error) => ClientError::Source(error),
            }),
            Err(FlightError::Arrow(error)) => Err(ClientError::Encode(Box::new(error))),
            Err(error) => Err(ClientError::Encode(Box::new(ArrowError::ExternalError(Box::new(error))))),
        })
}

/// Reads the messages of one answer.
pub(crate) struct Decoder {
    decoder: StreamDecoder,
    schema: SchemaRef,
}

impl std::fmt::Debug for Decoder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Decoder").field("schema", &self.schema).finish_non_exhaustive()
    }
}

impl Decoder {
    /// A decoder of what follows a schema message.
    pub(crate) fn new(header: &Bytes) -> Result<Self, Broken> {
        let mut decoder = StreamDecoder::new();
        guarded(|| {
            feed(&mut decoder, &Bytes::from_static(&CONTINUATION))?;
            feed_message(&mut decoder, header, &Bytes::new())
        })?;
        let schema = decoder.schema().ok_or_else(|| Broken("its Arrow schema is none".to_owned()))?;
        Ok(Self { decoder, schema })
    }

    pub(crate) fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// The batch of a message; `None` where it carries a dictionary.
    pub(crate) fn decode(&mut self, message: &ArrowMessage) -> Result<Option<RecordBatch>, Broken> {
        guarded(|| feed_message(&mut self.decoder, &message.header, &message.body))
    }
}

/// Feeds a message, and what the next one begins with: with that, a message without a body is complete too.
fn feed_message(
    decoder: &mut StreamDecoder,
    header: &Bytes,
    body: &Bytes,
) -> Result<Option<RecordBatch>, ArrowError> {
    let found = arrow_ipc::root_as_message(header)
        .map_err(|error| ArrowError::IpcError(format!("a message's header is malformed: {error}")))?;
    if usize::try_from(found.bodyLength()) != Ok(body.len()) {
        let (expected, found) = (found.bodyLength(), body.len());
        let what = format!("a message's body has {found} bytes where its header says {expected}");
        return Err(ArrowError::IpcError(what));
    }
    let length = u32::try_from(header.len())
        .map_err(|_| ArrowError::IpcError("a message's header is longer than 4 GiB".to_owned()))?;
    let mut batch = None;
    for piece in
        [&Bytes::copy_from_slice(&length.to_le_bytes()), header, body, &Bytes::from_static(&CONTINUATION)]
    {
        batch = batch.or(feed(decoder, piece)?);
    }
    Ok(batch)
}

fn feed(decoder: &mut StreamDecoder, piece: &Bytes) -> Result<Option<RecordBatch>, ArrowError> {
    let mut buffer = Buffer::from(piece.clone());
    let mut batch = None;
    while !buffer.is_empty() {
        batch = batch.or(decoder.decode(&mut buffer)?);
    }
    Ok(batch)
}

/// Arrow's reader panics on some malformed bytes. What it was reading is not used after that.
fn guarded<T>(read: impl FnOnce() -> Result<T, ArrowError>) -> Result<T, Broken> {
    match catch_unwind(AssertUnwindSafe(read)) {
        Ok(Ok(read)) => Ok(read),
        Ok(Err(error)) => Err(Broken(format!("an Arrow message cannot be read: {error}"))),
        Err(_) => Err(Broken("an Arrow message cannot be read: it is malformed".to_owned())),
    }
}
