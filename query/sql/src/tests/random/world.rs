//! Stores made of the oracle's histories, and what the oracle says is in them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use arrow_array::{
    ArrayRef, BooleanArray, Date32Array, Decimal128Array, Int32Array, Int64Array, RecordBatch, StringArray,
    TimestampMicrosecondArray,
};
use calotype_oracle::{
    EventRow, EventsPut, EventsShape, Fact, FactOracle, Key, OpenEnd as OracleEnd, Operation, Piece, Seed,
    StatementOracle, StatementShape, TimeRange, events_history, statement_history,
};
use calotype_query::{Form, HistoryRequest, Keys, LocalPolicy, history};
use calotype_storage::backend::Backend;
use calotype_storage::clock::Clock;
use calotype_storage::database::{Access, Database, OpenOptions, StateFolder};
use calotype_storage::error::Error;
use calotype_storage::evaluate::{CreateContext, Deed, Materialise, Proposal, Withdraw};
use calotype_storage::name::ContextName;
use calotype_storage::put::{OpenEnd, Put, PutKind, PutOptions};
use calotype_storage::record::{CreateEntry, Mode};
use calotype_storage::{SystemTime, ValidTime};

use super::relation::{Column, Kind};
use super::shape::{CONTENT, Shape};
use super::value::{Row, Value, rows};
use crate::{Limits, SqlEngine};

const DAY: i64 = 86_400_000_000;
/// 2024-01-01 in microseconds: day 0 of the oracle's valid time.
const FIRST: i64 = 1_704_067_200_000_000;
/// 2026-01-01: where the clock begins.
const START: i64 = 1_767_225_600_000_000;

/// A clock that moves a second at every reading, until it is stopped.
#[derive(Debug)]
struct TestClock {
    now: AtomicI64,
    step: AtomicI64,
}

impl Clock for TestClock {
    fn now(&self) -> SystemTime {
        let step = self.step.load(Ordering::SeqCst);
        SystemTime::from_micros(self.now.fetch_add(step, Ordering::SeqCst)).unwrap()
    }
}

/// A store with one context, and the oracle's view of it.
pub(super) struct World {
    pub(super) engine: SqlEngine,
    /// How statements name the context.
    pub(super) table: String,
    context: ContextName,
    shape: Shape,
    /// Declared columns.
    pub(super) columns: Vec<Column>,
    backend: Backend,
    database: Arc<Database>,
    clock: Arc<TestClock>,
    spill: tempfile::TempDir,
    /// The facts of each key.
    facts: BTreeMap<Row, FactOracle<Row, Row>>,
    /// Instants of valid time at which something may happen, and those beside them.
    pub(super) valid: Vec<i64>,
    /// System times of the entries with rows.
    pub(super) known: Vec<i64>,
}

fn day(day: i64) -> i64 {
    FIRST + day * DAY
}

fn options(clock: &Arc<TestClock>) -> OpenOptions {
    OpenOptions {
        clock: Arc::clone(clock) as Arc<dyn Clock>,
        ..OpenOptions::new(Access::Create, StateFolder::Memory)
    }
}

impl World {
    async fn new(mode: Mode, shape: Shape) -> Self {
        let clock = Arc::new(TestClock { now: AtomicI64::new(START), step: AtomicI64::new(1_000_000) });
        let backend = Backend::memory();
        let database = Arc::new(Database::open(backend.clone(), options(&clock)).await.unwrap());
        let spill = tempfile::tempdir().unwrap();
        let context = ContextName::parse("order").unwrap();
        let deed = Deed { context: context.clone(), options: PutOptions::default() };
        let definition = CreateEntry {
            mode,
            key: shape.key().into_iter().map(|column| column.name).collect(),
            import: false,
            max_retracted_ppm: None,
            schema: None,
        };
        database.commit(Proposal::Create(CreateContext { deed, definition })).await.unwrap();
        Self {
            engine: engine(&database, &spill),
            table: "\"order\"".into(),
            columns: shape.columns(),
            context,
            shape,
            backend,
            database,
            clock,
            spill,
            facts: BTreeMap::new(),
            valid: Vec::new(),
            known: Vec::new(),
        }
    }

    /// A context of statements by lot, put into a store.
    pub(super) async fn statements(mut seed: Seed, shape: Shape) -> Self {
        let operations = 4 + seed.below(8);
        let statements = StatementShape { operations, cutoffs: 4, keys: 6, values: 4 };
        let history = statement_history(Seed::new(seed.bits()), statements);
        Self::of_statements(&mut seed, shape, &history).await
    }

