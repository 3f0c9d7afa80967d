//! What differs between two states, by key and content.

use std::collections::BTreeMap;

/// How the content of one key differs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change<V> {
    /// Absent before.
    Added(V),
    /// Absent after.
    Removed(V),
    /// Present in both, with other content.
    Changed {
        /// The content before.
        from: V,
        /// The content after.
        to: V,
    },
}

/// What changes from one state to the other; equal keys are left out, whatever
/// facts brought them.
pub fn diff<K: Ord + Clone, V: Eq + Clone>(
    from: &BTreeMap<K, V>,
    to: &BTreeMap<K, V>,
) -> BTreeMap<K, Change<V>> {
    let mut changes = BTreeMap::new();
    for key in from.keys().chain(to.keys()) {
        let change = match (from.get(key).cloned(), to.get(key).cloned()) {
            (None, Some(to)) => Change::Added(to),
            (Some(from), None) => Change::Removed(from),
            (Some(from), Some(to)) if from != to => Change::Changed { from, to },
            _ => continue,
        };
        changes.insert(key.clone(), change);
    }
    changes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_what_was_added_removed_and_changed() {
        let from = BTreeMap::from([('a', 1), ('b', 2), ('c', 3)]);
        let to = BTreeMap::from([('b', 2), ('c', 4), ('d', 5)]);
        let expected = BTreeMap::from([
            ('a', Change::Removed(1)),
            ('c', Change::Changed { from: 3, to: 4 }),
            ('d', Change::Added(5)),
        ]);
        assert_eq!(diff(&from, &to), expected);
        assert!(diff(&from, &from).is_empty());
    }
}
