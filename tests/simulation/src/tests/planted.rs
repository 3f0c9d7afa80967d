//! The tests of the tests: an oracle that looks at every cut finds each planted bug, and finds
//! nothing in the sound store.

use std::collections::BTreeMap;

use super::{create, image};
use crate::{FaultPlan, PlantedBugs, SimStore, Survivors};

/// What the writer of the scripted history knows when the machine dies.
#[derive(Default)]
struct Told {
    acknowledged: BTreeMap<String, Vec<u8>>,
    sent: BTreeMap<String, Vec<u8>>,
}

/// Commits three records; the last slot is contested.
fn history(store: &SimStore) -> Told {
    let mut told = Told::default();
    for (slot, body) in [("log/0", 1_u8), ("log/1", 2), ("log/0", 3), ("log/2", 4)] {
        let body = vec![body; 600];
        told.sent.entry(slot.to_owned()).or_insert_with(|| body.clone());
        if create(store, slot, &body).is_ok() {
            told.acknowledged.insert(slot.to_owned(), body);
        } else if store.is_crashed() {
            break;
        }
    }
    told
}

/// Cuts the history before every step and looks at every choice of survivors: acknowledged is
/// recovered, and recovered was sent. Returns the number of states looked at, or what is wrong.
fn look_everywhere(bugs: PlantedBugs) -> Result<u64, String> {
    let rehearsal = SimStore::new();
    rehearsal.plant(bugs);
    history(&rehearsal);
    let mut states = 0;
    for step in 0..=rehearsal.step_count() {
        let store = SimStore::new();
        store.plant(bugs);
        store.set_plan(FaultPlan::crash_at(step));
        let told = history(&store);
        let choices = store.survivor_choices().min(1 << 10);
        let choices = (0..choices).map(Survivors::Choice);
        for survivors in choices.chain([Survivors::None, Survivors::All, Survivors::Cached]) {
            states += 1;
            let recovered = store.restart(survivors).image();
            for (slot, body) in &told.acknowledged {
                if recovered.get(slot) != Some(body) {
                    return Err(format!("step {step}, {survivors:?}: {slot} is not as answered"));
                }
            }
            for (slot, body) in &recovered {
                if told.sent.get(slot) != Some(body) {
                    return Err(format!("step {step}, {survivors:?}: {slot} was never sent so"));
                }
            }
        }
    }
    Ok(states)
}

#[test]
fn the_sound_store_loses_nothing() {
    let states = look_everywhere(PlantedBugs::default()).unwrap();
    assert!(states > 100, "{states}");
}

#[test]
fn a_store_without_directory_syncs_is_found_out() {
    look_everywhere(PlantedBugs { skip_directory_sync: true, ..PlantedBugs::default() }).unwrap_err();
}

#[test]
fn a_store_without_file_syncs_is_found_out() {
    look_everywhere(PlantedBugs { skip_file_sync: true, ..PlantedBugs::default() }).unwrap_err();
}

#[test]
fn a_store_that_overwrites_is_found_out() {
    let bugs = PlantedBugs { create_overwrites: true, ..PlantedBugs::default() };
    look_everywhere(bugs).unwrap_err();

    let store = SimStore::new();
    store.plant(bugs);
    create(&store, "log/0", b"first").unwrap();
    create(&store, "log/0", b"second").unwrap();
    assert_eq!(store.image(), image(&[("log/0", b"second")]));
    let conforms = std::panic::catch_unwind(|| {
        futures::executor::block_on(crate::conformance::check(&store.restart(Survivors::None)));
    });
    assert!(conforms.is_err());
}
