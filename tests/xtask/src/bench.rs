//! `cargo xtask bench`: measurements. The one task that builds the release profile.

use anyhow::Result;

use crate::workspace::{Workspace, call};

pub(crate) fn run(workspace: &Workspace, arguments: &[String]) -> Result<()> {
    call(workspace.cargo().args(["build", "--release", "--package", "calotype-cli"]))?;
    let target = workspace.target_folder()?;
    let calotype = target.join("release").join("calotype");
    let feed = workspace.root().join("tests/data/italy-covid19/feed.toml");
    let measurements = ["run", "--release", "--package", "calotype-bench", "--"];
    let mut bench = workspace.cargo();
    bench.args(measurements).arg("--calotype").arg(calotype).arg("--feed").arg(feed);
    call(bench.args(arguments))
}
