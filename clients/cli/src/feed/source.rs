//! Where the files of a feed lie: in a folder, or in an archive that is read into memory.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::path::{Component, Path, PathBuf};

use super::{Feed, FeedError};

/// An archive may hold this much at most, unpacked.
const ARCHIVE_BYTES_MAX: u64 = 4 << 30;

/// Where the files of a feed lie.
#[derive(Debug)]
pub(crate) enum Source {
    /// In a folder.
    Folder(PathBuf),
    /// In an archive, unpacked in memory.
    Archive(BTreeMap<String, Vec<u8>>),
}

impl Source {
    /// The source of a feed whose description lies in a folder.
    ///
    /// # Errors
    /// The archive cannot be read.
    pub(crate) fn of(feed: &Feed, folder: &Path) -> Result<Self, FeedError> {
        let Some(archive) = &feed.archive else {
            return Ok(Self::Folder(folder.to_owned()));
        };
        let path = folder.join(archive);
        let failed = |source| FeedError::Read { path: path.clone(), source };
        let bytes = fs::read(&path).map_err(failed)?;
        Self::unpack(&bytes).map_err(failed)
    }

    /// Unpacks a tar archive, compressed with zstd or not.
    ///
    /// # Errors
    /// It is damaged, or too large.
    pub(crate) fn unpack(bytes: &[u8]) -> std::io::Result<Self> {
        const ZSTD_MAGIC: [u8; 4] = [0x28, 0xB5, 0x2F, 0xFD];
        let tar: Box<dyn Read> = if bytes.starts_with(&ZSTD_MAGIC) {
            Box::new(zstd::Decoder::new(bytes)?)
        } else {
            Box::new(bytes)
        };
        let mut files = BTreeMap::new();
        let mut archive = tar::Archive::new(tar.take(ARCHIVE_BYTES_MAX));
        for entry in archive.entries()? {
            let mut entry = entry?;
            if !entry.header().entry_type().is_file() {
                continue;
            }
            let path = entry.path()?.to_string_lossy().into_owned();
            let path = path.strip_prefix("./").unwrap_or(&path).to_owned();
            let mut content = Vec::new();
            entry.read_to_end(&mut content)?;
            files.insert(path, content);
        }
        Ok(Self::Archive(files))
    }

    /// The bytes of a file.
    ///
    /// # Errors
    /// There is no such file, or its path leads elsewhere.
    pub(crate) fn bytes(&self, path: &str) -> Result<Cow<'_, [u8]>, FeedError> {
        let failed = |source| FeedError::Read { path: PathBuf::from(path), source };
        match self {
            Self::Folder(folder) => {
                let inside = Path::new(path)
                    .components()
                    .all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
                if !inside {
                    return Err(FeedError::Outside(path.to_owned()));
                }
                fs::read(folder.join(path)).map(Cow::Owned).map_err(failed)
            }
            Self::Archive(files) => {
                let missing = || failed(std::io::ErrorKind::NotFound.into());
                files.get(path).map(|bytes| Cow::Borrowed(bytes.as_slice())).ok_or_else(missing)
            }
        }
    }
}
