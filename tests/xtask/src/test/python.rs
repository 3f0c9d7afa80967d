//! Python environments in the build directory, each made once and made anew when its pinned
//! requirements change; and what became of a part of the tests that needs one.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result};

use crate::workspace::{Workspace, call};

/// Lies in an environment and holds the requirements it was made for, once it is whole.
const STAMP: &str = "requirements.stamp";

/// What became of a part of the tests.
#[derive(Debug)]
pub(super) enum Outcome {
    /// It passed.
    Passed(String),
    /// It ran and failed.
    Failed(String),
    /// It should have run and could not; a failure where `CI` is set.
    Missed(String),
    /// It was not meant to run.
    Absent(String),
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Passed(what) => write!(f, "passed{}{what}", if what.is_empty() { "" } else { ", " }),
            Self::Failed(reason) => write!(f, "FAILED, {reason}"),
            Self::Missed(reason) => write!(f, "NOT RUN: {reason}"),
            Self::Absent(reason) => f.write_str(reason),
        }
    }
}

/// Makes the environment `name` where it is not there for these requirements, and returns its interpreter.
pub(crate) fn prepare(workspace: &Workspace, name: &str, requirements: &str) -> Result<PathBuf> {
    let environment = workspace.target_folder()?.join(name);
    let interpreter = environment.join(if cfg!(windows) { "Scripts/python.exe" } else { "bin/python" });
    let wanted = fs::read_to_string(workspace.root().join(requirements))
        .with_context(|| format!("could not read {requirements}"))?;
    let stamp = environment.join(STAMP);
    if fs::read_to_string(&stamp).is_ok_and(|made_for| made_for == wanted) && answers(&interpreter) {
        return Ok(interpreter);
    }
    let system = ["python3", "python"]
        .map(Path::new)
        .into_iter()
        .find(|name| answers(name))
        .context("there is neither python3 nor python")?;
    call(Command::new(system).args(["-m", "venv", "--clear"]).arg(&environment))?;
    call(
        Command::new(&interpreter)
            .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", requirements])
            .current_dir(workspace.root()),
    )?;
    fs::write(&stamp, wanted).with_context(|| format!("could not write {}", stamp.display()))?;
    Ok(interpreter)
}

/// Whether this is a Python that starts: a moved or upgraded one leaves a dead environment behind.
fn answers(interpreter: &Path) -> bool {
    let quiet = Command::new(interpreter).args(["-c", ""]).stderr(Stdio::null()).status();
    quiet.is_ok_and(|status| status.success())
}
