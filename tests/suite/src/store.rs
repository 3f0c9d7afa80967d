//! A store in memory with one context, for tests that tell a story in a few lines.

use std::sync::Arc;

use arrow_array::RecordBatch;
use calotype_query::{
    Answer, AsOfRequest, Claim, DiffRequest, End, Form, HistoryRequest, Keys, LocalPolicy, Point, QueryError,
    diff, history, resolve,
};
use calotype_storage::SystemTime;
use calotype_storage::backend::Backend;
use calotype_storage::commit::Receipt;
use calotype_storage::context::Context;
use calotype_storage::database::{Database, OpenOptions};
use calotype_storage::error::Error;
use calotype_storage::evaluate::{AlterContext, CreateContext, Deed, Materialise, Withdraw};
use calotype_storage::name::ContextName;
use calotype_storage::put::{OpenEnd, Put, PutKind, PutOptions};
use calotype_storage::record::{CreateEntry, Mode};
use futures::executor::block_on;

use crate::harness::{START, TestClock, options};
use crate::replay::valid;
use crate::table::lines;

/// A store in memory, its clock, and the context that most tests use.
#[derive(Debug)]
pub struct Store {
    /// The clock, which moves at every reading.
    pub clock: Arc<TestClock>,
    /// Where the store lies.
    pub backend: Backend,
    /// The store.
    pub database: Database,
}

/// The name of the context that most tests use.
///
/// # Panics
/// Never: the name is legal.
pub fn name() -> ContextName {
    ContextName::parse("loans").expect("a legal name")
}

/// A system time.
///
/// # Panics
/// On the two reserved values.
pub fn known(micros: i64) -> SystemTime {
    SystemTime::from_micros(micros).expect("an ordinary instant")
}

/// A point on both axes, microseconds.
pub fn point(valid_at: i64, known_at: i64) -> Point {
    Point { valid_at: Some(valid(valid_at)), known_at: Some(known(known_at)) }
}

/// A valid time, as known now.
pub fn now(valid_at: i64) -> Point {
    Point { valid_at: Some(valid(valid_at)), known_at: None }
}

/// A definition of a context without columns.
pub fn definition(mode: Mode, key: &[&str]) -> CreateEntry {
    CreateEntry {
        mode,
        key: key.iter().map(ToString::to_string).collect(),
        import: false,
        max_retracted_ppm: None,
        schema: None,
    }
}

/// Options that announce rows.
pub fn expecting(rows: u64) -> PutOptions {
    PutOptions { expected_rows: Some(rows), ..PutOptions::default() }
}

/// Options that let a put evolve the schema.
pub fn evolving() -> PutOptions {
    PutOptions { evolve: true, ..PutOptions::default() }
}

impl Store {
    /// A store without a context.
    ///
    /// # Panics
    /// If it cannot be opened.
    pub fn empty() -> Self {
        Self::opened(|options| options)
    }

    /// A store without a context, opened with other options.
    ///
    /// # Panics
    /// If it cannot be opened.
    pub fn opened(change: impl FnOnce(OpenOptions) -> OpenOptions) -> Self {
        let clock = TestClock::new(START);
        let backend = Backend::memory();
        let database = Database::open(backend.clone(), change(options(&clock)));
        let database = block_on(database).expect("a store in memory opens");
        Self { clock, backend, database }
    }

    /// A store with a context of this key.
    ///
    /// # Panics
    /// If it cannot be created.
    pub fn new(mode: Mode, key: &[&str]) -> Self {
        let store = Self::empty();
        let created = store.create(definition(mode, key));
        created.expect("a context is created");
        store
    }

    /// Opens the same store again, with an index made anew.
    ///
    /// # Panics
    /// If it cannot be opened.
    pub fn reopen(&mut self) {
        let database = Database::open(self.backend.clone(), options(&self.clock));
        self.database = block_on(database).expect("the store opens again");
    }

    /// Creates the context.
    ///
    /// # Errors
    /// As the database answers.
    pub fn create(&self, definition: CreateEntry) -> Result<Receipt, Error> {
        let deed = deed(PutOptions::default());
        block_on(self.database.create_context(CreateContext { deed, definition }))
    }

    /// Alters the context.
    ///
    /// # Errors
    /// As the database answers.
    pub fn alter(&self, rename: Option<(&str, &str)>, ppm: Option<u32>) -> Result<Receipt, Error> {
        let alter = AlterContext {
            deed: deed(PutOptions::default()),
            rename: rename.map(|(from, to)| (from.to_owned(), to.to_owned())),
            max_retracted_ppm: ppm,
        };
        block_on(self.database.alter_context(alter))
    }

    /// Ends import.
    ///
    /// # Errors
    /// As the database answers.
    pub fn go_live(&self) -> Result<Receipt, Error> {
        block_on(self.database.go_live(deed(PutOptions::default())))
    }

