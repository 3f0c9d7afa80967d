//! A directory: durable entries, and a journal of the changes since.
//!
//! Invariant: the visible entries are the durable ones with the whole journal applied in order.

use std::collections::BTreeMap;

use super::{Durability, Inode};
use crate::survivors::Lottery;

/// A change of entries. Each survives a crash as a whole or not at all.
#[derive(Clone, Debug)]
pub(crate) enum Change {
    Link { name: String, inode: Inode },
    Unlink { name: String },
    Rename { from: String, to: String, inode: Inode },
}

impl Change {
    fn apply(&self, entries: &mut BTreeMap<String, Inode>) {
        match self {
            Self::Link { name, inode } => {
                entries.insert(name.clone(), *inode);
            }
            Self::Unlink { name } => {
                entries.remove(name);
            }
            Self::Rename { from, to, inode } => {
                entries.remove(from);
                entries.insert(to.clone(), *inode);
            }
        }
    }

    fn names(&self) -> Option<(&str, Inode)> {
        match self {
            Self::Link { name, inode } => Some((name, *inode)),
            Self::Rename { to, inode, .. } => Some((to, *inode)),
            Self::Unlink { .. } => None,
        }
    }
}

/// A directory.
#[derive(Clone, Debug, Default)]
pub(crate) struct Directory {
    durable: BTreeMap<String, Inode>,
    visible: BTreeMap<String, Inode>,
    journal: Vec<(Durability, Change)>,
}

impl Directory {
    /// Returns the entries as every process sees them.
    pub(crate) const fn entries(&self) -> &BTreeMap<String, Inode> {
        &self.visible
    }

    /// Returns every name that some crash may leave, with what it would refer to.
    pub(crate) fn names(&self) -> impl Iterator<Item = (&str, Inode)> {
        let durable = self.durable.iter().map(|(name, inode)| (name.as_str(), *inode));
        durable.chain(self.journal.iter().filter_map(|(_, change)| change.names()))
    }

    /// Makes a change.
    pub(crate) fn change(&mut self, change: Change, durability: Durability) {
        change.apply(&mut self.visible);
        self.journal.push((durability, change));
        self.settle();
    }

    /// Makes all changes durable, but for those given up.
    pub(crate) fn sync(&mut self) {
        self.mark(Durability::Synced);
        self.settle();
    }

    /// Counts all changes as clean though they are not durable.
    pub(crate) fn give_up(&mut self) {
        self.mark(Durability::GivenUp);
    }

    /// Keeps the changes that the lottery leaves.
    pub(crate) fn survive(&mut self, lottery: &mut Lottery) {
        for (durability, change) in std::mem::take(&mut self.journal) {
            let survives = match durability {
                Durability::Synced => true,
                Durability::Dirty => lottery.survives(false),
                Durability::GivenUp => lottery.survives(true),
            };
            if survives {
                change.apply(&mut self.durable);
            }
        }
        self.visible = self.durable.clone();
    }

    fn mark(&mut self, durability: Durability) {
        for (current, _) in &mut self.journal {
            if *current == Durability::Dirty {
                *current = durability;
            }
        }
    }

    /// Moves the synced beginning of the journal into the durable entries. A synced change behind
    /// one that was given up must wait: applying it first would turn their order round.
    fn settle(&mut self) {
        let settled =
            self.journal.iter().take_while(|(durability, _)| *durability == Durability::Synced).count();
        for (_, change) in self.journal.drain(..settled) {
            change.apply(&mut self.durable);
        }
    }
}
