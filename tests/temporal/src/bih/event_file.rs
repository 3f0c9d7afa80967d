//! The event file: a history as text, one line a fact, so that every system is loaded with the same.
//!
//! A line is `scenario|day|table|operation|key|from|to|values`: values in the order of the columns, none for a
//! retraction; days as SQL writes them, an empty one for an open end. Lines are ordered by scenario, then by table,
//! then as they were said. Version 0 is scenario 0.

use std::convert::Infallible;
use std::fmt::Write as _;

use sha2::{Digest, Sha256};

use super::day::{Day, LOADED};
use super::fact::{Fact, Visit};
use super::history::History;
use super::tables::{Row, Table};

/// A history as text.
pub fn text(history: &History) -> String {
    let mut lines = Lines { history, lines: Vec::new() };
    let Ok(()) = history.facts.visit(&mut lines);
    // Stable: facts of one table and scenario stay in their order.
    lines.lines.sort_by_key(|(scenario, table, _)| (*scenario, *table));
    lines.lines.into_iter().map(|(_, _, line)| line).collect()
}

/// The SHA-256 of the event file, hexadecimal.
pub fn digest(text: &str) -> String {
    Sha256::digest(text).iter().fold(String::new(), |mut digest, byte| {
        // Writing to a string does not fail.
        write!(digest, "{byte:02x}").ok();
        digest
    })
}

struct Lines<'a> {
    history: &'a History,
    lines: Vec<(u32, Table, String)>,
}

impl Visit for Lines<'_> {
    type Error = Infallible;

    fn visit<R: Row>(&mut self, facts: &[Fact<R>]) -> Result<(), Infallible> {
        for fact in facts {
            let before = usize::try_from(fact.scenario).ok().and_then(|number| number.checked_sub(1));
            let scenario = before.and_then(|at| self.history.scenarios.get(at));
            let day = scenario.map_or(LOADED, |scenario| scenario.day);
            self.lines.push((fact.scenario, R::TABLE, line(day, fact)));
        }
        Ok(())
    }
}

fn line<R: Row>(day: Day, fact: &Fact<R>) -> String {
    let (first, second) = fact.row.key();
    let key = if R::KEY.len() == 1 { first.to_string() } else { format!("{first},{second}") };
    let operation = if fact.retracts { "retract" } else { "assert" };
    let to = fact.to.map(|to| to.to_string()).unwrap_or_default();
    let table = R::TABLE.name();
    let mut line = format!("{}|{day}|{table}|{operation}|{key}|{}|{to}|", fact.scenario, fact.from);
    if !fact.retracts {
        let cells: Vec<String> = fact.row.cells().iter().map(ToString::to_string).collect();
        line.push_str(&cells.join("|"));
    }
    line.push('\n');
    line
}
