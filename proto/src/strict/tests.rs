//! What is refused, where, and that what passes says in memory what it said on the wire.

use prost::encoding::{WireType, encode_key, encode_varint};

use super::*;
use crate::v1::value::Kind;
use crate::{unread, v1};

/// A field that has a length.
fn field(number: u32, inner: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    encode_key(number, WireType::LengthDelimited, &mut bytes);
    encode_varint(inner.len() as u64, &mut bytes);
    bytes.extend_from_slice(inner);
    bytes
}

/// A field that is a number.
fn number(number: u32, value: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    encode_key(number, WireType::Varint, &mut bytes);
    encode_varint(value, &mut bytes);
    bytes
}

fn found(name: &str, bytes: &[u8]) -> Result<(), Found> {
    let shape = SHAPES.request("calotype.v1", name).expect(name);
    SHAPES.check(shape, bytes)
}

fn refused(name: &str, bytes: &[u8]) -> Unfit {
    match found(name, bytes) {
        Err(Found::Unfit(unfit)) => *unfit,
        other => panic!("{name} {bytes:?}: {other:?}"),
    }
}

#[test]
fn unknown_fields_are_refused_at_every_depth() {
    let check = |name: &str, bytes: &[u8], message: &str, field: &str| {
        let unfit = refused(name, bytes);
        assert_eq!((unfit.message.as_str(), unfit.field.as_str()), (message, field), "{name}");
        assert!(matches!(unfit.why, Why::Unknown { .. }), "{unfit}");
        assert!(unfit.to_string().contains(&format!("has no field {}", unfit.number)), "{unfit}");
    };
    let other = number(99, 1);
    check("GetEntityRequest", &other, "calotype.v1.GetEntityRequest", "99");
    check("GetEntityRequest", &field(200, b"x"), "calotype.v1.GetEntityRequest", "200");
    check("GetEntityRequest", &field(3, &other), "calotype.v1.Point", "point.99");
    check("GetEntityRequest", &field(3, &field(1, &other)), "google.protobuf.Timestamp", "point.valid_at.99");
    let entry = field(1, &[field(1, b"id"), field(2, &other)].concat());
    check("GetEntityRequest", &field(2, &entry), "calotype.v1.Value", "key.columns.value.99");
    check("AsOfRequest", &field(3, &entry), "calotype.v1.Value", "keys.columns.value.99");
    // What the server's own puts hold as bytes.
    check("PutRequest", &field(1, &other), "calotype.v1.PutHeader", "put.99");
    let rows = field(2, &field(1, &field(9, &other)));
    check("PutRequest", &field(2, &rows), "google.protobuf.Timestamp", "rows.rows.values.timestamp_value.99");
    check("PutStreamRequest", &field(2, &other), "calotype.v1.RowBatch", "rows.99");
    check("PutStreamRequest", &field(3, &other), "calotype.v1.ArrowMessage", "arrow.99");
    check("PutManyRequest", &field(1, &field(1, &other)), "calotype.v1.PutHeader", "put.put.99");
    check("PutManyRequest", &field(2, &other), "calotype.v1.WithdrawCutoffRequest", "withdraw.99");
    // In any wire type.
    for bytes in [&[0x99, 0x06, 1, 2, 3, 4, 5, 6, 7, 8][..], &[0x9d, 0x06, 1, 2, 3, 4], &[0x9b, 0x06]] {
        check("GetHeadRequest", bytes, "calotype.v1.GetHeadRequest", "99");
    }
}

#[test]
fn what_would_be_overwritten_or_cut_is_refused() {
    let check = |name: &str, bytes: &[Vec<u8>], field: &str, why: &Why| {
        let unfit = refused(name, &bytes.concat());
        assert_eq!((unfit.field.as_str(), &unfit.why), (field, why), "{name}");
    };
    let loans = || field(1, b"loans");
    check("GetEntityRequest", &[loans(), loans()], "context", &Why::Twice);
    check("GetEntityRequest", &[field(3, b""), field(3, b"")], "point", &Why::Twice);
    // Two members of one oneof.
    check("PutRequest", &[field(2, b""), field(3, b"")], "arrow_stream", &Why::Twice);
    check("PutStreamRequest", &[field(1, b""), field(2, b"")], "rows", &Why::Twice);
    check("PutManyRequest", &[field(1, b""), field(2, b"")], "withdraw", &Why::Twice);
    let key = |id: &[u8]| field(1, &[field(1, id), field(2, &number(2, 7))].concat());
    check(
        "GetEntityRequest",
        &[field(2, &[key(b"a"), key(b"b"), key(b"a")].concat())],
        "key.columns",
        &Why::KeyTwice,
    );
    check(
        "GetEntityRequest",
        &[field(2, &[field(1, b""), key(b"")].concat())],
        "key.columns",
        &Why::KeyTwice,
    );
    let totals: Vec<u8> =
        (0..=65_536).flat_map(|at: u32| field(14, &field(1, at.to_string().as_bytes()))).collect();
    check("PutRequest", &[field(1, &totals)], "put.totals", &Why::Entries(65_536));
    // Another number would be read: prost cuts them to 32 bits.
    check("AsOfRequest", &[number(9, (1 << 32) + 1)], "format", &Why::Wide((1 << 32) + 1));
    check("GetEntityRequest", &[number(6, 1 << 32)], "schema_version", &Why::Wide(1 << 32));
    check("ListContextsRequest", &[number(1, 1 << 31)], "page_size", &Why::Wide(1 << 31));
}

