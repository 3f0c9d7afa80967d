//! Class H: the questions of TPC-H under time travel, as the specification of TPC-H (revision 3) defines them, with
//! days relative to the point and constants that leave rows at small scales.

use anyhow::Result;

use super::{Expected, Question, State, fill, system, valid};
use crate::bih::day::Day;
use crate::bih::tables::Table;

const TEXTS: [&str; 22] = [
    include_str!("h/q01.sql"),
    include_str!("h/q02.sql"),
    include_str!("h/q03.sql"),
    include_str!("h/q04.sql"),
    include_str!("h/q05.sql"),
    include_str!("h/q06.sql"),
    include_str!("h/q07.sql"),
    include_str!("h/q08.sql"),
    include_str!("h/q09.sql"),
    include_str!("h/q10.sql"),
    include_str!("h/q11.sql"),
    include_str!("h/q12.sql"),
    include_str!("h/q13.sql"),
    include_str!("h/q14.sql"),
    include_str!("h/q15.sql"),
    include_str!("h/q16.sql"),
    include_str!("h/q17.sql"),
    include_str!("h/q18.sql"),
    include_str!("h/q19.sql"),
    include_str!("h/q20.sql"),
    include_str!("h/q21.sql"),
    include_str!("h/q22.sql"),
];

pub(super) fn questions(states: &[State]) -> Result<Vec<Question>> {
    let mut questions = Vec::new();
    for state in states {
        let clauses = format!(
            "FOR VALID_TIME AS OF {} FOR SYSTEM_TIME AS OF {}",
            valid(state.point.valid),
            system(state.point.known)
        );
        for (number, text) in (1..).zip(TEXTS) {
            let sql = filled(text, state, |table| format!("{table} {clauses}"))?;
            let plain = filled(text, state, |table| format!("{table}{}", state.suffix))?;
            let name = format!("H{number} {}", state.name);
            questions.push(Question { name, sql, expected: Expected::SameAs(plain) });
        }
    }
    Ok(questions)
}

fn filled(text: &str, state: &State, table: impl Fn(&str) -> String) -> Result<String> {
    // What is recent is so for both axes.
    let recent = state.point.valid.micros().min(state.point.known.micros());
    let day = Day(i32::try_from(recent.div_euclid(86_400_000_000))?);
    let day = format!("DATE '{day}'");
    let tables = Table::ALL.map(|known| (known.name(), table(known.name())));
    let mut places: Vec<(&str, &str)> = tables.iter().map(|(name, table)| (*name, table.as_str())).collect();
    places.push(("day", &day));
    fill(text, &places)
}
