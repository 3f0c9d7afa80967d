//! Where the workspace is, and how its tools are called.

use std::env;
use std::ffi::OsStr;
use std::iter;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, ensure};

/// A checkout of this repository.
#[derive(Debug)]
pub(crate) struct Workspace {
    root: PathBuf,
}

impl Workspace {
    /// Finds the checkout that `cargo xtask` was called in.
    ///
    /// Asked at run time, not by `env!`: clones may share one build directory, and a binary built
    /// in one of them must not check another.
    pub(crate) fn find() -> Result<Self> {
        let manifest = env::var_os("CARGO_MANIFEST_DIR")
            .map(PathBuf::from)
            .context("cargo did not say where xtask lies: call it as `cargo xtask`")?;
        let root = manifest
            .ancestors()
            .nth(2)
            .with_context(|| format!("{} is not two folders deep", manifest.display()))?;
        Ok(Self { root: root.to_owned() })
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// The folder that cargo builds into.
    pub(crate) fn target_folder(&self) -> Result<PathBuf> {
        let output = self.cargo().args(["metadata", "--format-version", "1", "--no-deps"]).output()?;
        let metadata: serde_json::Value = serde_json::from_slice(&output.stdout)?;
        let folder = metadata["target_directory"].as_str().context("cargo names its target folder")?;
        Ok(PathBuf::from(folder))
    }

    /// A call of cargo at the root.
    ///
    /// What the outer cargo said about xtask itself is taken out of the environment: some build
    /// scripts (that of ring) name it as their input, and would run again with every task.
    pub(crate) fn cargo(&self) -> Command {
        let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        command.current_dir(&self.root);
        for (name, _) in env::vars_os() {
            let text = name.to_string_lossy();
            if text.starts_with("CARGO_PKG_") || text.starts_with("CARGO_MANIFEST_") {
                command.env_remove(&name);
            }
        }
        command
    }
}

/// Runs `command` with our own output; an error names it and its exit status.
pub(crate) fn call(command: &mut Command) -> Result<()> {
    let status = command.status().with_context(|| format!("could not start {}", line(command)))?;
    ensure!(status.success(), "{} ended with {status}", line(command));
    Ok(())
}

/// What was called, as typed: `Debug` would add every change of the environment.
fn line(command: &Command) -> String {
    let program = Path::new(command.get_program()).file_name().unwrap_or(command.get_program());
    let words = iter::once(program).chain(command.get_args());
    words.map(OsStr::to_string_lossy).collect::<Vec<_>>().join(" ")
}
