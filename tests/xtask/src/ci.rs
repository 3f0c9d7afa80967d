//! `cargo xtask ci`: all that CI runs, in order of cost, stopping at the first failure.
//!
//! **Invariant:** a step is a command line of cargo, so that it can be repeated alone as printed.

use std::fmt;

use anyhow::{Context, Result};

use crate::stopwatch::Stopwatch;
use crate::workspace::{Workspace, call};

/// The steps. `test` comes last and is the README's command, unchanged. One profile throughout:
/// clippy and doc share the metadata of the dependencies, and only `test` makes machine code.
const STEPS: [Step; 6] = [
    Step { name: "fmt", environment: None, arguments: &["fmt", "--all", "--check"] },
    Step {
        name: "clippy",
        environment: None,
        arguments: &["clippy", "--locked", "--workspace", "--all-targets", "--", "-D", "warnings"],
    },
    Step {
        name: "without SQL",
        environment: None,
        arguments: &[
            "clippy",
            "--locked",
            "--package",
            "calotype-cli",
            "--no-default-features",
            "--",
            "-D",
            "warnings",
        ],
    },
    Step {
        name: "doc",
        environment: Some(("RUSTDOCFLAGS", "-D warnings")),
        arguments: &["doc", "--locked", "--workspace", "--no-deps"],
    },
    Step { name: "tidy", environment: None, arguments: &["xtask", "tidy"] },
    Step { name: "test", environment: None, arguments: &["xtask", "test"] },
];

/// One call of cargo.
#[derive(Debug)]
struct Step {
    name: &'static str,
    environment: Option<(&'static str, &'static str)>,
    arguments: &'static [&'static str],
}

/// The line that runs the step alone, for a shell.
impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some((name, value)) = self.environment {
            write!(f, "{name}=\"{value}\" ")?;
        }
        write!(f, "cargo {}", self.arguments.join(" "))
    }
}

pub(crate) fn run(workspace: &Workspace) -> Result<()> {
    let whole = Stopwatch::start();
    for (index, step) in STEPS.iter().enumerate() {
        println!("\n== ci {}/{}, {}: {step}", index + 1, STEPS.len(), step.name);
        let watch = Stopwatch::start();
        let result = call(workspace.cargo().envs(step.environment).args(step.arguments));
        let outcome = if result.is_ok() { "passed" } else { "FAILED" };
        println!("== ci {}/{}, {}: {outcome} after {watch}", index + 1, STEPS.len(), step.name);
        result.with_context(|| format!("cargo xtask ci: {} failed, alone it is `{step}`", step.name))?;
    }
    println!("== ci: all {} steps passed in {whole}", STEPS.len());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_step_is_the_command_of_the_readme() {
        assert_eq!(STEPS[STEPS.len() - 1].to_string(), "cargo xtask test");
    }

    #[test]
    fn a_step_shows_its_environment_as_a_shell_takes_it() {
        assert_eq!(
            STEPS[3].to_string(),
            "RUSTDOCFLAGS=\"-D warnings\" cargo doc --locked --workspace --no-deps"
        );
    }
}
