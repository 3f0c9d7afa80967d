//! `completions`: scripts that complete the command line in a shell.

use std::io::Write;

use clap::{Args, CommandFactory};
use clap_complete::Shell;

use crate::args::Cli;
use crate::error::CliError;
use crate::output::OutputError;
use crate::session::Session;

const EXAMPLES: &str = "\
Examples:
  bash:  calotype completions bash > ~/.local/share/bash-completion/completions/calotype
  zsh:   calotype completions zsh > \"${fpath[1]}/_calotype\"
  fish:  calotype completions fish > ~/.config/fish/completions/calotype.fish
";

/// For which shell.
#[derive(Debug, Args)]
#[command(after_help = EXAMPLES)]
pub(crate) struct CompletionsArgs {
    /// The shell
    #[arg(value_enum)]
    shell: Shell,
}

/// Runs `completions`.
///
/// # Errors
/// The output did not take the script.
pub(crate) fn run(session: &Session, args: &CompletionsArgs) -> Result<(), CliError> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "calotype", &mut script);
    let mut out = session.out()?;
    let written = out.write_all(&script).and_then(|()| out.flush());
    Ok(written.map_err(OutputError::Write)?)
}
