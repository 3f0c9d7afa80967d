//! How long the twelve questions take. Only what was answered as the oracle answers it is timed.

use std::fmt;
use std::time::Duration;

use anyhow::{Context as _, Result};
use arrow_array::RecordBatch;
use tokio::time::Instant;

use super::check::compare;
use super::oracle::Answers;
use super::questions::QUESTIONS;

/// Asks a server one statement of SQL and takes all of its answer: any asynchronous function from a text to batches.
pub trait Ask: AsyncFn(&'static str) -> Result<Vec<RecordBatch>> {}

impl<F: AsyncFn(&'static str) -> Result<Vec<RecordBatch>>> Ask for F {}

/// How long one question took.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timing {
    /// The question.
    pub question: &'static str,
    /// Rows of its answer.
    pub rows: usize,
    /// How long each run took, in the order of runs; comparing is no part of it.
    pub runs: Vec<Duration>,
}

/// How long the questions took. Displayed as a table in milliseconds: median, least and most, then the twelve together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timings {
    /// Each question.
    pub questions: Vec<Timing>,
}

/// Asks all questions, one after the other, in so many runs, and compares every answer with the oracle's.
///
/// # Errors
/// A question is not answered, or differently; the first difference is named.
pub async fn timings(expected: &Answers, runs: usize, ask: impl Ask) -> Result<Timings> {
    let first = |name| Timing { question: name, rows: 0, runs: Vec::with_capacity(runs) };
    let mut questions = QUESTIONS.map(|question| first(question.name));
    for _ in 0..runs {
        for (question, timing) in QUESTIONS.into_iter().zip(&mut questions) {
            let start = Instant::now();
            let answer = ask(question.sql).await;
            timing.runs.push(start.elapsed());
            let answer = answer.with_context(|| format!("{} was not answered", question.name))?;
            timing.rows = compare(question, expected, &answer)?;
        }
    }
    Ok(Timings { questions: questions.to_vec() })
}

impl Timings {
    /// How long all twelve took together, in each run.
    pub fn together(&self) -> Vec<Duration> {
        let runs = self.questions.iter().map(|timing| timing.runs.len()).min().unwrap_or(0);
        (0..runs).map(|run| self.questions.iter().map(|timing| timing.runs[run]).sum()).collect()
    }
}

impl fmt::Display for Timings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut line = |name: &str, rows: usize, mut runs: Vec<Duration>| {
            runs.sort_unstable();
            let at = |place: usize| runs.get(place).map_or(0.0, |run| run.as_secs_f64() * 1e3);
            let end = runs.len().saturating_sub(1);
            let (least, median, most) = (at(0), at(end / 2), at(end));
            writeln!(f, "{name:<8} {rows:>8} rows {median:>10.1} ms ({least:.1} to {most:.1})")
        };
        for timing in &self.questions {
            line(timing.question, timing.rows, timing.runs.clone())?;
        }
        line("together", self.questions.iter().map(|timing| timing.rows).sum(), self.together())
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;
    use crate::sh1::{Tier, answers, events};

    #[test]
    fn the_table_has_median_and_spread_of_each_and_of_all_together() {
        let timing = |question, rows, millis: [u64; 3]| Timing {
            question,
            rows,
            runs: millis.map(Duration::from_millis).to_vec(),
        };
        let timings = Timings { questions: vec![timing("Q1", 1, [3, 1, 2]), timing("Q2", 20, [10, 20, 30])] };
        assert_eq!(timings.together(), [13, 21, 32].map(Duration::from_millis));
        let table = "Q1              1 rows        2.0 ms (1.0 to 3.0)\n\
                     Q2             20 rows       20.0 ms (10.0 to 30.0)\n\
                     together       21 rows       21.0 ms (13.0 to 32.0)\n";
        assert_eq!(timings.to_string(), table);
    }

    #[tokio::test]
    async fn questions_are_asked_in_order_and_a_wrong_answer_ends_it() {
        let expected = answers(&events(Tier::Dev));
        let asked = RefCell::new(Vec::new());
        let refused = timings(&expected, 2, async |sql| {
            asked.borrow_mut().push(sql);
            Ok(Vec::new())
        });
        assert_eq!(refused.await.unwrap_err().to_string(), "Q1 has 0 rows; expected 1");
        assert_eq!(asked.into_inner(), [QUESTIONS[0].sql]);
        let failed = timings(&expected, 2, async |_| anyhow::bail!("no server"));
        assert_eq!(format!("{:#}", failed.await.unwrap_err()), "Q1 was not answered: no server");
    }
}
