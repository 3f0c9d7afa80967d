//! A small store in memory: loans and customers, with times that are easy to name.

use std::fmt::Write;
use std::sync::Arc;

use arrow_array::{
    ArrayRef, Decimal128Array, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray,
};
use calotype_query::LocalPolicy;
use calotype_storage::SystemTime;
use calotype_storage::backend::Backend;
use calotype_storage::database::{Access, Database, OpenOptions, StateFolder};
use calotype_storage::evaluate::{CreateContext, Deed, Proposal};
use calotype_storage::name::ContextName;
use calotype_storage::put::{Put, PutKind, PutOptions};
use calotype_storage::record::{CreateEntry, Mode};
use datafusion::arrow::util::display::{ArrayFormatter, FormatOptions};

use crate::{Limits, SqlEngine, SqlError, SqlRequest};

/// An engine over a store of its own.
pub(crate) struct TestStore {
    pub(crate) database: Arc<Database>,
    pub(crate) engine: SqlEngine,
    spill: tempfile::TempDir,
}

/// A fact: id, status, cents, from and to (days of January 2024, the end open at 0); no status: a retraction.
pub(crate) type Fact<'a> = (i64, Option<&'a str>, i128, i64, i64);

const DAY: i64 = 86_400_000_000;
/// 2024-01-01 in microseconds.
const JANUARY: i64 = 1_704_067_200_000_000;

/// The instant at which a day of January 2024 begins.
pub(crate) fn day(day: i64) -> i64 {
    JANUARY + (day - 1) * DAY
}

impl TestStore {
    pub(crate) async fn new() -> Self {
        Self::with_memory(256 << 20).await
    }

    pub(crate) async fn with_memory(memory_bytes_max: usize) -> Self {
        let options = OpenOptions::new(Access::Create, StateFolder::Memory);
        let database = Arc::new(Database::open(Backend::memory(), options).await.unwrap());
        let spill = tempfile::tempdir().unwrap();
        let limits =
            Limits { memory_bytes_max, spill_bytes_max: 1 << 30, spill_folder: spill.path().to_owned() };
        let engine = SqlEngine::new(Arc::clone(&database), Arc::new(LocalPolicy), limits);
        Self { database, engine, spill }
    }

    /// Temporary files that statements hold.
    pub(crate) fn spilled_files(&self) -> usize {
        let folders = std::fs::read_dir(self.spill.path()).unwrap().flatten();
        folders.filter_map(|folder| std::fs::read_dir(folder.path()).ok()).map(Iterator::count).sum()
    }

    /// Creates a context of loans, in import, so that puts say when they were known.
    pub(crate) async fn create(&self, context: &str) {
        let deed = Deed { context: ContextName::parse(context).unwrap(), options: PutOptions::default() };
        let definition = CreateEntry {
            mode: Mode::Events,
            key: vec!["id".into()],
            import: true,
            max_retracted_ppm: None,
            schema: None,
        };
        self.database.commit(Proposal::Create(CreateContext { deed, definition })).await.unwrap();
    }

    /// Puts facts that became known when a day of February 2024 began.
    pub(crate) async fn put(&self, context: &str, known: i64, facts: &[Fact<'_>]) {
        let instants = |values: Vec<Option<i64>>| -> ArrayRef {
            Arc::new(TimestampMicrosecondArray::from(values).with_timezone("UTC"))
        };
        let ops = facts.iter().map(|fact| if fact.1.is_some() { "assert" } else { "retract" });
        let amounts = facts.iter().map(|fact| fact.1.map(|_| fact.2)).collect::<Decimal128Array>();
        let columns: Vec<(&str, ArrayRef, bool)> = vec![
            ("id", Arc::new(facts.iter().map(|fact| fact.0).collect::<Int64Array>()), false),
            ("status", Arc::new(facts.iter().map(|fact| fact.1).collect::<StringArray>()), true),
            ("balance", Arc::new(amounts.with_precision_and_scale(12, 2).unwrap()), true),
            ("_valid_from", instants(facts.iter().map(|fact| Some(day(fact.3))).collect()), true),
            (
                "_valid_to",
                instants(facts.iter().map(|fact| (fact.4 != 0).then(|| day(fact.4))).collect()),
                true,
            ),
            ("_op", Arc::new(ops.collect::<Vec<_>>().into_iter().map(Some).collect::<StringArray>()), false),
        ];
        let batch = RecordBatch::try_from_iter_with_nullable(columns).unwrap();
        let put = Put {
            context: ContextName::parse(context).unwrap(),
            kind: PutKind::Facts { valid_to: Some(calotype_storage::put::OpenEnd::Open) },
            schema: batch.schema(),
            batches: vec![batch],
            options: PutOptions {
                recorded_at: SystemTime::from_micros(day(31 + known)),
                ..PutOptions::default()
            },
        };
        self.database.commit(Proposal::Put(Arc::new(put))).await.unwrap();
    }

    /// Loans as they are told in most tests: what was believed on February 1st, 2nd and 3rd.
    pub(crate) async fn loans() -> Self {
        let store = Self::new().await;
        store.create("loans").await;
        let open = Some("open");
        store
            .put("loans", 1, &[(1, open, 10000, 1, 0), (2, open, 20000, 1, 0), (3, open, 30000, 5, 0)])
            .await;
        store.put("loans", 2, &[(1, Some("late"), 11000, 10, 20)]).await;
        store.put("loans", 3, &[(2, None, 0, 15, 0), (3, open, 33333, 5, 8)]).await;
        store
    }

    /// The rows of an answer as text: a line a row, columns parted by bars.
    pub(crate) async fn ask(&self, text: &str) -> Result<String, SqlError> {
        self.request(&SqlRequest::new(text)).await
    }

    pub(crate) async fn request(&self, request: &SqlRequest) -> Result<String, SqlError> {
        let (batches, end) = self.engine.query(request).await?.collect().await?;
        let options = FormatOptions::default().with_null("-");
        let mut text = String::new();
        let mut rows = 0;
        for batch in &batches {
            let columns: Vec<_> = batch
                .columns()
                .iter()
                .map(|column| ArrayFormatter::try_new(column, &options).unwrap())
                .collect();
            for row in 0..batch.num_rows() {
                let values: Vec<String> =
                    columns.iter().map(|column| column.value(row).to_string()).collect();
                writeln!(text, "{}", values.join("|").replace("T00:00:00Z", "")).unwrap();
                rows += 1;
            }
        }
        assert_eq!(end.unwrap().rows, rows);
        Ok(text)
    }
}
