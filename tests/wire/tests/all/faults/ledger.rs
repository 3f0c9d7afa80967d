//! What is sent, each under a request id of its own, and what was answered; and whether the log agrees.

use std::collections::BTreeMap;

use calotype_client::{AsOfQuestion, LogEntry, Point, RecordsQuestion};
use calotype_oracle::{Key, Operation, StatementOracle};
use calotype_wire::doors::{Asking, CONTEXT, Committed, Doors, Putting, told};
use calotype_wire::failure::Failure;
use futures::TryStreamExt;
use tonic::Code;

/// What became of an operation.
#[derive(Clone, Debug)]
enum Fate {
    /// Not sent, or nobody knows.
    Open,
    Done(Committed),
    /// A withdrawal of what is not known.
    Refused,
}

/// Operations in order, and what became of them.
pub(super) struct Ledger {
    operations: Vec<(Operation<Key, u32>, Fate)>,
    doors: Vec<Putting>,
    sent: usize,
}

impl Ledger {
    pub(super) fn new(operations: Vec<Operation<Key, u32>>) -> Self {
        let operations = operations.into_iter().map(|operation| (operation, Fate::Open)).collect();
        Self { operations, doors: Putting::ALL.to_vec(), sent: 0 }
    }

    /// Sends nothing through a door.
    pub(super) fn without(mut self, door: Putting) -> Self {
        self.doors.retain(|other| *other != door);
        self
    }

    fn rest(&self) -> Vec<usize> {
        let open = |(_, (_, fate)): &(usize, &(_, Fate))| matches!(fate, Fate::Open);
        self.operations.iter().enumerate().filter(open).map(|(place, _)| place).collect()
    }

    pub(super) fn has_rest(&self) -> bool {
        !self.rest().is_empty()
    }

    /// The newest system time of a receipt.
    pub(super) fn newest(&self) -> i64 {
        let times = self.operations.iter().filter_map(|(_, fate)| match fate {
            Fate::Done(committed) => Some(committed.system_time),
            Fate::Open | Fate::Refused => None,
        });
        times.max().unwrap_or_default()
    }

    /// Sends the first operation that has no answer.
    pub(super) async fn send_one(&mut self, doors: &Doors) -> Result<(), Failure> {
        let place = self.rest()[0];
        self.send(doors, place).await
    }

    /// Sends whatever has no answer, each once; the failures.
    pub(super) async fn send_all(&mut self, doors: &Doors) -> Vec<Failure> {
        let mut failures = Vec::new();
        for place in self.rest() {
            failures.extend(self.send(doors, place).await.err());
        }
        failures
    }

    /// Sends whatever has no answer, to a server that answers.
    pub(super) async fn send_rest(&mut self, doors: &Doors) {
        let failures = self.send_all(doors).await;
        assert!(failures.is_empty(), "{failures:?}");
    }

    async fn send(&mut self, doors: &Doors, place: usize) -> Result<(), Failure> {
        let door = self.doors[self.sent % self.doors.len()];
        self.sent += 1;
        let (operation, fate) = &mut self.operations[place];
        match doors.apply(door, operation, Some(&format!("op-{place}"))).await {
            Ok(committed) => *fate = Fate::Done(committed),
            Err(failure)
                if failure.code == Code::NotFound && matches!(operation, Operation::Withdraw { .. }) =>
            {
                *fate = Fate::Refused;
            }
            Err(failure) => return Err(failure),
        }
        Ok(())
    }

    /// Makes a server see what was acknowledged, perhaps by another.
    async fn see(&self, doors: &Doors) {
        let commits = self.operations.iter().filter_map(|(_, fate)| match fate {
            Fate::Done(committed) => Some(committed.commit),
            Fate::Open | Fate::Refused => None,
        });
        let question =
            AsOfQuestion { at_least: commits.max(), ..AsOfQuestion::new(CONTEXT, Point::default()) };
        told(doors.client.as_of(&question).await.unwrap()).await.unwrap();
    }

    /// The log holds each acknowledged operation once, others at most once; the states are the oracle's.
    pub(super) async fn check(&mut self, doors: &Doors) {
        self.see(doors).await;
        let entries = entries(doors).await;
        let mut oracle = StatementOracle::new();
        let mut known = Vec::new();
        let mut found = BTreeMap::new();
        for entry in &entries {
            let id = entry.request_id.as_deref().unwrap();
            let place: usize = id.strip_prefix("op-").unwrap().parse().unwrap();
            assert!(found.insert(place, entry).is_none(), "{id} was committed twice");
            let at = entry.system_time.micros();
            oracle.apply(at, self.operations[place].0.clone()).unwrap();
            known.push(at);
        }
        for (place, (operation, fate)) in self.operations.iter().enumerate() {
            match fate {
                Fate::Open => {}
                Fate::Refused => {
                    assert!(!found.contains_key(&place), "refused, but committed: {operation:?}");
                }
                Fate::Done(committed) => {
                    let entry = found.get(&place).unwrap_or_else(|| panic!("lost: {operation:?}"));
                    let told = (entry.commit, entry.entry, &entry.record_hash, entry.system_time.micros());
                    let Committed { commit, entry, record_hash, system_time, .. } = committed;
                    assert_eq!(told, (*commit, *entry, record_hash, *system_time), "{operation:?}");
                }
            }
        }
        for (turn, known_at) in known.into_iter().enumerate() {
            for valid_at in [9, 10, 20, 30, 40] {
                let expected = oracle.state(valid_at, known_at);
                let door = Asking::ALL[turn % 3];
                let (found, _) = doors.state(door, valid_at, known_at).await.unwrap();
                assert_eq!(found, expected, "at {valid_at} known {known_at} by {door:?}");
            }
        }
    }

    /// Everything was answered.
    pub(super) fn check_whole(&self) {
        assert!(!self.has_rest(), "without an answer: {:?}", self.rest());
    }

    /// Whatever is sent again is answered with the first receipt.
    pub(super) async fn check_replays(&self, doors: &Doors) {
        for (place, (operation, fate)) in self.operations.iter().enumerate() {
            let Fate::Done(committed) = fate else { continue };
            let id = format!("op-{place}");
            let again = doors.apply(Putting::turn(place), operation, Some(&id)).await.unwrap();
            assert!(again.replayed, "{operation:?}");
            assert_eq!(again.first(), committed.first(), "{operation:?}");
        }
    }
}

/// What was committed to the context under a request id.
async fn entries(doors: &Doors) -> Vec<LogEntry> {
    let question = RecordsQuestion { context: Some(CONTEXT.into()), ..RecordsQuestion::default() };
    let records: Vec<_> = doors.client.records(&question).try_collect().await.unwrap();
    let entries = records.into_iter().flat_map(|record| record.entries);
    entries.filter(|entry| entry.request_id.is_some()).collect()
}
