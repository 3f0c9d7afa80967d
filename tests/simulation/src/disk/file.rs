//! A file: written once, from its beginning, then perhaps synced.

use bytes::Bytes;

use super::Durability;
use crate::survivors::{Lottery, SECTOR_BYTES, Sector};

/// A file and how much of it is durable: all of its sectors or, for certain, none.
#[derive(Clone, Debug)]
pub(crate) struct File {
    pub(crate) content: Bytes,
    pub(crate) modified: u64,
    pub(crate) durability: Durability,
}

impl File {
    /// Keeps what the lottery leaves of the contents.
    ///
    /// A length that is lost leaves the file to end with its last sector that is not.
    pub(crate) fn survive(&mut self, lottery: &mut Lottery) {
        let given_up = match self.durability {
            Durability::Synced => return,
            Durability::Dirty => false,
            Durability::GivenUp => true,
        };
        let mut content = self.content.to_vec();
        let mut end = 0;
        let mut written = 0;
        for sector in content.chunks_mut(SECTOR_BYTES) {
            written += sector.len();
            match lottery.sector(given_up) {
                Sector::Kept => end = written,
                Sector::Lost => sector.fill(0),
                Sector::Stale(byte) => {
                    sector.fill(byte);
                    end = written;
                }
            }
        }
        if written > 0 && !lottery.survives(given_up) {
            content.truncate(end);
        }
        self.content = content.into();
        self.durability = Durability::Synced;
    }

    /// Settles contents that nobody can read.
    pub(crate) fn survive_hidden(&mut self, keep: bool) {
        if self.durability != Durability::Synced && !keep {
            self.content = Bytes::new();
        }
        self.durability = Durability::Synced;
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use crate::disk::Disk;
    use crate::survivors::Survivors;

    /// No put shows this: after a failed sync it publishes nothing.
    #[test]
    fn after_a_failed_sync_a_second_one_saves_nothing() {
        for fails in [false, true] {
            let mut disk = Disk::default();
            disk.create("pack").unwrap();
            disk.write("pack", &Bytes::from_static(b"body")).unwrap();
            if fails {
                disk.fail_sync("pack").unwrap();
            }
            disk.sync_file("pack").unwrap();
            disk.sync_directory("").unwrap();
            for survivors in [Survivors::None, Survivors::All] {
                let (after, _) = disk.after(survivors);
                let (_, content) = after.read("pack").unwrap();
                assert_eq!(content.is_empty(), fails);
            }
        }
    }
}
