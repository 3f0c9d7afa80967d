//! Tests of the module above.

use super::*;
use crate::snapshot::{Completeness, HEADER_FORMAT, Reconciliation, SnapshotHeader, SnapshotKind};

fn record() -> Record {
    let header = SnapshotHeader {
        format: HEADER_FORMAT,
        store: "00".repeat(16),
        context: "loans".into(),
        semantics: CutoffSemantics::EventTime,
        cutoff: 5,
        known_at: 7,
        schema_version: 1,
        kind: SnapshotKind::Full,
        revision: 1,
        parent: None,
        content_root: "00".repeat(32),
        rows: 2,
        completeness: Completeness::partial("unchecked"),
        reconciliation: Reconciliation::None,
        lineage: "00".repeat(32),
    };
    let put = PutEntry {
        cutoff: ValidTime::from_micros(5),
        schema_version: 1,
        facts: Some(ChunkDigest::new([3; 32])),
        positions: Some(Listed::Object(ChunkDigest::new([4; 32]))),
        snapshot: Some(header),
        ..PutEntry::default()
    };
    let entry = |body| Entry {
        context: ContextName::parse("loans").unwrap(),
        system_time: SystemTime::from_micros(7).unwrap(),
        principal: Principal::local(),
        idempotency_key: IdempotencyKey::parse("k").ok(),
        put_digest: None,
        reason: Reason::parse("end \"of\" month").ok(),
        packs: vec![PackDigest::new([9; 32])],
        body,
    };
    let create = CreateEntry {
        mode: Mode::State,
        key: vec!["id".into()],
        import: true,
        max_retracted_ppm: None,
        schema: None,
    };
    Record {
        format: FORMAT,
        sequence: Sequence::new(3),
        wall_time: SystemTime::from_micros(6).unwrap(),
        prev: RecordHash::BEFORE_FIRST,
        nonce: Nonce::new([1; 16]),
        entries: vec![
            entry(Body::Create(create)),
            entry(Body::Full(put)),
            entry(Body::GoLive(GoLiveEntry {})),
        ],
    }
}

#[test]
fn a_record_reads_back() {
    let record = record();
    let bytes = record.to_bytes();
    assert_eq!(Record::from_bytes(&bytes).unwrap(), record);
}

#[test]
fn every_flipped_bit_is_refused() {
    let bytes = record().to_bytes();
    for place in 0..bytes.len() {
        for bit in 0..8 {
            let mut bytes = bytes.clone();
            bytes[place] ^= 1 << bit;
            assert!(Record::from_bytes(&bytes).is_err(), "byte {place} bit {bit}");
        }
    }
}

#[test]
fn other_forms_of_a_record_are_refused() {
    let bytes = record().to_bytes();
    let text = String::from_utf8(bytes).unwrap();
    let check = |text: String, expected: &str| {
        let error = Record::from_bytes(text.as_bytes()).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    };
    check(text.replace("{\"format\":1,", "{ \"format\":1,"), "one form");
    check(text.replace("{\"format\":1,\"sequence\"", "{\"format\":2,\"sequence\""), "form 2 is newer");
    check(
        text.replacen("{\"format\":1,\"sequence\"", "{\"format\":2,\"new\":0,\"sequence\"", 1),
        "form 2 is newer",
    );
    check(
        text.replacen("{\"format\":1,\"sequence\"", "{\"format\":1,\"new\":0,\"sequence\"", 1),
        "not a record",
    );
    check(" ".repeat(BYTES_MAX + 1), "at most");
    check(String::new(), "not a record");
}
