//! The generator: its shares and volumes, and that one seed gives one history.

use std::collections::{BTreeMap, BTreeSet};

use super::*;
use crate::bih::event_file;
use crate::bih::fact::Fact;
use crate::bih::scenario::ScenarioKind as Kind;
use crate::bih::tables::{Key, Row};

/// The SHA-256 of the event file of [`Scale::SMALL`]. Another one means that every published figure is of another
/// history: change it only on purpose.
const SMALL_DIGEST: &str = "23dceffd6be0e384f0765bfd8410eb47831f90f84d22ff36e5caad5bcbd22e4c";

/// A history whose scenarios are many and whose version 0 is small.
const LONG: Scale = Scale { base: Thousandths(1), history: Thousandths(40), seed: 1 };

#[test]
fn one_scale_and_seed_give_one_history() {
    let text = event_file::text(&History::generate(Scale::SMALL));
    assert_eq!(text, event_file::text(&History::generate(Scale::SMALL)));
    assert_eq!(event_file::digest(&text), SMALL_DIGEST);
    let other = History::generate(Scale { seed: 2, ..Scale::SMALL });
    assert_ne!(event_file::text(&other), text);
}

/// Whether a number of draws is one that a share of all would give, within four deviations of the binomial.
fn check_share(name: &str, found: usize, all: usize, thousandths: u64) {
    let of = |count: usize| f64::from(u32::try_from(count).unwrap());
    let share = of(usize::try_from(thousandths).unwrap()) / 1000.0;
    let (found, all) = (of(found), of(all));
    let deviation = (all * share * (1.0 - share)).sqrt();
    assert!((found - all * share).abs() <= 4.0 * deviation, "{name}: {found} of {all}, not {share}");
}

#[test]
fn scenarios_have_their_shares_and_spread_over_all_days() {
    let history = History::generate(LONG);
    let all = history.scenarios.len();
    // The credit never lies behind by more than one scenario, nor ahead by more than a day's.
    assert!(all.abs_diff(40_000) <= 12, "{all} scenarios");
    for (kind, share, name) in Kind::SHARES {
        let found = history.scenarios.iter().filter(|scenario| scenario.kind == kind).count();
        check_share(name, found, all, share);
    }
    let days: BTreeSet<i32> = history.scenarios.iter().map(|scenario| scenario.day.0).collect();
    assert!(days.len() > 3640 && days.first() == Some(&FIRST.0) && days.last() == Some(&LAST.0));
    assert!(history.scenarios.is_sorted_by_key(|scenario| (scenario.day, scenario.number)));
    assert!((1..).zip(&history.scenarios).all(|(number, scenario)| scenario.number == number));
}

#[test]
fn volumes_are_those_of_the_benchmark() {
    let history = History::generate(LONG);
    let all = history.scenarios.len();
    let orders = keys(&history.facts.orders).len();
    check_share("orders", orders, all, 300);
    // Customers of version 0 that become visible only now are not new.
    let newcomers = keys(&history.facts.customer).into_iter().filter(|&(key, _)| key > 150).count();
    check_share("customers", newcomers, all, 150);
    let items = keys(&history.facts.lineitem).len();
    let mean = items * 1000 / orders;
    assert!(mean.abs_diff(4000) <= 80, "{mean} thousandths of an item an order");
    // What finds nothing to do is counted, and is little where the history has begun to flow.
    let mut idle: BTreeMap<Kind, (usize, usize)> = BTreeMap::new();
    for scenario in &history.scenarios[all / 10..] {
        let (ran, found_nothing) = idle.entry(scenario.kind).or_default();
        *ran += 1;
        *found_nothing += usize::from(!scenario.done);
    }
    for (kind, (ran, found_nothing)) in idle {
        assert!(found_nothing * 10 <= ran, "{}: {found_nothing} of {ran} found nothing to do", kind.name());
    }
}

/// Keys that scenarios made.
fn keys<R: Row>(facts: &[Fact<R>]) -> BTreeSet<Key> {
    let of = |base| facts.iter().filter(move |fact| (fact.scenario == 0) == base).map(|fact| fact.row.key());
    let base: BTreeSet<Key> = of(true).collect();
    of(false).filter(|key| !base.contains(key)).collect()
}
