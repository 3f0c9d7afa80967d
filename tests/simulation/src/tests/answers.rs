//! Answers that are lost, late, doubled or wrong.

use std::collections::BTreeMap;

use object_store::Result;

use super::{create, get, is_absent, is_taken, overwrite, with_log};
use crate::{AnswerFault, AnswerLost, AnswerPlan, FaultPlan, SimStore, SplitMix64, Survivors};

fn scripted(fault: AnswerFault) -> SimStore {
    let store = with_log();
    store.set_plan(FaultPlan::answering(AnswerPlan {
        prefix: "log/".to_owned(),
        script: BTreeMap::from([(0, fault)]),
        late_calls: 1,
        ..AnswerPlan::default()
    }));
    store
}

fn is_lost<T>(answer: &Result<T>) -> bool {
    let Err(object_store::Error::Generic { source, .. }) = answer else {
        return false;
    };
    source.is::<AnswerLost>()
}

#[test]
fn a_refused_put_did_not_happen() {
    let store = scripted(AnswerFault::Refused);
    assert!(is_lost(&create(&store, "log/1", b"one")));
    assert!(is_absent(&get(&store, "log/1")));
}

#[test]
fn a_lost_answer_hides_a_put_that_happened() {
    let store = scripted(AnswerFault::Lost);
    assert!(is_lost(&create(&store, "log/1", b"one")));
    assert!(is_taken(&create(&store, "log/1", b"one")));
    assert_eq!(get(&store, "log/1").unwrap(), b"one");
}

#[test]
fn a_doubled_put_finds_itself() {
    let store = scripted(AnswerFault::Doubled);
    assert!(is_taken(&create(&store, "log/1", b"one")));
    assert_eq!(get(&store, "log/1").unwrap(), b"one");
}

#[test]
fn a_conflict_says_exists_of_what_does_not() {
    let store = scripted(AnswerFault::Conflict);
    assert!(is_taken(&create(&store, "log/1", b"one")));
    assert!(is_absent(&get(&store, "log/1")));
    create(&store, "log/1", b"one").unwrap();
}

#[test]
fn a_late_put_arrives_after_everybody_gave_it_up() {
    let store = scripted(AnswerFault::Late);
    assert!(is_lost(&create(&store, "log/1", b"one")));
    assert!(is_absent(&get(&store, "log/1")));
    assert!(is_taken(&create(&store, "log/1", b"two")));
    assert_eq!(get(&store, "log/1").unwrap(), b"one");
}

#[test]
fn a_late_put_outlives_its_process_but_not_the_machine() {
    let store = scripted(AnswerFault::Late);
    create(&store, "log/1", b"one").unwrap_err();
    let killed = store.restart(Survivors::Cached);
    assert!(is_absent(&get(&killed, "log/1")));
    assert_eq!(get(&killed, "log/1").unwrap(), b"one");
    let dead = store.restart(Survivors::All);
    assert!(is_absent(&get(&dead, "log/1")));
    assert!(is_absent(&get(&dead, "log/1")));
}

#[test]
fn a_repeated_put_comes_twice() {
    let store = scripted(AnswerFault::Repeated);
    overwrite(&store, "log/0", b"first").unwrap();
    overwrite(&store, "log/0", b"second").unwrap();
    assert_eq!(get(&store, "log/0").unwrap(), b"first");
}

#[test]
fn only_puts_below_the_prefix_are_meant() {
    let store = scripted(AnswerFault::Lost);
    create(&store, "packs/a", b"pack").unwrap();
    create(&store, "log/1", b"one").unwrap_err();
}

#[test]
fn rates_follow_the_seed() {
    let run = |seed: u64| -> Vec<bool> {
        let store = with_log();
        store.set_plan(FaultPlan::answering(AnswerPlan {
            seed,
            per_mille: vec![(AnswerFault::Lost, 150), (AnswerFault::Conflict, 150)],
            ..AnswerPlan::default()
        }));
        (1..=1_000).map(|slot| create(&store, &format!("log/{slot}"), b"body").is_ok()).collect()
    };
    let answers = run(1);
    assert_eq!(answers, run(1));
    assert_ne!(answers, run(2));
    let failed = answers.iter().filter(|ok| !**ok).count();
    assert!((250..350).contains(&failed), "{failed} of 1,000");
}

/// A writer that repeats the same bytes at the same slot until the slot is decided commits each
/// record once, whatever the answers.
#[test]
fn repeating_until_decided_is_enough() {
    let rates = [
        AnswerFault::Refused,
        AnswerFault::Lost,
        AnswerFault::Doubled,
        AnswerFault::Conflict,
        AnswerFault::Late,
        AnswerFault::Repeated,
    ];
    for seed in 0..50 {
        let store = with_log();
        let late_calls = SplitMix64::new(seed).below(5);
        store.set_plan(FaultPlan::answering(AnswerPlan {
            seed,
            per_mille: rates.map(|fault| (fault, 100)).to_vec(),
            late_calls,
            ..AnswerPlan::default()
        }));
        for slot in 1..20_u8 {
            let path = format!("log/{slot}");
            let decided = (0..100).any(|_| {
                let created = create(&store, &path, &[slot]);
                created.is_ok() || (is_taken(&created) && get(&store, &path).is_ok())
            });
            assert!(decided, "seed {seed}, slot {slot}");
        }
        for slot in 1..20_u8 {
            let body = store.peek(&format!("log/{slot}")).unwrap();
            assert_eq!(body, [slot], "seed {seed}");
        }
    }
}
