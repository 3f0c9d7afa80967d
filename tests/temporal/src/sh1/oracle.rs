//! The answers, found naively: of the events about an entity, the last one known that covers the day wins.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use sha2::{Digest as _, Sha256};

use super::generator::{Event, PUBLICATIONS, hexadecimal};
use super::questions::QUESTIONS;
use super::table::Table;

/// The day that most questions are about.
const DAY: i64 = 166;
/// The days of the questions about a window.
const WINDOW: Range<i64> = 150..210;
const NOW: i64 = PUBLICATIONS - 1;

/// A row of an answer.
pub type Row = Vec<Option<i64>>;
/// An answer: rows in the order that the question asks for.
pub type Answer = Vec<Row>;

/// The answers to the twelve questions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answers(BTreeMap<&'static str, Answer>);

impl Answers {
    /// The answer to a question, by its name; `None` where there is no such question.
    pub fn of(&self, question: &str) -> Option<&Answer> {
        self.0.get(question)
    }

    /// The SHA-256, hexadecimal, of the answers as compact JSON: an object with `Q1` to `Q12` in order, each a list of
    /// rows, each a list of whole numbers and nulls.
    pub fn sha256(&self) -> String {
        let answers = QUESTIONS.iter().filter_map(|question| Some((question.name, self.of(question.name)?)));
        let members: Vec<String> =
            answers.map(|(name, answer)| format!(r#""{name}":{}"#, serde_json::json!(answer))).collect();
        hexadecimal(&Sha256::digest(format!("{{{}}}", members.join(","))))
    }
}

/// Answers the twelve questions about a stream of events.
pub fn answers(events: &[Event]) -> Answers {
    let world = World::of(events);
    Answers(BTreeMap::from([
        ("Q1", world.contract_1(NOW).into_iter().map(some).collect()),
        ("Q2", world.contract_1(12).into_iter().map(some).collect()),
        ("Q3", world.costs_of_contract_1()),
        ("Q4", world.changed()),
        ("Q5", world.history_of_contract_1()),
        ("Q6", world.grades_by_publication()),
        ("Q7", world.grades()),
        ("Q8", world.suppliers()),
        ("Q9", world.regions()),
        ("Q10", world.margins()),
        ("Q11", world.grades_by_day()),
        ("Q12", world.gone()),
    ]))
}

/// Values of an entity, named.
#[derive(Clone, Copy)]
struct Contract {
    pid: i64,
    sid: i64,
    cost: i64,
    qty: i64,
    grade: i64,
}

/// The events by entity, in the order of publication.
struct World<'a>(BTreeMap<Table, BTreeMap<i64, Vec<&'a Event>>>);

impl<'a> World<'a> {
    fn of(events: &'a [Event]) -> Self {
        let mut tables: BTreeMap<Table, BTreeMap<i64, Vec<&Event>>> = BTreeMap::new();
        for event in events {
            tables.entry(event.table).or_default().entry(event.id).or_default().push(event);
        }
        Self(tables)
    }

    /// The state of a table on a day, as a publication knew it.
    fn state(&self, table: Table, known: i64, day: i64) -> impl Iterator<Item = (i64, &'a [i64])> {
        self.0.get(&table).into_iter().flatten().filter_map(move |(&id, events)| {
            let covers =
                |event: &&&Event| event.publication <= known && (event.from..event.to).contains(&day);
            let winner = events.iter().rev().find(covers)?;
            Some((id, winner.values.as_deref()?))
        })
    }

    fn contracts(&self, known: i64, day: i64) -> impl Iterator<Item = (i64, Contract)> {
        self.state(Table::Contracts, known, day).filter_map(|(id, values)| match *values {
            [pid, sid, cost, qty, grade] => Some((id, Contract { pid, sid, cost, qty, grade })),
            _ => None,
        })
    }

    /// The first column and the second of products or suppliers, by id.
    fn pairs(&self, table: Table, day: i64) -> BTreeMap<i64, (i64, i64)> {
        let pair = |(id, values): (i64, &[i64])| match *values {
            [first, second] => Some((id, (first, second))),
            _ => None,
        };
        self.state(table, NOW, day).filter_map(pair).collect()
    }

    fn contract_1_on(&self, known: i64, day: i64) -> Option<Contract> {
        self.contracts(known, day).find_map(|(id, contract)| (id == 1).then_some(contract))
    }

    fn contract_1(&self, known: i64) -> Option<[i64; 5]> {
        let Contract { pid, sid, cost, qty, grade } = self.contract_1_on(known, DAY)?;
        Some([pid, sid, cost, qty, grade])
    }

    fn costs_of_contract_1(&self) -> Answer {
        let costs: BTreeSet<i64> =
            WINDOW.filter_map(|day| Some(self.contract_1_on(NOW, day)?.cost)).collect();
        vec![vec![costs.first().copied(), costs.last().copied(), i64::try_from(costs.len()).ok()]]
    }

    fn changed(&self) -> Answer {
        let later: BTreeMap<i64, Contract> = self.contracts(NOW, DAY).collect();
        let is_changed = |(id, before): (i64, Contract)| {
            let after = later.get(&id)?;
            ((before.cost, before.qty) != (after.cost, after.qty)).then_some(some([id]))
        };
        self.contracts(12, DAY).filter_map(is_changed).collect()
    }

