//! Damage at rest: flipped bits, objects that are swapped, cut, emptied or gone, slots
//! that are missing. Each is named, and none changes an answer.

use calotype_simulation::SimStore;
use calotype_storage::database::{Access, StateFolder};
use calotype_storage::error::Error;
use calotype_suite::golden::{Golden, Image, Seen, names};
use calotype_suite::histories;
use calotype_suite::recovered::{check, verifies};
use calotype_suite::world::World;

/// Bits flipped in one run of the tests; `cargo xtask sim --bits` flips all.
const BITS: usize = 4_000;

/// T8.
#[test]
fn every_flipped_bit_is_named_and_changes_no_answer() {
    let golden = Golden::new();
    let all: usize = golden.image.values().map(|bytes| bytes.len() * 8).sum();
    let mut wrong = Vec::new();
    let bits = golden.bits(all / BITS, 5);
    for (path, bit) in &bits {
        wrong.extend(golden.check_bit(path, *bit).err());
    }
    assert!(wrong.is_empty(), "{} of {} bits: {:#?}", wrong.len(), bits.len(), &wrong[..wrong.len().min(20)]);
}

fn is_named(golden: &Golden, image: &Image, paths: &[&String], story: &str) {
    for seen in [golden.look_afresh(image), golden.look_as_witness(image)] {
        let named = match &seen {
            Ok(Seen::Refused(text) | Seen::Found(text)) => paths.iter().any(|path| names(text, path)),
            Ok(Seen::Nothing) | Err(_) => false,
        };
        assert!(named, "{story}: {seen:?}");
    }
}

/// T9: every ordered pair of objects, and every object cut and emptied.
#[test]
fn swapped_copied_and_cut_objects_are_named() {
    let golden = Golden::new();
    for (path, bytes) in &golden.image {
        for (other, content) in &golden.image {
            if path == other || content == bytes {
                continue;
            }
            let mut image = golden.image.clone();
            image.insert(path.clone(), content.clone());
            is_named(&golden, &image, &[path], &format!("{other} under the name of {path}"));
            image.insert(other.clone(), bytes.clone());
            is_named(&golden, &image, &[path, other], &format!("{path} and {other} swapped"));
        }
        for length in [0, 1, 7, bytes.len() / 2, bytes.len() - 8, bytes.len() - 1] {
            let mut image = golden.image.clone();
            image.insert(path.clone(), bytes[..length].to_vec());
            is_named(&golden, &image, &[path], &format!("{path} cut to {length} bytes"));
        }
    }
}

#[test]
fn a_missing_pack_is_named() {
    let golden = Golden::new();
    for path in golden.image.keys().filter(|path| path.starts_with("packs/")) {
        let mut image = golden.image.clone();
        image.remove(path);
        is_named(&golden, &image, &[path], &format!("{path} is gone"));
    }
}

/// A world with an index on disk that has seen a whole history.
fn seen() -> (tempfile::TempDir, World) {
    let folder = tempfile::tempdir().unwrap();
    let mut world = World::default();
    world.state = StateFolder::At(folder.path().join("state"));
    let database = world.run(&histories::everything()).unwrap();
    database.sync_index().unwrap();
    (folder, world)
}

fn slot(number: u64) -> String {
    format!("log/{number:020}")
}

/// T10: whoever has no index is told at once; an index that saw all needs the newest record alone, and verification
/// names the others.
#[test]
fn a_missing_slot_is_named() {
    let (folder, mut world) = seen();
    let image = world.store.image();
    let records = image.keys().filter(|path| path.starts_with("log/")).count() as u64;
    for missing in 0..records {
        let is_last = missing + 1 == records;
        world.store.erase(&slot(missing)).unwrap();
        world.state = StateFolder::Memory;
        match world.open_for(Access::Write) {
            Err(Error::MissingRecord { missing: named, .. }) => assert_eq!(named, missing),
            // Nobody but an index or a checkpoint knows of the newest record.
            other => assert!(is_last && other.is_ok(), "{missing}: {:?}", other.err()),
        }
        world.state = StateFolder::At(folder.path().join("state"));
        match world.open_for(Access::Read) {
            Ok(database) => {
                let wrong = verifies(&database).unwrap_err();
                assert!(!is_last && names(&wrong, &slot(missing)), "{missing}: {wrong}");
            }
            Err(error) => assert!(is_last && matches!(error, Error::RolledBack { .. }), "{error}"),
        }
        world.store.restore(&image).unwrap();
    }
}

/// T10: the newest k records gone, for every k, and the whole store.
#[test]
fn a_log_that_was_rolled_back_is_refused() {
    let (folder, mut world) = seen();
    let image = world.store.image();
    let records = image.keys().filter(|path| path.starts_with("log/")).count() as u64;
    for kept in 0..records {
        for gone in kept..records {
            world.store.erase(&slot(gone)).unwrap();
        }
        let opened = world.open_for(Access::Write);
        assert!(matches!(opened, Err(Error::RolledBack { .. })), "{kept} of {records}: {opened:?}");
        world.store.restore(&image).unwrap();
    }
    world.store.restore(&Image::new()).unwrap();
    assert!(matches!(world.open_for(Access::Write), Err(Error::NoStore(_))));
    let opened = world.open();
    assert!(matches!(opened, Err(Error::OtherStore { .. })), "{opened:?}");
    world.store.restore(&image).unwrap();
    assert_eq!(check(&world.open().unwrap(), &world.journal), Ok(()));
    drop(folder);
}

/// A slot beyond the end that was never written there is refused, whatever it holds.
#[test]
fn a_record_out_of_place_is_refused() {
    let golden = Golden::new();
    let records = golden.image.keys().filter(|path| path.starts_with("log/")).count() as u64;
    for number in [records, records + 1] {
        for from in [0, records - 1] {
            let store = SimStore::from_image(&golden.image).unwrap();
            store.put_back(&slot(number), golden.image[&slot(from)].clone()).unwrap();
            let opened = World::new(store).open_for(Access::Write);
            match opened {
                Err(Error::Damaged { object, .. }) => assert_eq!(object, slot(number)),
                Err(Error::MissingRecord { missing, .. }) => assert_eq!(missing, records),
                other => panic!("{from} at {number}: {other:?}"),
            }
        }
    }
}
