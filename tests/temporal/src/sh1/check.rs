//! The comparison of a server's answers with the oracle's, value by value.

use anyhow::{Context as _, Result, ensure};
use arrow_array::cast::AsArray as _;
use arrow_array::types::Int64Type;
use arrow_array::{Array as _, RecordBatch};
use arrow_schema::DataType;

use super::oracle::{Answer, Answers, Row};
use super::questions::Question;

/// Compares a server's answer to a question with the oracle's; the rows.
///
/// # Errors
/// The answer has other columns, types, rows or values than the oracle's; the first difference is named.
pub fn compare(question: Question, expected: &Answers, batches: &[RecordBatch]) -> Result<usize> {
    let name = question.name;
    let expected = expected.of(name).with_context(|| format!("the oracle has no answer to {name}"))?;
    let found = answer(question, batches)?;
    compare_rows(question, expected, &found)?;
    Ok(found.len())
}

/// Reads an answer out of batches.
fn answer(question: Question, batches: &[RecordBatch]) -> Result<Answer> {
    let name = question.name;
    let mut answer = Answer::new();
    for batch in batches {
        let schema = batch.schema();
        let columns: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
        ensure!(
            columns == question.columns,
            "{name} has columns {columns:?}; expected {:?}",
            question.columns
        );
        for field in schema.fields() {
            let (column, found) = (field.name(), field.data_type());
            ensure!(*found == DataType::Int64, "{name} has a column '{column}' of {found}; expected Int64");
        }
        answer.extend((0..batch.num_rows()).map(|row| values(batch, row)));
    }
    Ok(answer)
}

fn values(batch: &RecordBatch, row: usize) -> Row {
    let value = |column: &arrow_array::ArrayRef| {
        let column = column.as_primitive::<Int64Type>();
        column.is_valid(row).then(|| column.value(row))
    };
    batch.columns().iter().map(value).collect()
}

fn compare_rows(question: Question, expected: &Answer, found: &Answer) -> Result<()> {
    let name = question.name;
    for (at, (expected, found)) in expected.iter().zip(found).enumerate() {
        for (column, (expected, found)) in question.columns.iter().zip(expected.iter().zip(found)) {
            ensure!(
                expected == found,
                "{name}, row {at}, column '{column}': expected {}, found {}",
                text(*expected),
                text(*found)
            );
        }
    }
    ensure!(expected.len() == found.len(), "{name} has {} rows; expected {}", found.len(), expected.len());
    Ok(())
}

fn text(value: Option<i64>) -> String {
    value.map_or_else(|| "null".to_owned(), |value| value.to_string())
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, LazyLock};

    use arrow_array::{ArrayRef, Int64Array, StringArray};

    use super::*;
    use crate::sh1::{QUESTIONS, Tier, answers, events};

    fn expected() -> &'static Answers {
        static ANSWERS: LazyLock<Answers> = LazyLock::new(|| answers(&events(Tier::Dev)));
        &ANSWERS
    }

    fn column(answer: &[Row], at: usize) -> ArrayRef {
        Arc::new(answer.iter().map(|row| row[at]).collect::<Int64Array>())
    }

    /// The answer as a server gives it, in batches of seven rows.
    fn batches(question: Question, answer: &Answer) -> Vec<RecordBatch> {
        let batch = |rows: &[Row]| {
            let columns =
                question.columns.iter().enumerate().map(|(at, name)| (*name, column(rows, at), true));
            RecordBatch::try_from_iter_with_nullable(columns).unwrap()
        };
        answer.chunks(7).map(batch).collect()
    }

    #[test]
    fn the_oracles_own_answers_are_right() {
        let expected = expected();
        for question in QUESTIONS {
            let answer = expected.of(question.name).unwrap().clone();
            let rows = compare(question, expected, &batches(question, &answer)).unwrap();
            assert_eq!(rows, answer.len());
        }
    }

    fn check_refused(question: Question, answer: &[RecordBatch], message: &str) {
        let refused = compare(question, expected(), answer).unwrap_err();
        assert_eq!(refused.to_string(), message);
    }

    #[test]
    fn every_value_that_differs_is_found() {
        for question in QUESTIONS {
            let right = expected().of(question.name).unwrap().clone();
            for (row, at) in [(0, 0), (right.len() / 2, question.columns.len() - 1)] {
                let mut wrong = right.clone();
                wrong[row][at] = Some(-1);
                let (name, column) = (question.name, question.columns[at]);
                let before = text(right[row][at]);
                let message = format!("{name}, row {row}, column '{column}': expected {before}, found -1");
                check_refused(question, &batches(question, &wrong), &message);
            }
        }
    }

    #[test]
    fn a_null_is_no_number_and_the_other_way_round() {
        let q5 = QUESTIONS[4];
        let mut answer = expected().of("Q5").unwrap().clone();
        answer[18][1] = Some(0);
        check_refused(q5, &batches(q5, &answer), "Q5, row 18, column 'pid': expected null, found 0");
        answer[18][1] = None;
        answer[17][5] = None;
        check_refused(q5, &batches(q5, &answer), "Q5, row 17, column 'grade': expected 1, found null");
    }

    #[test]
    fn rows_too_many_or_too_few_are_found() {
        let q3 = QUESTIONS[2];
        let mut answer = expected().of("Q3").unwrap().clone();
        answer.push(answer[0].clone());
        check_refused(q3, &batches(q3, &answer), "Q3 has 2 rows; expected 1");
        check_refused(q3, &[], "Q3 has 0 rows; expected 1");
    }

    #[test]
    fn other_columns_and_types_are_refused() {
        let q4 = QUESTIONS[3];
        let ids = column(expected().of("Q4").unwrap(), 0);
        let other = RecordBatch::try_from_iter([("sid", ids)]).unwrap();
        check_refused(q4, &[other], r#"Q4 has columns ["sid"]; expected ["id"]"#);
        let text: ArrayRef = Arc::new(StringArray::from(vec!["1"]));
        let text = RecordBatch::try_from_iter([("id", text)]).unwrap();
        check_refused(q4, &[text], "Q4 has a column 'id' of Utf8; expected Int64");
    }
}
