//! Every full and delta seals a snapshot, named by a hash of exactly what it claims;
//! by its name the rows come back.

use std::collections::BTreeSet;

use arrow_array::RecordBatch;
use calotype_query::{LocalPolicy, snapshot};
use calotype_storage::commit::Receipt;
use calotype_storage::error::Code;
use calotype_storage::identity::SnapshotId;
use calotype_storage::name::Principal;
use calotype_storage::put::{OnDuplicate, PutOptions};
use calotype_storage::record::{CutoffSemantics, Mode};
use calotype_storage::snapshot::SnapshotHeader;
use calotype_suite::store::{Store, delta, evolving, expecting, full, now, taken};
use calotype_suite::table::{batch, decimals, ints, lines, small_ints, texts};
use futures::executor::block_on;

fn rows(rows: &[(i64, i64)]) -> RecordBatch {
    batch(&[("id", ints(rows.iter().map(|row| row.0))), ("v", ints(rows.iter().map(|row| row.1)))])
}

fn delta_rows(rows: &[(i64, Option<i64>)]) -> RecordBatch {
    let op = |value: &Option<i64>| if value.is_some() { "assert" } else { "retract" };
    batch(&[
        ("id", ints(rows.iter().map(|row| row.0))),
        ("v", ints(rows.iter().map(|row| row.1))),
        ("_op", texts(rows.iter().map(|row| op(&row.1)))),
    ])
}

/// The rows of a snapshot.
fn by_id(store: &Store, id: Option<SnapshotId>) -> Vec<String> {
    let local = Principal::local();
    let answer = block_on(snapshot(&store.database, &LocalPolicy, &local, id.unwrap())).unwrap();
    lines(&taken(answer).unwrap().0)
}

/// The header that a put sealed.
fn header(store: &Store, receipt: &Receipt) -> SnapshotHeader {
    let (_, entry) = store.database.snapshot(receipt.snapshot.unwrap()).unwrap();
    assert_eq!(entry.id, receipt.id);
    entry.put().unwrap().snapshot.clone().unwrap()
}

#[test]
fn rows_come_back_by_id_whatever_came_later() {
    let mut store = Store::new(Mode::State, &["id"]);
    let first = store.full(10, &rows(&[(1, 1), (2, 2), (3, 3)])).unwrap();
    let change = store.delta(20, &delta_rows(&[(2, None), (4, Some(4)), (9, None)])).unwrap();
    let empty = store.delta(20, &delta_rows(&[])).unwrap();
    // Taking the delta back gives key 2 its row again, which is none of the snapshot's.
    let replaced = PutOptions { replace: true, ..PutOptions::default() };
    let again = store.put(delta(20), &delta_rows(&[(4, Some(7))]), replaced).unwrap();
    let second = store.full(10, &rows(&[(1, 1), (5, 5)])).unwrap();
    let added = batch(&[("id", ints([1])), ("v", ints([1])), ("note", texts(["x"]))]);
    let third = store.put(full(10), &added, evolving()).unwrap();
    store.withdraw(10, PutOptions::default()).unwrap();
    store.withdraw(20, PutOptions::default()).unwrap();
    store.alter(Some(("v", "amount")), None).unwrap();
    for _ in 0..2 {
        assert_eq!(by_id(&store, first.snapshot), ["1 1", "2 2", "3 3"]);
        assert_eq!(by_id(&store, second.snapshot), ["1 1", "5 5"], "the whole state, not what changed");
        assert_eq!(by_id(&store, third.snapshot), ["1 1 x"]);
        assert_eq!(by_id(&store, change.snapshot), ["2 - retract", "4 4 assert", "9 - retract"]);
        assert_eq!(by_id(&store, again.snapshot), ["4 7 assert"], "its own rows, not what it took back");
        assert!(by_id(&store, empty.snapshot).is_empty());
        store.reopen();
    }
    assert!(store.rows(now(20)).is_empty());
}

#[test]
fn a_snapshot_that_is_not_there_is_not_found() {
    let store = Store::new(Mode::State, &["id"]);
    let id = SnapshotId::new([7; 32]);
    let error = store.database.snapshot(id).unwrap_err();
    assert_eq!(error.code(), Code::NotFound);
    assert_eq!(error.to_string(), format!("there is no snapshot {}", "07".repeat(32)));
}

#[test]
fn revisions_count_on_across_withdrawals_and_for_each_cutoff() {
    let mut store = Store::new(Mode::State, &["id"]);
    let mut receipts = Vec::new();
    let one = rows(&[(1, 1)]);
    receipts.push((1, store.full(10, &one).unwrap()));
    receipts.push((2, store.full(10, &one).unwrap()));
    receipts.push((1, store.full(20, &one).unwrap()));
    receipts.push((3, store.delta(10, &delta_rows(&[(1, None)])).unwrap()));
    store.withdraw(10, PutOptions::default()).unwrap();
    receipts.push((4, store.full(10, &one).unwrap()));
    let replace = PutOptions { replace: true, ..expecting(1) };
    receipts.push((5, store.put(full(10), &one, replace).unwrap()));
    for _ in 0..2 {
        for (revision, receipt) in &receipts {
            assert_eq!(header(&store, receipt).revision, *revision);
        }
        store.reopen();
    }
}

