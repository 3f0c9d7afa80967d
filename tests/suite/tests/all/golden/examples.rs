//! The worked examples of FORMAT.md are what the code makes.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use arrow_array::{ArrayRef, BinaryArray, BooleanArray, Int32Array, Int64Array, StringArray};
use calotype_query::result_hash::ResultHasher;
use calotype_storage::column::{column_digest, normalise};
use calotype_storage::identity::{Nonce, RecordHash, Sequence};
use calotype_storage::key::EncodedKeys;
use calotype_storage::manifest::{Group, Manifest, OPEN, Ops, Part, Span};
use calotype_storage::merkle::{ContentHash, Hash, LogHash, TreeHash};
use calotype_storage::name::{ContextName, Principal};
use calotype_storage::pack::{ChunkKind, PackBuilder, bytes_digest};
use calotype_storage::record::{Body, CutoffSemantics, Entry, Record, record_hash};
use calotype_storage::row_group::{FieldColumn, group_leaf, row_groups};
use calotype_storage::schema::{FieldId, FieldType};
use calotype_storage::snapshot::{Completeness, Reconciliation, SnapshotHeader, SnapshotKind};
use calotype_suite::golden_store::print::hex;
use calotype_suite::store::{definition, known};
use calotype_suite::table::{batch, ints, texts};

/// Whether the page says something, line ends and blanks aside.
fn says(what: &str) {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../storage/FORMAT.md");
    let page = fs::read_to_string(page).expect("the page of the format");
    let bare = |text: &str| text.split_whitespace().collect::<String>();
    assert!(bare(&page).contains(&bare(what)), "FORMAT.md does not say {what}");
}

fn digest(field_type: FieldType, column: &ArrayRef) -> Hash {
    *column_digest(field_type, &normalise(field_type, column)).as_bytes()
}

fn small(values: Vec<i32>) -> ArrayRef {
    Arc::new(Int32Array::from(values))
}

#[test]
fn keys() {
    let encoded = |columns: &[(FieldType, ArrayRef)]| {
        let keys = EncodedKeys::encode(columns);
        keys.get(0).iter().map(|byte| format!("{byte:02x}")).collect::<Vec<_>>().join(" ")
    };
    let bytes: ArrayRef = Arc::new(BinaryArray::from(vec![&[0, 1][..]]));
    let truth: ArrayRef = Arc::new(BooleanArray::from(vec![true]));
    for columns in [
        vec![(FieldType::Int(32), small(vec![-2]))],
        vec![(FieldType::Utf8, texts(["a"]))],
        vec![(FieldType::Binary, bytes)],
        vec![(FieldType::Utf8, texts(["a"])), (FieldType::Bool, truth)],
    ] {
        says(&format!("`{}`", encoded(&columns)));
    }
}

#[test]
fn canonical_columns_and_content_roots() {
    let numbers = small(vec![1, -2, 3]);
    let strings: ArrayRef = Arc::new(StringArray::from(vec![Some("a"), None, Some("bc")]));
    let with_null: ArrayRef = Arc::new(Int64Array::from(vec![Some(7), None, Some(9)]));
    let truths: ArrayRef = Arc::new(BooleanArray::from(vec![true, false, true]));
    says(&hex(&digest(FieldType::Int(32), &numbers)));
    says(&hex(&digest(FieldType::Int(64), &with_null)));
    says(&hex(&digest(FieldType::Utf8, &strings)));
    says(&hex(&digest(FieldType::Bool, &truths)));
    let field = |id, field_type, column| (FieldId::new(id), column_digest(field_type, column));
    let columns = [field(1, FieldType::Int(32), &numbers), field(2, FieldType::Utf8, &strings)];
    says(&hex(&group_leaf(3, &columns)));
    says(&hex(&ContentHash::empty()));
}