    /// A full of many rows, and what came after it.
    pub(super) async fn many(shape: Shape, count: u32) -> Self {
        let full = (0..count).filter(|key| key % 997 != 3).map(|key| (Key(key), 1));
        let some = |step: u32, from: u32, value: Option<u32>| {
            (from..count).step_by(usize::try_from(step).unwrap()).map(move |key| (Key(key), value))
        };
        let history = [
            Operation::full(10, full),
            Operation::delta(20, some(501, 0, Some(2)).chain(some(703, 1, None))),
            Operation::delta(15, some(997, 3, Some(3)).filter(|(key, _)| key.0 < 30_000)),
            Operation::delta(30, some(8_192, 8_191, Some(50_000))),
        ];
        Self::of_statements(&mut Seed::new(5), shape, &history).await
    }

    async fn of_statements(seed: &mut Seed, shape: Shape, history: &[Operation<Key, u32>]) -> Self {
        let mut world = Self::new(Mode::State, shape).await;
        let mut oracle: StatementOracle<Row, Row> = StatementOracle::new();
        for operation in history {
            let operation = world.operation(operation);
            if let Ok(system) = world.apply(&operation).await {
                oracle.apply(system, operation).unwrap();
                world.known.push(system);
                world.disturb(seed).await;
            }
        }
        world.instants(history.iter().map(|operation| day(operation.cutoff())));
        world.stop();
        // What facts statements amount to, the store says; that they resolve to the statements is checked here.
        for fact in world.told().await {
            world.facts.entry(fact.key.clone()).or_default().append(fact);
        }
        if history.len() > 4 {
            for &valid in &world.valid {
                for &known in &world.known {
                    let found: BTreeMap<Row, Row> =
                        world.facts.values().flat_map(|facts| facts.state(valid, known)).collect();
                    assert_eq!(found, oracle.state(valid, known));
                }
            }
        }
        world
    }

    /// A context of facts by lot, put into a store.
    pub(super) async fn events(mut seed: Seed, shape: Shape) -> Self {
        let puts = 3 + seed.below(6);
        let events = EventsShape { puts, rows_max: 6, instants: 12, keys: 6, values: 4 };
        let history = events_history(Seed::new(seed.bits()), events);
        let mut world = Self::new(Mode::Events, shape).await;
        let mut oracle: FactOracle<Row, Row> = FactOracle::new();
        for put in &history {
            let put = world.events_put(put);
            let system = world.put_events(&put).await;
            oracle.events_put(system.unsigned_abs(), system, &put).unwrap();
            world.known.push(system);
            world.disturb(&mut seed).await;
        }
        for fact in oracle.facts() {
            world.facts.entry(fact.key.clone()).or_default().append(fact.clone());
        }
        world.instants((0..24).map(day));
        world.stop();
        world
    }

    /// At times a keyframe is made, or the store is opened anew.
    async fn disturb(&mut self, seed: &mut Seed) {
        if seed.percent(25) {
            let known =
                self.known[usize::try_from(seed.below(u32::try_from(self.known.len()).unwrap())).unwrap()];
            let materialise = Materialise {
                deed: self.deed(),
                valid: ValidTime::from_micros(day(seed.below(40).into())).unwrap(),
                known: SystemTime::from_micros(known).unwrap(),
            };
            self.database.commit(Proposal::Materialise(materialise)).await.unwrap();
        }
        if seed.percent(15) {
            let opened = Database::open(self.backend.clone(), options(&self.clock)).await.unwrap();
            self.database = Arc::new(opened);
            self.engine = engine(&self.database, &self.spill);
        }
    }

    fn deed(&self) -> Deed {
        Deed { context: self.context.clone(), options: PutOptions::default() }
    }

    fn instants(&mut self, at: impl Iterator<Item = i64>) {
        self.valid = at.flat_map(|at| [at - 1, at, at + 1]).collect();
        self.valid.sort_unstable();
        self.valid.dedup();
    }

    /// The clock stands still from an hour later on.
    fn stop(&self) {
        self.clock.step.store(0, Ordering::SeqCst);
        self.clock.now.fetch_add(3_600_000_000, Ordering::SeqCst);
    }

    /// The instant at which statements read that name none.
    pub(super) fn now(&self) -> i64 {
        self.clock.now.load(Ordering::SeqCst)
    }

    fn operation(&self, operation: &Operation<Key, u32>) -> Operation<Row, Row> {
        let cutoff = day(operation.cutoff());
        let key = |key: &Key| self.shape.key_of(key.0);
        let asserted = |rows: &BTreeMap<Key, u32>| {
            rows.iter().map(|(k, v)| (key(k), self.shape.content_of(k.0, *v))).collect()
        };
        let told = |rows: &BTreeMap<Key, Option<u32>>| {
            rows.iter().map(|(k, v)| (key(k), v.map(|v| self.shape.content_of(k.0, v)))).collect()
        };
        match operation {
            Operation::Full { rows, .. } => Operation::Full { cutoff, rows: asserted(rows) },
            Operation::ReplaceFull { rows, .. } => Operation::ReplaceFull { cutoff, rows: asserted(rows) },
            Operation::Delta { rows, .. } => Operation::Delta { cutoff, rows: told(rows) },
            Operation::ReplaceDelta { rows, .. } => Operation::ReplaceDelta { cutoff, rows: told(rows) },
            Operation::Withdraw { .. } => Operation::Withdraw { cutoff },
        }
    }

