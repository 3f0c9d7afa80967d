//! What must hold after any fault: acknowledged ⊆ recovered ⊆ sent, in order, and
//! the database equals the oracle over what was recovered, at every point.

use std::collections::{BTreeMap, BTreeSet};

use calotype_oracle::{FactOracle, Key, StatementOracle};
use calotype_simulation::Survivors;
use calotype_storage::database::Database;
use calotype_storage::identity::EntryId;
use calotype_storage::verify::{Level, verify};
use futures::executor::block_on;

use crate::oracle_rows::answer;
use crate::script::{Act, Action, Script};
use crate::world::{Outcome, Sent, World};

/// What is wrong, in words.
pub type Wrong = String;

/// Fails with a message unless something holds.
#[macro_export]
macro_rules! ensure {
    ($holds:expr, $($message:tt)+) => {
        if !$holds {
            return Err(format!($($message)+));
        }
    };
}

/// The entries of the database that were sent, by their place in the journal.
type Recovered = BTreeMap<usize, (EntryId, i64)>;

/// Opens what a crash left, checks it, goes on to the end of the script, and checks again; then the power fails, and
/// whatever was acknowledged must survive.
///
/// # Errors
/// What is wrong.
pub fn recover_and_go_on(world: &mut World, script: &Script) -> Result<(), Wrong> {
    recover(world, script)?;
    let mut world = world.restarted(Survivors::None);
    let database = world.open().map_err(|error| format!("after all: {error}"))?;
    check(&database, &world.journal).map_err(|wrong| format!("after all: {wrong}"))
}

/// The same without the end: for a disk that gave up on a sync, and whose machine did not die since.
///
/// # Errors
/// What is wrong.
pub fn recover(world: &mut World, script: &Script) -> Result<(), Wrong> {
    let database = world.open().map_err(|error| format!("reopening: {error}"))?;
    check(&database, &world.journal)?;
    let before = recovered(&database, &world.journal)?;
    let unanswered = world.unanswered();
    world.send_again(&database, &unanswered);
    for place in &unanswered {
        match (&world.journal[*place].outcome, before.get(place)) {
            (Outcome::Acknowledged(receipt, _), found) => {
                let was_there = found.is_some_and(|(id, _)| *id == receipt.id);
                ensure!(
                    receipt.replayed == found.is_some() && was_there == found.is_some(),
                    "op-{place} was sent again: {receipt:?}, found before: {found:?}"
                );
            }
            (Outcome::Refused(_), None) => {}
            (outcome, found) => {
                return Err(format!("op-{place} sent again: {outcome:?}, found: {found:?}"));
            }
        }
    }
    drop(database);
    let database = world.run(script).ok_or("the script did not end")?;
    ensure!(world.unanswered().is_empty(), "no answer: {:?}", world.unanswered());
    check(&database, &world.journal)?;
    replays(world, &database)
}

/// Everything acknowledged is answered with the same receipt when it is sent again.
fn replays(world: &World, database: &Database) -> Result<(), Wrong> {
    for (place, sent) in world.journal.iter().enumerate() {
        let Outcome::Acknowledged(receipt, _) = &sent.outcome else {
            continue;
        };
        let again = block_on(database.commit(sent.proposal.clone()));
        let again = again.map_err(|error| format!("op-{place} again: {error}"))?;
        ensure!(again.replayed, "op-{place} was committed twice");
        ensure!(
            again.id == receipt.id && again.record_hash == receipt.record_hash,
            "op-{place} was {receipt:?}, is {again:?}"
        );
    }
    Ok(())
}

/// Checks a database against the journal of what was sent to it.
///
/// # Errors
/// What is wrong.
pub fn check(database: &Database, journal: &[Sent]) -> Result<(), Wrong> {
    let recovered = recovered(database, journal)?;
    acknowledged_is_recovered(database, journal, &recovered)?;
    answers_equal_the_oracle(database, journal, &recovered)?;
    verifies(database)
}

/// Verification at the highest level finds nothing.
///
/// # Errors
/// What it finds.
pub fn verifies(database: &Database) -> Result<(), Wrong> {
    let report = block_on(verify(database, Level::Content, &mut |_, _, _| {}));
    let report = report.map_err(|error| format!("verify: {error}"))?;
    ensure!(report.findings.is_empty(), "verify finds {:?}", report.findings);
    Ok(())
}

fn recovered(database: &Database, journal: &[Sent]) -> Result<Recovered, Wrong> {
    let mut recovered = Recovered::new();
    let names = database.contexts().map_err(|error| error.to_string())?;
    for name in names {
        let context = database.context(&name).map_err(|error| error.to_string())?;
        for entry in context.entries() {
            let Some(key) = &entry.entry.idempotency_key else {
                ensure!(entry.kind() == "materialise", "entry {} is of nobody", entry.id);
                continue;
            };
            let place = key.as_str().strip_prefix("op-").and_then(|n| n.parse::<usize>().ok());
            let place = place
                .filter(|place| journal.get(*place).is_some_and(|s| s.action.context == name.as_str()))
                .ok_or_else(|| format!("{key} was never sent to {name}"))?;
            let found = (entry.id, entry.system_time().micros());
            let twice = recovered.insert(place, found);
            ensure!(twice.is_none(), "op-{place} is there twice: {twice:?}, {found:?}");
        }
    }
    Ok(recovered)
}

