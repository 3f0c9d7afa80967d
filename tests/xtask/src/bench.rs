//! `cargo xtask bench`: measurements. The one task that builds the release profile.
//!
//! First the embedded store, then a server through the wire by clients in Rust, then by stock pyarrow. `cargo xtask bench sh1
//! --tier T25k` takes one measure of a server alone. The loan book beside its peers has a README of its own.

use std::ffi::OsString;
use std::path::Path;
use std::process::Command;

use anyhow::Result;

use crate::test::python::prepare;
use crate::workspace::{Workspace, call};

/// Measures that start the binary as a server.
const OF_A_SERVER: [&str; 3] = ["wire", "sh1", "bih"];

pub(crate) fn run(workspace: &Workspace, arguments: &[String]) -> Result<()> {
    call(workspace.cargo().args(["build", "--release", "--package", "calotype-cli"]))?;
    let target = workspace.target_folder()?;
    let calotype = target.join("release").join("calotype");
    let feed = workspace.root().join("tests/data/italy-covid19/feed.toml");
    let bench = |arguments: Vec<OsString>| {
        call(
            workspace.cargo().args(["run", "--release", "--package", "calotype-bench", "--"]).args(arguments),
        )
    };
    bench(command_line(arguments, &calotype, &feed))?;
    if !arguments.is_empty() {
        return Ok(());
    }
    for of_a_server in OF_A_SERVER {
        bench(command_line(&[of_a_server.to_owned()], &calotype, &feed))?;
    }
    let interpreter = prepare(workspace, "python-stock", "tests/wire/python/requirements.txt")?;
    let mut stock = Command::new(interpreter);
    stock.arg("tests/bench/stock.py").current_dir(workspace.root()).env("CALOTYPE_BIN", &calotype);
    call(&mut stock)
}

/// What the measuring program is given: the binary, and for the embedded store the feed, where the measure wants them.
fn command_line(arguments: &[String], calotype: &Path, feed: &Path) -> Vec<OsString> {
    let binary = [OsString::from("--calotype"), calotype.into()];
    let given = arguments.iter().map(OsString::from);
    match arguments.first() {
        Some(first) if OF_A_SERVER.contains(&first.as_str()) => {
            let rest = given.clone().skip(1);
            given.take(1).chain(binary).chain(rest).collect()
        }
        Some(first) if !first.starts_with('-') => given.collect(),
        Some(_) | None => binary.into_iter().chain(["--feed".into(), feed.into()]).chain(given).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(arguments: &[&str], expected: &[&str]) {
        let arguments: Vec<String> = arguments.iter().map(|&argument| argument.to_owned()).collect();
        assert_eq!(command_line(&arguments, Path::new("bin"), Path::new("feed")), expected);
    }

    #[test]
    fn every_measure_is_given_what_it_takes() {
        check(&[], &["--calotype", "bin", "--feed", "feed"]);
        check(&["--rows", "5"], &["--calotype", "bin", "--feed", "feed", "--rows", "5"]);
        check(&["wire"], &["wire", "--calotype", "bin"]);
        check(&["sh1", "--tier", "dev"], &["sh1", "--calotype", "bin", "--tier", "dev"]);
        check(&["points", "--address", "h:1"], &["points", "--address", "h:1"]);
    }
}
