//! `cargo xtask bench`: measurements. The one task that builds the release profile.

use anyhow::Result;

use crate::workspace::{Workspace, call};

pub(crate) fn run(workspace: &Workspace, arguments: &[String]) -> Result<()> {
    let measurements = ["run", "--release", "--package", "calotype-bench", "--"];
    call(workspace.cargo().args(measurements).args(arguments))
}
