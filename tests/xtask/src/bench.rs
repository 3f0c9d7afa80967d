//! `cargo xtask bench`: measurements. The one task that builds the release profile.
//!
//! First the embedded store, then a server through the wire by clients in Rust, then by stock pyarrow. The loan book beside
//! its peers has a README of its own.

use std::process::Command;

use anyhow::Result;

use crate::test::python::prepare;

use crate::workspace::{Workspace, call};

pub(crate) fn run(workspace: &Workspace, arguments: &[String]) -> Result<()> {
    call(workspace.cargo().args(["build", "--release", "--package", "calotype-cli"]))?;
    let target = workspace.target_folder()?;
    let calotype = target.join("release").join("calotype");
    let feed = workspace.root().join("tests/data/italy-covid19/feed.toml");
    let measurements = ["run", "--release", "--package", "calotype-bench", "--"];
    let mut bench = workspace.cargo();
    bench.args(measurements).arg("--calotype").arg(&calotype).arg("--feed").arg(feed);
    call(bench.args(arguments))?;
    if !arguments.is_empty() {
        return Ok(());
    }
    call(workspace.cargo().args(measurements).arg("wire").arg("--calotype").arg(&calotype))?;
    let interpreter = prepare(workspace, "python-stock", "tests/wire/python/requirements.txt")?;
    let mut stock = Command::new(interpreter);
    stock.arg("tests/bench/stock.py").current_dir(workspace.root()).env("CALOTYPE_BIN", &calotype);
    call(&mut stock)
}