#[test]
fn what_is_known_passes() {
    let check = |name: &str, bytes: &[Vec<u8>]| {
        let bytes = bytes.concat();
        assert!(found(name, &bytes).is_ok(), "{name} {bytes:?}");
    };
    check("GetHeadRequest", &[]);
    let key = |id: &[u8]| field(1, &[field(1, id), field(2, &number(2, 7))].concat());
    check("GetEntityRequest", &[field(2, &[key(b"a"), key(b"b")].concat())]);
    check("GetEntityRequest", &[field(4, b"a"), field(4, b"b"), field(4, b"a")]);
    check("GetEntityRequest", &[number(7, u64::MAX)]);
    check("AsOfRequest", &[field(3, &key(b"a")), field(3, &key(b"a"))]);
    // A negative number of 32 bits is ten bytes, and its reader's to refuse.
    check("ListContextsRequest", &[number(1, u64::MAX)]);
    check("PutRequest", &[field(3, &field(99, b"bytes are not looked into"))]);
    // prost would read a map's entry under any wire type.
    for bytes in [&[8][..], &[18, 2, 8, 0], &[18, 2, 11, 0]] {
        assert!(matches!(found("GetEntityRequest", bytes), Err(Found::Broken)), "{bytes:?}");
    }
    assert!(matches!(found("GetHeadRequest", &[18, 5, 0]), Err(Found::Unfit(_))));
}

#[test]
fn requests_are_looked_at_and_answers_are_not() {
    assert!(SHAPES.request("calotype.v1", "GetEntityRequest").is_some());
    for (package, name) in [
        ("calotype.v1", "GetEntityResponse"),
        ("calotype.v1", "Request"),
        ("calotype.v2", "GetEntityRequest"),
    ] {
        assert!(SHAPES.request(package, name).is_none(), "{package}.{name}");
    }
    let decoder = codec::Codec::decoder(&mut Codec::<v1::GetHeadResponse, unread::PutRequest>::default());
    assert!(decoder.shape.is_some());
}

/// Next number of a sequence that a seed fixes (Marsaglia, xorshift64).
fn next(seed: &mut u64) -> usize {
    *seed ^= *seed << 13;
    *seed ^= *seed >> 7;
    *seed ^= *seed << 17;
    usize::try_from(*seed >> 33).expect("31 bits")
}

#[test]
fn mutants_that_pass_say_no_less_in_memory_than_on_the_wire() {
    let key = v1::Key { columns: [("id".into(), v1::Value { kind: Some(Kind::IntValue(7)) })].into() };
    let instant = prost_types::Timestamp { seconds: 1_700_000_000, nanos: 1000 };
    let point = v1::Point { valid_at: Some(instant), known_at: None };
    let request = v1::AsOfRequest {
        context: "loans".into(),
        point: Some(point),
        keys: vec![key.clone(), key],
        columns: vec!["a".into(), "balance".into()],
        system_columns: true,
        schema_version: Some(3),
        at_least: Some(300),
        format: 2,
        ..v1::AsOfRequest::default()
    };
    let bytes = request.encode_to_vec();
    let (mut seed, mut passed) = (0x0063_616c_6f74_7970, 0);
    for _ in 0..50_000 {
        let mut mutant = bytes.clone();
        for _ in 0..=next(&mut seed) % 3 {
            let at = next(&mut seed) % mutant.len();
            match next(&mut seed) % 3 {
                0 => mutant[at] ^= 1 << (next(&mut seed) % 8),
                1 => drop(mutant.splice(at..=at, [])),
                _ => mutant.insert(at, u8::try_from(next(&mut seed) % 256).expect("a byte")),
            }
        }
        let decoded = v1::AsOfRequest::decode(mutant.as_slice());
        match (found("AsOfRequest", &mutant), decoded) {
            (Ok(()), Ok(decoded)) => {
                passed += 1;
                // Left out of what is written: fields of their default, and more bytes of a number than it needs.
                let again = decoded.encode_to_vec();
                let told = |bytes: &[u8]| bytes.iter().filter(|byte| !matches!(byte, 0 | 0x80)).count();
                let slack = mutant.len() - again.len().min(mutant.len());
                assert!(told(&again) + 2 * slack >= told(&mutant), "{mutant:?} became {again:?}");
                assert_eq!(v1::AsOfRequest::decode(again.as_slice()).unwrap(), decoded);
            }
            (Err(_), _) | (_, Err(_)) => {}
        }
    }
    assert!(passed > 1000, "only {passed} mutants passed");
}