#[test]
fn the_first_boundary_of_row_groups() {
    says("12106 is the first boundary");
    let rows = |ids: std::ops::Range<i64>| {
        let values = ints(ids);
        let keys = EncodedKeys::encode(&[(FieldType::Int(64), Arc::clone(&values))]);
        let (field, field_type) = (FieldId::new(1), FieldType::Int(64));
        row_groups(&keys, &[FieldColumn { field, field_type, values }])
    };
    assert_eq!(rows(1..13_000), [0..12_106, 12_106..12_999]);
    assert_eq!(rows(12_106 - 2046..13_000).len(), 1, "a group has 2,048 rows before a boundary ends it");
    assert_eq!(rows(12_106 - 2047..13_000)[0], 0..2048);
}

#[test]
fn the_smallest_pack() {
    let mut builder = PackBuilder::new(0);
    let digest = builder.add_bytes(ChunkKind::List, b"[]");
    let pack = builder.finish();
    says(&format!("= {} bytes", pack.bytes.len()));
    says(&digest.to_string());
    says(&format!("its checksum 0x{:08x}", pack.lines[0].checksum));
    says(&pack.digest.to_string());
}

#[test]
fn a_manifest() {
    let column = column_digest(FieldType::Int(64), &ints([-2, 1, 3]));
    let keys = EncodedKeys::encode(&[(FieldType::Int(64), ints([-2, 3]))]);
    let constant = |value| Span { min: value, max: value };
    let group = Group {
        part: Part::Stated,
        rows: 3,
        first_key: keys.get(0).to_vec(),
        last_key: keys.get(1).to_vec(),
        valid_from: constant(0),
        valid_to: constant(OPEN),
        ops: Ops::Assert,
        entries: constant(0),
        columns: vec![(FieldId::new(1), column)],
    };
    let bytes = Manifest { groups: vec![group] }.to_bytes();
    says(&format!("{} bytes, digest `{}`", bytes.len(), bytes_digest(&bytes)));
    says(&hex(column.as_bytes()));
}

#[test]
fn the_smallest_record() {
    let entry = Entry {
        context: ContextName::parse("loans").unwrap(),
        system_time: known(5),
        principal: Principal::local(),
        idempotency_key: None,
        put_digest: None,
        reason: None,
        packs: Vec::new(),
        body: Body::Create(definition(calotype_storage::record::Mode::State, &["id"])),
    };
    let mut nonce = [0; 16];
    nonce[15] = 1;
    let record = Record {
        format: 1,
        sequence: Sequence::FIRST,
        wall_time: known(5),
        prev: RecordHash::BEFORE_FIRST,
        nonce: Nonce::new(nonce),
        entries: vec![entry],
    };
    let bytes = record.to_bytes();
    says(&String::from_utf8(bytes.clone()).unwrap());
    says(&format!("{} bytes, with the hash `{}`", bytes.len(), record_hash(&bytes)));
    assert_eq!(record_hash(&bytes).as_bytes(), &LogHash::leaf(&bytes));
}

#[test]
fn a_snapshot() {
    let header = SnapshotHeader {
        format: 1,
        store: "00".repeat(16),
        context: "loans".into(),
        semantics: CutoffSemantics::EventTime,
        cutoff: 5,
        known_at: 7,
        schema_version: 1,
        kind: SnapshotKind::Full,
        revision: 1,
        parent: None,
        content_root: hex(&ContentHash::empty()),
        rows: 0,
        completeness: Completeness::partial("unchecked"),
        reconciliation: Reconciliation::None,
        lineage: "00".repeat(32),
    };
    says(&serde_json::to_string(&header).unwrap());
    says(&header.id().to_string());
}

#[test]
fn result_hashes() {
    let rows = batch(&[("id", ints([1, 2])), ("name", texts([Some("a"), None]))]);
    let mut hasher = ResultHasher::new(&rows.schema());
    hasher.update(&rows);
    says(&hasher.finish().to_string());
    says(&ResultHasher::new(&Arc::new(arrow_schema::Schema::empty())).finish().to_string());
}
