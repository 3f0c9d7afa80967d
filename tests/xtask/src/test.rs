//! `cargo xtask test`: every test of the workspace, then the Python reader and the stock clients, then one summary.
//!
//! **Invariant:** what did not run is named in the summary, and where `CI` is set it is a failure.

pub(crate) mod python;
mod reader;
mod stock;
mod tally;

use std::env;
use std::io::{BufRead, BufReader};
use std::process::{ExitStatus, Stdio};

use anyhow::{Context, Result, bail};

use self::python::Outcome;
use self::tally::Tally;
use crate::stopwatch::Stopwatch;
use crate::workspace::Workspace;

pub(crate) fn run(workspace: &Workspace, arguments: &[String]) -> Result<()> {
    let watch = Stopwatch::start();
    let (tally, status) = cargo_test(workspace, arguments)?;
    let others = if arguments.is_empty() {
        [("python reader", reader::run(workspace)?), ("stock clients", stock::run(workspace)?)]
    } else {
        ["python reader", "stock clients"]
            .map(|name| (name, Outcome::Absent("left out, as arguments narrow this run".to_owned())))
    };
    let in_ci = env::var_os("CI").is_some();
    let problems = problems(&tally, status.success(), &others, in_ci);
    println!("\n== summary, after {watch}");
    for name in tally.failures() {
        println!("FAILED: {name}");
    }
    for (name, outcome) in &others {
        println!("{name}: {outcome}");
    }
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
fn problems(tally: &Tally, cargo_succeeded: bool, others: &[(&str, Outcome)], in_ci: bool) -> Vec<String> {
    let mut problems = Vec::new();
    if !cargo_succeeded {
        problems.push("cargo test failed: see above".to_owned());
    } else if tally.is_empty() {
        problems.push("not one test ran".to_owned());
    }
    for (name, outcome) in others {
        match outcome {
            Outcome::Failed(reason) => problems.push(format!("{name}: {reason}")),
            Outcome::Missed(reason) if in_ci => {
                problems.push(format!("{name} must run where CI is set: {reason}"));
            }
            Outcome::Passed(_) | Outcome::Absent(_) | Outcome::Missed(_) => {}
        }
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

    fn other(outcome: Outcome) -> [(&'static str, Outcome); 1] {
        [("stock clients", outcome)]
    }

    #[test]
    fn a_missed_part_fails_in_ci_alone() {
        let missed = other(Outcome::Missed("no python3".to_owned()));
        assert!(problems(&one_test(), true, &missed, false).is_empty());
        assert_eq!(problems(&one_test(), true, &missed, true).len(), 1);
    }

    #[test]
    fn a_failed_part_a_failed_cargo_and_an_empty_run_fail() {
        let failed = other(Outcome::Failed("ended with 1".to_owned()));
        let passed = || other(Outcome::Passed(String::new()));
        assert_eq!(problems(&one_test(), true, &failed, false).len(), 1);
        assert_eq!(problems(&one_test(), false, &passed(), false).len(), 1);
        assert_eq!(problems(&Tally::default(), true, &passed(), false), ["not one test ran"]);
    }
}
