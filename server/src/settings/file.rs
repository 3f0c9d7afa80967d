//! The settings file: TOML, a table for each section.

use std::fmt::Write as _;
use std::io::Read as _;
use std::path::Path;

use toml::de::{DeTable, DeValue};

use super::nearest::nearest;
use super::section::Declaration;
use super::{Origin, SHOWN_BYTES_MAX, Settings, SettingsError, find, unknown};
use crate::printable::printable;

/// Larger files are none of settings.
const FILE_BYTES_MAX: u64 = 1 << 20;

/// Reads a file.
pub(super) fn read(path: &Path) -> Result<String, SettingsError> {
    let failed = |source| SettingsError::Read { path: path.to_owned(), source };
    let mut text = String::new();
    let file = std::fs::File::open(path).map_err(failed)?;
    file.take(FILE_BYTES_MAX + 1).read_to_string(&mut text).map_err(failed)?;
    if u64::try_from(text.len()).is_ok_and(|length| length <= FILE_BYTES_MAX) {
        return Ok(text);
    }
    Err(SettingsError::TooLarge { path: path.to_owned(), max: FILE_BYTES_MAX })
}

impl Settings {
    /// Takes what a file says.
    pub(super) fn take_file(
        &mut self,
        file: &str,
        text: &str,
        declarations: &[Declaration],
    ) -> Result<(), SettingsError> {
        let line = |at: usize| 1 + text.bytes().take(at).filter(|byte| *byte == b'\n').count();
        let origin = |at: usize| Origin::File(file.to_owned(), line(at));
        let parsed = DeTable::parse(text).map_err(|error| SettingsError::Syntax {
            origin: origin(error.span().map_or(0, |span| span.start)),
            what: printable(error.message(), 256),
        })?;
        for (section, content) in parsed.get_ref() {
            let place = origin(section.span().start);
            let section: &str = section.get_ref();
            let DeValue::Table(table) = content.get_ref() else {
                return Err(unknown(section, declarations, place));
            };
            if !declarations.iter().any(|declaration| declaration.section == section) {
                let sections = declarations.iter().map(|declaration| declaration.section.to_owned());
                let nearest = nearest(section, sections).map(|name| format!("[{name}]"));
                let name = printable(format_args!("[{section}]"), SHOWN_BYTES_MAX);
                return Err(SettingsError::Unknown { origin: place, name, nearest });
            }
            for (name, value) in table {
                let place = origin(name.span().start);
                let key = format!("{section}.{}", name.get_ref());
                let Some(declaration) = find(&key, declarations) else {
                    return Err(unknown(&key, declarations, place));
                };
                let found = text.get(value.span()).unwrap_or_default();
                self.take(declaration, declaration.unit.read_toml(value.get_ref()), found, place)?;
            }
        }
        Ok(())
    }
}

/// A file with every setting and its default, all of them commented out.
pub(super) fn of_defaults(declarations: &[Declaration]) -> String {
    const HEAD: &str = "\
# Settings of `calotype serve`. Each line that begins with # and a name shows a default: take the # away to choose.
# Flags come before variables of the environment (CALOTYPE_SECTION_NAME), those before this file.
# Bytes are numbers, or have a unit: \"64KiB\", \"4MiB\", \"1GiB\". Durations always have one: \"200ms\", \"10s\", \"5m\", \"1h\".
";
    let mut text = HEAD.to_owned();
    let mut section = "";
    for declaration in declarations {
        if declaration.section != section {
            section = declaration.section;
            write!(text, "\n[{section}]\n").expect("a string takes all");
        }
        let value = declaration.unit.shown(&declaration.default);
        let (doc, name) = (declaration.doc, declaration.name);
        let expected = declaration.unit.expected();
        write!(text, "# {doc}\n# Takes {expected}.\n#{name} = {value}\n\n").expect("a string takes all");
    }
    text.truncate(text.trim_end().len() + 1);
    text
}
