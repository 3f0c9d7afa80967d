//! Checks: what an engine answers against what it must.
//!
//! No time counts of a question whose answer does not agree.

use anyhow::{Context as _, Result, bail, ensure};
use arrow_array::RecordBatch;

use super::cell::{Cells, rows};
use super::queries::{Expected, Question};

/// How many rows of either side a message shows.
const SHOWN: usize = 3;

/// Asks one question, compares, and says how many rows it answered.
///
/// # Errors
/// The engine refuses it, or its answer is another one.
pub async fn check(
    question: &Question,
    ask: impl AsyncFn(&str) -> Result<Vec<RecordBatch>>,
) -> Result<usize> {
    let answer = async |sql: &str| rows(&ask(sql).await?);
    let told = || format!("{}: {}", question.name, question.sql);
    let found = answer(&question.sql).await.with_context(told)?;
    let count = found.len();
    match &question.expected {
        Expected::Ordered(expected) => compare(expected, &found),
        Expected::Rows(expected) => compare(&sorted(expected.clone()), &sorted(found)),
        Expected::SameAs(sql) => {
            let expected = answer(sql).await.with_context(|| format!("{}: {sql}", question.name))?;
            compare(&sorted(expected), &sorted(found))
        }
    }
    .with_context(told)?;
    Ok(count)
}

/// Asks all questions, and says how many rows each answered.
///
/// # Errors
/// Every question that was refused or answered otherwise, by name.
pub async fn check_all(
    questions: &[Question],
    ask: impl AsyncFn(&str) -> Result<Vec<RecordBatch>>,
) -> Result<Vec<(String, usize)>> {
    let (mut answered, mut failures) = (Vec::new(), Vec::new());
    for question in questions {
        match check(question, &ask).await {
            Ok(count) => answered.push((question.name.clone(), count)),
            Err(error) => failures.push(format!("{error:#}")),
        }
    }
    let failed = failures.len();
    ensure!(
        failures.is_empty(),
        "{failed} of {} questions fail:\n{}",
        questions.len(),
        failures.join("\n\n")
    );
    Ok(answered)
}

fn sorted(mut rows: Vec<Cells>) -> Vec<Cells> {
    rows.sort();
    rows
}

fn compare(expected: &[Cells], found: &[Cells]) -> Result<()> {
    if expected == found {
        return Ok(());
    }
    let differs = expected.iter().zip(found).position(|(expected, found)| expected != found);
    let at = differs.unwrap_or(expected.len().min(found.len()));
    let shown = |rows: &[Cells]| {
        let rows = rows
            .iter()
            .skip(at)
            .take(SHOWN)
            .map(|row| row.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "));
        rows.collect::<Vec<_>>().join("; ")
    };
    let (expected_count, found_count) = (expected.len(), found.len());
    let (expected, found) = (shown(expected), shown(found));
    bail!(
        "expected {expected_count} rows and found {found_count}; from row {at} expected [{expected}] and found [{found}]"
    )
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::{ArrayRef, Int64Array};
    use futures::executor::block_on;

    use super::*;
    use crate::bih::cell::Cell;

    fn batch(values: &[i64]) -> Vec<RecordBatch> {
        let column: ArrayRef = Arc::new(Int64Array::from(values.to_vec()));
        vec![RecordBatch::try_from_iter([("n", column)]).unwrap()]
    }

    /// An engine that knows two texts.
    async fn ask(sql: &str) -> Result<Vec<RecordBatch>> {
        match sql {
            "up" => Ok(batch(&[1, 2, 3])),
            "down" => Ok(batch(&[3, 2, 1])),
            other => bail!("'{other}' is no SQL"),
        }
    }

    fn outcome(sql: &str, expected: Expected) -> std::result::Result<usize, String> {
        let question = Question { name: "Q".to_owned(), sql: sql.to_owned(), expected };
        block_on(check(&question, ask)).map_err(|error| format!("{error:#}"))
    }

    fn numbers(values: &[i64]) -> Vec<Cells> {
        values.iter().map(|&value| vec![Cell::from(value)]).collect()
    }

    #[test]
    fn order_counts_where_the_question_has_one() {
        assert_eq!(outcome("down", Expected::Rows(numbers(&[1, 2, 3]))), Ok(3));
        assert_eq!(outcome("down", Expected::SameAs("up".to_owned())), Ok(3));
        assert_eq!(outcome("down", Expected::Ordered(numbers(&[3, 2, 1]))), Ok(3));
        let error = outcome("down", Expected::Ordered(numbers(&[1, 2, 3]))).unwrap_err();
        assert!(error.contains("from row 0 expected [1; 2; 3] and found [3; 2; 1]"), "{error}");
    }

    #[test]
    fn what_is_missing_too_many_or_refused_fails_by_name() {
        let error = outcome("up", Expected::Rows(numbers(&[1, 2]))).unwrap_err();
        assert!(error.contains("Q: up: expected 2 rows and found 3; from row 2"), "{error}");
        let error = outcome("up", Expected::Rows(numbers(&[1, 2, 3, 3]))).unwrap_err();
        assert!(error.contains("expected 4 rows and found 3"), "{error}");
        let error = outcome("sideways", Expected::Rows(Vec::new())).unwrap_err();
        assert!(error.contains("Q: sideways: 'sideways' is no SQL"), "{error}");
        let question = |sql: &str, rows: &[i64]| {
            let expected = Expected::Rows(numbers(rows));
            Question { name: sql.to_owned(), sql: sql.to_owned(), expected }
        };
        let all = [question("up", &[1, 2, 3]), question("down", &[1]), question("left", &[])];
        let error = block_on(check_all(&all, ask)).unwrap_err().to_string();
        assert!(error.starts_with("2 of 3 questions fail:\ndown: "), "{error}");
        assert_eq!(block_on(check_all(&all[..1], ask)).unwrap(), [("up".to_owned(), 3)]);
    }
}
