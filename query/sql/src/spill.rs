//! The temporary files of one statement, in a folder that is made with the first of them: most statements need none.

use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use datafusion::error::Result;
use datafusion::execution::disk_manager::{DiskManagerBuilder, DiskManagerMode};
use datafusion::execution::{DiskManager, SpillFile, TempFileFactory};

/// Makes temporary files. Each goes when the last one that holds it does, and the folder with the last file.
pub(crate) struct SpillFolder {
    /// Where the statement's own folder is made.
    parent: PathBuf,
    bytes_max: u64,
    made: Mutex<Option<Arc<DiskManager>>>,
}

impl SpillFolder {
    /// Files of so many bytes together, in a folder below another.
    ///
    /// # Errors
    /// None that is known: nothing is made yet.
    pub(crate) fn manager(parent: PathBuf, bytes_max: u64) -> Result<Arc<DiskManager>> {
        let folder = Self { parent, bytes_max, made: Mutex::default() };
        Ok(Arc::new(DiskManagerBuilder::default().with_temp_file_factory(Arc::new(folder)).build()?))
    }
}

impl TempFileFactory for SpillFolder {
    fn create_temp_file(&self, description: &str) -> Result<Arc<dyn SpillFile>> {
        let mut made = self.made.lock().unwrap_or_else(PoisonError::into_inner);
        let manager = if let Some(manager) = made.as_ref() {
            Arc::clone(manager)
        } else {
            let manager = DiskManagerBuilder::default()
                .with_mode(DiskManagerMode::Directories(vec![self.parent.clone()]))
                .with_max_temp_directory_size(self.bytes_max)
                .build()?;
            Arc::clone(made.insert(Arc::new(manager)))
        };
        drop(made);
        manager.create_tmp_file(description)
    }
}

impl fmt::Debug for SpillFolder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SpillFolder").field("parent", &self.parent).finish_non_exhaustive()
    }
}
