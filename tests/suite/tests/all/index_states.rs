//! The index is a cache: deleted, stale, damaged or rebuilt, the answers stay the same;
//! that of another store is refused by name.

use std::path::{Path, PathBuf};

use calotype_oracle::Seed;
use calotype_storage::database::{Access, StateFolder, remove_index};
use calotype_storage::error::Error;
use calotype_suite::histories;
use calotype_suite::recovered::check;
use calotype_suite::script::{Script, Step};
use calotype_suite::world::{Place, World};

/// A store in a real folder, with copies of its index from after every step.
struct Kept {
    folder: tempfile::TempDir,
    world: World,
    copies: Vec<PathBuf>,
}

impl Kept {
    fn state(&self) -> PathBuf {
        self.folder.path().join("state")
    }

    fn index(&self) -> PathBuf {
        self.state().join("index.redb")
    }

    fn run(script: &Script) -> Self {
        Self::run_as(script, 0)
    }

    /// Runs a script; processes are counted from a number, which makes a store of its own.
    fn run_as(script: &Script, processes: u64) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut world = World::default();
        world.processes = processes;
        world.place = Place::Folder(folder.path().join("store"));
        world.state = StateFolder::At(folder.path().join("state"));
        let mut kept = Self { folder, world, copies: Vec::new() };
        kept.keep();
        for step in &script.steps {
            let database = kept.world.open().unwrap();
            if let Step::Send(actions) = step {
                kept.world.send(&database, actions);
            }
            database.sync_index().unwrap();
            drop(database);
            kept.keep();
        }
        kept
    }

    /// Copies the index as it is now.
    fn keep(&mut self) {
        if self.index().exists() {
            let copy = self.folder.path().join(format!("copy-{}", self.copies.len()));
            std::fs::copy(self.index(), &copy).unwrap();
            self.copies.push(copy);
        }
    }

    fn put_back(&self, copy: &Path) {
        std::fs::copy(copy, self.index()).unwrap();
    }

    fn opens(&mut self, story: &str) {
        let database = self.world.open_for(Access::Write);
        let database = database.unwrap_or_else(|error| panic!("{story}: {error}"));
        assert_eq!(check(&database, &self.world.journal), Ok(()), "{story}");
    }
}

/// T13: stale at every number of records applied.
#[test]
fn a_stale_index_catches_up() {
    for script in histories::all() {
        let mut kept = Kept::run(&script);
        for copy in kept.copies.clone() {
            kept.put_back(&copy);
            kept.opens(&format!("{}: {}", script.name, copy.display()));
        }
        remove_index(&kept.state()).unwrap();
        kept.opens(&format!("{}: deleted", script.name));
        std::fs::remove_dir_all(kept.state()).unwrap();
        kept.opens(&format!("{}: its folder deleted", script.name));
    }
}

/// T13: bytes changed, cut and emptied at random places.
#[test]
fn a_damaged_index_is_made_anew() {
    let mut kept = Kept::run(&histories::everything());
    let copies = kept.copies.clone();
    for number in 0..150 {
        let mut seed = Seed::new(number);
        let copy = &copies[seed.below(u32::try_from(copies.len()).unwrap()) as usize];
        let mut bytes = std::fs::read(copy).unwrap();
        let length = u32::try_from(bytes.len()).unwrap();
        match seed.below(8) {
            0 => bytes.truncate(seed.below(length) as usize),
            1 => bytes.clear(),
            2 => {
                let from = seed.below(length) as usize;
                let to = (from + 4096).min(bytes.len());
                bytes[from..to].fill(0);
            }
            _ => {
                for _ in 0..=seed.below(40) {
                    let used = seed.below(length.min(200_000)) as usize;
                    bytes[used] ^= 1 << seed.below(8);
                }
            }
        }
        std::fs::write(kept.index(), bytes).unwrap();
        kept.opens(&format!("seed {number}, {}", copy.display()));
    }
}

#[test]
fn the_index_of_another_store_is_refused_by_name() {
    let script = histories::one_put();
    let (mut ours, theirs) = (Kept::run(&script), Kept::run_as(&histories::three_commits(), 100));
    ours.put_back(&theirs.copies[2]);
    let refused = ours.world.open_for(Access::Write);
    let Err(error @ Error::OtherStore { .. }) = refused else { panic!("{refused:?}") };
    assert!(error.to_string().contains("store"), "{error}");
    assert!(error.to_string().contains(&ours.state().display().to_string()), "{error}");
}
