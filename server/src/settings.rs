//! What can be chosen: the command line before the environment before a file before the default.
//!
//! Invariants: nothing that is not understood is passed over; every value knows where it comes from; each setting
//! is declared once, in [`sections`] or [`crate::limits`].
//!
//! ```
//! use calotype_server::Settings;
//!
//! let environment = [("CALOTYPE_LIMITS_PUTS_MAX".to_owned(), "8".to_owned())];
//! let flags = [("server.listen".to_owned(), "127.0.0.1:0".to_owned())];
//! let settings = Settings::load(None, environment, &flags)?;
//! assert_eq!(settings.limits.puts_max, 8);
//! assert!(settings.server.listen.ip().is_loopback());
//! # Ok::<(), calotype_server::settings::SettingsError>(())
//! ```

mod error;
mod file;
mod nearest;
mod origin;
pub mod section;
pub mod sections;
pub mod value;

use std::collections::BTreeMap;
use std::path::Path;

use tracing_subscriber::EnvFilter;
use url::Url;

pub use error::SettingsError;
pub use origin::Origin;

use crate::limits::Limits;
use crate::printable::printable;
use nearest::{is_slip, nearest};
use section::{Declaration, Section};
use sections::{FollowSettings, LogSettings, OtlpSettings, ServerSettings, StoreSettings};
use value::Value;

/// Variables of the environment that stand for a setting under another name.
const OTHER_VARIABLES: [(&str, &str); 1] = [("CALOTYPE_STORE", "store.location")];
/// What a message shows of a value.
const SHOWN_BYTES_MAX: usize = 80;

/// All that can be chosen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    /// Where and how it is served.
    pub server: ServerSettings,
    /// The store.
    pub store: StoreSettings,
    /// How the commits of other servers are seen.
    pub follow: FollowSettings,
    /// The log.
    pub log: LogSettings,
    /// Traces.
    pub otlp: OtlpSettings,
    /// What is taken and given at most.
    pub limits: Limits,
    origins: BTreeMap<String, Origin>,
}

/// A setting, for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// `section.name`.
    pub name: String,
    /// Its value, as a file writes it.
    pub value: String,
    /// What it is counted in.
    pub unit: &'static str,
    /// What it is unless somebody chooses, as a file writes it.
    pub default: String,
    /// Where its value comes from.
    pub origin: Origin,
    /// What it is for.
    pub doc: &'static str,
}

impl Settings {
    /// Reads the settings: those of a file, over them those of the environment (`CALOTYPE_SECTION_NAME`; what does
    /// not begin so is passed over), over them those of the command line (`section.name` and a text).
    ///
    /// # Errors
    /// [`SettingsError`] names the place and what is expected there; a name that does not exist is one.
    pub fn load(
        file: Option<&Path>,
        environment: impl IntoIterator<Item = (String, String)>,
        flags: &[(String, String)],
    ) -> Result<Self, SettingsError> {
        let mut settings = Self::default();
        let declarations = Self::declarations();
        if let Some(path) = file {
            let text = file::read(path)?;
            settings.take_file(&path.display().to_string(), &text, &declarations)?;
        }
        let mut environment: Vec<_> = environment.into_iter().collect();
        environment.sort_by_key(|(variable, _)| OTHER_VARIABLES.iter().all(|(other, _)| other != variable));
        for (variable, text) in environment {
            if let Some(declaration) = of_variable(&variable, &declarations)? {
                settings.take_text(declaration, &text, Origin::Environment(variable))?;
            }
        }
        for (key, text) in flags {
            let origin = Origin::Flag(key.clone());
            let declaration =
                find(key, &declarations).ok_or_else(|| unknown(key, &declarations, origin.clone()))?;
            settings.take_text(declaration, text, origin)?;
        }
        settings.check()?;
        Ok(settings)
    }

    /// All settings, in the order in which they are declared.
    pub fn declarations() -> Vec<Declaration> {
        [
            ServerSettings::declarations(),
            StoreSettings::declarations(),
            FollowSettings::declarations(),
            LogSettings::declarations(),
            OtlpSettings::declarations(),
            Limits::declarations(),
        ]
        .concat()
    }

    /// All settings with their values, for `config show`.
    pub fn table(&self) -> Vec<Row> {
        let row = |declaration: Declaration| {
            let name = declaration.key();
            let value = self.value(&declaration)?;
            Some(Row {
                value: declaration.unit.shown(&value),
                unit: declaration.unit.name(),
                default: declaration.unit.shown(&declaration.default),
                origin: self.origin(&name),
                doc: declaration.doc,
                name,
            })
        };
        Self::declarations().into_iter().filter_map(row).collect()
    }

    /// Where the value of a setting, `section.name`, comes from.
    pub fn origin(&self, name: &str) -> Origin {
        self.origins.get(name).cloned().unwrap_or(Origin::Default)
    }

    /// A file with every setting, its unit and its default, all of them commented out, for `config default`.
    pub fn default_file() -> String {
        file::of_defaults(&Self::declarations())
    }

    fn value(&self, declaration: &Declaration) -> Option<Value> {
        let name = declaration.name;
        match declaration.section {
            "server" => self.server.value(name),
            "store" => self.store.value(name),
            "follow" => self.follow.value(name),
            "log" => self.log.value(name),
            "otlp" => self.otlp.value(name),
            "limits" => self.limits.value(name),
            _ => None,
        }
    }

    #[must_use]
    fn set(&mut self, declaration: &Declaration, value: Value) -> bool {
        let name = declaration.name;
        match declaration.section {
            "server" => self.server.set(name, value),
            "store" => self.store.set(name, value),
            "follow" => self.follow.set(name, value),
            "log" => self.log.set(name, value),
            "otlp" => self.otlp.set(name, value),
            "limits" => self.limits.set(name, value),
            _ => false,
        }
    }

