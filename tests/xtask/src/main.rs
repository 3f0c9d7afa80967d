//! `cargo xtask`: the tasks of this workspace. Parses the command line and calls one task.
//!
//! **Invariant:** no task is part of the product, and none depends on a crate of ours, so that a
//! broken crate never keeps its own checks from running.

mod bench;
mod ci;
mod golden;
mod sim;
mod stopwatch;
mod test;
mod tidy;
mod workspace;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

use crate::workspace::Workspace;

/// The tasks of the Calotype workspace.
#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    task: Task,
}

#[derive(Debug, Subcommand)]
enum Task {
    /// All that CI runs: fmt, clippy, doc, tidy, then exactly `cargo xtask test`.
    Ci,
    /// Every test of the workspace, then the Python reader of the golden files and the stock clients.
    Test {
        /// Passed on to `cargo test`; a run narrowed this way leaves what is in Python out.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// The rules of docs/STYLE.md that a program can hold.
    Tidy {
        /// Writes the hash of the format's code into storage/FORMAT.md instead of comparing it.
        #[arg(long)]
        bless: bool,
    },
    /// Writes the golden files of the current format version.
    Golden {
        /// Passed on to the generator.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Drawn histories on the simulated store, compared with the oracle.
    Sim(sim::Arguments),
    /// Measurements, in the release profile.
    Bench {
        /// Names of measurements (all without), passed on.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
}

/// Shows an error in one line, last: a stack would push the summary of the tests out of sight.
fn main() -> ExitCode {
    match run(Arguments::parse().task) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(task: Task) -> Result<()> {
    let workspace = Workspace::find()?;
    match task {
        Task::Ci => ci::run(&workspace),
        Task::Test { arguments } => test::run(&workspace, &arguments),
        Task::Tidy { bless: true } => tidy::bless(&workspace),
        Task::Tidy { bless: false } => tidy::run(&workspace),
        Task::Golden { arguments } => golden::run(&workspace, &arguments),
        Task::Sim(arguments) => sim::run(&workspace, &arguments),
        Task::Bench { arguments } => bench::run(&workspace, &arguments),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn test_passes_on_what_begins_with_a_hyphen() {
        let parsed =
            Arguments::try_parse_from(["xtask", "test", "-p", "a", "--", "--nocapture"]).unwrap().task;
        let Task::Test { arguments } = parsed else {
            panic!("{parsed:?} is another task");
        };
        assert_eq!(arguments, ["-p", "a", "--", "--nocapture"]);
    }
}