fn acknowledged_is_recovered(
    database: &Database,
    journal: &[Sent],
    recovered: &Recovered,
) -> Result<(), Wrong> {
    let mut in_order = Vec::new();
    for (place, sent) in journal.iter().enumerate() {
        let found = recovered.get(&place);
        match &sent.outcome {
            Outcome::Acknowledged(receipt, number) => {
                let expected = (receipt.id, receipt.system_time.micros());
                ensure!(
                    found == Some(&expected),
                    "op-{place} was acknowledged as {expected:?}, found {found:?}"
                );
                let hash = database.index().record_hash(receipt.id.record);
                ensure!(
                    matches!(hash, Ok(Some(hash)) if hash == receipt.record_hash),
                    "op-{place} was acknowledged in {}, the record is now {hash:?}",
                    receipt.record_hash
                );
                if !receipt.replayed {
                    in_order.push((*number, receipt.id.record));
                }
            }
            Outcome::Refused(error) => {
                ensure!(found.is_none(), "op-{place} was refused ({error}) and is there");
            }
            Outcome::Unknown(_) => {}
        }
    }
    in_order.sort_unstable();
    ensure!(
        in_order.is_sorted_by_key(|(_, record)| *record),
        "answers came in another order than records: {in_order:?}"
    );
    Ok(())
}

/// The statements and facts of one context, as far as they were recovered.
struct Oracle {
    statements: StatementOracle<Key, u32>,
    facts: FactOracle<Key, u32>,
    is_events: bool,
    /// Instants at which something may change.
    instants: BTreeSet<i64>,
    known: BTreeSet<i64>,
}

impl Oracle {
    fn over<'a>(recovered: impl Iterator<Item = (i64, &'a Action)>) -> Result<Self, Wrong> {
        let mut oracle = Self {
            statements: StatementOracle::new(),
            facts: FactOracle::new(),
            is_events: false,
            instants: BTreeSet::new(),
            known: BTreeSet::new(),
        };
        let mut ordered: Vec<_> = recovered.collect();
        ordered.sort_by_key(|(system, _)| *system);
        for (entry, (system, action)) in (0..).zip(ordered) {
            oracle.known.extend([system - 1, system]);
            match &action.act {
                Act::State(operation) => {
                    oracle.instants.extend([operation.cutoff() - 1, operation.cutoff()]);
                    let applied = oracle.statements.apply(system, operation.clone());
                    ensure!(applied.is_ok(), "{operation:?} was taken: {applied:?}");
                }
                Act::Events(put) => {
                    oracle.is_events = true;
                    for row in &put.rows {
                        let ends = row.valid_to.into_iter().flat_map(|to| [to - 1, to]);
                        oracle.instants.extend([row.valid_from - 1, row.valid_from]);
                        oracle.instants.extend(ends);
                    }
                    let applied = oracle.facts.events_put(entry, system, put);
                    ensure!(applied.is_ok(), "{put:?} was taken: {applied:?}");
                }
                Act::Create { .. } | Act::Rename(..) | Act::GoLive | Act::Materialise(_) => {}
            }
        }
        Ok(oracle)
    }

    fn state(&self, valid: i64, known: i64) -> BTreeMap<Key, u32> {
        if self.is_events { self.facts.state(valid, known) } else { self.statements.state(valid, known) }
    }
}

fn answers_equal_the_oracle(
    database: &Database,
    journal: &[Sent],
    recovered: &Recovered,
) -> Result<(), Wrong> {
    let contexts: BTreeSet<&str> = recovered.keys().map(|place| journal[*place].action.context).collect();
    for context in contexts {
        let mine = recovered.iter().filter_map(|(place, (_, system))| {
            let action = &journal[*place].action;
            (action.context == context && action.is_data()).then_some((*system, action))
        });
        let name = mine.clone().next().map(|(_, action)| action.context_name());
        let Some(name) = name else { continue };
        let oracle = Oracle::over(mine)?;
        for &known in &oracle.known {
            for &valid in &oracle.instants {
                let (found, _) = answer(database, &name, valid, known)
                    .map_err(|error| format!("{context} at {valid} known {known}: {error}"))?;
                let expected = oracle.state(valid, known);
                ensure!(
                    found == expected,
                    "{context} at {valid} known {known} is {found:?}, expected {expected:?}"
                );
            }
        }
    }
    Ok(())
}
