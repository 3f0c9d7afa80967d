//! Messages built by hand, with whatever numbers a test wants in them.

use arrow_ipc as fb;
use bytes::Bytes;
use flatbuffers::{FlatBufferBuilder, UnionWIPOffset, WIPOffset};

/// A flatbuffer in the making.
pub(super) type Builder = FlatBufferBuilder<'static>;

/// A type in the making: its kind, its parameters, its children.
pub(super) struct Type {
    pub(super) kind: fb::Type,
    pub(super) parameters: WIPOffset<UnionWIPOffset>,
    pub(super) children: Vec<WIPOffset<fb::Field<'static>>>,
}

/// A type of integers.
pub(super) fn int(builder: &mut Builder, bits: i32) -> Type {
    let arguments = fb::IntArgs { bitWidth: bits, is_signed: true };
    let parameters = fb::Int::create(builder, &arguments).as_union_value();
    Type { kind: fb::Type::Int, parameters, children: Vec::new() }
}

/// A type of texts.
pub(super) fn text(builder: &mut Builder) -> Type {
    let parameters = fb::Utf8::create(builder, &fb::Utf8Args {}).as_union_value();
    Type { kind: fb::Type::Utf8, parameters, children: Vec::new() }
}

/// A field of a type.
pub(super) fn field(builder: &mut Builder, name: &str, kind: &Type) -> WIPOffset<fb::Field<'static>> {
    let name = builder.create_string(name);
    let children = builder.create_vector(&kind.children);
    let arguments = fb::FieldArgs {
        name: Some(name),
        nullable: true,
        type_type: kind.kind,
        type_: Some(kind.parameters),
        children: Some(children),
        ..Default::default()
    };
    fb::Field::create(builder, &arguments)
}

/// A schema message of fields.
pub(super) fn schema_of(
    fields: impl FnOnce(&mut Builder) -> Vec<WIPOffset<fb::Field<'static>>>,
    endianness: fb::Endianness,
) -> Bytes {
    let mut builder = Builder::new();
    let fields = fields(&mut builder);
    let fields = builder.create_vector(&fields);
    let arguments = fb::SchemaArgs { endianness, fields: Some(fields), ..Default::default() };
    let schema = fb::Schema::create(&mut builder, &arguments).as_union_value();
    finish(builder, fb::MessageHeader::Schema, schema, 0, fb::MetadataVersion::V5)
}

/// A schema message of one field of a type.
pub(super) fn schema(kind: impl FnOnce(&mut Builder) -> Type) -> Bytes {
    let fields = |builder: &mut Builder| {
        let kind = kind(builder);
        vec![field(builder, "it", &kind)]
    };
    schema_of(fields, fb::Endianness::Little)
}

/// The numbers of a record batch.
#[derive(Clone, Debug)]
pub(super) struct Batch<'a> {
    pub(super) rows: i64,
    /// Rows and nulls.
    pub(super) nodes: &'a [(i64, i64)],
    /// Offsets and lengths.
    pub(super) buffers: &'a [(i64, i64)],
    pub(super) codec: Option<fb::CompressionType>,
    pub(super) variadic: &'a [i64],
    pub(super) body_length: i64,
    pub(super) version: fb::MetadataVersion,
}

impl Default for Batch<'_> {
    fn default() -> Self {
        let version = fb::MetadataVersion::V5;
        Self { rows: 0, nodes: &[], buffers: &[], codec: None, variadic: &[], body_length: 0, version }
    }
}

impl Batch<'_> {
    /// The message.
    pub(super) fn message(&self) -> Bytes {
        let mut builder = Builder::new();
        let batch = self.table(&mut builder).as_union_value();
        finish(builder, fb::MessageHeader::RecordBatch, batch, self.body_length, self.version)
    }

    /// The message of a dictionary of these values.
    pub(super) fn dictionary(&self, id: i64, delta: bool) -> Bytes {
        let mut builder = Builder::new();
        let data = Some(self.table(&mut builder));
        let arguments = fb::DictionaryBatchArgs { id, data, isDelta: delta };
        let dictionary = fb::DictionaryBatch::create(&mut builder, &arguments).as_union_value();
        finish(builder, fb::MessageHeader::DictionaryBatch, dictionary, self.body_length, self.version)
    }

    fn table(&self, builder: &mut Builder) -> WIPOffset<fb::RecordBatch<'static>> {
        let nodes: Vec<_> =
            self.nodes.iter().map(|(rows, nulls)| fb::FieldNode::new(*rows, *nulls)).collect();
        let buffers: Vec<_> =
            self.buffers.iter().map(|(from, length)| fb::Buffer::new(*from, *length)).collect();
        let nodes = builder.create_vector(&nodes);
        let buffers = builder.create_vector(&buffers);
        let variadic = builder.create_vector(self.variadic);
        let compression = self.codec.map(|codec| {
            let method = fb::BodyCompressionMethod::BUFFER;
            fb::BodyCompression::create(builder, &fb::BodyCompressionArgs { codec, method })
        });
        let arguments = fb::RecordBatchArgs {
            length: self.rows,
            nodes: Some(nodes),
            buffers: Some(buffers),
            compression,
            variadicBufferCounts: Some(variadic),
        };
        fb::RecordBatch::create(builder, &arguments)
    }
}

fn finish(
    mut builder: Builder,
    header_type: fb::MessageHeader,
    header: WIPOffset<UnionWIPOffset>,
    length: i64,
    version: fb::MetadataVersion,
) -> Bytes {
    let arguments = fb::MessageArgs {
        version,
        header_type,
        header: Some(header),
        bodyLength: length,
        custom_metadata: None,
    };
    let message = fb::Message::create(&mut builder, &arguments);
    builder.finish(message, None);
    Bytes::copy_from_slice(builder.finished_data())
}
