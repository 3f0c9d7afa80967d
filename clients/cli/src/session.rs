//! What a command works with: its store or the server that has it, its user, and where its output goes.
//!
//! Commands know one way: a client. Where the store itself is named, it is served within this process
//! and the client talks to that, so that both ways are the same by construction.

mod connection;
mod embedded;
mod place;

use std::fs::File;
use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};

use calotype_client::{Client, Options};
use calotype_server::settings::sections::StoreSettings;
use calotype_storage::backend::Backend;
use calotype_storage::database::{Access, Database, OpenOptions, StateFolder};
use calotype_storage::put::PutLimits;

use crate::args::Global;
use crate::error::CliError;
use crate::output::Format;
pub(crate) use connection::Connection;
use embedded::Embedded;
use place::Place;

/// What a command works with.
#[derive(Clone, Debug)]
pub(crate) struct Session {
    global: Global,
}

impl Session {
    /// A session with the options of the command line.
    pub(crate) fn new(global: Global) -> Self {
        Self { global }
    }

    /// The same with a store in a folder, where neither a store nor a server is named.
    pub(crate) fn or_store(&self, folder: &str) -> Result<Self, CliError> {
        let mut global = self.global.clone();
        match Place::named(&global) {
            Ok(_) => {}
            Err(CliError::NoStore) => global.store = Some(folder.to_owned()),
            Err(error) => return Err(error),
        }
        Ok(Self { global })
    }

    /// The option that names the store or server, as it is typed.
    ///
    /// # Errors
    /// None is named.
    pub(crate) fn place_option(&self) -> Result<String, CliError> {
        Ok(Place::named(&self.global)?.option())
    }

    /// The store or server, by its name alone.
    ///
    /// # Errors
    /// None is named.
    pub(crate) fn place_name(&self) -> Result<String, CliError> {
        let option = self.place_option()?;
        Ok(option.split_once(' ').map_or_else(String::new, |(_, name)| name.to_owned()))
    }

    /// The server that is asked; `None` where the store itself is.
    ///
    /// # Errors
    /// None is named.
    pub(crate) fn server(&self) -> Result<Option<String>, CliError> {
        Ok(Place::named(&self.global)?.server().map(str::to_owned))
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

    /// Where the index is kept.
    ///
    /// # Errors
    /// No store was named, or a server.
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
        Ok(match Place::named(&self.global)? {
            Place::Server(address) => return Err(CliError::NeedsStore(address)),
            Place::Folder(folder) => {
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
            Place::Url(url) => cache(url.as_str()),
        })
    }

    /// The options that name a store and its state folder, as settings of a server.
    pub(crate) fn place_flags(&self) -> Vec<(String, String)> {
        let state = self.global.state.as_ref().map(|state| state.display().to_string());
        let flags = [("store.location", self.global.store.clone()), ("store.state", state)];
        flags.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
    }

    /// The same with the store of a server's settings.
    ///
    /// # Errors
    /// They name none, or another server was named.
    pub(crate) fn with_settings(&self, settings: &StoreSettings) -> Result<Self, CliError> {
        if let Some(server) = &self.global.server {
            return Err(CliError::NeedsStore(server.clone()));
        }
        let mut global = self.global.clone();
        global.store = Some(settings.location.clone().ok_or(CliError::NoStore)?);
        global.state.clone_from(&settings.state);
        Ok(Self { global })
    }

    /// Connects to a server.
    ///
    /// # Errors
    /// It cannot be reached.
    pub(crate) async fn connect(&self, address: &str) -> Result<Client, CliError> {
        Ok(Client::connect_with(address, self.options()).await?)
    }

    fn options(&self) -> Options {
        Options { principal: Some(self.global.principal.to_string()), ..Options::default() }
    }

    /// Connects to the server, or opens the store and serves it within this process.
    ///
    /// # Errors
    /// There is none, or it cannot be used.
    pub(crate) async fn open(&self, access: Access) -> Result<Connection, CliError> {
        if let Some(address) = self.server()? {
            return Ok(Connection::remote(self.connect(&address).await?));
        }
        let embedded = Embedded::start(self.open_store(access).await?, self.options()).await?;
        Ok(Connection::embedded(embedded))
    }

    /// Opens the store itself.
    ///
    /// # Errors
    /// There is none, or it cannot be used, or a server was named.
    pub(crate) async fn open_store(&self, access: Access) -> Result<Database, CliError> {
        self.open_store_with(access, &StoreSettings::default(), PutLimits::default()).await
    }

    /// Opens the store itself, as settings of a server say.
    ///
    /// # Errors
    /// As [`Self::open_store`].
    pub(crate) async fn open_store_with(
        &self,
        access: Access,
        settings: &StoreSettings,
        limits: PutLimits,
    ) -> Result<Database, CliError> {
        let backend = match Place::named(&self.global)? {
            Place::Server(address) => return Err(CliError::NeedsStore(address)),
            Place::Folder(folder) => Backend::local(&folder, access == Access::Create)?,
            Place::Url(url) => Backend::url(&url, store_options())?,
        };
        let mut options = OpenOptions::new(access, self.state()?);
        options.clock_behind_max_micros =
            i64::try_from(settings.clock_behind_max.as_micros()).unwrap_or(i64::MAX);
        options.makes_keyframes = settings.makes_keyframes;
        options.limits = limits;
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
