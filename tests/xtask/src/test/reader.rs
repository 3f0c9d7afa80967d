//! The golden files read by a second implementation, in Python, that shares no code with ours.
//!
//! It runs in a virtual environment of its own in the build directory, made once and made anew
//! when the pinned requirements change.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result};

use crate::workspace::{Workspace, call};

const SCRIPT: &str = "tests/golden/read_golden.py";
const REQUIREMENTS: &str = "tests/golden/requirements.txt";
const GOLDEN: &str = "tests/golden/v1";
/// Lies in the environment and holds the requirements it was made for, once it is whole.
const STAMP: &str = "requirements.stamp";

/// What became of the reader.
#[derive(Debug)]
pub(super) enum Reading {
    /// It agreed with every golden file.
    Passed,
    /// It ran and disagreed.
    Failed(String),
    /// It should have run and could not; a failure where `CI` is set.
    Missed(String),
    /// It was not meant to run.
    Absent(String),
}

impl fmt::Display for Reading {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Passed => f.write_str("passed"),
            Self::Failed(reason) => write!(f, "FAILED, {reason}"),
            Self::Missed(reason) => write!(f, "NOT RUN, the golden files were not read: {reason}"),
            Self::Absent(reason) => f.write_str(reason),
        }
    }
}

/// Runs the reader over the golden files; its exit status is the verdict.
pub(super) fn run(workspace: &Workspace) -> Result<Reading> {
    if !workspace.root().join(SCRIPT).exists() {
        return Ok(Reading::Absent(format!("left out, as there is no {SCRIPT}")));
    }
    println!("\n== python reader: {SCRIPT} {GOLDEN}");
    let environment = target_directory(workspace)?.join("python");
    let interpreter = match prepare(workspace, &environment) {
        Ok(interpreter) => interpreter,
        Err(reason) => return Ok(Reading::Missed(format!("{reason:#}"))),
    };
    let mut reader = Command::new(interpreter);
    reader.args([SCRIPT, GOLDEN]).current_dir(workspace.root());
    let status = reader.status().context("could not start the python reader")?;
    Ok(if status.success() { Reading::Passed } else { Reading::Failed(format!("ended with {status}")) })
}

/// Makes the environment where it is not there for these requirements, and returns its interpreter.
fn prepare(workspace: &Workspace, environment: &Path) -> Result<PathBuf> {
    let interpreter = environment.join(if cfg!(windows) { "Scripts/python.exe" } else { "bin/python" });
    let requirements = fs::read_to_string(workspace.root().join(REQUIREMENTS))
        .with_context(|| format!("could not read {REQUIREMENTS}"))?;
    let stamp = environment.join(STAMP);
    if fs::read_to_string(&stamp).is_ok_and(|made_for| made_for == requirements) && answers(&interpreter) {
        return Ok(interpreter);
    }
    let system = ["python3", "python"]
        .map(Path::new)
        .into_iter()
        .find(|name| answers(name))
        .context("there is neither python3 nor python")?;
    call(Command::new(system).args(["-m", "venv", "--clear"]).arg(environment))?;
    call(
        Command::new(&interpreter)
            .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", REQUIREMENTS])
            .current_dir(workspace.root()),
    )?;
    fs::write(&stamp, requirements).with_context(|| format!("could not write {}", stamp.display()))?;
    Ok(interpreter)
}

/// Whether this is a Python that starts: a moved or upgraded one leaves a dead environment behind.
fn answers(interpreter: &Path) -> bool {
    let quiet = Command::new(interpreter).args(["-c", ""]).stderr(Stdio::null()).status();
    quiet.is_ok_and(|status| status.success())
}

/// The build directory, wherever the environment or a configuration file put it.
fn target_directory(workspace: &Workspace) -> Result<PathBuf> {
    let mut command = workspace.cargo();
    command.args(["metadata", "--format-version=1", "--no-deps"]);
    let output = command.output().context("could not start cargo metadata")?;
    let metadata: serde_json::Value =
        serde_json::from_slice(&output.stdout).context("cargo metadata did not answer in JSON")?;
    let path = metadata["target_directory"].as_str().context("cargo metadata names no build directory")?;
    Ok(path.into())
}
