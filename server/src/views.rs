//! Views that every statement may name: the files of a folder, read when the server starts.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

use calotype_storage::name::ContextName;

/// How the files of views end.
const EXTENSION: &str = "sql";
/// Bytes of the longest view.
const BYTES_MAX: u64 = 1 << 20;
/// The most views.
const VIEWS_MAX: usize = 1000;

/// Texts of views, by name.
#[derive(Clone, Debug, Default)]
pub struct Views(BTreeMap<String, String>);

/// Why views cannot be had. The server does not start: a statement that names one would be answered otherwise.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ViewsError {
    /// The folder or a file cannot be read. Correct `server.sql_views`, or what may be read.
    #[error("{} (server.sql_views) cannot be read", .0.display())]
    Read(PathBuf, #[source] io::Error),
    /// A file is no view. Mend it, or give it another ending.
    #[error("{} (server.sql_views) is no view: {what}", .path.display())]
    View {
        /// The file.
        path: PathBuf,
        /// What is wrong with it, and what is expected.
        what: String,
    },
    /// The program was built without SQL. Leave `server.sql_views` out.
    #[error("server.sql_views is set, and this program was built without SQL")]
    NotBuilt,
}

impl Views {
    /// Reads the views of a folder: each file `name.sql` is one; other files are passed over.
    ///
    /// # Errors
    /// [`ViewsError`] names the file.
    pub fn read(folder: &Path) -> Result<Self, ViewsError> {
        if cfg!(not(feature = "sql")) {
            return Err(ViewsError::NotBuilt);
        }
        let failed = |error| ViewsError::Read(folder.to_owned(), error);
        let mut views = BTreeMap::new();
        for entry in std::fs::read_dir(folder).map_err(failed)? {
            let path = entry.map_err(failed)?.path();
            if path.extension().is_none_or(|extension| extension != EXTENSION) {
                continue;
            }
            let (name, text) = read_one(&path)?;
            views.insert(name, text);
            if views.len() > VIEWS_MAX {
                let what = format!("the folder holds more than {VIEWS_MAX}");
                return Err(ViewsError::View { path, what });
            }
        }
        Ok(Self(views))
    }

    /// Their texts, by name.
    pub fn texts(&self) -> &BTreeMap<String, String> {
        &self.0
    }
}

fn read_one(path: &Path) -> Result<(String, String), ViewsError> {
    let wrong = |what: String| ViewsError::View { path: path.to_owned(), what };
    let failed = |error| ViewsError::Read(path.to_owned(), error);
    let name = path.file_stem().and_then(|name| name.to_str()).unwrap_or_default();
    ContextName::parse(name).map_err(|error| wrong(format!("its name is none: {error}")))?;
    let bytes = std::fs::metadata(path).map_err(failed)?.len();
    if bytes > BYTES_MAX {
        return Err(wrong(format!("it has {bytes} bytes; at most {BYTES_MAX} are read")));
    }
    let text = std::fs::read_to_string(path).map_err(failed)?;
    #[cfg(feature = "sql")]
    calotype_sql::check_view(&text).map_err(|error| wrong(error.to_string()))?;
    Ok((name.to_owned(), text))
}

#[cfg(all(test, feature = "sql"))]
mod tests {
    use super::*;

    #[test]
    fn each_file_is_a_view() {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
        write("open.sql", "SELECT * FROM loans WHERE status = 'open'");
        write("README.md", "no view");
        let views = Views::read(folder.path()).unwrap();
        assert_eq!(views.texts().keys().collect::<Vec<_>>(), ["open"]);

        let refused = |name: &str, text: &str| {
            write(name, text);
            let error = Views::read(folder.path()).unwrap_err().to_string();
            assert!(error.contains(name) && error.contains("is no view"), "{error}");
            std::fs::remove_file(folder.path().join(name)).unwrap();
        };
        refused("two.sql", "SELECT 1; SELECT 2");
        refused("broken.sql", "SELECT FROM");
        refused("writes.sql", "DROP TABLE loans");
        refused("No Name.sql", "SELECT 1");
        assert_eq!(Views::read(folder.path()).unwrap().texts().len(), 1);
        assert!(matches!(Views::read(&folder.path().join("none")), Err(ViewsError::Read(..))));
    }
}