    fn take_text(
        &mut self,
        declaration: &Declaration,
        text: &str,
        origin: Origin,
    ) -> Result<(), SettingsError> {
        self.take(declaration, declaration.unit.read(text), &format!("{text:?}"), origin)
    }

    /// Gives a setting a value; none if what was `found` cannot be read as one.
    fn take(
        &mut self,
        declaration: &Declaration,
        value: Option<Value>,
        found: &str,
        origin: Origin,
    ) -> Result<(), SettingsError> {
        if value.is_some_and(|value| self.set(declaration, value)) {
            self.origins.insert(declaration.key(), origin);
            return Ok(());
        }
        Err(SettingsError::Value {
            origin,
            name: declaration.key(),
            found: printable(found, SHOWN_BYTES_MAX),
            expected: declaration.unit.expected(),
        })
    }

    /// What the units and bounds do not say.
    fn check(&self) -> Result<(), SettingsError> {
        let server = &self.server;
        let listens =
            [("server.listen", Some(server.listen)), ("server.metrics_listen", server.metrics_listen)];
        for (name, address) in listens {
            if let Some(found) = address.filter(|address| !address.ip().is_loopback()) {
                return Err(SettingsError::NotLoopback { origin: self.origin(name), name, found });
            }
        }
        if EnvFilter::try_new(&self.log.filter).is_err() {
            let expected = "a level such as info, or levels by module such as info,calotype_server=debug";
            return Err(self.refused("log.filter", &self.log.filter, expected));
        }
        if let Some(endpoint) = &self.otlp.endpoint
            && !Url::parse(endpoint).is_ok_and(|url| url.scheme() == "http" && url.has_host())
        {
            return Err(self.refused("otlp.endpoint", endpoint, "a URL such as http://127.0.0.1:4317"));
        }
        self.check_together()
    }

    /// What no single setting can say.
    fn check_together(&self) -> Result<(), SettingsError> {
        let (server, limits) = (&self.server, &self.limits);
        let together = |name, found: String, rule, other, other_value: String| {
            Err(SettingsError::Together { name, found, rule, other, other_value })
        };
        if server.metrics_listen == Some(server.listen) && server.listen.port() != 0 {
            let listen = server.listen.to_string();
            let rule = "and must be another address than";
            return together("server.metrics_listen", listen.clone(), rule, "server.listen", listen);
        }
        if limits.sent_batch_bytes > limits.sent_message_bytes_max {
            let (found, most) = (limits.sent_batch_bytes, limits.sent_message_bytes_max);
            let other = "limits.sent_message_bytes_max";
            let rule = "and must be at most";
            return together("limits.sent_batch_bytes", found.to_string(), rule, other, most.to_string());
        }
        if limits.put_bytes_max > limits.ingest_bytes_max as u64 {
            let (found, most) = (limits.put_bytes_max, limits.ingest_bytes_max);
            let other = "limits.ingest_bytes_max";
            let rule = "and must be at most";
            return together("limits.put_bytes_max", found.to_string(), rule, other, most.to_string());
        }
        Ok(())
    }

    fn refused(&self, name: &str, found: &str, expected: &str) -> SettingsError {
        SettingsError::Value {
            origin: self.origin(name),
            name: name.to_owned(),
            found: printable(format_args!("{found:?}"), SHOWN_BYTES_MAX),
            expected: expected.to_owned(),
        }
    }
}

fn find<'a>(key: &str, declarations: &'a [Declaration]) -> Option<&'a Declaration> {
    declarations.iter().find(|declaration| declaration.key() == key)
}

/// The setting that a variable of the environment stands for.
fn of_variable<'a>(
    variable: &str,
    declarations: &'a [Declaration],
) -> Result<Option<&'a Declaration>, SettingsError> {
    if let Some((_, key)) = OTHER_VARIABLES.iter().find(|(other, _)| *other == variable) {
        return Ok(find(key, declarations));
    }
    if !variable.starts_with("CALOTYPE_") {
        return Ok(None);
    }
    if let Some(declaration) = declarations.iter().find(|declaration| declaration.variable() == variable) {
        return Ok(Some(declaration));
    }
    // Other programs of the house have variables too: only what can hardly be one of theirs is refused.
    let is_meant = |declaration: &Declaration| {
        let section = format!("CALOTYPE_{}_", declaration.section.to_ascii_uppercase());
        variable.starts_with(&section) || is_slip(variable, &declaration.variable())
    };
    if !declarations.iter().any(is_meant) {
        return Ok(None);
    }
    Err(SettingsError::Unknown {
        origin: Origin::Environment(printable(variable, SHOWN_BYTES_MAX)),
        name: printable(variable, SHOWN_BYTES_MAX),
        nearest: nearest(variable, declarations.iter().map(Declaration::variable)),
    })
}

/// There is no setting of this name; there may be one in another section, or one that looks like it.
fn unknown(key: &str, declarations: &[Declaration], origin: Origin) -> SettingsError {
    let name = key.rsplit('.').next().unwrap_or(key);
    let elsewhere = declarations.iter().find(|declaration| declaration.name == name).map(Declaration::key);
    let alike = || nearest(key, declarations.iter().map(Declaration::key));
    let name_alike = || {
        let name = nearest(name, declarations.iter().map(|declaration| declaration.name.to_owned()))?;
        declarations.iter().find(|declaration| declaration.name == name).map(Declaration::key)
    };
    let nearest = elsewhere.or_else(alike).or_else(name_alike);
    SettingsError::Unknown { origin, name: printable(key, SHOWN_BYTES_MAX), nearest }
}

#[cfg(test)]
mod tests;
