//! Where a store is: in a folder, at a URL, or behind a server.

use std::path::PathBuf;

use crate::args::Global;
use crate::error::CliError;

/// The variable that names the store.
const STORE: &str = "CALOTYPE_STORE";
/// The variable that names the server.
const SERVER: &str = "CALOTYPE_SERVER";

/// Where a store is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// In a folder.
    Folder(PathBuf),
    /// At a URL.
    Url(url::Url),
    /// Behind a server: its address.
    Server(String),
}

impl Place {
    /// The place that the command line names, else the environment.
    ///
    /// # Errors
    /// It is named nowhere, twice, or wrongly.
    pub(super) fn named(global: &Global) -> Result<Self, CliError> {
        let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
        Self::of(global.store.clone(), global.server.clone(), variable)
    }

    fn of(
        store: Option<String>,
        server: Option<String>,
        variable: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, CliError> {
        match (store, server) {
            (Some(store), _) => Self::store(&store),
            (None, Some(server)) => Ok(Self::Server(server)),
            (None, None) => match (variable(STORE), variable(SERVER)) {
                (Some(_), Some(_)) => Err(CliError::TwoPlaces),
                (Some(store), None) => Self::store(&store),
                (None, Some(server)) => Ok(Self::Server(server)),
                (None, None) => Err(CliError::NoStore),
            },
        }
    }

    fn store(address: &str) -> Result<Self, CliError> {
        if !address.contains("://") {
            return Ok(Self::Folder(PathBuf::from(address)));
        }
        let url = url::Url::parse(address)
            .map_err(|source| CliError::StoreAddress { address: address.to_owned(), source })?;
        match url.to_file_path() {
            Ok(folder) if url.scheme() == "file" => Ok(Self::Folder(folder)),
            _ => Ok(Self::Url(url)),
        }
    }

    /// The option that names it, as it is typed.
    pub(super) fn option(&self) -> String {
        match self {
            Self::Folder(folder) => format!("--store {}", folder.display()),
            Self::Url(url) => format!("--store {url}"),
            Self::Server(address) => format!("--server {address}"),
        }
    }

    /// The address of the server, where it is one.
    pub(super) fn server(&self) -> Option<&str> {
        match self {
            Self::Folder(_) | Self::Url(_) => None,
            Self::Server(address) => Some(address),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(options: [Option<&str>; 2], variables: [Option<&str>; 2], expected: Option<&str>) {
        let [store, server] = options.map(|option| option.map(str::to_owned));
        let variable = |name: &str| variables[usize::from(name == SERVER)].map(str::to_owned);
        let found = Place::of(store, server, variable);
        assert_eq!(found.ok().map(|place| place.option()).as_deref(), expected, "{options:?} {variables:?}");
    }

    #[test]
    fn the_command_line_goes_before_the_environment_and_two_places_are_none() {
        check([Some("a"), None], [Some("b"), Some("c:1")], Some("--store a"));
        check([None, Some("a:1")], [Some("b"), Some("c:1")], Some("--server a:1"));
        check([None, None], [Some("b"), None], Some("--store b"));
        check([None, None], [None, Some("c:1")], Some("--server c:1"));
        check([None, None], [Some("b"), Some("c:1")], None);
        check([None, None], [None, None], None);
        check([Some("s3://bucket/x"), None], [None, None], Some("--store s3://bucket/x"));
        check([Some("file:///a/b"), None], [None, None], Some("--store /a/b"));
        check([Some("s3://[bucket"), None], [None, None], None);
    }
}
