//! Record batches as Arrow IPC messages: plain ones without copying what is large, compressed ones by Arrow's own
//! encoder.
//!
//! Invariants: what is sent covers the batch's rows and no others, not even in the last byte of a mask; offsets
//! begin at 0; each buffer begins at a multiple of [`ALIGNMENT`] in the body.

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_ipc as fb;
use arrow_ipc::writer::{DictionaryTracker, EncodedData, IpcDataGenerator, IpcWriteContext, IpcWriteOptions};
use arrow_schema::{ArrowError, DataType, Schema};
use bytes::Bytes;
use flatbuffers::FlatBufferBuilder;

use self::body::Body;

mod body;

/// Where buffers begin in a body: at multiples of this, bytes.
pub const ALIGNMENT: usize = 64;

/// How bodies are compressed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Compression {
    /// Not at all: the arrays' own memory is sent.
    #[default]
    None,
    /// As LZ4 frames.
    Lz4,
    /// With Zstandard.
    Zstd,
}

/// Why a batch cannot be encoded.
#[derive(Debug, thiserror::Error)]
pub enum EncodeError {
    /// Answers have plain columns. A bug.
    #[error("column {column:?} is a dictionary: it was to be made plain")]
    Dictionary {
        /// The column.
        column: String,
    },
    /// Arrow does not encode it.
    #[error("arrow does not encode the batch")]
    Arrow(#[source] ArrowError),
}

/// A record batch as a message.
#[derive(Clone, Debug)]
pub struct Encoded {
    /// The flatbuffer, without framing.
    pub header: Bytes,
    /// The body, in parts; large ones are the arrays' own memory.
    pub body: Vec<Bytes>,
    /// All parts together, bytes.
    pub body_length: usize,
}

impl Encoded {
    /// The flatbuffer and the body in one piece; copies unless the body has a single part.
    pub fn contiguous(&self) -> (Bytes, Bytes) {
        let body = match self.body.as_slice() {
            [] => Bytes::new(),
            [one] => one.clone(),
            parts => {
                let mut whole = Vec::with_capacity(self.body_length);
                for part in parts {
                    whole.extend_from_slice(part);
                }
                whole.into()
            }
        };
        (self.header.clone(), body)
    }

    /// The flatbuffer and the body together, bytes.
    pub fn length(&self) -> usize {
        self.header.len() + self.body_length
    }
}

/// The message that announces a schema, its metadata included: a flatbuffer, without framing.
pub fn schema_message(schema: &Schema) -> Bytes {
    let mut tracker = DictionaryTracker::new(false);
    let options = IpcWriteOptions::default();
    let encoded = IpcDataGenerator {}.schema_to_bytes_with_dictionary_tracker(schema, &mut tracker, &options);
    encoded.ipc_message.into()
}

/// Encodes batches, one after the other.
#[derive(Debug)]
pub struct Encoder {
    compression: Compression,
    context: IpcWriteContext,
}

impl Encoder {
    /// An encoder.
    pub fn new(compression: Compression) -> Self {
        Self { compression, context: IpcWriteContext::default() }
    }

    /// Encodes a batch.
    ///
    /// # Errors
    /// It has columns that cannot be sent.
    pub fn batch(&mut self, batch: &RecordBatch) -> Result<Encoded, EncodeError> {
        let fields = batch.schema_ref().fields();
        if let Some(field) = fields.iter().find(|field| matches!(field.data_type(), DataType::Dictionary(..)))
        {
            return Err(EncodeError::Dictionary { column: field.name().clone() });
        }
        let codec = match self.compression {
            Compression::None => None,
            Compression::Lz4 => Some(fb::CompressionType::LZ4_FRAME),
            Compression::Zstd => Some(fb::CompressionType::ZSTD),
        };
        if codec.is_none() && batch.columns().iter().all(|column| is_plain(column.data_type())) {
            return Ok(plain(batch));
        }
        self.generated(batch, codec).map_err(EncodeError::Arrow)
    }

    /// By Arrow's own encoder, which copies.
    fn generated(
        &mut self,
        batch: &RecordBatch,
        codec: Option<fb::CompressionType>,
    ) -> Result<Encoded, ArrowError> {
        let options = IpcWriteOptions::try_new(ALIGNMENT, false, fb::MetadataVersion::V5)?
            .try_with_compression(codec)?;
        let mut tracker = DictionaryTracker::new(false);
        let (_, EncodedData { ipc_message, arrow_data }) =
            IpcDataGenerator {}.encode(batch, &mut tracker, &options, &mut self.context)?;
        let body = Bytes::from(arrow_data);
        Ok(Encoded { header: ipc_message.into(), body_length: body.len(), body: vec![body] })
    }
}

/// The arrays' own memory as a message.
fn plain(batch: &RecordBatch) -> Encoded {
    let mut body = Body::default();
    let mut nodes = Vec::with_capacity(batch.num_columns());
    for column in batch.columns() {
        let nulls = column.logical_null_count();
        nodes.push(fb::FieldNode::new(signed(column.len()), signed(nulls)));
        write(&mut body, column);
    }
    let body = body.finish();
    let entries = nodes.len() + body.buffers.len();
    let mut builder = FlatBufferBuilder::with_capacity(256 + 16 * entries);
    let nodes = builder.create_vector(&nodes);
    let buffers = builder.create_vector(&body.buffers);
    let mut rows = fb::RecordBatchBuilder::new(&mut builder);
    rows.add_length(signed(batch.num_rows()));
    rows.add_nodes(nodes);
    rows.add_buffers(buffers);
    let rows = rows.finish();
    let mut message = fb::MessageBuilder::new(&mut builder);
    message.add_version(fb::MetadataVersion::V5);
    message.add_header_type(fb::MessageHeader::RecordBatch);
    message.add_bodyLength(signed(body.length));
    message.add_header(rows.as_union_value());
    let message = message.finish();
    builder.finish(message, None);
    let (bytes, from) = builder.collapse();
    Encoded { header: Bytes::from(bytes).slice(from..), body: body.parts, body_length: body.length }
}

/// Whether columns of a type are laid out here.
fn is_plain(data_type: &DataType) -> bool {
    let texts = [DataType::Utf8, DataType::Binary, DataType::LargeUtf8, DataType::LargeBinary];
    let others = [DataType::Null, DataType::Boolean];
    data_type.is_primitive() || texts.contains(data_type) || others.contains(data_type)
}

/// Lays a column's buffers out.
fn write(body: &mut Body, column: &ArrayRef) {
    if *column.data_type() == DataType::Null {
        return;
    }
    match column.nulls() {
        Some(nulls) if nulls.null_count() > 0 => body.bits(nulls.inner()),
        _ => body.empty(),
    }
    let rows = column.len();
    if let Some(values) = column.as_boolean_opt() {
        return body.bits(values.values());
    }
    let data = column.to_data();
    let buffers = data.buffers();
    if let Some(width) = column.data_type().primitive_width() {
        return body.buffer(&buffers[0].slice_with_length(data.offset() * width, rows * width));
    }
    if matches!(column.data_type(), DataType::Utf8 | DataType::Binary) {
        body.texts::<i32>(&buffers[0].typed_data::<i32>()[data.offset()..=data.offset() + rows], &data);
    } else {
        body.texts::<i64>(&buffers[0].typed_data::<i64>()[data.offset()..=data.offset() + rows], &data);
    }
}

/// A length as flatbuffers carry it.
fn signed(length: usize) -> i64 {
    i64::try_from(length).expect("memory has fewer than 2^63 bytes")
}

#[cfg(test)]
pub(super) mod tests;
