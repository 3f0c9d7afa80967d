//! What a command works with: its store, its user, and where its output goes.

use std::fs::File;
use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};

use calotype_storage::backend::Backend;
use calotype_storage::database::{Access, Database, OpenOptions, StateFolder};
use calotype_storage::name::Principal;

use crate::args::Global;
use crate::error::CliError;
use crate::output::Format;

/// What a command works with.
#[derive(Clone, Debug)]
pub(crate) struct Session {
    global: Global,
}

/// Where a store lies.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Address {
    Folder(PathBuf),
    Url(url::Url),
}

impl Session {
    /// A session with the options of the command line.
    pub(crate) fn new(global: Global) -> Self {
        Self { global }
    }

    /// The same with another store, whose index is kept beside it.
    pub(crate) fn with_store(&self, folder: &Path) -> Self {
        let mut global = self.global.clone();
        global.store = Some(folder.display().to_string());
        Self { global }
    }

    /// The store as it was named.
    pub(crate) fn store(&self) -> Option<&str> {
        self.global.store.as_deref()
    }

    /// Who does this.
    pub(crate) fn principal(&self) -> &Principal {
        &self.global.principal
    }

    /// Whether only errors are wanted.
    pub(crate) fn quiet(&self) -> bool {
        self.global.quiet
    }

    /// Prints a note for people, unless they want none.
    pub(crate) fn note(&self, text: impl std::fmt::Display) {
        if !self.quiet() {
            eprintln!("{text}");
        }
    }

    fn address(&self) -> Result<Address, CliError> {
        let address = self.global.store.as_deref().ok_or(CliError::NoStore)?;
        if !address.contains("://") {
            return Ok(Address::Folder(PathBuf::from(address)));
        }
        let url = url::Url::parse(address)
            .map_err(|source| CliError::StoreAddress { address: address.to_owned(), source })?;
        match url.to_file_path() {
            Ok(folder) if url.scheme() == "file" => Ok(Address::Folder(folder)),
            _ => Ok(Address::Url(url)),
        }
    }

    /// Where the index is kept.
    ///
    /// # Errors
    /// No store was named.
    pub(crate) fn state(&self) -> Result<StateFolder, CliError> {
        if let Some(folder) = &self.global.state {
            return Ok(StateFolder::At(folder.clone()));
        }
        let cache = |name: &str| match cache_folder() {
            Some(cache) => {
                let hash = blake3::hash(name.as_bytes()).to_hex();
                StateFolder::Under(cache.join("calotype").join(&hash[..16]))
            }
            None => StateFolder::Memory,
        };
        Ok(match self.address()? {
            Address::Folder(folder) => {
                let folder = std::path::absolute(&folder).unwrap_or(folder);
                let mut beside = folder.clone().into_os_string();
                beside.push(".local");
                let beside = PathBuf::from(beside);
                if is_writable(&beside) {
                    StateFolder::Under(beside)
                } else {
                    cache(&folder.display().to_string())
                }
            }
            Address::Url(url) => cache(url.as_str()),
        })
    }

    /// Opens the store.
    ///
    /// # Errors
    /// There is none, or it cannot be used.
    pub(crate) async fn open(&self, access: Access) -> Result<Database, CliError> {
        let backend = match self.address()? {
            Address::Folder(folder) => Backend::local(&folder, access == Access::Create)?,
            Address::Url(url) => Backend::url(&url, store_options())?,
        };
        let options = OpenOptions::new(access, self.state()?);
        Ok(Database::open(backend, options).await?)
    }

    /// The format that answers are written in.
    ///
    /// # Errors
    /// It is for programs, and the output is a terminal.
    pub(crate) fn format(&self) -> Result<Format, CliError> {
        let terminal = self.global.output.is_none() && io::stdout().is_terminal();
        let by_name = || self.global.output.as_deref().and_then(Format::of_path);
        let default = if terminal { Format::Table } else { Format::Ndjson };
        let format = self.global.format.or_else(by_name).unwrap_or(default);
        if terminal && format.is_binary() {
            return Err(CliError::BinaryToTerminal(match format {
                Format::Parquet => "Parquet",
                Format::Arrow | Format::Table | Format::Json | Format::Ndjson | Format::Csv => {
                    "an Arrow stream"
                }
            }));
        }
        Ok(format)
    }

    /// Where answers go.
    ///
    /// # Errors
    /// The file cannot be made.
    pub(crate) fn out(&self) -> Result<Box<dyn Write + Send>, CliError> {
        match &self.global.output {
            None => Ok(Box::new(io::BufWriter::new(io::stdout()))),
            Some(path) => create(path),
        }
    }
}

/// A file to write.
///
/// # Errors
/// It cannot be made.
pub(crate) fn create(path: &Path) -> Result<Box<dyn Write + Send>, CliError> {
    let file = File::create(path).map_err(|source| CliError::File {
        action: "create",
        path: path.to_owned(),
        source,
    })?;
    Ok(Box::new(io::BufWriter::new(file)))
}

/// Options for stores by URL, from the environment under the names that the store's own tools use.
fn store_options() -> Vec<(String, String)> {
    let known = |(name, _): &(String, String)| name.starts_with("AWS_");
    let lower = |(name, value): (String, String)| (name.to_ascii_lowercase(), value);
    std::env::vars().filter(known).map(lower).collect()
}

fn cache_folder() -> Option<PathBuf> {
    let named = |name: &str| {
        let folder = PathBuf::from(std::env::var_os(name)?);
        folder.is_absolute().then_some(folder)
    };
    named("XDG_CACHE_HOME").or_else(|| Some(named("HOME")?.join(".cache")))
}

/// Whether files can be made in a folder, or the folder itself where it is not there yet.
fn is_writable(folder: &Path) -> bool {
    let above = || folder.parent().filter(|above| above.exists());
    let existing = if folder.exists() { Some(folder) } else { above() };
    existing.is_some_and(|folder| tempfile::tempfile_in(folder).is_ok())
}
