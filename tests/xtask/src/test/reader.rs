//! The golden files read by a second implementation, in Python, that shares no code with ours.

use std::process::Command;

use anyhow::{Context, Result};

use super::python::{Outcome, prepare};
use crate::workspace::Workspace;

const SCRIPT: &str = "tests/golden/read_golden.py";
const REQUIREMENTS: &str = "tests/golden/requirements.txt";
const GOLDEN: &str = "tests/golden/v1";

/// Runs the reader over the golden files; its exit status is the verdict.
pub(super) fn run(workspace: &Workspace) -> Result<Outcome> {
    println!("\n== python reader: {SCRIPT} {GOLDEN}");
    let interpreter = match prepare(workspace, "python", REQUIREMENTS) {
        Ok(interpreter) => interpreter,
        Err(reason) => return Ok(Outcome::Missed(format!("the golden files were not read: {reason:#}"))),
    };
    let mut reader = Command::new(interpreter);
    reader.args([SCRIPT, GOLDEN]).current_dir(workspace.root());
    let status = reader.status().context("could not start the python reader")?;
    Ok(if status.success() {
        Outcome::Passed(String::new())
    } else {
        Outcome::Failed(format!("ended with {status}"))
    })
}
