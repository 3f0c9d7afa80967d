//! What the demo prints: text, commands, tables.

use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};

use crate::error::CliError;
use crate::output::{OutputError, TableOptions};

/// How wide the demo is.
pub(super) const WIDTH: usize = 100;

/// Where the demo prints.
pub(super) struct Page {
    out: Box<dyn Write + Send>,
    sections: u32,
}

impl Page {
    /// An empty page.
    pub(super) fn new(out: Box<dyn Write + Send>) -> Self {
        Self { out, sections: 0 }
    }

    /// Prints text as it is.
    pub(super) fn write(&mut self, text: &str) -> Result<(), CliError> {
        let written = self.out.write_all(text.as_bytes()).and_then(|()| self.out.flush());
        Ok(written.map_err(OutputError::Write)?)
    }

    /// Begins a section.
    pub(super) fn section(&mut self, title: &str, text: &str) -> Result<(), CliError> {
        self.sections += 1;
        let title = format!("{}. {title}", self.sections);
        let rule = "─".repeat(title.chars().count());
        self.write(&format!("\n\n{title}\n{rule}\n{text}\n"))
    }

    /// Prints a command to type, and a blank line above it.
    pub(super) fn command(&mut self, place: &str, arguments: &str) -> Result<(), CliError> {
        let arguments = arguments.replace('\n', " \\\n      ");
        self.write(&format!("\n  $ calotype {place} {arguments}\n"))
    }

    /// Ends the page.
    pub(super) fn finish(mut self) -> Result<(), CliError> {
        Ok(self.out.flush().map_err(OutputError::Write)?)
    }
}

/// How tables of the demo are drawn.
pub(super) fn table() -> TableOptions {
    TableOptions { rows_max: 24, width: Some(WIDTH), counts_rows: false, ..TableOptions::default() }
}

/// A sink for a writer that wants to own it; what it took can be read from the other handle.
#[derive(Clone, Default)]
pub(super) struct Sheet(Arc<Mutex<Vec<u8>>>);

impl Sheet {
    /// What was written, as text.
    pub(super) fn text(&self) -> String {
        let bytes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

impl Write for Sheet {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
