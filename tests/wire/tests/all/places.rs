//! Where the stores of these tests lie.

use std::path::PathBuf;

use calotype_simulation::SimStore;
use calotype_storage::backend::Backend;
use calotype_storage::database::{Access, Database, OpenOptions, StateFolder};
use calotype_suite::simulated::{bucket, disk};

/// Where a store lies: every database opened there meets the others.
#[derive(Clone, Debug)]
pub(crate) enum Place {
    Memory(Backend),
    Folder(PathBuf),
    Bucket(SimStore),
    Disk(SimStore),
}

impl Place {
    pub(crate) fn memory() -> Self {
        Self::Memory(Backend::memory())
    }

    pub(crate) fn backend(&self) -> Backend {
        match self {
            Self::Memory(backend) => backend.clone(),
            Self::Folder(folder) => Backend::local(folder, true).unwrap(),
            Self::Bucket(store) => bucket(store),
            Self::Disk(store) => disk(store),
        }
    }

    /// Opens the store with an index made anew.
    pub(crate) async fn open(&self) -> Database {
        self.try_open().await.unwrap()
    }

    pub(crate) async fn try_open(&self) -> Result<Database, calotype_storage::error::Error> {
        let options = OpenOptions::new(Access::Create, StateFolder::Memory);
        Database::open(self.backend(), options).await
    }
}
