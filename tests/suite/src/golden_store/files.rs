//! The files of a golden store: where they lie, and what is listed of them.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use calotype_storage::column::CanonicalHasher;
use serde_json::Value;

use super::print::hex;

/// The folder of version 1.
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../golden/v1")
}

/// The list of all files, as it is kept beside them.
pub const MANIFEST: &str = "MANIFEST";

/// All files below a folder, by their paths within it, sorted.
///
/// # Errors
/// If the folder cannot be read.
pub fn below(folder: &Path) -> Result<Vec<String>> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        let entries = fs::read_dir(&next).with_context(|| format!("could not list {}", next.display()))?;
        for entry in entries {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let within = path.strip_prefix(folder).context("a path below the folder")?;
                let parts: Vec<_> = within.iter().map(|part| part.to_string_lossy()).collect();
                files.push(parts.join("/"));
            }
        }
    }
    files.sort_unstable();
    Ok(files)
}

/// One line a file: the BLAKE3 of its bytes, how many it has, its path.
///
/// # Errors
/// If a file cannot be read.
pub fn listing(folder: &Path) -> Result<String> {
    let line = |file: &String| {
        let bytes = fs::read(folder.join(file)).with_context(|| format!("could not read {file}"))?;
        let mut hasher = CanonicalHasher::default();
        hasher.bytes(&bytes);
        Ok(format!("{} {:>6} {file}\n", hex(&hasher.finish()), bytes.len()))
    };
    below(folder)?.iter().filter(|file| *file != MANIFEST).map(line).collect()
}

/// Copies a folder with all that is in it.
///
/// # Errors
/// If something cannot be read or written.
pub fn copy(from: &Path, to: &Path) -> Result<()> {
    for file in below(from)? {
        let target = to.join(&file);
        fs::create_dir_all(target.parent().context("a file lies in a folder")?)?;
        fs::copy(from.join(&file), target).with_context(|| format!("could not copy {file}"))?;
    }
    Ok(())
}

/// A list of values, a line each.
pub fn lines(values: &[Value]) -> String {
    let lines: Vec<String> = values.iter().map(Value::to_string).collect();
    format!("[\n{}\n]\n", lines.join(",\n"))
}
