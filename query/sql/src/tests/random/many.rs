//! Contexts of more rows than one row group has, so that keys, ranges and zones leave whole row groups out.

use calotype_oracle::Seed;

use super::predicate::Predicate;
use super::shape::Shape;
use super::statement::Statement;
use super::world::World;
use super::{Faults, ask, logic, sources};
use crate::SqlRequest;

/// Rows of the full.
const ROWS: u32 = 40_000;

async fn check(shape: Shape, number: u64) {
    let world = World::many(shape, ROWS).await;
    let mut faults = Faults::default();
    let mut seed = Seed::new(number);
    let mut relations = vec![];
    for _ in 0..3 {
        relations.push(sources::point(&world, &mut seed));
        relations.push(sources::context(&world, &mut seed));
    }
    let mut narrowed = 0;
    for relation in &relations {
        for _ in 0..16 {
            let statement = Statement::random(&mut seed, relation.clone());
            let text = statement.plain();
            let answer = ask(&world.engine, &SqlRequest::new(&text)).await.map(|(rows, _)| rows);
            faults.compare(number, &text, answer, &statement.expected, statement.ordered);
            let plan = world.engine.explain(&SqlRequest::new(&text)).await.unwrap();
            narrowed += usize::from(!plan.contains("keys=all") || plan.contains("zones of"));
        }
        let mut predicate = || Predicate::random(&mut seed, &relation.columns, &relation.rows, 1);
        let (p, q) = (predicate(), predicate());
        logic::check_predicates(&world.engine, number, relation, (&p, &q), &mut faults).await;
    }
    faults.check(100);
    assert!(narrowed > 15, "{narrowed} statements are narrowed");
}

#[tokio::test]
async fn narrowed_readings_of_many_rows_lose_none() {
    check(Shape::Many, 400).await;
}

#[tokio::test]
async fn narrowed_readings_of_many_composite_keys_lose_none() {
    check(Shape::ManyComposite, 401).await;
}
