//! Small messages that claim to be large.

use arrow_ipc as fb;
use tonic::Code;

use super::handmade::{Batch, Builder, Type, field, int, schema, schema_of, text};
use super::*;
use crate::ipc::Decoder;

/// Sends a batch of one column of integers; expects a refusal that says this.
fn check(kind: fn(&mut Builder) -> Type, batch: &Batch<'_>, body: &[u8], expected: &str) {
    let limits = lenient();
    let header = batch.message();
    let mut decoder = Decoder::new(&limits);
    decoder.schema(&schema(kind)).unwrap();
    let body = Bytes::copy_from_slice(body);
    let (outcome, peak) = allocation::peak_of(|| decoder.message(&header, &body));
    let status = outcome.unwrap_err().status();
    assert!(status.message().contains(expected), "expected {expected}, found {status:?}");
    assert!(peak <= (2 << 20), "{peak} bytes");
}

fn int64(builder: &mut Builder) -> Type {
    int(builder, 64)
}

#[test]
fn a_claim_of_more_than_there_is_memory_is_refused_before_it_is_believed() {
    for codec in [CompressionType::LZ4_FRAME, CompressionType::ZSTD] {
        for (claim, expected) in [
            (10_i64 << 30, "ipc_raw_bytes_max"),
            (1 << 40, "ipc_raw_bytes_max"),
            (i64::MAX, "ipc_raw_bytes_max"),
            (65 << 20, "ipc_raw_bytes_max"),
            (2 << 20, "ipc_raw_ratio_max"),
            (-2, "expected at least -1, found -2"),
            (i64::MIN, "expected at least -1"),
            (80, "expected 80 bytes"),
            (-1, "should take at least 80 bytes, but takes 56"),
        ] {
            let mut body = vec![0_u8; 64];
            body[..8].copy_from_slice(&claim.to_le_bytes());
            let batch = Batch {
                rows: 10,
                nodes: &[(10, 0)],
                buffers: &[(0, 0), (0, 64)],
                codec: Some(codec),
                body_length: 64,
                ..Default::default()
            };
            check(int64, &batch, &body, expected);
        }
    }
}

#[test]
fn a_buffer_that_decompresses_to_more_than_its_claim_is_not_read_to_its_end() {
    let zeros = vec![0_u8; 256 << 20];
    let mut encoder = lz4_flex::frame::FrameEncoder::new(Vec::new());
    std::io::Write::write_all(&mut encoder, &zeros).unwrap();
    let lz4 = encoder.finish().unwrap();
    let zstd = zstd::bulk::compress(&zeros, 3).unwrap();
    drop(zeros);
    for (codec, packed) in [(CompressionType::LZ4_FRAME, lz4), (CompressionType::ZSTD, zstd)] {
        let body = [&80_i64.to_le_bytes()[..], &packed].concat();
        let length = i64::try_from(body.len()).unwrap();
        let buffers = [(0, 0), (0, length)];
        let batch = Batch {
            rows: 10,
            nodes: &[(10, 0)],
            buffers: &buffers,
            codec: Some(codec),
            ..Default::default()
        };
        let batch = Batch { body_length: length, ..batch };
        let limits = lenient();
        let mut decoder = Decoder::new(&limits);
        decoder.schema(&schema(int64)).unwrap();
        let (header, body) = (batch.message(), Bytes::from(body));
        let (outcome, peak) = allocation::peak_of(|| decoder.message(&header, &body));
        assert!(outcome.unwrap_err().to_string().contains("expected 80 bytes of"));
        assert!(peak < (16 << 20), "{peak} bytes");
    }
}

#[test]
fn a_million_rows_of_one_value_may_be_compressed() {
    let raw = vec![0_u8; 8 * 100_000];
    let packed = zstd::bulk::compress(&raw, 3).unwrap();
    let body = [&(raw.len() as u64).to_le_bytes()[..], &packed].concat();
    let length = i64::try_from(body.len()).unwrap();
    let buffers = [(0, 0), (0, length)];
    let batch = Batch {
        rows: 100_000,
        nodes: &[(100_000, 0)],
        buffers: &buffers,
        codec: Some(CompressionType::ZSTD),
        body_length: length,
        ..Default::default()
    };
    let mut decoder = Decoder::new(&lenient());
    decoder.schema(&schema(int64)).unwrap();
    assert_eq!(decoder.batch(&batch.message(), &body.into()).unwrap().num_rows(), 100_000);
}

