//! A world to test in: a machine with a disk, a clock, one database at a time, and a
//! journal of what was sent and what was answered.

use std::path::PathBuf;
use std::sync::Arc;

use calotype_simulation::{SimStore, Survivors};
use calotype_storage::SystemTime;
use calotype_storage::backend::Backend;
use calotype_storage::commit::Receipt;
use calotype_storage::database::{Access, Database, OpenOptions, StateFolder};
use calotype_storage::error::Error;
use calotype_storage::evaluate::Proposal;
use futures::executor::block_on;
use futures::future::join_all;

use crate::harness::{START, TestClock, TestEntropy};
use crate::script::{Action, Script, Step};
use crate::simulated::{bucket, disk};

/// Something that was sent, and what came of it.
#[derive(Clone, Debug)]
pub struct Sent {
    /// What.
    pub action: Action,
    /// As it went out: a repetition is the same.
    pub proposal: Proposal,
    /// What is known of it.
    pub outcome: Outcome,
}

/// What is known of something sent.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// It was acknowledged, with the n-th answers of this world.
    Acknowledged(Receipt, u64),
    /// It was refused: it is not there.
    Refused(Error),
    /// There was an error or no answer: it is there or not.
    Unknown(Option<Error>),
}

/// How the store of a world is reached.
#[derive(Clone, Debug)]
pub enum Place {
    /// The simulated store as a local disk.
    Disk,
    /// The simulated store beyond a network.
    Bucket,
    /// A real folder; the simulated store is not used.
    Folder(PathBuf),
}

/// A machine and what happened to it. Clones share the machine.
#[derive(Clone, Debug)]
pub struct World {
    /// The disk.
    pub store: SimStore,
    /// The clock.
    pub clock: Arc<TestClock>,
    /// Everything sent so far.
    pub journal: Vec<Sent>,
    /// The next step of the script.
    pub position: usize,
    /// How the store is reached.
    pub place: Place,
    /// Whether opening is tried once more when it failed.
    pub is_patient: bool,
    /// How far the clock may lie behind the log, microseconds.
    pub clock_behind_max_micros: i64,
    /// Where the index is kept.
    pub state: StateFolder,
    /// How many processes were started: each draws nonces of its own.
    pub processes: u64,
    answers: u64,
}

impl Default for World {
    fn default() -> Self {
        Self::new(SimStore::new())
    }
}

impl World {
    /// A world around a disk.
    pub fn new(store: SimStore) -> Self {
        Self {
            store,
            clock: TestClock::new(START),
            journal: Vec::new(),
            position: 0,
            place: Place::Disk,
            is_patient: false,
            clock_behind_max_micros: 5_000_000,
            state: StateFolder::Memory,
            processes: 0,
            answers: 0,
        }
    }

    /// The same world after a crash, with what survives.
    #[must_use]
    pub fn restarted(&self, survivors: Survivors) -> Self {
        let clock = TestClock::new(self.clock.micros());
        Self { store: self.store.restart(survivors), clock, ..self.clone() }
    }

    /// Starts a process: its nonces are its own.
    ///
    /// # Errors
    /// As the database answers.
    pub fn open(&mut self) -> Result<Database, Error> {
        self.open_for(Access::Create)
    }

    /// The same with other access.
    ///
    /// # Errors
    /// As the database answers.
    pub fn open_for(&mut self, access: Access) -> Result<Database, Error> {
        self.processes += 1;
        let options = OpenOptions {
            clock: Arc::clone(&self.clock) as _,
            entropy: TestEntropy::new(self.processes << 32),
            clock_behind_max_micros: self.clock_behind_max_micros,
            ..OpenOptions::new(access, self.state.clone())
        };
        let backend = match &self.place {
            Place::Disk => disk(&self.store),
            Place::Bucket => bucket(&self.store),
            Place::Folder(folder) => Backend::local(folder, access == Access::Create)?,
        };
        block_on(Database::open(backend, options))
    }

    /// Runs a script from where it stands until it ends or the machine dies. The database, if one is open.
    pub fn run(&mut self, script: &Script) -> Option<Database> {
        let mut database = self.open_again()?;
        while let Some(step) = script.steps.get(self.position) {
            self.position += 1;
            match step {
                Step::Send(actions) => self.send(&database, actions),
                Step::Reopen => {
                    drop(database);
                    database = self.open_again()?;
                }
            }
            if self.store.is_crashed() {
                return None;
            }
        }
        Some(database)
    }

    fn open_again(&mut self) -> Option<Database> {
        match self.open() {
            Err(_) if self.is_patient => self.open().ok(),
            opened => opened.ok(),
        }
    }

    /// Sends actions at once and waits for all answers.
    pub fn send(&mut self, database: &Database, actions: &[Action]) {
        let places: Vec<usize> = actions.iter().map(|action| self.prepare(database, action)).collect();
        self.send_again(database, &places);
    }

    /// Notes down an action that is about to be sent; its place in the journal.
    pub fn prepare(&mut self, database: &Database, action: &Action) -> usize {
        let known = database.context(&action.context_name());
        let known = known.ok().and_then(|context| context.newest_system_time());
        let key = format!("op-{}", self.journal.len());
        let proposal = action.proposal(&key, known.unwrap_or(SystemTime::FIRST));
        self.journal.push(Sent { action: action.clone(), proposal, outcome: Outcome::Unknown(None) });
        self.journal.len() - 1
    }

    /// Sends what was noted down or sent before, as it was.
    pub fn send_again(&mut self, database: &Database, places: &[usize]) {
        let each: Vec<_> = places.iter().map(|place| (database, *place)).collect();
        self.send_each(&each);
    }

    /// The same, each to a database of its own, all at once.
    pub fn send_each(&mut self, each: &[(&Database, usize)]) {
        let commits = each.iter().map(|(database, place)| {
            let proposal = self.journal[*place].proposal.clone();
            database.commit(proposal)
        });
        let answers = block_on(join_all(commits));
        let places: Vec<usize> = each.iter().map(|(_, place)| *place).collect();
        self.note(&places, answers);
    }

    /// Notes answers down that came together.
    pub fn note(&mut self, places: &[usize], answers: Vec<Result<Receipt, Error>>) {
        self.answers += 1;
        for (place, answer) in places.iter().zip(answers) {
            self.journal[*place].outcome = match answer {
                Ok(receipt) => Outcome::Acknowledged(receipt, self.answers),
                Err(error @ (Error::Refused(_) | Error::ClockBehind { .. })) => Outcome::Refused(error),
                Err(error) => Outcome::Unknown(Some(error)),
            };
        }
    }

    /// Places in the journal of all that has no answer.
    pub fn unanswered(&self) -> Vec<usize> {
        let unanswered = |place: &usize| matches!(self.journal[*place].outcome, Outcome::Unknown(_));
        (0..self.journal.len()).filter(unanswered).collect()
    }
}
