//! Where objects lie: a local folder, memory, or any store that a URL names.
//!
//! The seam of simulation is [`ObjectStore`]. A store that keeps directories
//! brings a [`DirectorySync`] as well: a slot found there counts only after a
//! directory sync of our own.

mod staging;

use std::collections::BTreeSet;
use std::fmt;
use std::path::{Path as FilePath, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use object_store::local::LocalFileSystem;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{GetOptions, GetRange, ObjectStore, ObjectStoreExt, PutMode, PutOptions};

use crate::error::Error;

/// Makes the entries of a directory durable.
pub trait DirectorySync: fmt::Debug + Send + Sync {
    /// Syncs one directory of the store; the empty path is its root.
    ///
    /// # Errors
    /// The reason, if the disk would not.
    fn sync(&self, directory: &Path) -> Result<(), String>;
}

/// An object store, and what must be known about it.
#[derive(Clone, Debug)]
pub struct Backend {
    objects: Arc<dyn ObjectStore>,
    directories: Option<Arc<dyn DirectorySync>>,
    /// Directories whose own entries are known to be durable.
    durable: Arc<Mutex<BTreeSet<Path>>>,
    name: String,
    folder: Option<PathBuf>,
}

/// What came of a conditional create.
#[derive(Clone, Debug)]
pub enum Created {
    /// The object is ours.
    Yes,
    /// There was one before.
    Exists,
    /// Nobody knows.
    Unknown(Error),
}

#[derive(Debug)]
struct LocalDirectories(PathBuf);

impl DirectorySync for LocalDirectories {
    fn sync(&self, directory: &Path) -> Result<(), String> {
        let folder = self.0.join(directory.as_ref());
        let synced = std::fs::File::open(&folder).and_then(|file| file.sync_all());
        synced.map_err(|error| format!("{}: {error}", folder.display()))
    }
}

/// Makes a folder with all folders above it, and makes each new one's entry durable.
fn create_durably(folder: &FilePath) -> std::io::Result<()> {
    let mut synced = Vec::new();
    let mut above = Some(folder);
    while let Some(missing) = above.filter(|above| !above.as_os_str().is_empty() && !above.exists()) {
        above = missing.parent();
        synced.push(above.filter(|above| !above.as_os_str().is_empty()).unwrap_or(FilePath::new(".")));
    }
    std::fs::create_dir_all(folder)?;
    synced.into_iter().try_for_each(|folder| std::fs::File::open(folder)?.sync_all())
}

impl Backend {
    /// A store by the seam that simulations use.
    pub fn new(
        objects: Arc<dyn ObjectStore>,
        directories: Option<Arc<dyn DirectorySync>>,
        name: &str,
    ) -> Self {
        Self { objects, directories, durable: Arc::default(), name: name.to_owned(), folder: None }
    }

    /// A store in memory, gone with the process.
    pub fn memory() -> Self {
        Self::new(Arc::new(InMemory::new()), None, "memory")
    }

    /// A store in a local folder, synced to disk. The folder is made if asked for.
    ///
    /// # Errors
    /// [`Error::NoStore`] if there is no folder and none is to be made.
    pub fn local(folder: &FilePath, create: bool) -> Result<Self, Error> {
        let name = folder.display().to_string();
        if create {
            create_durably(&folder.join("log"))
                .map_err(|error| Error::State { path: folder.to_owned(), reason: error.to_string() })?;
        }
        let missing = |_| Error::NoStore(name.clone());
        let folder = std::fs::canonicalize(folder).map_err(missing)?;
        if create {
            staging::sweep(&folder);
        }
        let objects = LocalFileSystem::new_with_prefix(&folder).map_err(|_| Error::NoStore(name.clone()))?;
        let directories = LocalDirectories(folder.clone());
        Ok(Self {
            objects: Arc::new(objects.with_fsync(true)),
            directories: Some(Arc::new(directories)),
            durable: Arc::default(),
            name,
            folder: Some(folder),
        })
    }

    /// A store that a URL names, such as `s3://bucket/prefix`; options as the store knows them.
    ///
    /// # Errors
    /// [`Error::NoStore`] if the URL names no store that this program was built for.
    pub fn url(url: &url::Url, options: impl IntoIterator<Item = (String, String)>) -> Result<Self, Error> {
        // A file URL must not lose the syncs of a local folder.
        if url.scheme() == "file" {
            let folder = url.to_file_path().map_err(|()| Error::NoStore(url.to_string()))?;
            return Self::local(&folder, true);
        }
        #[cfg(feature = "aws")]
        {
            // Another part of the program may have chosen a provider already: that one serves as well.
            rustls::crypto::ring::default_provider().install_default().ok();
        }
        let unknown = |error: object_store::Error| Error::NoStore(format!("{url} ({error})"));
        let (objects, prefix) = object_store::parse_url_opts(url, options).map_err(unknown)?;
        let objects = object_store::prefix::PrefixStore::new(objects, prefix);
        Ok(Self::new(Arc::new(objects), None, url.as_str()))
    }

    /// The store's name for messages.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The local folder, if it is one.
    pub fn folder(&self) -> Option<&FilePath> {
        self.folder.as_deref()
    }

    /// Whether the store keeps directories that must be synced.
    pub fn has_directories(&self) -> bool {
        self.directories.is_some()
    }

    /// Makes the directory entry of an object, and those of the directories above it, durable, where there are
    /// directories: what somebody else linked there may not be yet.
    ///
    /// # Errors
    /// [`Error::Store`] if the disk would not.
    pub fn sync_directories_of(&self, object: &Path) -> Result<(), Error> {
        let parts: Vec<_> = object.parts().collect();
        let directory = parts[..parts.len().saturating_sub(1)].iter().cloned().collect();
        self.sync_directory(&directory)?;
        self.sync_above(&directory)
    }

    fn sync_directory(&self, directory: &Path) -> Result<(), Error> {
        let Some(directories) = &self.directories else {
            return Ok(());
        };
        directories.sync(directory).map_err(|reason| Error::Store {
            action: "sync",
            path: format!("{directory}/"),
            reason,
            full: false,
        })
    }

    /// Makes the entry of a directory itself durable, and those of the directories above it.
    fn sync_above(&self, directory: &Path) -> Result<(), Error> {
        let mut parts: Vec<_> = directory.parts().collect();
        while parts.pop().is_some() {
            self.sync_directory(&parts.iter().cloned().collect())?;
        }
        let mut durable = self.durable.lock().unwrap_or_else(PoisonError::into_inner);
        durable.insert(directory.clone());
        Ok(())
    }

    /// The same for the directory of an object that was just created, once: whoever made the directory may have died
    /// before its entry was durable, and creating an object in it syncs the directory alone.
    fn sync_above_once(&self, object: &Path) -> Result<(), Error> {
        let parts: Vec<_> = object.parts().collect();
        let directory: Path = parts[..parts.len().saturating_sub(1)].iter().cloned().collect();
        let is_durable = {
            let durable = self.durable.lock().unwrap_or_else(PoisonError::into_inner);
            durable.contains(&directory)
        };
        if self.directories.is_none() || is_durable { Ok(()) } else { self.sync_above(&directory) }
    }

    /// Creates an object if there is none of that name. Once created it is durable.
    pub async fn create(&self, path: &Path, bytes: Bytes) -> Created {
        let options = PutOptions { mode: PutMode::Create, ..PutOptions::default() };
        match self.objects.put_opts(path, bytes.into(), options).await {
            Ok(_) => match self.sync_above_once(path) {
                Ok(()) => Created::Yes,
                Err(error) => Created::Unknown(error),
            },
            Err(object_store::Error::AlreadyExists { .. }) => Created::Exists,
            Err(error) => Created::Unknown(Error::store("write", path, &error)),
        }
    }

    /// Reads an object; `None` if there is none. More than `bytes_max` is refused unread.
    ///
    /// # Errors
    /// [`Error::Store`] if the store would not, [`Error::Damaged`] if it is too long.
    pub async fn read(&self, path: &Path, bytes_max: u64) -> Result<Option<Bytes>, Error> {
        let found = match self.objects.get(path).await {
            Ok(found) => found,
            Err(object_store::Error::NotFound { .. }) => return Ok(None),
            Err(error) => return Err(Error::store("read", path, &error)),
        };
        if found.meta.size > bytes_max {
            return Err(Error::damaged(
                path,
                format_args!("it has {} bytes, at most {bytes_max} are possible", found.meta.size),
            ));
        }
        found.bytes().await.map(Some).map_err(|error| Error::store("read", path, &error))
    }

    /// Reads the last bytes of an object, at most `bytes`, and its size; `None` if there is none.
    ///
    /// # Errors
    /// [`Error::Store`] if the store would not.
    pub async fn read_tail(&self, path: &Path, bytes: u64) -> Result<Option<(Bytes, u64)>, Error> {
        let options = GetOptions { range: Some(GetRange::Suffix(bytes)), ..GetOptions::default() };
        let found = match self.objects.get_opts(path, options).await {
            Ok(found) => found,
            Err(object_store::Error::NotFound { .. }) => return Ok(None),
            Err(error) => return Err(Error::store("read", path, &error)),
        };
        let size = found.meta.size;
        let bytes = found.bytes().await.map_err(|error| Error::store("read", path, &error))?;
        Ok(Some((bytes, size)))
    }

    /// Reads stretches of an object; `None` if there is none.
    ///
    /// # Errors
    /// [`Error::Store`] if the store would not, also where a stretch ends outside the object.
    pub async fn read_ranges(
        &self,
        path: &Path,
        ranges: &[std::ops::Range<u64>],
    ) -> Result<Option<Vec<Bytes>>, Error> {
        match self.objects.get_ranges(path, ranges).await {
            Ok(bytes) => Ok(Some(bytes)),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(Error::store("read", path, &error)),
        }
    }

    /// The size of an object; `None` if there is none.
    ///
    /// # Errors
    /// [`Error::Store`] if the store would not.
    pub async fn size(&self, path: &Path) -> Result<Option<u64>, Error> {
        match self.objects.head(path).await {
            Ok(meta) => Ok(Some(meta.size)),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(Error::store("look at", path, &error)),
        }
    }

    /// Names of objects in a folder after a name. Listings detect; they decide nothing.
    ///
    /// # Errors
    /// [`Error::Store`] if the store would not.
    pub async fn list_after(&self, folder: &Path, after: &Path) -> Result<Vec<(Path, u64)>, Error> {
        use futures::TryStreamExt;
        let listed = self.objects.list_with_offset(Some(folder), after);
        let listed = listed.map_ok(|meta| (meta.location, meta.size)).try_collect::<Vec<_>>().await;
        listed.map_err(|error| Error::store("list", folder, &error))
    }

    /// Removes a probe of the self-test. Nothing else is ever removed.
    pub(crate) async fn remove_probe(&self, path: &Path) -> Result<(), Error> {
        self.objects.delete(path).await.map_err(|error| Error::store("remove", path, &error))
    }
}