#[test]
fn compressed_bodies_are_refused_by_default() {
    let error = read(&valid_stream(Some(CompressionType::ZSTD)), &Limits::default()).unwrap_err();
    assert_eq!(error.status().code(), Code::InvalidArgument);
    assert!(error.to_string().contains("send it plain and let gRPC compress"), "{error}");
}

#[test]
fn numbers_beyond_the_body_or_the_limits_are_refused() {
    let whole: &[(i64, i64)] = &[(0, 0), (0, 80)];
    let one: &[(i64, i64)] = &[(10, 0)];
    let good = || Batch { rows: 10, nodes: one, buffers: whole, body_length: 80, ..Default::default() };
    let cases: Vec<(Batch<'_>, &str)> = vec![
        (Batch { rows: -1, ..good() }, "rows: expected at least 0, found -1"),
        (Batch { rows: i64::MAX, ..good() }, "ipc_rows_max"),
        (Batch { rows: 1_000_001, ..good() }, "at most 1000000 taken (ipc_rows_max)"),
        (Batch { rows: 11, ..good() }, "column \"it\": rows of it: expected 11, found 10"),
        (Batch { nodes: &[(i64::MAX, 0)], ..good() }, "ipc_rows_max"),
        (Batch { nodes: &[(10, 11)], ..good() }, "nulls of node 0: expected 0 to 10, found 11"),
        (Batch { nodes: &[(10, -1)], ..good() }, "found -1"),
        (Batch { nodes: &[(10, 1)], ..good() }, "its null mask should take at least 2 bytes, but takes 0"),
        (Batch { nodes: &[], ..good() }, "nodes up to it: expected at least 1, found 0"),
        (Batch { nodes: &[(10, 0), (10, 0)], ..good() }, "nodes: expected 1, found 2"),
        (Batch { buffers: &[(0, 80)], ..good() }, "buffers up to it: expected at least 2, found 1"),
        (Batch { buffers: &[(0, 0), (0, 80), (0, 0)], ..good() }, "buffers: expected 2, found 3"),
        (Batch { buffers: &[(0, 0), (-8, 80)], ..good() }, "offset of buffer 1: expected 0 to 80, found -8"),
        (Batch { buffers: &[(0, 0), (8, 80)], ..good() }, "length of buffer 1: expected 0 to 72, found 80"),
        (Batch { buffers: &[(0, 0), (0, -80)], ..good() }, "length of buffer 1"),
        (Batch { buffers: &[(0, 0), (i64::MAX, 1)], ..good() }, "offset of buffer 1"),
        (Batch { buffers: &[(0, 0), (1, i64::MAX)], ..good() }, "length of buffer 1"),
        (
            Batch { buffers: &[(0, 80), (0, 80)], ..good() },
            "bytes of all buffers: expected 0 to 80, found 160",
        ),
        (
            Batch { buffers: &[(0, 0), (0, 79)], ..good() },
            "its values should take at least 80 bytes, but takes 79",
        ),
        (Batch { variadic: &[1], ..good() }, "counts of buffers of views: expected 0, found 1"),
        (Batch { variadic: &[-1], ..good() }, "buffers of view 0"),
        (Batch { body_length: 81, ..good() }, "length of the body: expected 80, found 81"),
        (Batch { body_length: -1, ..good() }, "length of the body: expected at least 0"),
        (Batch { body_length: 10 << 30, ..good() }, "ipc_body_bytes_max"),
        (Batch { version: fb::MetadataVersion::V3, ..good() }, "version of the metadata: expected V4 or V5"),
        (Batch { version: fb::MetadataVersion(9), ..good() }, "version of the metadata"),
        (
            Batch { codec: Some(CompressionType(9)), ..good() },
            "codec of compression: expected one that Arrow defines, found 9",
        ),
        (
            Batch { codec: Some(CompressionType::ZSTD), buffers: &[(0, 0), (0, 7)], ..good() },
            "length of buffer 1: expected 0, or at least 8: it is compressed, found 7",
        ),
    ];
    for (batch, expected) in cases {
        check(int64, &batch, &[0; 80], expected);
    }
}

#[test]
fn a_body_that_no_buffer_needs_is_refused() {
    let batch = Batch {
        rows: 10,
        nodes: &[(10, 0)],
        buffers: &[(0, 0), (0, 80)],
        body_length: 4096,
        ..Default::default()
    };
    check(int64, &batch, &[0; 4096], "bytes of the body: expected 0 to 256, found 4096");
}

