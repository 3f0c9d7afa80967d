//! The questions: SQL texts with places for points and tables, and what each must answer.
//!
//! A text holds parameters, `$name`, which become literals, and tables, `{name}`, which become a table with its
//! clauses of time. All instants are those of scenarios.

mod b;
mod h;
mod k;
mod r;
mod t;

use anyhow::{Context as _, Result, ensure};
use calotype_client::{SystemTime, ValidTime};

use super::cell::Cells;
use super::day::{Day, FIRST, LAST};
use super::history::{History, Scenario};
use super::oracle::{Oracle, Point};

/// What an answer is compared with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expected {
    /// These rows, in any order.
    Rows(Vec<Cells>),
    /// These rows in this order.
    Ordered(Vec<Cells>),
    /// What another text answers, over tables that hold nothing but one state.
    SameAs(String),
}

/// A question with its answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// Its name: the class and number, and what varies.
    pub name: String,
    /// The text, complete.
    pub sql: String,
    /// What it answers.
    pub expected: Expected,
}

/// The points that questions are asked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Instants {
    /// Version 0: a day in the middle of TPC-H's data, as known before the first scenario.
    pub init: Point,
    /// After a tenth of the scenarios.
    pub past: Point,
    /// After half of them.
    pub mid: Point,
    /// After all of them.
    pub now: Point,
}

/// The middle of TPC-H's data, 1995-06-17.
const MIDDLE_OF_DATA: Day = Day(9298);

impl Instants {
    /// Those of a history.
    ///
    /// # Errors
    /// It has no scenario.
    pub fn of(history: &History) -> Result<Self> {
        let at =
            |hundredths| history.after(hundredths).context("a history without scenarios has no instants");
        let point = |Scenario { number, day, .. }| Point { valid: day.valid(), known: day.system(number) };
        Ok(Self {
            init: Point { valid: MIDDLE_OF_DATA.valid(), known: FIRST.system(0) },
            past: point(at(10)?),
            mid: point(at(50)?),
            now: Point { valid: LAST.plus(1).valid(), known: LAST.plus(1).system(0) },
        })
    }
}

/// All questions of classes T, K, R and B, with their answers.
///
/// # Errors
/// A text has a place that nothing fills.
pub fn questions(history: &History, oracle: &Oracle) -> Result<Vec<Question>> {
    let instants = Instants::of(history)?;
    let mut questions = t::questions(oracle, instants)?;
    questions.extend(k::questions(oracle, instants)?);
    questions.extend(r::questions(oracle, instants)?);
    questions.extend(b::questions(oracle, instants)?);
    Ok(questions)
}

/// What class H is asked about: tables that hold the state at a point have this suffix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct State {
    /// Which axes are in the past.
    pub name: &'static str,
    /// Follows the names of its tables.
    pub suffix: &'static str,
    /// The point.
    pub point: Point,
}

/// The states that class H is asked about: valid time in the past, system time in the past, and both.
pub fn states(instants: Instants) -> [State; 3] {
    let Instants { init, mid, now, .. } = instants;
    [
        State { name: "app", suffix: "_app", point: Point { valid: init.valid, known: now.known } },
        State { name: "sys", suffix: "_sys", point: Point { valid: now.valid, known: mid.known } },
        State { name: "both", suffix: "_both", point: Point { valid: init.valid, known: mid.known } },
    ]
}

/// All questions of class H: each over all tables at a point, against the same over tables that hold that state.
///
/// # Errors
/// A text has a place that nothing fills.
pub fn tpch_questions(history: &History) -> Result<Vec<Question>> {
    h::questions(&states(Instants::of(history)?))
}

/// Fills the places of a text; a place that occurs nowhere may be given all the same.
fn fill(text: &str, places: &[(&str, &str)]) -> Result<String> {
    let mut filled = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(['$', '{']) {
        filled.push_str(&rest[..at]);
        let place = &rest[at..];
        let braced = place.starts_with('{');
        let name =
            place[1..].split(|c: char| !c.is_ascii_alphanumeric() && c != '_').next().unwrap_or_default();
        let end = 1 + name.len() + usize::from(braced);
        let ends = !braced || place[1 + name.len()..].starts_with('}');
        ensure!(ends, "place '{place}' does not end");
        let value = places.iter().find(|(known, _)| *known == name);
        filled.push_str(value.with_context(|| format!("nothing fills '{name}' in: {text}"))?.1);
        rest = &place[end..];
    }
    filled.push_str(rest);
    Ok(filled)
}

fn valid(instant: ValidTime) -> String {
    format!("TIMESTAMP '{instant}'")
}

fn system(instant: SystemTime) -> String {
    format!("TIMESTAMP '{instant}'")
}

#[cfg(test)]
mod tests;
