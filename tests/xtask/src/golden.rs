//! `cargo xtask golden`: writes the golden files, with the generator beside the tests that read them.

use anyhow::Result;

use crate::workspace::{Workspace, call};

pub(crate) fn run(workspace: &Workspace, arguments: &[String]) -> Result<()> {
    let generator = ["run", "--quiet", "--package", "calotype-suite", "--example", "golden", "--"];
    call(workspace.cargo().args(generator).args(arguments))
}
