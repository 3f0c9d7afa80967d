//! Damage at rest is visible at once, and outlives restarts.

use super::{create, get, image, is_absent};
use crate::{SimStore, Survivors};

fn store() -> SimStore {
    SimStore::from_image(&image(&[("log/0", b"zero"), ("log/1", b"one"), ("packs/ab/c", b"pack")])).unwrap()
}

#[test]
fn an_image_is_durable_and_comes_back_equal() {
    let before = store().image();
    assert_eq!(before.len(), 3);
    let after = store().restart(Survivors::None);
    assert_eq!(after.image(), before);
    assert_eq!(after.step_count(), 0);
}

#[test]
fn a_flipped_bit_flips_back() {
    let store = store();
    store.flip_bit("log/1", 8 + 3).unwrap();
    assert_eq!(get(&store, "log/1").unwrap(), [b'o', b'n' ^ 8, b'e']);
    assert_eq!(store.restart(Survivors::None).image()["log/1"][1], b'n' ^ 8);
    store.flip_bit("log/1", 8 + 3).unwrap();
    assert_eq!(store.peek("log/1").unwrap(), b"one");
    store.flip_bit("log/1", 24).unwrap_err();
    assert!(is_absent(&store.flip_bit("log/2", 0)));
}

#[test]
fn an_object_is_cut_swapped_and_lost() {
    let store = store();
    store.truncate("log/0", 2).unwrap();
    store.swap("log/0", "packs/ab/c").unwrap();
    store.erase("log/1").unwrap();
    let expected = image(&[("log/0", b"pack"), ("packs/ab/c", b"ze")]);
    assert_eq!(store.image(), expected);
    assert_eq!(store.restart(Survivors::None).image(), expected);
    assert!(is_absent(&store.erase("log/1")));
}

#[test]
fn an_old_version_comes_back() {
    let store = store();
    store.put_back("log/1", b"old".to_vec()).unwrap();
    store.put_back("other/2", b"misplaced".to_vec()).unwrap();
    assert_eq!(get(&store, "log/1").unwrap(), b"old");
    assert_eq!(get(&store, "other/2").unwrap(), b"misplaced");
    store.put_back("packs", b"a directory".to_vec()).unwrap_err();
}

#[test]
fn a_whole_store_is_rolled_back() {
    let store = store();
    let old = store.image();
    create(&store, "log/2", b"two").unwrap();
    store.flip_bit("log/0", 0).unwrap();
    store.erase("packs/ab/c").unwrap();
    store.restore(&old).unwrap();
    assert_eq!(store.image(), old);
    assert_eq!(store.restart(Survivors::None).image(), old);
}