    /// Puts rows.
    ///
    /// # Errors
    /// As the database answers.
    pub fn put(&self, kind: PutKind, rows: &RecordBatch, options: PutOptions) -> Result<Receipt, Error> {
        let put = Put { context: name(), kind, schema: rows.schema(), batches: vec![rows.clone()], options };
        block_on(self.database.put(put))
    }

    /// Puts a full whose rows were counted.
    ///
    /// # Errors
    /// As the database answers.
    pub fn full(&self, cutoff: i64, rows: &RecordBatch) -> Result<Receipt, Error> {
        self.put(full(cutoff), rows, expecting(rows.num_rows() as u64))
    }

    /// Puts a delta.
    ///
    /// # Errors
    /// As the database answers.
    pub fn delta(&self, cutoff: i64, rows: &RecordBatch) -> Result<Receipt, Error> {
        self.put(delta(cutoff), rows, PutOptions::default())
    }

    /// Puts facts.
    ///
    /// # Errors
    /// As the database answers.
    pub fn facts(&self, valid_to: Option<OpenEnd>, rows: &RecordBatch) -> Result<Receipt, Error> {
        let kind = PutKind::Facts { valid_to };
        self.put(kind, rows, PutOptions::default())
    }

    /// Withdraws a cutoff.
    ///
    /// # Errors
    /// As the database answers.
    pub fn withdraw(&self, cutoff: i64, options: PutOptions) -> Result<Receipt, Error> {
        let (deed, cutoff) = (deed(options), valid(cutoff));
        block_on(self.database.withdraw(Withdraw { deed, cutoff }))
    }

    /// Writes a keyframe.
    ///
    /// # Errors
    /// As the database answers.
    pub fn materialise(&self, valid_at: i64, known_at: i64) -> Result<Receipt, Error> {
        let materialise =
            Materialise { deed: deed(PutOptions::default()), valid: valid(valid_at), known: known(known_at) };
        block_on(self.database.materialise(materialise))
    }

    /// The context as it is now.
    ///
    /// # Panics
    /// If there is none.
    pub fn context(&self) -> Arc<Context> {
        self.database.context(&name()).expect("the context")
    }

    /// Asks about a point.
    ///
    /// # Errors
    /// As the question is answered.
    pub fn ask(&self, request: &AsOfRequest) -> Result<(Vec<RecordBatch>, Claim, End), QueryError> {
        taken(block_on(resolve(&self.database, &LocalPolicy, request))?)
    }

    /// The rows at a point, as lines.
    ///
    /// # Panics
    /// If the question is not answered.
    pub fn rows(&self, at: Point) -> Vec<String> {
        let (batches, ..) = self.ask(&AsOfRequest::new(name(), at)).expect("a state");
        lines(&batches)
    }

    /// The claim at a point.
    ///
    /// # Panics
    /// If the question is not answered.
    pub fn claim(&self, at: Point) -> Claim {
        self.ask(&AsOfRequest::new(name(), at)).expect("a state").1
    }

    /// Asks about a history.
    ///
    /// # Errors
    /// As the question is answered.
    pub fn tell(&self, request: &HistoryRequest) -> Result<(Vec<RecordBatch>, Claim, End), QueryError> {
        taken(block_on(history(&self.database, &LocalPolicy, request))?)
    }

    /// The whole history as lines.
    ///
    /// # Panics
    /// If the question is not answered.
    pub fn told(&self, form: Form) -> Vec<String> {
        let request = HistoryRequest::new(name(), Keys::All, form);
        lines(&self.tell(&request).expect("a history").0)
    }

    /// What differs between two points.
    ///
    /// # Errors
    /// As the question is answered.
    pub fn differences(&self, from: Point, to: Point) -> Result<Vec<RecordBatch>, QueryError> {
        let request = DiffRequest {
            principal: PutOptions::default().principal,
            context: name(),
            from,
            to,
            keys: Keys::All,
            schema_version: None,
            at_least: None,
        };
        let answer = block_on(diff(&self.database, &LocalPolicy, &request))?;
        Ok(block_on(answer.collect())?.0)
    }
}

/// A full at a cutoff.
pub fn full(cutoff: i64) -> PutKind {
    let cutoff = valid(cutoff);
    PutKind::Full { cutoff }
}

/// A delta at a cutoff.
pub fn delta(cutoff: i64) -> PutKind {
    let cutoff = valid(cutoff);
    PutKind::Delta { cutoff }
}

/// What is done to the context that most tests use.
pub fn deed(options: PutOptions) -> Deed {
    let context = name();
    Deed { context, options }
}

/// The whole answer.
///
/// # Errors
/// As the answer ends.
pub fn taken(answer: Answer) -> Result<(Vec<RecordBatch>, Claim, End), QueryError> {
    let claim = answer.claim().clone();
    let (batches, end) = block_on(answer.collect())?;
    Ok((batches, claim, end))
}