#[test]
fn offsets_that_go_back_or_beyond_are_refused() {
    for (offsets, expected) in [
        ([0_i32, 4, 2], "non-monotonic"),
        ([0, 4, 9], "larger than values length"),
        ([-1, 0, 4], "-1"),
        ([0, -4, 4], "-4"),
        ([0, 1, 4], "incomplete utf-8"),
    ] {
        let mut body: Vec<u8> = offsets.iter().flat_map(|offset| offset.to_le_bytes()).collect();
        body.resize(16, 0);
        body.extend("äö".bytes().chain([0; 4]));
        let batch = Batch {
            rows: 2,
            nodes: &[(2, 0)],
            buffers: &[(0, 0), (0, 12), (16, 4)],
            body_length: 24,
            ..Default::default()
        };
        check(text, &batch, &body, expected);
    }
}

#[test]
fn views_of_the_same_bytes_over_and_over_are_refused() {
    const ROWS: usize = 1000;
    let text = vec![b'a'; 1 << 20];
    let view = [&(1_u32 << 20).to_le_bytes()[..], b"aaaa", &[0; 8]].concat();
    let mut body = view.repeat(ROWS);
    body.extend_from_slice(&text);
    let length = i64::try_from(body.len()).unwrap();
    let rows = i64::try_from(ROWS).unwrap();
    let buffers = [(0, 0), (0, 16 * rows), (16 * rows, 1 << 20)];
    let batch = Batch { rows, nodes: &[(rows, 0)], buffers: &buffers, variadic: &[1], ..Default::default() };
    let view = |builder: &mut Builder| {
        let parameters = fb::Utf8View::create(builder, &fb::Utf8ViewArgs {}).as_union_value();
        Type { kind: fb::Type::Utf8View, parameters, children: Vec::new() }
    };
    check(view, &Batch { body_length: length, ..batch }, &body, "ipc_raw_bytes_max");
}

#[test]
fn too_many_columns_and_too_deep_types_are_refused() {
    let limits = lenient();
    let flat = |count: usize| {
        let fields = |builder: &mut Builder| {
            let one = |at: usize| {
                let kind = int(builder, 64);
                field(builder, &format!("c{at}"), &kind)
            };
            (0..count).map(one).collect()
        };
        schema_of(fields, fb::Endianness::Little)
    };
    assert_eq!(Decoder::new(&limits).schema(&flat(4096)).unwrap().fields().len(), 4096);
    for (count, expected) in [(4097, "ipc_columns_max"), (100_000, "ipc_metadata_bytes_max")] {
        let status = Decoder::new(&limits).schema(&flat(count)).unwrap_err().status();
        assert_eq!(status.code(), Code::ResourceExhausted);
        assert!(status.message().contains(expected), "{status:?}");
    }
    let deep = |depth: usize| {
        schema(|builder| {
            let mut kind = int(builder, 64);
            for _ in 0..depth {
                let child = field(builder, "in", &kind);
                let parameters = fb::List::create(builder, &fb::ListArgs {}).as_union_value();
                kind = Type { kind: fb::Type::List, parameters, children: vec![child] };
            }
            kind
        })
    };
    for (depth, expected) in [(1, "only flat columns"), (15, "only flat columns"), (10_000, "ipc_depth_max")]
    {
        let error = Decoder::new(&limits).schema(&deep(depth)).unwrap_err();
        assert!(error.to_string().contains(expected), "{depth}: {error}");
    }
}

#[test]
fn metadata_that_points_to_the_same_bytes_over_and_over_is_refused() {
    let header = schema_of(
        |builder| {
            let value = builder.create_string(&"v".repeat(100_000));
            let pair =
                fb::KeyValue::create(builder, &fb::KeyValueArgs { key: Some(value), value: Some(value) });
            let pairs = builder.create_vector(&[pair; 100]);
            let mut one = |_| {
                let kind = int(builder, 64);
                let arguments = fb::FieldArgs {
                    type_type: kind.kind,
                    type_: Some(kind.parameters),
                    custom_metadata: Some(pairs),
                    ..Default::default()
                };
                fb::Field::create(builder, &arguments)
            };
            (0..100).map(&mut one).collect()
        },
        fb::Endianness::Little,
    );
    let (outcome, peak) = allocation::peak_of(|| Decoder::new(&lenient()).schema(&header));
    let error = outcome.unwrap_err();
    assert!(matches!(error.fault, Fault::Metadata(_)), "{error:?}");
    assert!(peak < 2 << 20, "{peak}");
}
