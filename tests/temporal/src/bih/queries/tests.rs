//! The questions themselves: complete, and such that an answer could be wrong.

use std::collections::{BTreeMap, BTreeSet};

use super::*;
use crate::bih::history::Scale;

#[test]
fn places_are_filled_and_what_nothing_fills_is_an_error() {
    let places = [("a", "1"), ("a1", "2"), ("orders", "orders AS OF x")];
    assert_eq!(fill("$a1 + $a FROM {orders} o", &places).unwrap(), "2 + 1 FROM orders AS OF x o");
    let error = fill("$b", &places).unwrap_err().to_string();
    assert_eq!(error, "nothing fills 'b' in: $b");
    assert!(fill("{orders", &places).unwrap_err().to_string().contains("does not end"));
}

/// The class and number of a question's name.
fn id(name: &str) -> &str {
    name.split([' ', '.']).next().unwrap_or_default()
}

#[test]
fn every_question_of_the_benchmark_is_there_and_has_an_answer_somewhere() {
    let history = History::generate(Scale::SMALL);
    let oracle = Oracle::new(&history.facts);
    let questions = questions(&history, &oracle).unwrap();
    let names: BTreeSet<&str> = questions.iter().map(|question| question.name.as_str()).collect();
    assert_eq!(names.len(), questions.len());
    let mut rows: BTreeMap<&str, usize> = BTreeMap::new();
    for question in &questions {
        assert!(!question.sql.contains(['$', '{', '}']), "{}", question.sql);
        let (Expected::Rows(expected) | Expected::Ordered(expected)) = &question.expected else {
            panic!("{} has no rows", question.name)
        };
        *rows.entry(id(&question.name)).or_default() += expected.len();
    }
    let expected = (1..=9).map(|number| format!("T{number}"));
    let expected = expected.chain((1..=6).map(|number| format!("K{number}")));
    let expected = expected.chain(["R1", "R2", "R3a", "R3b", "R4", "R5", "R6", "R7", "B3"].map(String::from));
    assert_eq!(
        rows.keys().copied().collect::<BTreeSet<_>>(),
        expected.collect::<Vec<_>>().iter().map(String::as_str).collect()
    );
    let empty: Vec<_> = rows.iter().filter(|(_, rows)| **rows == 0).collect();
    assert!(empty.is_empty(), "{empty:?} answer nothing anywhere");
    assert_eq!(names.iter().filter(|name| id(name) == "B3").count(), 12);
    let tpch = tpch_questions(&history).unwrap();
    assert_eq!(tpch.len(), 66);
    assert!(tpch.iter().all(|question| !question.sql.contains(['$', '{', '}'])));
}

#[test]
fn both_axes_change_answers() {
    let history = History::generate(Scale::SMALL);
    let oracle = Oracle::new(&history.facts);
    let questions = questions(&history, &oracle).unwrap();
    let answer = |name: &str| {
        let question = questions.iter().find(|question| question.name == name);
        question.map(|question| question.expected.clone()).unwrap()
    };
    // Most of what a scenario says holds from its day on, so that a day as known now is often as it was known then:
    // the axes differ in what was announced ahead, delivered since, or mended.
    for class in ["T1", "T2", "T6 valid", "T6 system"] {
        assert_ne!(answer(&format!("{class} both mid")), answer(&format!("{class} now")));
        assert_ne!(answer(&format!("{class} init")), answer(&format!("{class} now")));
    }
    for class in ["K1", "K2", "K3", "K4", "K6 many"] {
        let forms = ["app", "sys", "both"].map(|form| answer(&format!("{class}.{form}")));
        assert!(forms[0] != forms[1] && forms[0] != forms[2], "{class}");
    }
    assert_ne!(answer("R2"), answer("R2 past"));
    assert_ne!(answer("R3a"), answer("R3a past"));
    for pair in [("B3.1", "B3.2"), ("B3.3", "B3.1"), ("B3.5", "B3.8"), ("B3.10", "B3.11")] {
        assert!(answer(pair.0) != answer(pair.1), "{pair:?} answer the same");
    }
    assert_eq!(answer("T8 valid mid"), answer("T2 valid mid"));
}
