//! Why settings are refused. The server does not start with settings that are not understood.

use std::path::PathBuf;

use super::origin::Origin;

/// Why settings are refused.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SettingsError {
    /// The file could not be read. Mend its path or rights.
    #[error("the settings file {path} cannot be read")]
    Read {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        source: std::io::Error,
    },
    /// The file is too large to be one of settings.
    #[error("the settings file {path} has more than {max} bytes")]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// What is taken.
        max: u64,
    },
    /// The file is no TOML. Mend the place.
    #[error("{origin}: {what}")]
    Syntax {
        /// The place.
        origin: Origin,
        /// What is wrong there.
        what: String,
    },
    /// There is no such setting. Mend its name.
    #[error("{origin}: there is no setting '{name}'{}", did_you_mean(nearest.as_deref()))]
    Unknown {
        /// The place.
        origin: Origin,
        /// As found.
        name: String,
        /// What looks most like it.
        nearest: Option<String>,
    },
    /// A value that the setting does not take. Mend it.
    #[error("{origin}: {name} is {found}; expected {expected}")]
    Value {
        /// The place.
        origin: Origin,
        /// The setting.
        name: String,
        /// As found.
        found: String,
        /// What it takes.
        expected: String,
    },
    /// Requests are not authenticated yet, so nobody else may reach them.
    #[error(
        "{origin}: {name} is {found}, which other machines can reach, and requests are not authenticated yet; \
         choose a loopback address such as 127.0.0.1:{}", found.port()
    )]
    NotLoopback {
        /// The place.
        origin: Origin,
        /// The setting.
        name: &'static str,
        /// As found.
        found: std::net::SocketAddr,
    },
    /// Two settings that do not go together. Change one of them.
    #[error("{name} is {found}, {rule} {other}, which is {other_value}")]
    Together {
        /// The setting.
        name: &'static str,
        /// Its value.
        found: String,
        /// What it must be.
        rule: &'static str,
        /// The other.
        other: &'static str,
        /// Its value.
        other_value: String,
    },
}

fn did_you_mean(nearest: Option<&str>) -> String {
    nearest.map_or_else(
        || "; `calotype config default` lists all".to_owned(),
        |nearest| format!("; did you mean '{nearest}'?"),
    )
}
