//! The server through stock clients: pyarrow, pandas, polars, gRPC by reflection; and through bytes that no
//! good client sends.
//!
//! The newest major version of pyarrow runs all of it, the one before what people do with Flight.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};

use super::python::{Outcome, prepare};
use crate::workspace::Workspace;

const FOLDER: &str = "tests/wire/python";

/// An environment, its pinned requirements, and what runs in it.
const RUNS: [(&str, &str, &str); 2] = [
    ("python-stock", "tests/wire/python/requirements.txt", FOLDER),
    ("python-stock-older", "tests/wire/python/requirements-older.txt", "tests/wire/python/test_flight.py"),
];

/// Runs the tests with stock clients against the binary of this build.
pub(super) fn run(workspace: &Workspace) -> Result<Outcome> {
    println!("\n== stock clients: {FOLDER}");
    let binary = build(workspace)?;
    let mut passed = Vec::new();
    for (environment, requirements, tests) in RUNS {
        let interpreter = match prepare(workspace, environment, requirements) {
            Ok(interpreter) => interpreter,
            Err(reason) => return Ok(Outcome::Missed(format!("no stock client was tried: {reason:#}"))),
        };
        let status = pytest(workspace, &interpreter, &binary, tests)?;
        if !status.success() {
            return Ok(Outcome::Failed(format!("{tests} in {environment} ended with {status}")));
        }
        passed.push(environment);
    }
    Ok(Outcome::Passed(passed.join(" and ")))
}

/// Builds the binary as a user does, without what tests plant in it.
fn build(workspace: &Workspace) -> Result<std::path::PathBuf> {
    let status = workspace.cargo().args(["build", "--package", "calotype-cli"]).status()?;
    ensure!(status.success(), "the binary could not be built: {status}");
    Ok(workspace.target_folder()?.join("debug/calotype"))
}

fn pytest(
    workspace: &Workspace,
    interpreter: &Path,
    binary: &Path,
    tests: &str,
) -> Result<std::process::ExitStatus> {
    Command::new(interpreter)
        .args(["-B", "-m", "pytest", "-q", "-x", "--durations=8", "-p", "no:cacheprovider", tests])
        .current_dir(workspace.root())
        .env("CALOTYPE_BIN", binary)
        .env_remove("CALOTYPE_STORE")
        .status()
        .context("could not start pytest")
}
