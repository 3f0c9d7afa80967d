//! `cargo xtask sim`: draws histories from a seed, cuts and fails them on the simulated store, and
//! compares every answer with the oracle's.

use anyhow::Result;

use crate::workspace::{Workspace, call};

/// What is drawn.
#[derive(Clone, Copy, Debug, clap::Args)]
pub(crate) struct Arguments {
    /// Decides everything drawn: one seed gives one run.
    #[arg(long)]
    seed: u64,
    /// How many histories are drawn.
    #[arg(long, default_value_t = 100)]
    histories: u64,
    /// Damages stored bits too.
    #[arg(long)]
    bits: bool,
}

pub(crate) fn run(workspace: &Workspace, arguments: &Arguments) -> Result<()> {
    call(workspace.cargo().args(command_line(arguments)))
}

fn command_line(arguments: &Arguments) -> Vec<String> {
    let simulation = ["run", "--quiet", "--package", "calotype-suite", "--example", "sim", "--"];
    let mut line: Vec<String> = simulation.map(str::to_owned).into();
    line.extend(["--seed".to_owned(), arguments.seed.to_string()]);
    line.extend(["--histories".to_owned(), arguments.histories.to_string()]);
    if arguments.bits {
        line.push("--bits".to_owned());
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_argument_reaches_the_simulation() {
        let line = command_line(&Arguments { seed: 7, histories: 3, bits: true });
        assert_eq!(line[7..], ["--seed", "7", "--histories", "3", "--bits"]);
    }
}