    fn history_of_contract_1(&self) -> Answer {
        let row = |known| {
            let values = self.contract_1(known).map_or([None; 5], |values| values.map(Some));
            [Some(known)].into_iter().chain(values).collect()
        };
        (0..PUBLICATIONS).map(row).collect()
    }

    fn grades_by_publication(&self) -> Answer {
        let mut groups: BTreeMap<[i64; 2], [i64; 2]> = BTreeMap::new();
        for known in 0..PUBLICATIONS {
            for (_, contract) in self.contracts(known, DAY) {
                let [contracts, quantity] = groups.entry([known, contract.grade]).or_default();
                *contracts += 1;
                *quantity += contract.qty;
            }
        }
        rows(groups)
    }

    fn grades(&self) -> Answer {
        let mut groups: BTreeMap<[i64; 1], [i64; 3]> = BTreeMap::new();
        for (_, contract) in self.contracts(NOW, DAY) {
            let [contracts, quantity, amount] = groups.entry([contract.grade]).or_default();
            *contracts += 1;
            *quantity += contract.qty;
            *amount += contract.cost * contract.qty;
        }
        rows(groups)
    }

    fn suppliers(&self) -> Answer {
        let mut groups: BTreeMap<[i64; 2], [i64; 3]> = BTreeMap::new();
        for (_, contract) in self.contracts(12, DAY) {
            let [contracts, least, greatest] =
                groups.entry([contract.sid, contract.grade]).or_insert([0, i64::MAX, i64::MIN]);
            *contracts += 1;
            *least = contract.cost.min(*least);
            *greatest = contract.cost.max(*greatest);
        }
        rows(groups)
    }

    fn regions(&self) -> Answer {
        let suppliers = self.pairs(Table::Suppliers, DAY);
        let mut groups: BTreeMap<[i64; 2], [i64; 1]> = BTreeMap::new();
        for (_, contract) in self.contracts(NOW, DAY) {
            if let Some((region, _)) = suppliers.get(&contract.sid) {
                let [amount] = groups.entry([*region, contract.grade]).or_default();
                *amount += contract.cost * contract.qty;
            }
        }
        rows(groups)
    }

    fn margins(&self) -> Answer {
        let mut groups: BTreeMap<i64, (BTreeSet<i64>, BTreeSet<i64>)> = BTreeMap::new();
        for day in WINDOW {
            let products = self.pairs(Table::Products, day);
            for (id, contract) in self.contracts(NOW, day) {
                if let Some((category, retail)) = products.get(&contract.pid) {
                    let (contracts, margins) = groups.entry(*category).or_default();
                    contracts.insert(id);
                    margins.insert(retail - contract.cost);
                }
            }
        }
        let row = |(category, (contracts, margins)): (i64, (BTreeSet<i64>, BTreeSet<i64>))| {
            let contracts = i64::try_from(contracts.len()).ok();
            vec![Some(category), contracts, margins.first().copied(), margins.last().copied()]
        };
        groups.into_iter().map(row).collect()
    }

    fn grades_by_day(&self) -> Answer {
        let mut groups: BTreeMap<[i64; 2], [i64; 2]> = BTreeMap::new();
        for day in WINDOW {
            for (_, contract) in self.contracts(NOW, day) {
                let [contracts, amount] = groups.entry([day, contract.grade]).or_default();
                *contracts += 1;
                *amount += contract.cost * contract.qty;
            }
        }
        rows(groups)
    }

    fn gone(&self) -> Answer {
        let later: BTreeMap<i64, Contract> = self.contracts(18, DAY).collect();
        let mut groups: BTreeMap<[i64; 1], [i64; 2]> = BTreeMap::new();
        for (id, contract) in self.contracts(12, DAY) {
            if !later.contains_key(&id) {
                let [contracts, amount] = groups.entry([contract.grade]).or_default();
                *contracts += 1;
                *amount += contract.cost * contract.qty;
            }
        }
        rows(groups)
    }
}

fn some<const N: usize>(values: [i64; N]) -> Row {
    values.map(Some).to_vec()
}

/// Groups as rows: the key's values, then the group's.
fn rows<const K: usize, const V: usize>(groups: BTreeMap<[i64; K], [i64; V]>) -> Answer {
    groups.into_iter().map(|(key, values)| key.into_iter().chain(values).map(Some).collect()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sh1::{Tier, events};

    #[test]
    fn the_answers_of_the_development_tier_are_those_of_a_second_oracle() {
        assert_eq!(answers(&events(Tier::Dev)).sha256(), Tier::Dev.answers_sha256());
    }

    #[test]
    fn every_question_is_answered_and_with_rows_of_its_columns() {
        let answers = answers(&events(Tier::Dev));
        for question in QUESTIONS {
            let answer = answers.of(question.name).unwrap();
            assert!(!answer.is_empty(), "{}", question.name);
            assert!(answer.iter().all(|row| row.len() == question.columns.len()), "{}", question.name);
        }
    }
}
