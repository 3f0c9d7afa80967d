//! `cargo xtask test`: every test of the workspace, then the Python reader, then one summary.
//!
//! **Invariant:** what did not run is named in the summary, and where `CI` is set it is a failure.

mod reader;
mod tally;

use std::env;
use std::io::{BufRead, BufReader};
use std::process::{ExitStatus, Stdio};

use anyhow::{Context, Result, bail};

use self::reader::Reading;
use self::tally::Tally;
use crate::stopwatch::Stopwatch;
use crate::workspace::Workspace;

pub(crate) fn run(workspace: &Workspace, arguments: &[String]) -> Result<()> {
    let watch = Stopwatch::start();
    let (tally, status) = cargo_test(workspace, arguments)?;
    let reading = if arguments.is_empty() {
        reader::run(workspace)?
    } else {
        Reading::Absent("left out, as arguments narrow this run".to_owned())
    };
    let in_ci = env::var_os("CI").is_some();
    let problems = problems(&tally, status.success(), &reading, in_ci);
    println!("\n== summary, after {watch}");
    for name in tally.failures() {
        println!("FAILED: {name}");
    }
    println!("python reader: {reading}");
    println!("tests: {tally}");
    if !problems.is_empty() {
        println!("result: FAILED, {}", problems.join("; "));
        bail!("cargo xtask test: {}", problems.join("; "));
    }
    println!("result: ok");
    Ok(())
}

/// Runs cargo test, shows its output as it comes and counts it.
fn cargo_test(workspace: &Workspace, arguments: &[String]) -> Result<(Tally, ExitStatus)> {
    let mut command = workspace.cargo();
    command.args(command_line(arguments)).stdout(Stdio::piped());
    let mut child = command.spawn().context("could not start cargo test")?;
    let output = child.stdout.take().context("cargo test has no output")?;
    let mut tally = Tally::default();
    for line in BufReader::new(output).split(b'\n') {
        let line = line.context("could not read the output of cargo test")?;
        let line = String::from_utf8_lossy(&line);
        println!("{line}");
        tally.add(&line);
    }
    let status = child.wait().context("could not wait for cargo test")?;
    Ok((tally, status))
}

fn command_line(arguments: &[String]) -> Vec<String> {
    let mut line = vec!["test".to_owned(), "--no-fail-fast".to_owned()];
    let for_cargo = arguments.iter().take_while(|argument| *argument != "--");
    let chosen = |argument: &String| argument.starts_with("-p") || argument.starts_with("--package");
    if !for_cargo.into_iter().any(chosen) {
        line.push("--workspace".to_owned());
    }
    line.extend_from_slice(arguments);
    line
}

/// Why the run failed; empty when it passed.
fn problems(tally: &Tally, cargo_succeeded: bool, reading: &Reading, in_ci: bool) -> Vec<String> {
    let mut problems = Vec::new();
    if !cargo_succeeded {
        problems.push("cargo test failed: see above".to_owned());
    } else if tally.is_empty() {
        problems.push("not one test ran".to_owned());
    }
    match reading {
        Reading::Failed(reason) => problems.push(format!("the python reader {reason}")),
        Reading::Missed(reason) if in_ci => {
            problems.push(format!("the python reader must run where CI is set: {reason}"));
        }
        Reading::Passed | Reading::Absent(_) | Reading::Missed(_) => {}
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_line(arguments: &[&str], expected: &[&str]) {
        let arguments: Vec<String> = arguments.iter().map(|&a| a.to_owned()).collect();
        assert_eq!(command_line(&arguments), expected);
    }

    #[test]
    fn arguments_are_passed_on_and_a_package_narrows() {
        check_line(&[], &["test", "--no-fail-fast", "--workspace"]);
        check_line(&["as_of"], &["test", "--no-fail-fast", "--workspace", "as_of"]);
        check_line(&["-p", "xtask"], &["test", "--no-fail-fast", "-p", "xtask"]);
        check_line(&["--", "-p"], &["test", "--no-fail-fast", "--workspace", "--", "-p"]);
    }

    fn one_test() -> Tally {
        let mut tally = Tally::default();
        tally.add("test result: ok. 1 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out");
        tally
    }

    #[test]
    fn a_missed_reader_fails_in_ci_alone() {
        let missed = Reading::Missed("no python3".to_owned());
        assert!(problems(&one_test(), true, &missed, false).is_empty());
        assert_eq!(problems(&one_test(), true, &missed, true).len(), 1);
    }

    #[test]
    fn a_failed_reader_a_failed_cargo_and_an_empty_run_fail() {
        let failed = Reading::Failed("ended with 1".to_owned());
        assert_eq!(problems(&one_test(), true, &failed, false).len(), 1);
        assert_eq!(problems(&one_test(), false, &Reading::Passed, false).len(), 1);
        assert_eq!(problems(&Tally::default(), true, &Reading::Passed, false), ["not one test ran"]);
    }
}
