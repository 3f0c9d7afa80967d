//! `cargo xtask tidy`: the rules of docs/STYLE.md that a program can hold.
//!
//! **Invariant:** each rule is a function from values to problems; only this file reads the disk
//! and calls git and cargo.

mod arrows;
mod dependencies;
mod format_hash;
mod licence;
mod manifest;
mod metadata;
mod source;

use std::fmt;
use std::fs;
use std::process::Command;

use anyhow::{Context, Result, ensure};

use self::metadata::Metadata;
use crate::workspace::Workspace;

/// A rule broken at a place.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Problem {
    /// A path, with or without a line, or the name of a crate.
    place: String,
    message: String,
}

impl Problem {
    fn new(place: impl Into<String>, message: impl Into<String>) -> Self {
        Self { place: place.into(), message: message.into() }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.message)
    }
}

/// Checks everything and prints every problem; fails where there is one.
pub(crate) fn run(workspace: &Workspace) -> Result<()> {
    let files = text_files(workspace)?;
    let mut problems = Vec::new();
    let mut long = 0;
    for (path, text) in &files {
        problems.extend(source::check(path, text));
        if source::is_long(path, text) {
            long += 1;
            println!("notice: {path}: past {} lines, time to split", source::LINES_AIM);
        }
    }
    let metadata = Metadata::load(workspace)?;
    problems.extend(arrows::check(metadata.members()));
    problems.extend(dependencies::check_licences(&metadata.packages));
    problems.extend(dependencies::check_single(&metadata.packages));
    for member in metadata.members() {
        let path = &member.manifest_path;
        let text = fs::read_to_string(path).with_context(|| format!("could not read {path}"))?;
        problems.extend(manifest::check(&member.name, &text));
    }
    match format_page(workspace)? {
        Some(page) => problems.extend(format_hash::check(&page, |path| read(workspace, path))),
        None => println!("notice: no {} yet, its hash is not checked", format_hash::PAGE),
    }
    for problem in &problems {
        eprintln!("error: {problem}");
    }
    let second = dependencies::second_versions(&metadata.packages);
    println!(
        "tidy: {} text files, {} crates; problems: {}; files past the aim: {long}; second versions of crates: {} ({})",
        files.len(),
        metadata.packages.len(),
        problems.len(),
        second.len(),
        second.join(", "),
    );
    ensure!(problems.is_empty(), "cargo xtask tidy: problems: {}", problems.len());
    Ok(())
}

/// Writes the hash of the format's code into its page.
pub(crate) fn bless(workspace: &Workspace) -> Result<()> {
    let page = format_page(workspace)?.with_context(|| format!("there is no {}", format_hash::PAGE))?;
    let blessed = format_hash::bless(&page, |path| read(workspace, path)).map_err(anyhow::Error::msg)?;
    fs::write(workspace.root().join(format_hash::PAGE), &blessed)
        .with_context(|| format!("could not write {}", format_hash::PAGE))?;
    println!("tidy: {} {}", format_hash::PAGE, if blessed == page { "was up to date" } else { "rewritten" });
    Ok(())
}

fn format_page(workspace: &Workspace) -> Result<Option<String>> {
    let path = workspace.root().join(format_hash::PAGE);
    if !path.exists() {
        return Ok(None);
    }
    fs::read_to_string(&path).map(Some).with_context(|| format!("could not read {}", format_hash::PAGE))
}

fn read(workspace: &Workspace, path: &str) -> Option<Vec<u8>> {
    fs::read(workspace.root().join(path)).ok()
}

/// Every text file that git tracks or would track, by path: a new file is checked before `git add`.
fn text_files(workspace: &Workspace) -> Result<Vec<(String, String)>> {
    let output = Command::new("git")
        .args(["ls-files", "-z", "--cached", "--others", "--exclude-standard", "--deduplicate"])
        .current_dir(workspace.root())
        .output()
        .context("could not start git")?;
    ensure!(output.status.success(), "git ls-files failed: {}", String::from_utf8_lossy(&output.stderr));
    let mut files = Vec::new();
    for path in output.stdout.split(|&byte| byte == 0).filter(|path| !path.is_empty()) {
        let path = String::from_utf8(path.to_vec()).context("a path is not UTF-8")?;
        let full = workspace.root().join(&path);
        // A file deleted but still in the index has nothing to check.
        if !full.is_file() {
            continue;
        }
        let bytes = fs::read(&full).with_context(|| format!("could not read {path}"))?;
        if bytes.contains(&0) {
            continue;
        }
        if let Ok(text) = String::from_utf8(bytes) {
            files.push((path, text));
        }
    }
    ensure!(!files.is_empty(), "git lists no files");
    Ok(files)
}