#[test]
fn an_id_is_the_hash_of_what_is_claimed_and_differs_when_anything_does() {
    let store = Store::new(Mode::State, &["id"]);
    let parent = store.full(10, &rows(&[(1, 1)])).unwrap();
    let mut ids = BTreeSet::from([parent.snapshot]);
    let mut put = |kind, rows: &RecordBatch, options| {
        let receipt = store.put(kind, rows, options).unwrap();
        let header = header(&store, &receipt);
        assert_eq!(header.id(), receipt.snapshot.unwrap());
        assert_eq!(header.known_at, receipt.system_time.micros());
        assert!(ids.insert(receipt.snapshot), "{header:?}");
        header
    };
    let one = rows(&[(1, 1)]);
    let same = put(full(10), &one, expecting(1));
    let other_cutoff = put(full(20), &one, expecting(1));
    let as_delta = put(delta(20), &one, PutOptions::default());
    let semantics = CutoffSemantics::BusinessEffective;
    let named = put(full(10), &one, PutOptions { semantics, ..expecting(1) });
    let child = put(full(10), &one, PutOptions { parent: parent.snapshot, ..expecting(1) });
    let principal = Principal::parse("other").unwrap();
    let theirs = put(full(10), &one, PutOptions { principal, ..expecting(1) });
    assert_eq!(child.parent, parent.snapshot.map(|id| id.to_string()));
    assert_ne!(theirs.lineage, same.lineage, "lineage says who");
    assert_eq!((named.semantics, other_cutoff.cutoff), (semantics, 20));
    assert_eq!(same.content_root, other_cutoff.content_root);
    assert_ne!(same.content_root, as_delta.content_root, "a delta's rows count with what they do");
    // The header alone makes the id: each changed field makes another.
    let changed = [
        SnapshotHeader { store: "other".into(), ..same.clone() },
        SnapshotHeader { context: "other".into(), ..same.clone() },
        SnapshotHeader { known_at: same.known_at + 1, ..same.clone() },
        SnapshotHeader { revision: same.revision + 1, ..same.clone() },
        SnapshotHeader { rows: 2, ..same.clone() },
        SnapshotHeader { schema_version: 2, ..same.clone() },
        SnapshotHeader { content_root: other_cutoff.lineage, ..same.clone() },
    ];
    let ids: BTreeSet<SnapshotId> = changed.iter().chain([&same]).map(SnapshotHeader::id).collect();
    assert_eq!(ids.len(), changed.len() + 1);
}

/// The content root of a full, after whatever was put before.
fn root(before: &[RecordBatch], put: &RecordBatch, options: PutOptions) -> String {
    let store = Store::new(Mode::State, &["id"]);
    for rows in before {
        store.put(full(5), rows, evolving()).unwrap();
    }
    let receipt = store.put(full(10), put, options).unwrap();
    header(&store, &receipt).content_root
}

#[test]
fn equal_content_has_one_root_however_it_was_put() {
    let table = rows(&[(1, 1), (2, 2), (3, 3)]);
    let expected = root(&[], &table, expecting(3));
    let check = |before: &[RecordBatch], put: &RecordBatch, options, why| {
        assert_eq!(root(before, put, options), expected, "{why}");
    };
    check(&[], &rows(&[(3, 3), (1, 1), (2, 2)]), expecting(3), "in another order");
    check(std::slice::from_ref(&table), &table, expecting(3), "nothing changed");
    check(&[rows(&[(1, 9), (7, 7)])], &table, expecting(3), "after other content");
    let last = PutOptions { on_duplicate: OnDuplicate::Last, ..PutOptions::default() };
    check(&[], &rows(&[(1, 5), (2, 2), (3, 3), (1, 1)]), last, "with a duplicate dropped");
    let narrow = batch(&[("id", ints([1, 2, 3])), ("v", small_ints([1, 2, 3]))]);
    check(std::slice::from_ref(&table), &narrow, expecting(3), "in a narrower type");
    let dictionary = |values: arrow_array::ArrayRef| batch(&[("id", ints([1, 2])), ("s", values)]);
    let words: arrow_array::DictionaryArray<arrow_array::types::Int32Type> = ["b", "a"].into_iter().collect();
    let plain = root(&[], &dictionary(texts(["b", "a"])), expecting(2));
    assert_eq!(root(&[], &dictionary(std::sync::Arc::new(words)), expecting(2)), plain);
    assert_ne!(root(&[], &dictionary(texts(["a", "b"])), expecting(2)), plain);
    assert_ne!(root(&[], &rows(&[(1, 1), (2, 2), (3, 4)]), expecting(3)), expected);
    let money =
        |unscaled| root(&[], &batch(&[("id", ints([1])), ("v", decimals(9, 2, [unscaled]))]), expecting(1));
    assert_ne!(money(100), money(101));
}
