//! The binary `calotype`: parses, runs one command, tells what went wrong and what to do next.

mod args;
mod claim;
mod commands;
mod console;
mod demo;
mod error;
mod feed;
mod input;
mod key;
mod listing;
mod output;
mod serving;
mod session;
mod value;

use std::process::ExitCode;

use clap::Parser;

use crate::args::Cli;
use crate::session::Session;

fn main() -> ExitCode {
    let Cli { global, command } = Cli::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("error: could not start: {error}");
            return ExitCode::FAILURE;
        }
    };
    let session = Session::new(global);
    match runtime.block_on(commands::run(&session, command)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) if error.is_broken_pipe() => ExitCode::SUCCESS,
        Err(error) => {
            eprint!("{}", error.report());
            ExitCode::from(error.exit_code())
        }
    }
}