    fn events_put(&self, put: &EventsPut<Key, u32>) -> EventsPut<Row, Row> {
        let row = |row: &EventRow<Key, u32>| EventRow {
            key: self.shape.key_of(row.key.0),
            valid_from: day(row.valid_from),
            valid_to: row.valid_to.map(day),
            value: row.value.map(|value| self.shape.content_of(row.key.0, value)),
        };
        EventsPut { rows: put.rows.iter().map(row).collect(), open_end: put.open_end }
    }

    async fn apply(&self, operation: &Operation<Row, Row>) -> Result<i64, Error> {
        let (rows, is_full): (Vec<(&Row, Option<&Row>)>, bool) = match operation {
            Operation::Full { rows, .. } | Operation::ReplaceFull { rows, .. } => {
                (rows.iter().map(|(key, value)| (key, Some(value))).collect(), true)
            }
            Operation::Delta { rows, .. } | Operation::ReplaceDelta { rows, .. } => {
                (rows.iter().map(|(key, value)| (key, value.as_ref())).collect(), false)
            }
            Operation::Withdraw { cutoff } => {
                let withdraw =
                    Withdraw { deed: self.deed(), cutoff: ValidTime::from_micros(*cutoff).unwrap() };
                let receipt = self.database.commit(Proposal::Withdraw(withdraw)).await?;
                return Ok(receipt.system_time.micros());
            }
        };
        let cutoff = ValidTime::from_micros(operation.cutoff()).unwrap();
        let kind = if is_full { PutKind::Full { cutoff } } else { PutKind::Delta { cutoff } };
        let replace = matches!(operation, Operation::ReplaceFull { .. } | Operation::ReplaceDelta { .. });
        let options = PutOptions {
            replace,
            expected_rows: is_full.then_some(rows.len() as u64),
            ..PutOptions::default()
        };
        let more =
            if is_full { Vec::new() } else { vec![ops(rows.iter().map(|(_, value)| value.is_some()))] };
        self.put(kind, self.batch(&rows, more), options).await
    }

    async fn put_events(&self, put: &EventsPut<Row, Row>) -> i64 {
        let rows: Vec<_> = put.rows.iter().map(|row| (&row.key, row.value.as_ref())).collect();
        let instants = |values: Vec<Option<i64>>| -> ArrayRef {
            Arc::new(TimestampMicrosecondArray::from(values).with_timezone("UTC"))
        };
        let more = vec![
            ops(put.rows.iter().map(|row| row.value.is_some())),
            ("_valid_from", instants(put.rows.iter().map(|row| Some(row.valid_from)).collect())),
            ("_valid_to", instants(put.rows.iter().map(|row| row.valid_to).collect())),
        ];
        let valid_to = put.open_end.map(|end| match end {
            OracleEnd::Open => OpenEnd::Open,
            OracleEnd::UntilNext => OpenEnd::UntilNext,
        });
        let batch = self.batch(&rows, more);
        self.put(PutKind::Facts { valid_to }, batch, PutOptions::default()).await.unwrap()
    }

    async fn put(&self, kind: PutKind, batch: RecordBatch, options: PutOptions) -> Result<i64, Error> {
        let put = Put {
            context: self.context.clone(),
            kind,
            schema: batch.schema(),
            batches: vec![batch],
            options,
        };
        Ok(self.database.commit(Proposal::Put(Arc::new(put))).await?.system_time.micros())
    }

