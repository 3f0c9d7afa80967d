//! Counts what test binaries report, line by line.

use std::fmt;

/// Sums over all test binaries of one run.
#[derive(Debug, Default)]
pub(super) struct Tally {
    binaries: u64,
    passed: u64,
    failed: u64,
    ignored: u64,
    failures: Vec<String>,
}

impl Tally {
    /// Takes one line of the output; lines that report nothing change nothing.
    pub(super) fn add(&mut self, line: &str) {
        let Some(report) = line.strip_prefix("test ") else {
            return;
        };
        if let Some(name) = report.strip_suffix(" ... FAILED") {
            self.failures.push(name.to_owned());
        }
        let Some((_, counts)) = report.strip_prefix("result: ").and_then(|r| r.split_once(". ")) else {
            return;
        };
        self.binaries += 1;
        for count in counts.split("; ") {
            match count.split_once(' ').map(|(number, word)| (number.parse::<u64>(), word)) {
                Some((Ok(number), "passed")) => self.passed += number,
                Some((Ok(number), "failed")) => self.failed += number,
                Some((Ok(number), "ignored")) => self.ignored += number,
                _ => {}
            }
        }
    }

    /// The names of the tests that failed, in the order they ended.
    pub(super) fn failures(&self) -> &[String] {
        &self.failures
    }

    pub(super) fn is_empty(&self) -> bool {
        self.passed + self.failed == 0
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { binaries, passed, failed, ignored, .. } = self;
        write!(f, "{passed} passed, {failed} failed, {ignored} ignored, test binaries: {binaries}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_summed_and_failures_named() {
        let mut tally = Tally::default();
        for line in [
            "running 2 tests",
            "test as_of::finds ... ok",
            "test as_of::misses ... FAILED",
            "test result: FAILED. 1 passed; 1 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.10s",
            "test result: ok. 5 passed; 0 failed; 2 ignored; 0 measured; 1 filtered out; finished in 1.00s",
        ] {
            tally.add(line);
        }
        assert_eq!(tally.to_string(), "6 passed, 1 failed, 2 ignored, test binaries: 2");
        assert_eq!(tally.failures(), ["as_of::misses"]);
    }

    #[test]
    fn a_run_without_a_report_is_empty() {
        let mut tally = Tally::default();
        tally.add("error: could not compile");
        assert!(tally.is_empty());
    }
}
