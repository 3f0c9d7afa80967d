//! Scripted histories: what is done to a database, step by step, in a form that can
//! be sent, sent again, and told to an oracle.

use calotype_oracle::{EventRow, EventsPut, Key, OpenEnd, Operation};
use calotype_storage::SystemTime;
use calotype_storage::evaluate::{AlterContext, CreateContext, Deed, Materialise, Proposal, Withdraw};
use calotype_storage::name::{ContextName, IdempotencyKey};
use calotype_storage::put::{OpenEnd as StoredEnd, Put, PutKind, PutOptions};
use calotype_storage::record::{CreateEntry, Mode};
use std::sync::Arc;

use crate::harness::START;
use crate::oracle_rows::{events_batch, statement_batch};
use crate::replay::valid;

/// A history with a name.
#[derive(Clone, Debug)]
pub struct Script {
    /// What it shows.
    pub name: &'static str,
    /// What is done.
    pub steps: Vec<Step>,
}

/// One step.
#[derive(Clone, Debug)]
pub enum Step {
    /// Things sent at once; they may share a record.
    Send(Vec<Action>),
    /// The database is closed and opened again, with a new index.
    Reopen,
}

/// One thing that is sent.
#[derive(Clone, Debug)]
pub struct Action {
    /// To which context.
    pub context: &'static str,
    /// What.
    pub act: Act,
    /// The label of the column of values.
    pub column: &'static str,
    /// When the source knew it, in seconds after the start of tests; for import.
    pub recorded_at: Option<i64>,
}

/// What is sent.
#[derive(Clone, Debug)]
pub enum Act {
    /// A context is created.
    Create {
        /// Its mode.
        mode: Mode,
        /// Whether it is open for import.
        import: bool,
    },
    /// A statement.
    State(Operation<Key, u32>),
    /// Facts.
    Events(EventsPut<Key, u32>),
    /// The column of values gets another label.
    Rename(&'static str, &'static str),
    /// Import ends.
    GoLive,
    /// A keyframe is made of what is known when it is sent.
    Materialise(i64),
}

impl Action {
    /// Something sent to a context.
    pub fn new(context: &'static str, act: Act) -> Self {
        Self { context, act, column: "v", recorded_at: None }
    }

    /// What the oracle would be told; `None` for what says nothing about the business.
    pub fn is_data(&self) -> bool {
        matches!(self.act, Act::State(_) | Act::Events(_))
    }

    /// The name of its context.
    pub fn context_name(&self) -> ContextName {
        name_of(self.context)
    }

    /// What the database is asked for, under an idempotency key. `known` is the newest that the context knows.
    ///
    /// # Panics
    /// If the key is not legal.
    pub fn proposal(&self, key: &str, known: SystemTime) -> Proposal {
        let at = |seconds: i64| SystemTime::from_micros(START + seconds * 1_000_000);
        let options = PutOptions {
            idempotency_key: Some(IdempotencyKey::parse(key).expect("a legal key")),
            recorded_at: self.recorded_at.and_then(at),
            ..PutOptions::default()
        };
        let deed = Deed { context: self.context_name(), options };
        match &self.act {
            Act::Create { mode, import } => Proposal::Create(CreateContext {
                deed,
                definition: CreateEntry {
                    mode: *mode,
                    key: vec!["k".into()],
                    import: *import,
                    max_retracted_ppm: None,
                    schema: None,
                },
            }),
            Act::Rename(from, to) => Proposal::Alter(AlterContext {
                deed,
                rename: Some(((*from).to_owned(), (*to).to_owned())),
                max_retracted_ppm: None,
            }),
            Act::GoLive => Proposal::GoLive(deed),
            Act::Materialise(at) => Proposal::Materialise(Materialise { deed, valid: valid(*at), known }),
            Act::State(Operation::Withdraw { cutoff }) => {
                Proposal::Withdraw(Withdraw { deed, cutoff: valid(*cutoff) })
            }
            Act::State(operation) => self.statement(operation, deed),
            Act::Events(events) => self.events(events, deed),
        }
    }

    fn statement(&self, operation: &Operation<Key, u32>, deed: Deed) -> Proposal {
        let batch = statement_batch(operation, self.column);
        let cutoff = valid(operation.cutoff());
        let is_full = matches!(operation, Operation::Full { .. } | Operation::ReplaceFull { .. });
        let options = PutOptions {
            replace: matches!(operation, Operation::ReplaceFull { .. } | Operation::ReplaceDelta { .. }),
            expected_rows: is_full.then_some(batch.num_rows() as u64),
            ..deed.options
        };
        Proposal::Put(Arc::new(Put {
            context: deed.context,
            kind: if is_full { PutKind::Full { cutoff } } else { PutKind::Delta { cutoff } },
            schema: batch.schema(),
            batches: vec![batch],
            options,
        }))
    }

    fn events(&self, events: &EventsPut<Key, u32>, deed: Deed) -> Proposal {
        let batch = events_batch(events, self.column);
        let valid_to = events.open_end.map(|end| match end {
            OpenEnd::Open => StoredEnd::Open,
            OpenEnd::UntilNext => StoredEnd::UntilNext,
        });
        Proposal::Put(Arc::new(Put {
            context: deed.context,
            kind: PutKind::Facts { valid_to },
            schema: batch.schema(),
            batches: vec![batch],
            options: deed.options,
        }))
    }
}

/// A context's name.
///
/// # Panics
/// If it is not a legal one.
pub fn name_of(context: &str) -> ContextName {
    ContextName::parse(context).expect("scripts use legal names")
}

/// Creates a context of statements.
pub fn create(context: &'static str) -> Action {
    let mode = Mode::State;
    Action::new(context, Act::Create { mode, import: false })
}

/// A full.
pub fn full(cutoff: i64, rows: &[(u32, u32)]) -> Action {
    let rows = rows.iter().map(|(key, value)| (Key(*key), *value));
    Action::new("state", Act::State(Operation::full(cutoff, rows)))
}

/// A delta; `None` retracts.
pub fn delta(cutoff: i64, rows: &[(u32, Option<u32>)]) -> Action {
    let rows = rows.iter().map(|(key, value)| (Key(*key), *value));
    Action::new("state", Act::State(Operation::delta(cutoff, rows)))
}

/// A delta in the place of all that was said at its cutoff.
pub fn replace(cutoff: i64, rows: &[(u32, Option<u32>)]) -> Action {
    let rows = rows.iter().map(|(key, value)| (Key(*key), *value));
    let rows = rows.collect();
    Action::new("state", Act::State(Operation::ReplaceDelta { cutoff, rows }))
}

/// A withdrawal.
pub fn withdraw(cutoff: i64) -> Action {
    Action::new("state", Act::State(Operation::withdraw(cutoff)))
}

/// Facts: key, from, to, value; missing ends are open until the next.
pub fn events(rows: &[(u32, i64, Option<i64>, Option<u32>)]) -> Action {
    let row = |(key, from, to, value): &(u32, i64, Option<i64>, Option<u32>)| EventRow {
        key: Key(*key),
        valid_from: *from,
        valid_to: *to,
        value: *value,
    };
    let put = EventsPut { rows: rows.iter().map(row).collect(), open_end: Some(OpenEnd::UntilNext) };
    Action::new("events", Act::Events(put))
}

/// A keyframe of the context of statements.
pub fn materialise(at: i64) -> Action {
    Action::new("state", Act::Materialise(at))
}