    /// Keys with contents as declared columns, and more columns behind them.
    fn batch(&self, rows: &[(&Row, Option<&Row>)], more: Vec<(&'static str, ArrayRef)>) -> RecordBatch {
        let rows: Vec<Row> = rows.iter().map(|(key, content)| self.declared(key, *content)).collect();
        let column = |place: usize| array(self.columns[place].kind, rows.iter().map(|row| &row[place]));
        let declared =
            (0..self.columns.len()).map(|place| (self.columns[place].name.as_str(), column(place)));
        let columns = declared.chain(more).map(|(name, column)| (name, column, true));
        RecordBatch::try_from_iter_with_nullable(columns).unwrap()
    }

    /// A key and its content, null where there is none, in the order of declared columns.
    pub(super) fn declared(&self, key: &Row, content: Option<&Row>) -> Row {
        let key_columns = self.shape.key();
        let value = |column: &Column| {
            if let Some(place) = key_columns.iter().position(|key| key.name == column.name) {
                return key[place].clone();
            }
            let place = CONTENT.iter().position(|(name, _)| *name == column.name).unwrap();
            content.map_or(Value::Null, |content| content[place].clone())
        };
        self.columns.iter().map(value).collect()
    }

    /// The key's columns, in its order.
    pub(super) fn key(&self) -> Vec<Column> {
        self.shape.key()
    }

    /// The facts as the store tells them.
    async fn told(&self) -> Vec<Fact<Row, Row>> {
        let request = HistoryRequest::new(self.context.clone(), Keys::All, Form::Facts);
        let answer = history(&self.database, &LocalPolicy, &request).await.unwrap();
        let (batches, _) = answer.collect().await.unwrap();
        let key_columns = self.shape.key();
        let mut facts = Vec::new();
        for batch in &batches {
            let named = |name: &str| batch.schema().index_of(name).unwrap();
            let pick: Vec<usize> = key_columns
                .iter()
                .map(|column| column.name.as_str())
                .chain(CONTENT.iter().map(|(name, _)| *name))
                .chain(["_valid_from", "_valid_to", "_system_from", "_op"])
                .map(named)
                .collect();
            for mut row in rows(&[batch.project(&pick).unwrap()]) {
                let mut content = row.split_off(key_columns.len());
                let rest = content.split_off(CONTENT.len());
                let [Value::Time(valid_from), valid_to, Value::Time(system), Value::Text(op)] = &rest[..]
                else {
                    panic!("a fact is {rest:?}");
                };
                facts.push(Fact {
                    entry: system.unsigned_abs(),
                    system: *system,
                    key: row,
                    valid_from: *valid_from,
                    valid_to: if let Value::Time(to) = valid_to { Some(*to) } else { None },
                    value: (op == "assert").then_some(content),
                });
            }
        }
        facts.sort_by(|a, b| (a.system, &a.key, a.valid_from).cmp(&(b.system, &b.key, b.valid_from)));
        facts
    }

    /// All facts.
    pub(super) fn facts(&self) -> impl Iterator<Item = &Fact<Row, Row>> {
        self.facts.values().flat_map(|facts| facts.facts())
    }

    /// The pieces or rectangles that overlap both ranges.
    pub(super) fn pieces(&self, valid: TimeRange, system: TimeRange) -> Vec<Piece<Row, Row>> {
        self.facts.values().flat_map(|facts| facts.read(valid, system)).collect()
    }

    /// The state at a point.
    pub(super) fn state(&self, valid: i64, system: i64) -> BTreeMap<Row, Row> {
        self.facts.values().flat_map(|facts| facts.state(valid, system)).collect()
    }
}

fn engine(database: &Arc<Database>, spill: &tempfile::TempDir) -> SqlEngine {
    let limits = Limits {
        memory_bytes_max: 256 << 20,
        spill_bytes_max: 1 << 30,
        spill_folder: spill.path().to_owned(),
    };
    SqlEngine::new(Arc::clone(database), Arc::new(LocalPolicy), limits)
}

fn ops(asserted: impl Iterator<Item = bool>) -> (&'static str, ArrayRef) {
    let ops = asserted.map(|asserted| Some(if asserted { "assert" } else { "retract" }));
    ("_op", Arc::new(ops.collect::<StringArray>()))
}

fn array<'a>(kind: Kind, values: impl Iterator<Item = &'a Value>) -> ArrayRef {
    let wrong = |value: &Value| -> ! { panic!("{value:?} in a column of {kind:?}") };
    macro_rules! collect {
        ($array:ty, $variant:ident, $convert:expr) => {
            values
                .map(|value| match value {
                    Value::Null => None,
                    Value::$variant(value) => Some($convert(value)),
                    other => wrong(other),
                })
                .collect::<$array>()
        };
    }
    match kind {
        Kind::Bool => Arc::new(collect!(BooleanArray, Bool, |value: &bool| *value)),
        Kind::Int32 => Arc::new(collect!(Int32Array, Int, |value: &i64| i32::try_from(*value).unwrap())),
        Kind::Int64 => Arc::new(collect!(Int64Array, Int, |value: &i64| *value)),
        Kind::Cents => {
            let cents = collect!(Decimal128Array, Cents, |value: &i128| *value);
            Arc::new(cents.with_precision_and_scale(14, 2).unwrap())
        }
        Kind::Text => Arc::new(collect!(StringArray, Text, |value: &String| value.clone())),
        Kind::Date => Arc::new(collect!(Date32Array, Date, |value: &i32| *value)),
        Kind::Time => {
            Arc::new(collect!(TimestampMicrosecondArray, Time, |value: &i64| *value).with_timezone("UTC"))
        }
    }
}
