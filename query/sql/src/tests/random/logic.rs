//! Laws of queries: predicates part the rows in three, filters and projections agree, rules of the optimiser change no
//! answer.

use calotype_oracle::Seed;

use super::predicate::Predicate;
use super::relation::Relation;
use super::statement::Statement;
use super::value::{Row, Value};
use super::{Faults, ask, sources, temporal, world};
use crate::{SqlEngine, SqlRequest};

/// The rule that sorts what has to come sorted: without it, plans do not run.
const NEEDED: &str = "EnsureRequirements";

/// Compares what a predicate says as a filter, in any order of its parts, and as an expression.
pub(super) async fn check_predicates(
    engine: &SqlEngine,
    seed: u64,
    relation: &Relation,
    (p, q): (&Predicate, &Predicate),
    faults: &mut Faults,
) {
    let (from, columns) = (relation.plain(), &relation.columns);
    let output: Vec<String> = columns
        .iter()
        .take(3)
        .enumerate()
        .map(|(place, column)| format!("{} AS c{place}", column.name))
        .collect();
    let output = output.join(", ");
    let rows = |wanted: &dyn Fn(&Row) -> bool| -> Vec<Row> {
        relation.rows.iter().filter(|row| wanted(row)).map(|row| row[..3.min(row.len())].to_vec()).collect()
    };
    let count = |rows: usize| vec![vec![Value::Int(i64::try_from(rows).unwrap())]];
    let (p_text, q_text) = (p.plain(columns), q.plain(columns));
    let both = |row: &Row| p.holds(row) == Some(true) && q.holds(row) == Some(true);
    let yes = rows(&|row| p.holds(row) == Some(true));
    let cases = [
        (format!("SELECT {output} FROM {from} WHERE {p_text}"), yes.clone()),
        (
            format!("SELECT {output} FROM {from} WHERE NOT ({p_text})"),
            rows(&|row| p.holds(row) == Some(false)),
        ),
        (
            format!("SELECT {output} FROM {from} WHERE ({p_text}) IS NULL"),
            rows(&|row| p.holds(row).is_none()),
        ),
        (format!("SELECT count(*) FROM {from} WHERE {p_text}"), count(yes.len())),
        (
            format!("SELECT count(*) FILTER (WHERE x) FROM (SELECT ({p_text}) AS x FROM {from})"),
            count(yes.len()),
        ),
        (format!("SELECT {output} FROM {from} WHERE ({p_text}) AND ({q_text})"), rows(&both)),
        (format!("SELECT {output} FROM {from} WHERE ({q_text}) AND ({p_text})"), rows(&both)),
        (
            format!("SELECT {output} FROM {from} WHERE CASE WHEN {p_text} THEN {q_text} ELSE false END"),
            rows(&both),
        ),
    ];
    for (text, expected) in cases {
        let answer = ask(engine, &SqlRequest::new(&text)).await.map(|(rows, _)| rows);
        faults.compare(seed, &text, answer, &expected, false);
    }
}

#[tokio::test]
async fn predicates_part_all_rows_in_three() {
    let mut faults = Faults::default();
    for number in 100..120 {
        let world = world(number).await;
        let mut seed = Seed::new(number);
        for _ in 0..6 {
            let relation = sources::any_form(&world, &mut seed);
            let mut predicate = || Predicate::random(&mut seed, &relation.columns, &relation.rows, 2);
            let (p, q) = (predicate(), predicate());
            check_predicates(&world.engine, number, &relation, (&p, &q), &mut faults).await;
        }
    }
    faults.check(900);
}

#[tokio::test]
async fn each_rule_of_the_optimiser_can_be_left_out() {
    let mut faults = Faults::default();
    for number in 200..202 {
        let world = world(number).await;
        let mut seed = Seed::new(number);
        let mut cases: Vec<(String, Vec<Row>, bool)> = Vec::new();
        for _ in 0..8 {
            let relation = sources::any_form(&world, &mut seed);
            let statement = Statement::random(&mut seed, relation);
            cases.push((statement.plain(), statement.expected, statement.ordered));
        }
        for spellings in [temporal::aggregate(&world, &mut seed), temporal::join(&world, &mut seed)] {
            let outer = format!("SELECT * FROM ({}) WHERE _valid_from IS NOT NULL", spellings.texts[0]);
            let text =
                if spellings.texts[0].contains("'system'") { spellings.texts[0].clone() } else { outer };
            cases.push((text, spellings.expected, false));
        }
        let rules = world.engine.rules();
        assert!(rules.len() > 20 && rules.iter().any(|rule| rule == NEEDED), "{rules:?}");
        for rule in rules {
            if rule == NEEDED {
                continue;
            }
            let engine = world.engine.without(&rule);
            for (text, expected, ordered) in &cases {
                let answer = ask(&engine, &SqlRequest::new(text)).await.map(|(rows, _)| rows);
                faults.compare(number, &format!("without {rule}: {text}"), answer, expected, *ordered);
            }
        }
    }
    faults.check(400);
}
