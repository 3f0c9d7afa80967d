//! The same query in other wrappings has the same answer, over the same instants.

use std::collections::BTreeMap;

use calotype_oracle::Seed;

use super::relation::Relation;
use super::statement::Statement;
use super::value::Value;
use super::{Faults, ask, sources, temporal, world};
use crate::{Parameters, SqlRequest};

/// A query in all wrappings that take any query.
fn wrapped(query: &str) -> Vec<SqlRequest> {
    let mut requests: Vec<SqlRequest> = [
        format!("WITH w AS ({query}) SELECT * FROM w"),
        format!("WITH w AS ({query}), v AS (SELECT * FROM w) SELECT * FROM v"),
        format!("CREATE TEMPORARY VIEW w AS {query}; SELECT * FROM w"),
        format!("SELECT * FROM ({query})"),
        format!("SELECT * FROM (SELECT * FROM ({query}) AS v) AS w WHERE true"),
        format!("({query}) UNION ALL (SELECT * FROM ({query}) AS w WHERE false)"),
        format!("{query};"),
        format!("/* why */ {query} -- nothing more"),
    ]
    .into_iter()
    .map(SqlRequest::new)
    .collect();
    let mut by_view = SqlRequest::new("SELECT * FROM w");
    by_view.views = BTreeMap::from([("w".to_owned(), query.to_owned())]);
    requests.push(by_view);
    requests
}

/// A statement with parameters in the places of constants, by place and by name.
fn with_parameters(statement: &Statement) -> [SqlRequest; 2] {
    let mut positional = Vec::new();
    let mut by_place = SqlRequest::new(statement.text(&mut |value: &Value| {
        positional.push(value.parameter());
        format!("${}", positional.len())
    }));
    let mut named = BTreeMap::new();
    let mut by_name = SqlRequest::new(statement.text(&mut |value: &Value| {
        let name = format!("p{}", named.len());
        named.insert(name.clone(), value.parameter());
        format!("${name}")
    }));
    by_place.parameters = Parameters { positional, ..Parameters::default() };
    by_name.parameters = Parameters { named, ..Parameters::default() };
    [by_place, by_name]
}

/// A statement whose instants are set before it.
fn with_settings(statement: &Statement) -> Vec<SqlRequest> {
    let Relation { bare: Some((settings, name)), .. } = &statement.relation else { return Vec::new() };
    let query = statement.text_from(name, &mut Value::literal);
    let mut apart = SqlRequest::new(&query);
    for set in settings.split("; ").filter(|set| !set.is_empty()) {
        let (name, value) = set.trim_start_matches("SET ").split_once(" = ").unwrap();
        apart.settings.insert(name.to_owned(), value.trim_matches('\'').to_owned());
    }
    vec![SqlRequest::new(format!("{settings}{query}")), apart]
}

#[tokio::test]
async fn wrappings_change_no_answer() {
    let mut faults = Faults::default();
    let mut settings = 0;
    for number in 300..316 {
        let world = world(number).await;
        let mut seed = Seed::new(number);
        for place in 0..8 {
            let (query, expected, ordered, more) = if place < 6 {
                let relation = sources::any_form(&world, &mut seed);
                let statement = Statement::random(&mut seed, relation);
                let mut more = with_settings(&statement);
                settings += more.len();
                more.extend(with_parameters(&statement));
                (statement.plain(), statement.expected, statement.ordered, more)
            } else {
                let operator = if place == 6 { temporal::aggregate } else { temporal::join };
                let spellings = operator(&world, &mut seed);
                (spellings.texts[0].clone(), spellings.expected, false, Vec::new())
            };
            let plan = world.engine.explain(&SqlRequest::new(&query)).await;
            assert!(
                plan.is_ok_and(|plan| plan.contains("ScanExec") || plan.contains("EmptyExec")),
                "{query}"
            );
            let explained = ask(&world.engine, &SqlRequest::new(format!("EXPLAIN {query}"))).await;
            let (_, explained) = explained.unwrap();
            let (rows, points) = match ask(&world.engine, &SqlRequest::new(&query)).await {
                Ok((rows, points)) => (Ok(rows), points),
                Err(error) => (Err(error), explained.clone()),
            };
            faults.compare(number, &query, rows, &expected, ordered);
            assert_eq!(explained, points, "what EXPLAIN claims of {query}");
            for (same, requests) in [(false, wrapped(&query)), (true, more)] {
                for request in requests {
                    let answer = ask(&world.engine, &request).await;
                    if let Ok((_, found)) = &answer
                        && *found != points
                    {
                        let text = &request.text;
                        faults.found.push(format!("seed {number}: {text}\nclaims {found:?}, not {points:?}"));
                    }
                    let text =
                        format!("{} with {:?} {:?}", request.text, request.parameters, request.settings);
                    faults.compare(number, &text, answer.map(|(rows, _)| rows), &expected, ordered && same);
                }
            }
        }
    }
    faults.check(1_200);
    assert!(settings > 20, "{settings} statements have settings");
}
