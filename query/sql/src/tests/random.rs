//! Statements by lot against the oracle: every temporal form over random histories, worked out by an obvious
//! evaluator; and the same statements in other spellings, which must have the same answer.

mod aggregate;
mod logic;
mod many;
mod predicate;
mod relation;
mod shape;
mod sources;
mod statement;
mod temporal;
mod value;
mod world;
mod wrappers;

use std::collections::BTreeSet;
use std::fmt::Write;

use calotype_oracle::Seed;

use self::shape::Shape;
use self::statement::Statement;
use self::value::{Row, lines, rows};
use self::world::World;
use crate::{SqlEngine, SqlError, SqlRequest, StatementClaim};

const SHAPES: [Shape; 3] = [Shape::Number, Shape::Text, Shape::Composite];

/// Histories of each kind of context.
const HISTORIES: u64 = 12;
/// Statements of plain forms over each history, and of each temporal operator.
const STATEMENTS: u32 = 40;
const OPERATORS: u32 = 8;

/// A store by lot: every second one of statements, the others of facts.
async fn world(number: u64) -> World {
    let shape = SHAPES[usize::try_from(number % 3).unwrap()];
    if number % 2 == 0 {
        World::statements(Seed::new(number), shape).await
    } else {
        World::events(Seed::new(number), shape).await
    }
}

/// The context, instants and system times that an answer rests on.
type Points = BTreeSet<(String, String, String)>;

fn points(claim: &StatementClaim) -> Points {
    let point =
        |read: &calotype_query::Claim| (read.context.clone(), read.valid_at.clone(), read.known_at.clone());
    claim.reads.iter().map(point).collect()
}

async fn ask(engine: &SqlEngine, request: &SqlRequest) -> Result<(Vec<Row>, Points), SqlError> {
    let answer = engine.query(request).await?;
    let points = points(answer.claim());
    let (batches, end) = answer.collect().await?;
    let rows = rows(&batches);
    assert_eq!(end.unwrap().rows, rows.len() as u64);
    Ok((rows, points))
}

/// What was answered otherwise than expected.
#[derive(Default)]
struct Faults {
    found: Vec<String>,
    asked: usize,
}

impl Faults {
    /// Compares an answer, as a list or as a bag.
    fn compare(
        &mut self,
        seed: u64,
        text: &str,
        answer: Result<Vec<Row>, SqlError>,
        expected: &[Row],
        ordered: bool,
    ) {
        self.asked += 1;
        let found = match answer {
            Ok(found) => found,
            Err(error) => {
                self.found.push(format!("seed {seed}: {text}\nrefused: {error}"));
                return;
            }
        };
        let bag = |rows: &[Row]| {
            let mut rows = rows.to_vec();
            if !ordered {
                rows.sort();
            }
            rows
        };
        let (found, expected) = (bag(&found), bag(expected));
        if found != expected {
            let mut fault = format!("seed {seed}: {text}\n");
            write!(fault, "expected {} rows\n{}", expected.len(), lines(&expected)).unwrap();
            write!(fault, "found {} rows\n{}", found.len(), lines(&found)).unwrap();
            self.found.push(fault);
        }
    }

    /// Fails if there are any, or if less was asked than was meant to be.
    fn check(&self, asked_min: usize) {
        let shortest: Vec<&String> = {
            let mut found: Vec<&String> = self.found.iter().collect();
            found.sort_by_key(|fault| fault.len());
            found.into_iter().take(6).collect()
        };
        let count = self.found.len();
        let text: Vec<&str> = shortest.iter().map(|fault| fault.as_str()).collect();
        assert!(
            count == 0,
            "{count} of {} answers are wrong, the shortest:\n{}",
            self.asked,
            text.join("\n")
        );
        assert!(self.asked >= asked_min, "{} statements were asked", self.asked);
    }
}

#[tokio::test]
async fn statements_answer_as_the_oracle() {
    let mut faults = Faults::default();
    let mut with_rows = 0;
    for number in 0..2 * HISTORIES {
        let world = world(number).await;
        let mut seed = Seed::new(1_000 + number);
        for _ in 0..STATEMENTS {
            let relation = sources::any_form(&world, &mut seed);
            let statement = Statement::random(&mut seed, relation);
            with_rows += usize::from(!statement.expected.is_empty());
            let text = statement.plain();
            let answer = ask(&world.engine, &SqlRequest::new(&text)).await.map(|(rows, _)| rows);
            faults.compare(number, &text, answer, &statement.expected, statement.ordered);
        }
    }
    faults.check(900);
    assert!(with_rows > 400, "{with_rows} answers have rows");
}

#[tokio::test]
async fn temporal_operators_answer_as_the_oracle_however_rows_come() {
    let mut faults = Faults::default();
    let mut with_rows = 0;
    for number in 0..2 * HISTORIES {
        let world = world(number).await;
        let mut seed = Seed::new(2_000 + number);
        for place in 0..2 * OPERATORS {
            let spellings = if place % 2 == 0 {
                temporal::aggregate(&world, &mut seed)
            } else {
                temporal::join(&world, &mut seed)
            };
            with_rows += usize::from(!spellings.expected.is_empty());
            for text in &spellings.texts {
                let answer = ask(&world.engine, &SqlRequest::new(text)).await.map(|(rows, _)| rows);
                faults.compare(number, text, answer, &spellings.expected, false);
            }
        }
    }
    faults.check(900);
    assert!(with_rows > 200, "{with_rows} answers have rows");
}
