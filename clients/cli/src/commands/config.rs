//! `config`: the settings of a server: shown with their origins, listed with their defaults, checked.

use std::io::Write;
use std::path::PathBuf;

use calotype_server::Settings;
use clap::{Args, Subcommand};

use crate::error::CliError;
use crate::listing::{Cell, Kind, Listing};
use crate::output::OutputError;
use crate::session::Session;
use crate::value;

/// What to do with settings.
#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Show every setting with its value and where that comes from
    Show(SettingsArgs),
    /// Print a settings file with every setting, its unit and its default
    Default,
    /// Check a settings file
    Check(CheckArgs),
}

/// Where settings come from, besides the environment.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct SettingsArgs {
    /// A settings file, as `calotype config default` prints one
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// A setting, before the environment and the file
    #[arg(long, value_name = "SECTION.NAME=VALUE", value_parser = value::pair)]
    set: Vec<(String, String)>,
}

/// Which file.
#[derive(Debug, Args)]
pub(crate) struct CheckArgs {
    /// The file
    file: PathBuf,
}

impl SettingsArgs {
    /// Reads the settings; `flags` are those that have options of their own.
    ///
    /// # Errors
    /// Something is not understood.
    pub(crate) fn load(&self, flags: Vec<(String, String)>) -> Result<Settings, CliError> {
        let flags = [self.set.clone(), flags].concat();
        let environment = std::env::vars_os().filter_map(|(name, value)| {
            // Not every variable of others is UTF-8; ours are.
            Some((name.into_string().ok()?, value.into_string().ok()?))
        });
        Ok(Settings::load(self.config.as_deref(), environment, &flags)?)
    }
}

/// Runs a command about settings.
///
/// # Errors
/// [`CliError`] names the place and what is expected there.
pub(crate) fn run(session: &Session, command: &ConfigCommand) -> Result<(), CliError> {
    match command {
        ConfigCommand::Show(args) => show(session, args),
        ConfigCommand::Default => {
            let mut out = session.out()?;
            let written = out.write_all(Settings::default_file().as_bytes()).and_then(|()| out.flush());
            Ok(written.map_err(OutputError::Write)?)
        }
        ConfigCommand::Check(args) => {
            Settings::load(Some(&args.file), [], &[])?;
            session.note(format_args!("{}: every setting is understood", args.file.display()));
            Ok(())
        }
    }
}

fn show(session: &Session, args: &SettingsArgs) -> Result<(), CliError> {
    let settings = args.load(session.place_flags())?;
    let mut listing = Listing::new(&[
        ("name", Kind::Text),
        ("value", Kind::Text),
        ("unit", Kind::Text),
        ("default", Kind::Text),
        ("origin", Kind::Text),
    ])
    .whole();
    for row in settings.table() {
        listing.push(vec![
            Cell::text(row.name),
            Cell::text(row.value),
            Cell::text(row.unit),
            Cell::text(row.default),
            Cell::text(row.origin),
        ]);
    }
    listing.print(session)
}
