//! Pools: keys from which one is drawn, all alike.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use super::draw::Draw;

/// How often another key is tried before a scenario is given up.
const TRIES: i64 = 8;

/// Keys in the order in which they came, with holes filled by the last one.
#[derive(Debug, Default)]
pub(super) struct Pool {
    keys: Vec<i64>,
    places: BTreeMap<i64, usize>,
}

impl Pool {
    /// Puts a key in, if it is not there.
    pub(super) fn put(&mut self, key: i64) {
        if let Entry::Vacant(place) = self.places.entry(key) {
            place.insert(self.keys.len());
            self.keys.push(key);
        }
    }

    /// Takes a key out, if it is there.
    pub(super) fn take(&mut self, key: i64) {
        if let Some(place) = self.places.remove(&key) {
            self.keys.swap_remove(place);
            self.places.extend(self.keys.get(place).map(|&moved| (moved, place)));
        }
    }
}

/// Draws a key from several pools until one will do.
pub(super) fn find(
    draw: Draw,
    name: &str,
    pools: &[&Pool],
    mut fits: impl FnMut(i64) -> bool,
) -> Option<i64> {
    let all = pools.iter().map(|pool| pool.keys.len()).sum::<usize>();
    let bound = u64::try_from(all).unwrap_or(0);
    let at = |place: u64| {
        let mut place = usize::try_from(place).unwrap_or(0);
        for pool in pools {
            match pool.keys.get(place) {
                Some(&key) => return Some(key),
                None => place -= pool.keys.len(),
            }
        }
        None
    };
    (0..TRIES).filter_map(|attempt| at(draw.below(name, attempt, bound))).find(|&key| fits(key))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_go_in_and_out_and_are_found_in_all_pools() {
        let (mut open, mut pending) = (Pool::default(), Pool::default());
        for key in [10, 20, 30] {
            open.put(key);
        }
        open.put(20);
        pending.put(40);
        open.take(10);
        open.take(10);
        assert_eq!(open.keys, [30, 20]);
        let mut seen = std::collections::BTreeSet::new();
        for scenario in 0..100 {
            seen.extend(find(Draw::new(1, scenario), "order", &[&open, &pending], |_| true));
        }
        assert_eq!(seen.into_iter().collect::<Vec<_>>(), [20, 30, 40]);
        assert_eq!(find(Draw::new(1, 1), "order", &[&open], |_| false), None);
        assert_eq!(find(Draw::new(1, 1), "order", &[], |_| true), None);
    }
}
